"""What there is to play in the demo: a deploy day from HOLD to a rollback, line by line, and how far it has come."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from shlex import quote

from msgspec import Struct

from loom_tui.demo.gate import VOTERS
from loom_tui.plan.model import Status
from loom_tui.room.guard import ActionState
from loom_tui.room.signals import State
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import Choice, Verdict
from loom_tui.widgets.text import Pen, Sign

_ENDED_WELL = (ActionState.DONE, ActionState.DONE_UNVERIFIED)


class Scene(Struct, frozen=True):
    """One line of the story: what one types, what happens, and whether it has."""

    command: str
    words: str
    has_happened: Callable[[Snapshot], bool]


def _done(name: str) -> Callable[[Snapshot], bool]:
    return lambda snapshot: any(view.armed.name == name and view.state in _ENDED_WELL for view in snapshot.actions)


def _set(issue: int) -> Callable[[Snapshot], bool]:
    return lambda snapshot: any(
        view.issue.id == issue and view.issue.status is Status.DONE and not view.issue.claimed
        for view in snapshot.issues
    )


def _passed(snapshot: Snapshot) -> bool:
    states = [view.state for name, view in snapshot.signals.items() if name.startswith("workflow.")]
    return bool(states) and set(states) == {State.OK}


def _signed(snapshot: Snapshot) -> bool:
    return any(view.text.startswith("Security") and view.verdict is Verdict.NOT_MET for view in snapshot.gate.no_go)


def _voted(role: str) -> Callable[[Snapshot], bool]:
    return lambda snapshot: any(vote.role == role and vote.choice is not None for vote in snapshot.gate.votes)


def _called(snapshot: Snapshot) -> bool:
    return snapshot.decision is not None and snapshot.decision.choice is Choice.GO


def _broke(snapshot: Snapshot) -> bool:
    return _done("deploy")(snapshot) and any(
        view.lit for view in snapshot.risks if view.risk.text.startswith("Critical error")
    )


STORY = (
    Scene("loom act migrate", "the migration, under guard: type production; the latencies fall", _done("migrate")),
    Scene("loom set 146 --status done", "and so #146 is done", _set(146)),
    Scene('loom check "critical workflows" --room', "the eight smoke tests run against staging", _passed),
    Scene("loom set 147 --status done", "and so #147 is done", _set(147)),
    Scene("loom signoff security --words 'audit read'", "what no machine sees is attested by name", _signed),
    *(Scene(f"loom vote {quote(role)} go", "", _voted(role)) for role in VOTERS),
    Scene("loom decide go", "with the last vote the gate is GO; the journal keeps the whole evidence", _called),
    Scene("loom act deploy", "only through a GO that is still fresh; look at screen 1", _done("deploy")),
    Scene("loom demo break errors", "errors arrive, a risk lights by itself, the gate is NO-GO", _broke),
    Scene("loom rollback --reason 'nobody can book'", "wants a second person, in a third terminal:", _done("rollback")),
    Scene(
        "loom demo approve", "a colleague, for who is alone; it is verified, and v1.7.0 stays NO-GO", _done("rollback")
    ),
    Scene("loom journal export", "all of it, from top to bottom (screen 9)", lambda _: False),
)


def tell(snapshot: Snapshot, directory: Path, *, ascii_only: bool) -> list[str]:
    """Write the story with a sign for what has happened. `directory` is the world's."""
    ours = Path(sys.executable).with_name("loom")
    on_path = shutil.which("loom") is not None or not ours.exists()
    pen = Pen(ascii_only=ascii_only)
    width = max(len(scene.command) for scene in STORY)
    lines = [] if on_path else [f"export PATH={quote(str(ours.parent))}:$PATH"]
    lines += [f"cd {quote(str(directory))}", ""]
    for scene in STORY:
        sign = pen.sign(Sign.OK if scene.has_happened(snapshot) else Sign.OPEN).text
        lines.append(f"{sign} {scene.command:<{width}}  {scene.words}".rstrip())
    return [*lines, "", f"The gate is {snapshot.gate.state.value}: {snapshot.gate.why}"]
