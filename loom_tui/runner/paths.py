"""Where an action's output lies beneath its room's store. Nothing is imported for it: rooms read what runners write."""

from __future__ import annotations

from pathlib import Path


def output_path(store_directory: Path, action: int, *, step: int, started: int) -> Path:
    """Name the file of a step's output; `started` counts from 1 how often it began."""
    return actions_directory(store_directory) / str(action) / f"{step + 1}-{started}.log"


def actions_directory(store_directory: Path) -> Path:
    """Name the directory of all actions' output."""
    return store_directory / "actions"
