"""What holds for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from loom_tui.plan.model import Action
from tests.running import World

# A busy machine is no failure: no example has a deadline of milliseconds.
settings.register_profile("loom", deadline=None)
settings.load_profile("loom")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make rooms with these actions; what their runners left is ended with the test."""
    made: list[World] = []

    def make(**actions: Action) -> World:
        made.append(World(tmp_path / str(len(made)), **actions))
        return made[-1]

    yield make
    for room in made:
        room.close()
