"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from loom_tui import spawn
from loom_tui.plan.model import Action
from tests.running import World

# A busy machine is no failure: no example has a deadline of milliseconds.
settings.register_profile("loom", deadline=None)
settings.load_profile("loom")


@pytest.fixture(autouse=True, scope="session")
def _directories_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests' plans and rooms apart from those of whoever runs them; what they start inherits it."""
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        os.environ[name] = str(tmp_path_factory.mktemp(name))


@pytest.fixture(autouse=True)
def whatever_outlives_a_room_ends_with_its_test() -> Iterator[None]:
    """See the collectors and runners out that a test started as a room does: nobody else waits for them."""
    yield
    while spawn._STARTED:
        spawn._STARTED.pop().wait(timeout=30)


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
