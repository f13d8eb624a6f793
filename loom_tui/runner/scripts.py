"""What the `sql` steps of an action run: their files as they were when it was armed, which the store keeps.

A rollback runs what was armed whatever became of the file, and nothing else by itself: SQL that nobody has seen may
harm more than a rollback that stands still, and says what changed. All else is refused as soon as a file changes, like
an action whose plan was edited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256

from loom_tui.plan.acts import AnyActStep, SqlAct
from loom_tui.room.deeds import Refused
from loom_tui.runner.record import patiently
from loom_tui.sources.acts import script_of
from loom_tui.sources.base import SourceUnreachable
from loom_tui.sources.scene import Scene
from loom_tui.store.base import KeptChanged, StoreError


class Scripts:
    """The files of one action's steps, by the digests that were armed; `kept` gives the bytes of one, or a KeyError."""

    def __init__(
        self, steps: Sequence[AnyActStep], digests: Sequence[str], *, kept: Callable[[str], bytes], rollback: bool
    ) -> None:
        self._steps = {index: step for index, step in enumerate(steps) if isinstance(step, SqlAct)}
        self._digests = dict(enumerate(digests))
        self._kept = kept
        self._rollback = rollback
        self._armed: dict[int, bytes] = {}

    async def armed(self, index: int, scene: Scene) -> bytes:
        """Give what a step is to run. Raises SourceUnreachable where nothing is left of what was armed.

        Raises StoreError where the store refuses for long, and the file is not what was armed.
        """
        if index not in self._armed:
            self._armed[index] = await patiently(lambda: self._found(index, scene))
        return self._armed[index]

    def hold(self, first: int, scene: Scene) -> None:
        """Raise Refused where a file of the steps from `first` on is not what was armed; a rollback runs what was."""
        for index in self._steps:
            if index < first or self._rollback:
                continue
            try:
                self._unchanged(index, scene)
            except SourceUnreachable as error:
                raise Refused(f"{error}; look again, and arm it anew") from None

    def _found(self, index: int, scene: Scene) -> bytes:
        """Give what was armed, from the store or, if it is the same, from the file."""
        try:
            return self._kept(self._digests.get(index, ""))
        except (KeyError, KeptChanged):
            return self._unchanged(index, scene)
        except StoreError:  # it may have the text: that the file has another says nothing of it
            with suppress(SourceUnreachable):
                return self._unchanged(index, scene)
            raise

    def _unchanged(self, index: int, scene: Scene) -> bytes:
        """Read a step's file, if it holds what was armed. A rollback's that could not be read then is read now."""
        step, digest = self._steps[index], self._digests.get(index, "")
        script = script_of(step, scene)
        now = sha256(script).hexdigest()
        if now != digest and (digest or not self._rollback):
            path = step.path(scene.directory, scene.values)
            changed = f"sha256 {digest[:12] or 'not known'} then, {now[:12]} now"
            raise SourceUnreachable(f"“{step.name}”: {path} was edited since it was armed ({changed})")
        return script
