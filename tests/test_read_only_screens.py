"""Every screen tried in a room that only looks: each key that acts, each dialog filled in and its buttons pushed.

Twice: as a person sees it, whose screens must ask for nothing; and with screens that believe that they may write, so
that dialogs open and every deed is sent: then the guard alone stands before the store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.screen import Screen
from textual.widgets import Input

from loom_tui.app import LoomApp
from loom_tui.commands.rooms import open_room_store
from loom_tui.orders import Act, Ask, Intent
from loom_tui.plan.model import Operator, Right
from loom_tui.room.deeds import Deed
from loom_tui.room.door import Person
from loom_tui.room.events import Payload
from loom_tui.room.guarded import CallStop
from loom_tui.room.guarded import Intent as GuardIntent
from loom_tui.room.record import CHAIN
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.tail import OUTPUT
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.guarded import Push
from loom_tui.screens.over import Over
from loom_tui.screens.palette import Palette, entries
from loom_tui.session import Session
from loom_tui.widgets.frame import SCREENS
from loom_tui.widgets.panel import Panel
from tests.guards import Stage
from tests.places import place_of
from tests.rooms import Room, Still, piloted
from tests.samples import ok_snapshot, sample_plan
from tests.test_screen_by_hand import snapshot_of
from tests.test_screen_gate import rich_snapshot

KEYS = [key for key, _ in SCREENS]
ELSEWHERE = {"q", "ctrl+q", "ctrl+c", "ctrl+p", "colon", "escape", "tab", "shift+tab", *KEYS}
MOST_BUTTONS = 16


class Wired(Still):
    """A source of one snapshot whose deeds and questions go to a real store, through a room that only looks."""

    def __init__(self, snapshot: Snapshot, session: Session) -> None:
        super().__init__(snapshot)
        self._session = session
        self.refused: list[str] = []

    def submit(self, deed: Payload | Deed) -> None:
        self._tried(Intent(deed))

    def ask(self, what: str, subject: str) -> None:
        if what not in (CHAIN, OUTPUT):  # which the room looks at itself
            self._tried(Ask(what, subject))

    def act(self, asked: str, intent: GuardIntent) -> None:
        self._session.obey(Act(asked, intent))
        for question, reply in self._session.replies():
            self.refused.append(reply.why)
            self.reply(question.what, question.subject, reply)

    def _tried(self, command: Intent | Ask) -> None:
        self._session._write_trouble = ""
        self._session.obey(command)
        self.refused.append(self._session.trouble)


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the drawing, half of the time: these tests hold what is done, and read no picture."""
    monkeypatch.setattr(Screen, "_compositor_refresh", lambda screen: screen._dirty_widgets.clear())


@asynccontextmanager
async def looked_at(directory: Path, snapshot: Snapshot, person: Person) -> AsyncIterator[tuple[Room, Wired]]:
    """Open the room in the app; nothing may be in the store when it closes."""
    room_place = place_of(directory, sample_plan(), Person("ana", read_only=True))
    with closing(Session(room_place)) as session:
        source = Wired(snapshot, session)
        app = LoomApp(source, person=person)
        async with piloted(app) as pilot:
            yield Room(app, pilot, source), source
    with closing(open_room_store(sample_plan(), directory / "state")) as store:
        assert (store.head().seq, store.requests()) == (0, [])


def stopped() -> Snapshot:
    stage = Stage()
    stage.do("bo", CallStop("wait"))
    return stage.snapshot()


def armed() -> Snapshot:
    stage = Stage()
    stage.arm(actor="bo")
    return stage.snapshot()


def running() -> Snapshot:
    stage = Stage()
    stage.begun(step=0)
    return stage.snapshot()


def interrupted() -> Snapshot:
    stage = Stage()
    stage.begun(step=0)
    stage.now += 60
    return stage.snapshot()


# Each screen with something to act upon, and the dialogs of an action as it goes on (which open on every screen).
SNAPSHOTS: dict[str, Callable[[], Snapshot]] = {"7": snapshot_of, "8": rich_snapshot}
SHOWN: list[tuple[str, Callable[[], Snapshot]]] = [(key, SNAPSHOTS.get(key, ok_snapshot)) for key in KEYS]
SHOWN += [("4", snapshot) for snapshot in (stopped, armed, running, interrupted)]


@pytest.mark.parametrize(("key", "snapshot"), SHOWN)
async def test_a_screen_of_a_room_that_looks_asks_for_nothing(tmp_path, key, snapshot):
    person = Person("ana", read_only=True)
    async with looked_at(tmp_path, snapshot(), person) as (room, source):
        await room.press(key)
        assert "READ-ONLY" in room.text("Header")
        await try_everything(room, room.app.screen)
        assert source.refused == []
        assert "READ-ONLY" in room.text("Header")


