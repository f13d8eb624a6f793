"""Read-only means it: the door refuses every kind of event, and no command of a shell gets past it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from msgspec.structs import replace

import loom_tui.cli
from loom_tui.commands.rooms import open_room_store
from loom_tui.config.operator import whoami
from loom_tui.config.plans import PlanFile
from loom_tui.entry import main
from loom_tui.gathering import adopt, read_once, write_deed
from loom_tui.orders import Ask, Intent
from loom_tui.plan.channels import SlackChannel
from loom_tui.plan.model import Automation, Criterion, Issue, Operator, Plan, Right, Risk, Stakeholder, Task, Uat
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.steps import ManualStep
from loom_tui.plan.toml import dump_plan
from loom_tui.plan.workflows import Workflow
from loom_tui.room.deeds import Refused
from loom_tui.room.door import RIGHTS, Person, admit, admitted
from loom_tui.room.events import FeedbackGiven, NoteAdded, ParticipantJoined, Payload, Voted
from loom_tui.room.fold import Folder
from loom_tui.room.guarded import Arm, deed_of
from loom_tui.room.preview import preview
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import Choice
from loom_tui.session import Session
from loom_tui.store.base import Head, Request
from tests.gates import OURS, plan, room
from tests.guards import ACTIONS, guarded_plan
from tests.places import place_of
from tests.samples import sample_plan

HERE = Path(__file__).resolve().parent.parent
ME = whoami()
KINDS = get_args(Payload)
PEOPLE = {Right.VIEWER: "vi", Right.OPERATOR: "oz", Right.APPROVER: "ap", Right.LEAD: "lee"}
RANKS = list(PEOPLE)


def blank(kind: type[Payload]) -> Payload:
    """An event of a kind, with nothing in its fields: whoever looked into it before refusing it would fail."""
    fields: Any = dict.fromkeys(kind.__struct_fields__)
    return kind(**fields)


def peopled(a_plan: Plan) -> Plan:
    return replace(a_plan, operators=tuple(Operator(login=login, may=right) for right, login in PEOPLE.items()))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_event_is_for_those_alone_whose_right_it_is(kind):
    a_plan = peopled(plan())
    right = RIGHTS[kind]
    for rank, login in PEOPLE.items():
        if right is not None and RANKS.index(rank) >= RANKS.index(right):
            admit(blank(kind), a_plan, Person(login))
        else:
            with pytest.raises(Refused, match="may"):
                admit(blank(kind), a_plan, Person(login))
    with pytest.raises(Refused):
        admit(blank(kind), a_plan, Person("stranger"))
    with pytest.raises(Refused, match="read-only"):
        admit(blank(kind), a_plan, Person("lee", read_only=True))


def test_the_right_is_held_against_what_a_deed_gives_not_against_what_it_is_called():
    def deed(snapshot: Snapshot, actor: str) -> Payload:
        return NoteAdded(text="x")

    with pytest.raises(Refused, match="vi may not"):
        admitted(deed, Person("vi"))(room(peopled(plan())), "vi")


@pytest.mark.parametrize("person", [Person("lee", read_only=True), Person("vi"), Person("stranger")])
def test_a_room_that_looks_writes_nothing_whatever_is_sent_to_it(tmp_path, person):
    a_plan = peopled(sample_plan())
    with closing(open_room_store(a_plan, tmp_path / "state")) as store:
        adopt(store, a_plan, Folder(a_plan), actor="lee", at=time.time())
        before = store.head()
    session = Session(place_of(tmp_path, a_plan, person))
    with closing(session):
        assert session.look() is not None
        for kind in KINDS:
            for deed in (blank(kind), lambda _snapshot, _actor, kind=kind: blank(kind)):
                session.obey(Intent(deed))
                assert session.trouble, kind
                session._write_trouble = ""
        session.obey(Ask("poll", "db"))
        assert "asks nothing" in session.trouble
    with closing(open_room_store(a_plan, tmp_path / "state")) as store:
        assert (store.head(), store.requests()) == (before, [])


def test_a_room_that_looks_does_not_take_an_edited_plan_for_all(tmp_path):
    a_plan = peopled(sample_plan())
    with closing(open_room_store(a_plan, tmp_path / "state")) as store:
        adopt(store, a_plan, Folder(a_plan), actor="lee", at=time.time())
        before = store.head()
    edited = replace(a_plan, plan=replace(a_plan.plan, version="9"))
    with closing(Session(place_of(tmp_path, edited, Person("vi")))) as session:
        assert session.look() is not None
    with closing(open_room_store(a_plan, tmp_path / "state")) as store:
        assert store.head() == before


# The commands. Each that writes, with words that somebody who may could mean; and those that write into no store.

WRITES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("tick",): ("147", "1"),
    ("set",): ("147", "--blocked", "x"),
    ("note",): ("x",),
    ("vote",): ("QA", "go"),
    ("signoff",): ("feedback",),
    ("waive",): ("smoke", "--hours", "4", "--reason", "x"),
    ("lift",): ("QA", "--reason", "x"),
    ("accept",): ("late", "--reason", "x"),
    ("decide",): ("no-go", "--reason", "x"),
    ("poll", "call"): (),
    ("poll", "end"): ("--reason", "x"),
    ("lead", "give"): ("lee", "--reason", "x"),
    ("step",): ("booking", "1", "ok"),
    ("uat", "participant"): ("Bo",),
    ("uat", "session"): ("Maya",),
    ("uat", "feedback"): ("Maya", "5"),
    ("uat", "settle"): ("3", "x"),
    ("rollback",): ("--environment", "production", "--reason", "x"),
    ("act",): ("purge", "--environment", "production"),
    ("approve",): ("4", "--yes"),
    ("abort",): ("4", "--reason", "x"),
    ("stop",): ("--reason", "x"),
    ("notify",): ("x", "--environment", "production"),
    ("aftermath",): ("--on", "every push"),
}
ACTS = {("rollback",), ("act",), ("notify",), ("approve",), ("abort",), ("stop",)}
READS = {
    ("import",), ("init",), ("plan", "check"), ("plan", "show"), ("plan", "path"), ("plan", "schema"), ("check",),
    ("doctor",), ("status",), ("uat", "show"), ("who",), ("poll", "show"), ("report", "decision"),
    ("report", "rootcause"), ("journal", "verify"), ("journal", "export"),
}  # fmt: skip
ELSEWHERE = {("room",), ("demo",), ("drill",), ("watch",)}  # the screens' own test; worlds of their own; readings alone


def commands() -> Iterator[tuple[str, ...]]:
    """List all commands, those of groups too."""
    for name in loom_tui.cli._COMMANDS:
        command = loom_tui.cli.loom.get_command(click.Context(loom_tui.cli.loom), name)
        if isinstance(command, click.Group) and not command.invoke_without_command:
            yield from ((name, each) for each in command.commands)
        else:
            yield (name,)


def test_every_command_is_known_to_write_or_to_read():
    assert {*commands()} == {*WRITES, *READS, *ELSEWHERE}


def whole_plan() -> Plan:
    """A plan in which there is something for every command."""
    go = (Criterion(text="Feedback positive"), Criterion(text="Smoke testing passed", checks=("app",)))
    return replace(
        guarded_plan(
            plan(
                go=go,
                voters=[Stakeholder(name="QA", votes=True)],
                issues=[Issue(id=147, title="Smoke", tasks=(Task(text="Book"),))],
                risks=[Risk(text="Too late")],
            )
        ),
        workflows=(Workflow(name="Booking", url="https://a.example", steps=(ManualStep(name="Look", words="?"),)),),
        channels={"launch": SlackChannel(url=Secret(env="LOOM_TEST_HOOK"))},
        uat=Uat(features=("Booking",)),
        actions={
            **ACTIONS,
            "rollback": replace(ACTIONS["rollback"], undone_by=(Automation(text="Every push is deployed"),)),
        },
    )


def room_of(directory: Path, right: Right) -> Plan:
    """Write a plan that gives this login a right, and a store in which there is something to speak of."""
    a_plan = replace(whole_plan(), operators=(Operator(login=ME, may=right), Operator(login="lee", may=Right.LEAD)))
    (directory / "loom.toml").write_text(dump_plan(a_plan), encoding="utf-8")
    a_plan = PlanFile(directory / "loom.toml").read()
    now = time.time()
    with closing(open_room_store(a_plan, directory / "state")) as store:
        plan_hash = adopt(store, a_plan, Folder(a_plan), actor="lee", at=now)
        store.append(ParticipantJoined(name="Maya"), actor="lee", at=now)
        store.append(FeedbackGiven(participant="Maya", rating=1, severity="blocker", **OURS), actor="lee", at=now)
        seen = preview(read_once(a_plan, store, now=now), "purge")
        armed = deed_of(Arm(seen=seen, environment="production", plan_hash=plan_hash, reason="x"))
        write_deed(a_plan, store, armed, person=Person("lee"), now=now)
        store.append(Voted(role="QA", choice=Choice.NO_GO, reason="x", **OURS), actor="lee", at=now)
    return a_plan


def heads(directory: Path) -> tuple[Head, list[Request]]:
    with closing(open_room_store(whole_plan(), directory / "state", read_only=True)) as store:
        return store.head(), store.requests()


def say(*words: str) -> tuple[int, str]:
    """Run a command in this process; gives its exit code, and what it wrote on standard error."""
    told = io.StringIO()
    argv, sys.argv = sys.argv, ["loom", *words]
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(told), pytest.raises(SystemExit) as left:
            main()
    finally:
        sys.argv = argv
    return int(left.value.code or 0), told.getvalue()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOOM_STORE", str(tmp_path / "state"))
    return tmp_path


@pytest.mark.parametrize("command", WRITES)
def test_a_viewer_s_command_is_refused_in_a_sentence_and_nothing_is_written(here, command):
    room_of(here, Right.VIEWER)
    before = heads(here)
    code, told = say(*command, *WRITES[command])
    assert (code, f"{ME} may not" in told, told.count("\n")) == (1, True, 1), told
    assert heads(here) == before


@pytest.mark.parametrize("command", [each for each in WRITES if each not in ACTS])
def test_the_same_words_of_somebody_who_may_are_written(here, command):
    room_of(here, Right.LEAD)
    if command == ("poll", "end"):
        assert say("poll", "call") == (0, "")
    before = heads(here)
    assert say(*command, *WRITES[command]) == (0, "")
    assert heads(here) != before


def test_a_viewer_s_question_to_the_room_s_collector_is_refused(here):
    a_plan = room_of(here, Right.VIEWER)
    with closing(open_room_store(a_plan, here / "state")) as store:
        store.acquire("collector", holder="a collector", ttl_s=60, now=time.time())
        before = heads(here)
        assert say("check", "app", "--room")[1].startswith("This room is read-only: it asks nothing")
    assert heads(here) == before


def test_where_the_store_cannot_be_written_each_command_is_a_sentence_and_nothing_is_written(here):
    room_of(here, Right.LEAD)
    before = heads(here)
    code = "from tests.test_read_only import say_all; say_all()"
    done = subprocess.run(
        ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-c", code),
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    told = done.stdout.splitlines()
    assert len(told) == len(WRITES), done.stderr
    for line in told:
        assert line.startswith("1 "), line
        assert "is full" in line, line
    assert heads(here) == before


def say_all() -> None:
    """Say everything that writes; prints the exit code and the sentence of each."""
    for command, words in WRITES.items():
        code, told = say(*command, *words)
        sys.stdout.write(f"{code} {' '.join(told.splitlines())}\n")
