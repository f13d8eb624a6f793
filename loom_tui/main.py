"""What `loom` is asked for, and the last wall around it.

A room that is asked for plainly opens without click, whose import is 7 ms of a start. Whatever is not plain (other
words, a wrong one, a file that is not there) is click's to read and to judge: `cli.py`.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

FLAGS = {"--read-only": "read_only", "--ascii": "ascii_only", "--light": "light"}


class PlainRoom(Struct, frozen=True):
    """What `loom [PLAN.toml] [--store DIR] [FLAGS]` asks for."""

    plan_file: Path | None
    store_directory: Path | None
    flags: frozenset[str]


def main() -> None:
    """Run `loom`. Whatever goes wrong ends in a sentence and an exit code; a traceback goes to a file, if at all."""
    try:
        asked = plain_room(sys.argv[1:], os.environ)
        sys.exit(_run_command() if asked is None else _open(asked))
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left; Python would complain about it at exit
        sys.exit(141)
    except Exception as error:  # noqa: BLE001 - the last wall: no traceback ever reaches a user
        sys.exit(_crashed(error))


def plain_room(words: Sequence[str], environ: Mapping[str, str]) -> PlainRoom | None:
    """Read the words that ask for nothing but a room; None for all others. No command's name ends in `.toml`."""
    if "_LOOM_COMPLETE" in environ:  # a shell that asks click what could be typed next
        return None
    plans, flags = [], set()
    store = environ.get("LOOM_STORE", "")
    rest = iter(words)
    for word in rest:
        if word in FLAGS:
            flags.add(FLAGS[word])
        elif word == "--store":
            store = next(rest, "-")
        elif word.endswith(".toml") and not word.startswith("-"):
            plans.append(word)
        else:
            return None
    if len(plans) > 1 or not all(os.access(plan, os.R_OK) for plan in plans):
        return None
    if store and not (Path(store).is_dir() and os.access(store, os.R_OK)):
        return None
    return PlainRoom(Path(plans[0]) if plans else None, Path(store) if store else None, frozenset(flags))


# What each needs is imported when it runs: a room does not pay for click, nor a command for the room.


def _open(asked: PlainRoom) -> int:
    """Open a room."""
    from loom_tui.commands.opening import open_room  # noqa: PLC0415
    from loom_tui.commands.rooms import find_room, require_terminal  # noqa: PLC0415

    require_terminal()
    return open_room(find_room(asked.plan_file, asked.store_directory), **dict.fromkeys(asked.flags, True))


def _run_command() -> int:
    gc.enable()
    from loom_tui.cli import run  # noqa: PLC0415

    return run(sys.argv[1:])


def _crashed(error: Exception) -> int:
    """Say in a sentence what happened; with --debug, where its traceback lies."""
    from loom_tui.commands.errors import sentence_of, write_traceback  # noqa: PLC0415 - only when needed
    from loom_tui.commands.printing import echo  # noqa: PLC0415

    known = sentence_of(error)
    if known is not None:
        for line in known.text.splitlines():
            echo(line, err=True)
        return known.exit_code
    told = _sent(error)
    if "--debug" in sys.argv:
        place = write_traceback(error)
        echo(f"Loom failed ({type(error).__name__}). The details are in {place}{told}", err=True)
    else:
        echo(
            f"Loom failed ({type(error).__name__}: {error}). Nothing that was acknowledged is lost. "
            f"Run it again with --debug to write the details to a file{told}.",
            err=True,
        )
    return 70


def _sent(error: Exception) -> str:
    """Send a crash to the DSN that LOOM_SENTRY_DSN names, if it names one; gives the words to say of it."""
    dsn = os.environ.get("LOOM_SENTRY_DSN", "").strip()
    if not dsn:
        return ""
    try:
        from loom_tui.commands.crash import send_crash  # noqa: PLC0415 - sentry-sdk costs 0.3 s, and only a crash pays

        return "; it was sent to LOOM_SENTRY_DSN" if send_crash(error, dsn) else "; LOOM_SENTRY_DSN is no DSN"
    except Exception as failed:  # noqa: BLE001 - whatever fails here must not hide the crash itself
        return f"; it could not be sent ({type(failed).__name__})"
