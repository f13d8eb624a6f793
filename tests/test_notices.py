"""What actions tell people, by runners as processes: each channel once, in the journal, and in no rollback's way."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from loom_tui.plan.acts import ActionKind, NotifyAct
from loom_tui.plan.channels import Approvals, Channel, CommandChannel, SlackChannel
from loom_tui.plan.model import Action, Plan
from loom_tui.plan.sources.base import Secret
from loom_tui.room.acting import Answer, Outcome
from loom_tui.room.guard import ActionState as S
from loom_tui.room.guarded import Abort, Approve, Resume
from loom_tui.room.messages import MessageSent
from loom_tui.runner.notices import Herald, Notice
from loom_tui.runner.record import Record
from loom_tui.sources.scene import Scene
from loom_tui.store.base import StoreBusy
from tests.chat import Chat
from tests.gates import plan
from tests.running import World, action, writes

HOOK = SlackChannel(url=Secret(env="HOOK"), timeout_s=5.0)


@pytest.fixture
def chat() -> Iterator[Chat]:
    made = Chat()
    yield made
    made.close()


Make = Callable[..., World]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Make]:
    """Make a room whose plan has these channels and actions."""
    made: list[World] = []

    def make(channels: dict[str, Channel], *, approvals: tuple[str, ...] = (), **actions: Action) -> World:
        base: Plan = replace(plan(), channels=channels, approvals=Approvals(channels=approvals))
        made.append(World(tmp_path / str(len(made)), base, **actions))
        return made[-1]

    yield make
    for room in made:
        room.close()


def page(name: str, code: str = "") -> CommandChannel:
    """A channel that appends what it reads to a file."""
    words = f"import sys; open(sys.argv[1], 'a').write(sys.stdin.read()); {code}"
    return CommandChannel(run=(sys.executable, "-c", words, f"{name}.told"), timeout_s=10.0)


def tells(*channels: str, text: str = "{by} rolls {environment} back to {to}: {reason}", **more: object) -> NotifyAct:
    return NotifyAct(**{"name": "Tell", "channels": channels, "text": text, **more})  # type: ignore[arg-type]


def messages(room: World) -> list[MessageSent]:
    return [event.payload for event in room.store.events() if isinstance(event.payload, MessageSent)]


def test_a_step_tells_its_channels_and_the_journal_says_what_each_acknowledged(world, chat):
    room = world({"launch": HOOK, "wall": page("wall")}, rollback=action(tells("launch", "wall"), writes("two")))
    number = room.begin(environ=chat.environ)
    room.until(lambda: room.state(number) is S.VERIFYING)
    head = next(
        event for event in room.store.events() if event.seq == int(chat.told[0].split("journal ")[1].split()[0])
    )
    words = "ana rolls production back to v1: errors\n\nfriday · production · v2\n"
    assert chat.told == [f"{words}journal {head.seq} {head.hash}"]
    assert (room.directory / "wall.told").read_text() == f"rollback\n\n{chat.told[0]}\n"
    assert sorted((sent.channel, sent.to, sent.outcome, sent.why) for sent in messages(room)) == [
        ("launch", "a Slack webhook", Outcome.OK, "200 ok"),
        ("wall", f"the command `{sys.executable}`", Outcome.OK, "exit 0"),
    ]
    assert {sent.text for sent in messages(room)} == {"ana rolls production back to v1: errors"}
    assert {(sent.action, sent.step) for sent in messages(room)} == {(number, 0)}
    assert room.output(number) == "launch: 200 ok\nwall: exit 0\n"
    assert (room.view(number).steps[0].outcome, room.count("two")) == (Outcome.OK, 1)


@pytest.mark.parametrize("status", [404, 500])
def test_a_channel_that_is_down_holds_no_rollback_up(world, chat, status):
    chat.status = status
    room = world(
        {"launch": HOOK, "gone": replace(HOOK, url=Secret(env="NO_SUCH"))},
        rollback=action(tells("launch", "gone"), writes("two")),
    )
    number = room.begin(environ=chat.environ)
    room.until(lambda: room.state(number) is S.VERIFYING)
    step = room.view(number).steps[0]
    assert step.outcome is (Outcome.FAILED if status == 404 else Outcome.UNKNOWN)
    assert "NO_SUCH is not set" in step.why
    assert room.count("two") == 1
    assert "planted" not in f"{room.told()}{messages(room)}{room.output(number)}"


def test_an_action_that_only_tells_people_is_done_when_every_channel_has_acknowledged(world, chat):
    told = action(tells("launch"), kind=ActionKind.NOTIFY, verify=())
    room = world({"launch": HOOK}, tell=told)
    number = room.arm("tell")
    room.do("ana", Approve(number))
    room.start(number, chat.environ)
    view = room.ended(number)
    assert (view.state, view.evidence) == (S.DONE, ("launch: 200 ok",))
    for status, state in ((404, S.FAILED), (500, S.DONE_UNVERIFIED)):
        chat.status = status
        number = room.arm("tell", reason=f"again {status}")
        room.do("ana", Approve(number))
        room.start(number, chat.environ)
        assert room.ended(number).state is state


def test_the_same_message_is_not_sent_again_within_the_channels_time(world, chat):
    told = action(tells("launch", text="going"), kind=ActionKind.NOTIFY, verify=())
    room = world({"launch": HOOK}, tell=told)
    ends = []
    for _ in range(2):
        number = room.arm("tell")
        room.do("ana", Approve(number))
        room.start(number, chat.environ)
        ends.append(room.ended(number))
    assert len(chat.told) == len(messages(room)) == 1
    (event,) = [event for event in room.store.events() if isinstance(event.payload, MessageSent)]
    assert ends[1].state is S.DONE
    assert ends[1].evidence == (f"launch: not sent again: event {event.seq} says that it has it",)


def test_a_step_that_is_done_again_tells_nobody_twice_who_acknowledged(world, chat):
    chat.held.clear()
    room = world({"launch": HOOK, "wall": page("wall")}, rollback=action(tells("launch", "wall")))
    number = room.begin(environ=chat.environ)
    room.until(lambda: chat.asked.is_set() and len(messages(room)) == 1)
    room.kill(signal.SIGKILL)
    chat.held.set()
    assert [sent.channel for sent in messages(room)] == ["wall"]
    room.until(lambda: room.view(number).lost)
    room.do("bo", Resume(number, "looked", Answer.REPEAT))
    room.do("bo", Resume(number, "looked", Answer.REPEAT))
    room.start(number, chat.environ)
    room.until(lambda: room.state(number) is S.VERIFYING)
    assert (room.directory / "wall.told").read_text().count("ana rolls") == 1, "it had acknowledged"
    assert len(chat.told) == 2, "nobody saw whether it had"
    assert "wall: not sent again" in room.output(number, started=2)


def test_no_secret_of_the_environment_leaves_in_a_message(world, chat):
    room = world({"launch": HOOK}, rollback=action(tells("launch")))
    number = room.begin(environ={**chat.environ, "DB_PASSWORD": "hunter4711x"}, reason="it says hunter4711x")
    room.until(lambda: room.state(number) is S.VERIFYING)
    assert "it says ••••" in chat.told[0]
    assert "hunter4711x" not in messages(room)[0].text


def test_a_second_person_is_asked_for_through_the_channels_and_once(world, chat):
    room = world({"launch": HOOK, "wall": page("wall")}, approvals=("launch",), rollback=action(writes("one")))
    number = room.arm()
    room.start(number, chat.environ)
    room.until(lambda: messages(room))
    lines = chat.told[0].splitlines()
    assert lines[:2] == ["ana wants in production: rollback v2 → v1", "Why: errors"]
    assert f"loom approve {number}" in lines
    assert any(line.startswith("It waits for another person until ") for line in lines)
    room.kill(signal.SIGTERM)  # it leaves its lease
    room.processes[-1].wait(timeout=20)
    room.start(number, chat.environ)
    room.until(lambda: number in room.snapshot().runners)
    room.do("bo", Approve(number))
    room.until(lambda: room.state(number) is S.VERIFYING)
    assert len(chat.told) == 1
    assert messages(room)[0].step is None


def test_who_asks_for_an_action_is_the_plans_word_and_a_channel_that_hangs_holds_nothing_up(world, chat):
    chat.held.clear()
    room = world(
        {"launch": HOOK, "wall": page("wall")},
        approvals=("launch",),
        rollback=action(writes("one")),
        other=action(writes("two"), ask=("wall",)),
        alone=action(writes("three"), approvals=1),
    )
    number = room.begin(environ=chat.environ)
    room.until(lambda: room.state(number) is S.VERIFYING)
    chat.held.set()
    room.do("ana", Abort(number, "over")) if room.state(number) is S.RUNNING else room.healthy()
    room.ended(number)
    other = room.arm("other")
    room.start(other, chat.environ)
    room.until((room.directory / "wall.told").exists)
    room.do("bo", Abort(other, "enough"))
    room.ended(other)
    told = len(chat.told)
    alone = room.arm("alone")
    room.start(alone, chat.environ)
    room.do("ana", Approve(alone))
    room.until(lambda: room.state(alone) is S.VERIFYING)
    assert len(chat.told) == told, "nobody else is needed"


async def test_where_the_journal_cannot_be_read_nothing_is_sent(world, chat, monkeypatch):
    room = world({"launch": HOOK}, rollback=action(tells("launch")))
    number = room.arm()
    record = Record(room.store, number, run="r1", actor="ana", clock=time.time)

    def busy() -> None:
        raise StoreBusy("Another process holds the store")

    monkeypatch.setattr(record, "view", busy)
    monkeypatch.setattr("loom_tui.runner.record.PATIENCE_S", 0.0)
    scene = Scene(directory=room.directory, environ=chat.environ, values={}, credentials={})
    notice = Notice(channels=("launch",), subject="a", text="b", within_s=5.0)
    with pytest.raises(StoreBusy):
        await Herald(record, number, clock=time.time).tell(notice, scene, lambda _: None)
    assert chat.told == []
