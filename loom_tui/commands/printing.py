"""Writing an answer where a shell reads it: any encoding, colours where they are wanted, JSON."""

from __future__ import annotations

import os
import sys

import click


def speaks_unicode() -> bool:
    """Say whether standard output takes more than ASCII."""
    return "utf" in (sys.stdout.encoding or "").casefold()


def echo(text: str) -> None:
    """Write a line; what the encoding lacks becomes a question mark, and colours go where nobody wants them."""
    encoding = sys.stdout.encoding or "ascii"
    click.echo(text.encode(encoding, "replace").decode(encoding), color=False if os.environ.get("NO_COLOR") else None)


def echo_json(value: object) -> None:
    """Write a value as JSON."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
