"""What the `sql` steps of an action run: their files as they were when it was armed, kept beside its output."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from loom_tui.plan.acts import AnyActStep, SqlAct
from loom_tui.room.deeds import Refused
from loom_tui.runner.output import make_directory, open_beneath
from loom_tui.sources.acts import script_of
from loom_tui.sources.base import SourceUnreachable
from loom_tui.sources.files import read_file
from loom_tui.sources.scene import Scene


class Scripts:
    """The files of one action's steps. `directory` is that of its output; nothing here stands in a rollback's way."""

    def __init__(self, steps: Sequence[AnyActStep], directory: Path, *, armed_at: float, rollback: bool) -> None:
        self._steps = {index: step for index, step in enumerate(steps) if isinstance(step, SqlAct)}
        self._directory = directory
        self._armed_at = armed_at
        self._rollback = rollback
        self._armed: dict[int, bytes] = {}

    def armed(self, index: int, scene: Scene) -> bytes:
        """Give what a step is to run; whoever asks first reads its file, and keeps it. Raises SourceUnreachable."""
        if index not in self._armed:
            step = self._steps[index]
            # By the time too: a store that was made anew counts its actions anew, beside what the old one kept.
            kept = self._directory / f"{index + 1}-{self._armed_at:.6f}.sql"
            with self._kept(step, kept), suppress(FileNotFoundError):
                make_directory(kept.parent)
                self._armed[index] = read_file(kept, follow=False)
                return self._armed[index]
            self._armed[index] = script_of(step, scene)
            with self._kept(step, kept):
                _keep(kept, self._armed[index])
        return self._armed[index]

    def hold(self, first: int, scene: Scene) -> None:
        """Raise Refused where a file of the steps from `first` on is not what was armed; a rollback runs what was."""
        for index, step in self._steps.items():
            if index < first or self._rollback:
                continue
            try:
                same = script_of(step, scene) == self.armed(index, scene)
            except SourceUnreachable as error:
                raise Refused(f"{error}. It was there when the action was armed; look again, and arm it anew") from None
            if not same:
                path = step.path(scene.directory, scene.values)
                raise Refused(f"“{step.name}”: {path} was edited since it was armed; look again, and arm it anew")

    @contextmanager
    def _kept(self, step: SqlAct, kept: Path) -> Iterator[None]:
        """Refuse what cannot be kept, lest a resumed runner read an edited file; a rollback does without."""
        try:
            yield
        except OSError as error:
            if not self._rollback:
                raise SourceUnreachable(f"“{step.name}”: {kept} cannot be kept: {error.strerror}") from None


def _keep(kept: Path, script: bytes) -> None:
    """Write it whole or not at all: half a script is another script. Raises OSError."""
    part = kept.with_suffix(".part")
    with os.fdopen(open_beneath(part, os.O_WRONLY | os.O_TRUNC), "wb") as file:
        file.write(script)
        file.flush()
        os.fsync(file.fileno())
    part.replace(kept)
