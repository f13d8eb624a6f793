"""The commands. Whatever a command needs is imported when it runs: the room must not pay for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from loom_tui import __version__

_COMMANDS = {
    "room": "loom_tui.commands.room:room",
    "demo": "loom_tui.commands.demo:demo",
    "drill": "loom_tui.commands.drill:drill",
    "init": "loom_tui.commands.init:init",
    "import": "loom_tui.commands.plan:import_",
    "plan": "loom_tui.commands.plan:plan",
    "check": "loom_tui.commands.checks:check",
    "doctor": "loom_tui.commands.doctor:doctor",
    "status": "loom_tui.commands.record:status",
    "watch": "loom_tui.commands.room:watch",
    "tick": "loom_tui.commands.act:tick",
    "set": "loom_tui.commands.act:set_",
    "note": "loom_tui.commands.act:note",
    "vote": "loom_tui.commands.gate:vote",
    "signoff": "loom_tui.commands.gate:signoff",
    "waive": "loom_tui.commands.gate:waive",
    "lift": "loom_tui.commands.gate:lift",
    "accept": "loom_tui.commands.gate:accept",
    "decide": "loom_tui.commands.gate:decide",
    "poll": "loom_tui.commands.people:poll",
    "lead": "loom_tui.commands.people:lead",
    "who": "loom_tui.commands.people:who",
    "step": "loom_tui.commands.uat:step",
    "uat": "loom_tui.commands.uat:uat",
    "rollback": "loom_tui.commands.guard:rollback",
    "act": "loom_tui.commands.guard:act",
    "notify": "loom_tui.commands.guard:notify",
    "approve": "loom_tui.commands.guard:approve",
    "abort": "loom_tui.commands.guard:abort",
    "stop": "loom_tui.commands.guard:stop",
    "aftermath": "loom_tui.commands.aftermath:aftermath",
    "journal": "loom_tui.commands.journal:journal",
    "report": "loom_tui.commands.report:report",
}


class Commands(click.Group):
    """Commands that are imported when they are called; what is no command is a plan, and opens its room."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List the commands' names, as written above."""
        return [name for name in _COMMANDS if name != "room"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import one command."""
        where = _COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read `loom`, `loom PLAN` and `loom --read-only` as `loom room …`."""
        own = {"--help", "--version", "-h"}
        words = [arg for arg in args if arg != "--debug"]
        if not words or (words[0] not in _COMMANDS and words[0] not in own):
            args = [arg for arg in args if arg == "--debug"] + ["room", *words]
        return super().parse_args(ctx, args)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="loom")
@click.option("--debug", is_flag=True, help="Write a crash's traceback to a file.")
def loom(debug: bool) -> None:  # noqa: FBT001 - click hands flags over so; main.py reads it
    """Open a deploy-day control room in a terminal.

    \b
    loom [PLAN]                        open the room (loom.toml here or above)
    loom demo                          practise in a small real world
    loom drill                         the same with a script that breaks it, and what the team took
    loom import PLAN.md -o loom.toml   take a plan over from Markdown
    loom init                          start one from the bundled plan
    """  # noqa: D301 - click wants the control character


def run(words: Sequence[str]) -> int:
    """Run the command that some words ask for; gives its exit code. What is wrong with the words is said here."""
    try:
        code = loom.main(args=list(words), prog_name="loom", standalone_mode=False)
    except click.Abort:
        return 130
    except click.ClickException as error:
        from loom_tui.commands.printing import safe  # noqa: PLC0415 - only when needed

        error.message = "\n".join(map(safe, error.message.splitlines()))  # type: ignore[misc] # a plan's names
        error.show()
        return error.exit_code
    return code if isinstance(code, int) else 0


def plan_argument(function: Any) -> Any:
    """Give a command its optional PLAN: a file, or the directory that holds its loom.toml."""
    return click.argument("plan_file", metavar="[PLAN]", required=False, type=click.Path(path_type=Path))(function)


def store_option(function: Any) -> Any:
    """Give a command its --store: the directory that holds the rooms' stores."""
    return click.option(
        "--store",
        "store_directory",
        metavar="DIR",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="LOOM_STORE",
        help="Directory of the rooms' stores (default: the plan's word, or the user's state directory).",
    )(function)
