"""Who is in the room: seen by all within seconds, gone within seconds, and never an event."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from loom_tui.cli import run
from loom_tui.orders import LookAt
from loom_tui.plan.model import Operator, Right, Stakeholder
from loom_tui.room.events import LeadGiven
from loom_tui.room.fold import fold
from loom_tui.room.guarded import Approve
from loom_tui.room.presence import SEAT_TTL_S, Seat, Terminal, present, shared_accounts
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.session import SEAT_EVERY_S, Session
from loom_tui.widgets.canvas import Canvas
from loom_tui.widgets.frame import people_line
from tests.guards import Stage
from tests.rooms import open_room, text_of
from tests.samples import NOW, ok_snapshot, sample_plan
from tests.test_reader import Bench

HERE = Path(__file__).resolve().parent.parent
FOREIGN = "[/bold] \u202e\x1b[31m 漢字 \x07" + "x" * 10_000


def seat(login: str, *, age_s: float = 60.0, left_s: float = 5.0, screen: str = "1", **terminal: object) -> Seat:
    where = Terminal(**{"host": "bastion", **terminal})  # type: ignore[arg-type]
    room = f"{login}:{age_s}"
    return Seat(room=room, login=login, terminal=where, screen=screen, since=NOW - age_s, until=NOW + left_s)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def here(bench: Bench) -> list[tuple[str, str]]:
    with bench.store() as store:
        return sorted((seat.login, seat.screen) for seat in present(store.seats(), bench.clock.now))


def test_who_opens_the_room_is_seen_where_they_look_and_gone_when_they_leave(bench):
    with bench.session("ana") as ana, bench.session("bo") as bo:
        ana.look()
        bench.clock.now += 0.25
        bo.look()
        assert here(bench) == [("ana", "1"), ("bo", "1")]
        ana.obey(LookAt("8"))
        bench.clock.now += 1
        ana.look()
        assert here(bench) == [("ana", "8"), ("bo", "1")]
        shown = None
        for _ in range(3):
            bench.clock.now += 2
            ana.look()
            shown = bo.look() or shown
        assert shown is not None
        assert sorted((seat.login, seat.screen) for seat in shown.present) == [("ana", "8"), ("bo", "1")]
    assert here(bench) == []


def test_it_is_said_every_few_seconds_and_leaves_no_word_in_the_journal(bench, monkeypatch):
    with bench.session("ana") as ana, bench.store() as store:
        ana.look()
        events = len(store.events())
        said: list[Seat] = []
        monkeypatch.setattr(ana._store, "take_seat", said.append)
        for tick in range(240):  # a minute of looks, with a screen gone to at each
            ana.obey(LookAt(str(tick % 9 + 1)))
            ana.look()
            bench.clock.now += 0.25
        assert len(said) <= 60
        said.clear()
        for _ in range(240):
            ana.look()
            bench.clock.now += 0.25
        assert len(said) <= 60 / SEAT_EVERY_S
        assert len(store.events()) == events


def test_a_room_that_only_looks_leaves_no_trace_but_a_viewer_is_seen(bench):
    with bench.session("vi", read_only=True) as session:
        session.look()
        assert here(bench) == []
    with bench.session("vi") as session:
        session._plan = replace(session._plan, operators=(Operator(login="vi", may=Right.VIEWER),))
        session.look()
        assert here(bench) == [("vi", "1")]


def test_a_room_that_is_killed_is_gone_within_seconds(bench):
    code = "from tests.test_presence import look_on; look_on()"
    process = subprocess.Popen(
        (sys.executable, "-c", code, str(bench.path), str(bench.directory)),
        cwd=bench.path.parent,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"here\n"
    with bench.store() as store:
        assert [each.login for each in present(store.seats(), time.time())] == ["eve"]
        process.kill()
        process.communicate()
        assert present(store.seats(), time.time() + SEAT_TTL_S) == ()


def look_on() -> None:
    """Look at a room until killed; says when it is known to be there."""
    bench = Bench(Path(sys.argv[2]).parent)
    place = replace(bench.place("eve"), clock=time.time)
    with closing(Session(place)) as session:
        session.look()
        sys.stdout.write("here\n")
        sys.stdout.flush()
        while True:
            session.look()
            time.sleep(0.25)


def test_who_may_lead_is_not_said_to_lead(bench, capsys):
    asked = ("who", str(bench.path), "--store", str(bench.directory))
    with bench.store() as store:
        store.take_seat(replace(seat("ana"), since=time.time(), until=time.time() + SEAT_TTL_S))
        run(asked)
        assert capsys.readouterr().out.splitlines() == [
            "Nobody leads (loom lead give LOGIN)",
            "ana  may do everything  bastion  screen 1",
        ]
        store.append(LeadGiven(to="ana"), actor="ana", at=time.time())
        run(asked)
        assert capsys.readouterr().out.splitlines()[0] == "ana leads"


def test_a_seat_from_before_the_clock_was_set_back_has_run_out():
    assert present([seat("ana", left_s=3600.0)], NOW) == ()


def test_a_store_drops_seats_that_nobody_renews(bench):
    with bench.store() as store:
        store.take_seat(seat("ana"))
        store.prune(now=NOW + 4000)
        assert store.seats() == []


def snapshot(*seats: Seat) -> Snapshot:
    plan = replace(
        sample_plan(),
        operators=(Operator(login="ana", may=Right.LEAD), Operator(login="bo"), Operator(login="deploy")),
        stakeholders=(Stakeholder(name="QA", votes=True, who=("bo",)),),
    )
    return replace(fold(plan, (), Observations(seats=seats), NOW), events=ok_snapshot().events)


def told(*seats: Seat, width: int = 120) -> str:
    return text_of([people_line(snapshot(*seats), width)])


def test_the_line_above_the_keys_names_who_is_here():
    assert told() == ""
    assert told(seat("ana")) == "i ana"
    assert told(seat("bo", age_s=10), seat("ana")) == "i ana (lead), bo (2)"
    assert told(seat("ana"), seat("ana", age_s=50)) == "i ana (2)"
    assert told(*(seat(login, age_s=100 - n) for n, login in enumerate("abcde"))) == "i a, b, c +2 (5)"
    assert told(seat("ana"), seat("bo"), width=80) == "i 2 here"
    assert len(told(seat(FOREIGN))) < 30


def test_an_account_that_is_open_in_several_places_is_perhaps_several_people():
    near, far = seat("deploy", client="10.0.0.1"), seat("deploy", age_s=9, client="10.0.0.2")
    assert list(shared_accounts([near, far])) == ["deploy"]
    assert list(shared_accounts([near, replace(far, terminal=near.terminal)])) == []
    kept = [replace(each, terminal=replace(each.terminal, sure=True)) for each in (near, far)]
    assert list(shared_accounts(kept)) == [], "the kernel says who logged in"


def test_on_a_shared_account_a_second_person_is_refused_and_told_why():
    stage = Stage()
    action = stage.arm(actor="deploy")
    assert "apart" not in stage.refused("deploy", Approve(action))
    near, far = (
        replace(seat("deploy", client=client), room=client, until=stage.now + 5) for client in ("10.0.0.1", "10.0.0.2")
    )
    stage.seen = replace(stage.seen, seats=(near, far))
    assert "cannot tell people on one account apart" in stage.refused("deploy", Approve(action))
    stage.do("bo", Approve(action))


async def test_i_lists_everybody_with_their_rights_and_says_what_can_be_forged():
    seats = (
        seat("ana", age_s=700, sure=True),
        seat("bo", screen="8", client="10.0.0.5"),
        seat("deploy", age_s=20, client="10.0.0.1"),
        seat("deploy", age_s=10, client="10.0.0.2"),
    )
    async with open_room(snapshot(*seats), key="1") as room:
        assert "ana (lead), bo, deploy (4)" in room.news
        await room.press("i")
        page = room.text("People")
        assert "In the room" in page
        ana, bo = (next(line for line in page.splitlines() if name in line) for name in ("│ ana ", "│ bo (QA)"))
        assert all(word in ana for word in ("do everything", "bastion", "Room", "12 m"))
        assert all(word in bo for word in ("write", "10.0.0.5", "Gate", "1 m"))
        assert "The kernel keeps that ana logged in" in page
        assert "deploy is open in several places: perhaps several people, whom Loom cannot tell apart" in page
        assert "Rights are the plan's word" in page
        await room.press("j")
        page = room.text("People")
        assert "bo is the account: this host does not keep who logged in" in page
        assert "their environment's word, which anybody can set" in " ".join(page.split())
        await room.press("escape")
        await room.press("8")
        assert room.app.source.screen == "8"  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_foreign_names_stay_within_the_page(size):
    seats = (seat(FOREIGN, host=FOREIGN, client=FOREIGN, screen=FOREIGN), seat("ana"))
    async with open_room(snapshot(*seats), key="1", size=size) as room:
        await room.press("i")
        for canvas in room.app.screen.query(Canvas):
            for line in canvas.paint(*canvas.size):
                assert all(character >= " " for span in line for character in span.text)