@pytest.mark.parametrize(("key", "snapshot"), SHOWN)
async def test_what_a_screen_would_let_through_the_guard_refuses(tmp_path, key, snapshot):
    async with looked_at(tmp_path, snapshot(), Person("ana")) as (room, source):
        await room.press(key)
        assert "READ-ONLY" not in room.text("Header")
        await try_everything(room, room.app.screen)
        assert source.refused, "nothing was tried"
        assert all("read-only" in told for told in source.refused)


@pytest.mark.parametrize("person", [Person("ana", read_only=True), Person("ana")])
async def test_what_the_palette_does_is_refused_too(tmp_path, person):
    snapshot = snapshot_of()
    async with looked_at(tmp_path, snapshot, person) as (room, source):
        home = room.app.screen
        for entry in entries(snapshot):
            if entry.kind in ("command", "workflow") and "Leave" not in entry.name:
                entry.choose(room.app)
                await room.pilot.pause()
                await closed(room, home)
        assert all("read-only" in told for told in source.refused)
        assert bool(source.refused) is not person.read_only


async def test_a_plan_that_gives_a_person_no_right_makes_their_room_read_only_as_long_as_it_holds(tmp_path):
    def seen(right: Right) -> Snapshot:
        snapshot = ok_snapshot()
        return replace(snapshot, plan=replace(snapshot.plan, operators=(Operator(login="ana", may=right),)))

    async with looked_at(tmp_path, seen(Right.VIEWER), Person("ana")) as (room, source):
        assert "READ-ONLY" in room.text("Header")
        await room.press("m")
        assert "ana may only look here" in room.news
        await room.show(seen(Right.OPERATOR))
        assert "READ-ONLY" not in room.text("Header")
        await room.show(seen(Right.VIEWER))
        assert "READ-ONLY" in room.text("Header")
        assert source.refused == []


async def try_everything(room: Room, home: Screen[Any]) -> None:
    """Press each key that acts on a screen, in each of its panes; whatever opens is tried too, and closed."""
    tried: set[str] = set()
    for pane in [pane for pane in home.query(Panel) if pane.can_focus]:
        pane.focus()
        await room.pilot.pause()
        for name, action in acting(home).items():
            if action not in tried:
                tried.add(action)
                pane.focus()
                await pressed(room, home, name)


def acting(screen: Screen[Any]) -> dict[str, str]:
    """Give the keys that do something of the room's own on a screen, each with what it does; not those that leave."""
    found = {name: active.binding for name, active in screen.active_bindings.items() if name not in ELSEWHERE}
    return {name: f"{binding.id} {binding.action}" for name, binding in found.items() if binding.id is not None}


async def pressed(room: Room, home: Screen[Any], name: str) -> None:
    """Press a key, and again for each further button of the dialog that it opens."""
    for button in range(MOST_BUTTONS):
        await room.press(name)
        more = button < await buttons_after(room, button)
        await closed(room, home)
        if not more:
            return
    raise AssertionError(f"{name} opens a dialog of more than {MOST_BUTTONS} buttons")


async def buttons_after(room: Room, button: int) -> int:
    """Fill in the dialog that is open and push one of its deciding buttons; says how many it has after that one."""
    dialog = room.app.screen
    decide = [each.action_push for each in dialog.query(Push) if each.value != "cancel"]
    if not decide:
        return 0
    for field in dialog.query(Input):
        field.value = field.value or "3 words here"
    decide[button]()
    await room.pilot.pause()
    return len(decide) - 1


async def closed(room: Room, home: Screen[Any]) -> None:
    """Send what is to be typed, try a page's own keys, and close what lies over a screen."""
    for name in acting(room.app.screen) if isinstance(room.app.screen, Over) and home is not room.app.screen else ():
        over = room.app.screen
        await room.press(name)
        if room.app.screen is not over:
            await sent(room)
            await left(room, over)
        if not isinstance(over, Over) or room.app.screen is not over:
            break
    if room.app.screen is not home:
        await sent(room)
    await left(room, home)


async def sent(room: Room) -> None:
    """Fill in the lines of a prompt or a form, and send them."""
    fields = list(room.app.screen.query(Input))
    for field in fields:
        field.value = field.value or "3"
    if fields and not isinstance(room.app.screen, Palette):
        fields[-1].focus()
        await room.press("enter")


async def left(room: Room, home: Screen[Any]) -> None:
    """Go back to a screen."""
    for _ in range(MOST_BUTTONS):
        if room.app.screen is home:
            return
        if isinstance(room.app.screen, RoomScreen) and isinstance(home, RoomScreen):
            await room.press(home.NUMBER)
        else:
            await room.press("escape")
    raise AssertionError(f"{room.app.screen} does not close")
