"""A room with a real store and real runners: processes of their own, steps that are processes too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from loom_tui.gathering import adopt, read_once, write_deed
from loom_tui.guarding import pinned, read_scripts
from loom_tui.plan.acts import ActionKind, AnyActStep, CommandAct
from loom_tui.plan.model import Action, Plan, Rule
from loom_tui.plan.signals import signals_of
from loom_tui.room.acting import ActionPayload
from loom_tui.room.door import Person
from loom_tui.room.events import Event
from loom_tui.room.fold import Folder
from loom_tui.room.guard import ActionState, ActionView
from loom_tui.room.guarded import Approve, Arm, Intent, deed_of
from loom_tui.room.preview import preview
from loom_tui.room.signals import Reading, State
from loom_tui.room.snapshot import Snapshot
from loom_tui.store.base import Lease
from loom_tui.store.place import output_path
from loom_tui.store.sqlite import open_store
from tests.gates import ENVIRONMENT, OURS, plan

HERE = Path(__file__).resolve().parent.parent
DEADLINE_S = 20.0


def python(code: str, *words: str, **more: object) -> CommandAct:
    """A step that runs Python. Its words are its arguments."""
    return CommandAct(**{"name": "step", "run": (sys.executable, "-c", code, *words), **more})  # type: ignore[arg-type]


def writes(name: str, **more: object) -> CommandAct:
    """A step that writes a line into a file, so that it can be counted how often it was done."""
    return python("import sys; open(sys.argv[1], 'a').write('x')", f"{name}.done", **{"name": name, **more})


def waits(name: str, **more: object) -> CommandAct:
    """A step that writes its line, and then waits for a file called go."""
    code = "import os,sys,time; open(sys.argv[1], 'a').write('x')\nwhile not os.path.exists('go'): time.sleep(0.01)"
    return python(code, f"{name}.done", **{"name": name, **more})


def action(*steps: AnyActStep, kind: ActionKind = ActionKind.ROLLBACK, **more: object) -> Action:
    """An action of these steps, verified by the service's health, without a countdown."""
    given = {
        "kind": kind,
        "steps": steps,
        "label": kind.value,
        "countdown_s": 0.0,
        "verify": (Rule(signal="app", is_="ok"),),
        "verify_s": 10.0,
    }
    return Action(**{**given, **more})  # type: ignore[arg-type]


class World:
    """One room in a directory. What it starts, it ends."""

    def __init__(self, directory: Path, base: Plan | None = None, /, **actions: Action) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        base = base or plan()
        self.plan: Plan = replace(base, plan=replace(base.plan, last_stable="v1"), actions=actions)
        self.store = open_store(directory / "loom", plan_id="friday")
        self.folder = Folder(self.plan)
        self.plan_hash = adopt(self.store, self.plan, self.folder, actor="ana", at=time.time())
        self.store.define(signals_of(self.plan).values())
        lease = self.store.acquire("collector", holder="test", ttl_s=3600, now=time.time())
        assert lease is not None
        self.lease: Lease = lease
        self.processes: list[subprocess.Popen[bytes]] = []

    def close(self) -> None:
        self.go()
        for process in self.processes:
            process.kill()
            process.communicate()
        self.store.close()

    def snapshot(self, *, ahead_s: float = 0.0) -> Snapshot:
        return read_once(self.plan, self.store, now=time.time() + ahead_s)

    def view(self, number: int) -> ActionView:
        return next(view for view in self.snapshot().actions if view.id == number)

    def do(self, actor: str, intent: Intent, *, ahead_s: float = 0.0) -> Event:
        return write_deed(self.plan, self.store, deed_of(intent), person=Person(actor), now=time.time() + ahead_s)

    def arm(self, name: str = "rollback", **changes: object) -> int:
        given = {
            "seen": preview(self.snapshot(), name),
            "environment": ENVIRONMENT,
            "plan_hash": self.plan_hash,
            "reason": "errors",
            **changes,
        }
        intent = Arm(**given)  # type: ignore[arg-type]
        scripts = read_scripts(intent, self.plan, self.directory, by="ana")
        number = self.do("ana", pinned(intent, scripts)).seq
        for body in scripts:
            if body is not None:
                self.store.keep(body)
        return number

    def start(self, number: int, environ: Mapping[str, str] = {}) -> subprocess.Popen[bytes]:
        """Start a runner as a room does."""
        process = subprocess.Popen(
            (sys.executable, "-m", "loom_tui.runner", str(self.directory / "loom"), "friday", "",
             str(self.directory / "loom.toml"), str(number), ""),
            env={**os.environ, "PYTHONPATH": str(HERE), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def refusal(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for a runner that does not begin, and give its sentence."""
        _, said = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 1
        return said.decode()

    def begin(self, name: str = "rollback", environ: Mapping[str, str] = {}, **changes: object) -> int:
        """Arm and approve an action, and start its runner."""
        number = self.arm(name, **changes)
        self.do("bo", Approve(number))
        self.start(number, environ)
        return number

    def until(self, holds: Callable[[], object], what: str = "") -> None:
        until = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < until, what or self.told()
            time.sleep(0.02)

    def ended(self, number: int) -> ActionView:
        """Wait until an action is over."""
        self.until(lambda: self.view(number).ended_at is not None)
        return self.view(number)

    def in_step(self, number: int, step: int) -> None:
        """Wait until a step has begun, and its process too."""
        name = self.view(number).steps[step].name
        self.until(lambda: self.view(number).steps[step].is_open and self.count(name))

    def state(self, number: int) -> ActionState:
        return self.view(number).state

    def count(self, name: str) -> int:
        """How often a step was done."""
        path = self.directory / f"{name}.done"
        return len(path.read_text()) if path.exists() else 0

    def go(self) -> None:
        (self.directory / "go").touch()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Kill the last runner, and not what it started."""
        os.kill(self.processes[-1].pid, number)
        if number == signal.SIGKILL:
            self.processes[-1].wait()

    def healthy(self, state: State = State.OK, *, ahead_s: float = 0.0) -> None:
        now = time.time() + ahead_s
        reading = Reading(signal="app", observed_at=now, state=state, detail="", **OURS)
        self.store.record([reading], lease=self.lease, now=time.time())

    def payloads(self) -> list[ActionPayload]:
        return [event.payload for event in self.store.events() if isinstance(event.payload, ActionPayload)]

    def kinds(self) -> list[str]:
        return [type(payload).__name__ for payload in self.payloads()]

    def told(self) -> str:
        return "\n".join(str(msgspec.to_builtins(payload)) for payload in self.payloads())

    def output(self, number: int, step: int = 0, started: int = 1) -> str:
        return output_path(self.store.directory, number, step=step, started=started).read_text()


def release(room: World, number: int) -> None:
    """Let a killed runner's lease run out now."""
    lease = room.store.lease(f"act:{number}")
    if lease is not None:
        room.store.release(lease)
