"""What a step of a guarded action is done with, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from loom_tui.room.acting import Outcome
from loom_tui.sources.mask import Masked

Heard = Callable[[bytes], object]


class Scene(Struct, frozen=True, kw_only=True):
    """What a step is done with. `directory` is the plan's; `descriptors` are open files that a command is to have.

    `script` is what a `sql` step is to run; None: what its file holds now.
    """

    directory: Path
    environ: Mapping[str, str]
    values: Mapping[str, str]
    credentials: Mapping[str, Masked]
    descriptors: tuple[int, ...] = ()
    script: bytes | None = None


class Ended(Struct, frozen=True):
    """How a step ended, and why it did not end well; of a message what acknowledged it."""

    outcome: Outcome
    why: str = ""
