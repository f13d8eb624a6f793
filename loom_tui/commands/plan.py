"""`loom import` and `loom plan …`: a plan taken over, checked and shown."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from loom_tui.cli import plan_argument
from loom_tui.commands.printing import echo, echo_json
from loom_tui.config.plans import find_plan, load_plan, write_plan
from loom_tui.plan.faults import PlanFaults

_JSON = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")


@click.command("import")
@click.argument("document", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here (default: standard output)."
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def import_(document: Path, output: Path | None, *, force: bool) -> None:
    """Take a deployment plan over from Markdown.

    Nothing is lost: what is not understood is kept as a note with its line, and counted.

    Example: loom import PLAN.md -o loom.toml
    """
    from loom_tui.plan.importer import import_plan
    from loom_tui.plan.toml import dump_plan

    body = sys.stdin.buffer.read() if str(document) == "-" else document.read_bytes()
    imported = import_plan(body, name=document.stem)
    text = dump_plan(imported.plan)
    if output is None:
        click.echo(text, nl=False)
    else:
        if output.exists() and not force:
            raise click.UsageError(f"{output} is there already; --force writes over it")
        write_plan(output, text)
    echo(imported.summary(), err=True)
    if output is not None:
        echo(f"Wrote {output}. Next: loom plan check {output}, then loom {output}", err=True)


@click.group("plan")
def plan() -> None:
    """Check, show and schedule a plan."""


@plan.command("check")
@plan_argument
@_JSON
def check(plan_file: Path | None, *, as_json: bool) -> None:
    """Find all faults of a plan, and where it contradicts itself.

    Exit 0 without faults (warnings may remain), 1 with.

    Example: loom plan check loom.toml
    """
    from loom_tui.plan.check import check_plan

    path = find_plan(plan_file, start=Path.cwd())
    try:
        found = check_plan(load_plan(path))
    except PlanFaults as refusal:
        found = list(refusal.faults)
    faults = [fault for fault in found if fault.level == "fault"]
    if as_json:
        echo_json({"file": str(path), "faults": faults, "warnings": [f for f in found if f.level == "warning"]})
    else:
        for fault in found:
            echo(f"{path.name}: {fault}")
        if not faults:
            echo(f"{path.name}: no faults, {_count(len(found), 'warning')}")
    sys.exit(1 if faults else 0)


@plan.command("show")
@plan_argument
@_JSON
def show(plan_file: Path | None, *, as_json: bool) -> None:
    """Show a plan as Loom understands it.

    Example: loom plan show --json | jq '.issues[].title'
    """
    from loom_tui.commands.showing import plan_lines

    loaded = load_plan(find_plan(plan_file, start=Path.cwd()))
    if as_json:
        echo_json(loaded)
    else:
        for line in plan_lines(loaded):
            echo(line)


@plan.command("path")
@plan_argument
@_JSON
def path_(plan_file: Path | None, *, as_json: bool) -> None:
    """Show the schedule: the critical path, slack, and the projected finish.

    Example: loom plan path loom.toml
    """
    import time

    from loom_tui.commands.showing import schedule_lines
    from loom_tui.plan.schedule import with_projection

    loaded = load_plan(find_plan(plan_file, start=Path.cwd()))
    now = time.time()
    schedule = with_projection(loaded, now=now)
    if as_json:
        echo_json(schedule)
    else:
        for line in schedule_lines(loaded, schedule):
            echo(line)


@plan.command("schema")
def schema() -> None:
    """Print the JSON Schema of loom.toml, so that an editor completes and checks it.

    Example: loom plan schema > loom.schema.json
    """
    from loom_tui.plan.schema import plan_schema

    echo_json(plan_schema())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
