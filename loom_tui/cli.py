"""The commands. Whatever a command needs is imported when it runs: the room must not pay for the rest."""

from __future__ import annotations

import click


@click.group()
def main() -> None:
    """Loom: a deploy-day control room in a terminal."""
