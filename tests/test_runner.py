"""Runners as processes: killed, stopped, hung up, replaced; steps that fail, hang, fork and flood."""

from __future__ import annotations

import os
import signal
import sqlite3
import time

import pytest
from msgspec.structs import replace

from loom_tui.gathering import adopt
from loom_tui.plan.acts import ActionKind, CommandAct, ManualAct, OnFailure
from loom_tui.plan.sources.base import Secret
from loom_tui.room.acting import Answer, Outcome
from loom_tui.room.deeds import Refused
from loom_tui.room.events import MarkerSet
from loom_tui.room.guard import ActionState as S
from loom_tui.room.guarded import Abort, AnswerStep, Approve, CallStop, Resume
from loom_tui.room.signals import State
from loom_tui.runner import output
from loom_tui.runner.children import Children, left_at_work
from tests.running import action, python, release, waits, writes


def test_an_approved_action_is_done_step_by_step_and_is_done_when_the_world_says_so(world):
    room = world(rollback=action(writes("one"), writes("two")))
    number = room.begin()
    room.until(lambda: room.state(number) is S.VERIFYING)
    room.healthy()
    assert room.ended(number).state is S.DONE
    assert (room.count("one"), room.count("two")) == (1, 1)
    assert room.kinds() == [
        "ActionArmed",
        "ActionApproved",
        "CountdownStarted",
        "StepStarted",
        "StepEnded",
        "StepStarted",
        "StepEnded",
        "VerificationStarted",
        "ActionVerified",
    ]
    markers = [event.payload for event in room.store.events() if isinstance(event.payload, MarkerSet)]
    assert [marker.marker for marker in markers] == ["rollback"]
    assert room.store.verify().seq == len(room.store.events())


def test_a_reading_from_before_the_last_step_proves_nothing_and_silence_ends_unverified(world):
    room = world(rollback=action(writes("one"), verify_s=1.0))
    room.healthy()
    number = room.begin()
    view = room.ended(number)
    assert view.state is S.DONE_UNVERIFIED
    assert view.why == "after 1 s: app: not read since the last step"


def test_a_world_that_says_otherwise_to_the_end_is_a_failure_whatever_the_command_said(world):
    room = world(rollback=action(writes("one"), verify_s=1.0))
    number = room.begin()
    room.until(lambda: room.state(number) is S.VERIFYING)
    room.healthy(State.BAD)
    view = room.ended(number)
    assert (view.state, view.why) == (S.FAILED, "after 1 s: app: bad, not ok")


def test_a_runner_waits_for_the_approval_and_an_abort_before_it_ends_all(world):
    room = world(rollback=action(writes("one")))
    number = room.arm()
    runner = room.start(number)
    room.until(lambda: number in room.snapshot().runners)
    room.do("bo", Abort(number, "a false alarm"))
    runner.wait(timeout=20)
    assert (room.state(number), room.count("one")) == (S.ABORTED, 0)


def test_an_approval_that_nobody_gives_expires_and_is_written_down(world):
    room = world(rollback=action(writes("one"), expires_s=1.0))
    number = room.arm()
    room.start(number)
    assert room.ended(number).state is S.EXPIRED
    assert room.kinds()[-1] == "ActionExpired"
    assert room.count("one") == 0


def test_an_abort_in_the_countdown_is_at_once(world):
    room = world(rollback=action(writes("one"), countdown_s=60.0))
    number = room.begin()
    room.until(lambda: room.state(number) is S.COUNTING_DOWN)
    room.do("cy", Abort(number, "wrong"))
    assert room.processes[-1].wait(timeout=20) == 0
    assert (room.state(number), room.count("one")) == (S.ABORTED, 0)


def test_an_abort_while_a_step_runs_lets_it_end_and_begins_no_other(world):
    room = world(rollback=action(waits("one"), writes("two")))
    number = room.begin()
    room.in_step(number, 0)
    room.do("cy", Abort(number, "wrong target"))
    room.go()
    view = room.ended(number)
    assert (view.state, view.why) == (S.ABORTED, "cy aborted it: wrong target")
    assert (room.count("one"), room.count("two"), view.steps[0].outcome) == (1, 0, Outcome.OK)


@pytest.mark.parametrize(("kind", "state"), [(ActionKind.COMMAND, S.ABORTED), (ActionKind.ROLLBACK, S.DONE_UNVERIFIED)])
def test_a_global_stop_ends_what_runs_before_its_next_step_but_not_a_rollback(world, kind, state):
    room = world(it=action(waits("one"), writes("two"), kind=kind, verify=()))
    number = room.begin("it")
    room.in_step(number, 0)
    room.do("cy", CallStop("something is off"))
    room.go()
    view = room.ended(number)
    assert (view.state, room.count("two")) == (state, int(state is not S.ABORTED))


@pytest.mark.parametrize("step", [0, 1])
def test_a_runner_killed_in_a_step_leaves_interrupted_and_nothing_is_done_again_by_itself(world, step):
    room = world(rollback=action(*(writes("one"), waits("two"))[1 - step :]))
    number = room.begin()
    room.until(lambda: room.count("two"))
    room.kill()
    view = next(view for view in room.snapshot(ahead_s=60).actions if view.id == number)
    assert (view.state, view.lost, view.steps[step].is_open) == (S.INTERRUPTED, True, True)
    release(room, number)
    assert "still at work" in room.refusal(room.start(number))
    room.go()
    room.until(lambda: not Children(room.store.directory, number).alive())
    assert "there is nothing to carry out" in room.refusal(room.start(number))
    assert room.kinds().count("StepStarted") == step + 1
    assert (room.count("one"), room.count("two")) == (step, 1)


def test_a_resume_waits_for_the_orphans_of_a_killed_runner_and_skips_or_repeats_by_a_person_s_word(world):
    room = world(rollback=action(waits("one"), writes("two")))
    number = room.begin()
    room.in_step(number, 0)
    room.kill()
    with pytest.raises(Refused, match="--repeat or --skip"):
        room.do("bo", Resume(number, "looked"), ahead_s=60)
    room.do("bo", Resume(number, "looked", Answer.GO_ON), ahead_s=60)
    room.do("bo", Resume(number, "looked", Answer.GO_ON), ahead_s=60)
    release(room, number)
    assert "are still at work: " in room.refusal(room.start(number))
    room.go()
    room.until(lambda: not Children(room.store.directory, number).alive())
    room.start(number)
    room.until(lambda: room.state(number) is S.VERIFYING)
    room.healthy()
    view = room.ended(number)
    assert (view.state, view.steps[0].outcome, room.count("one"), room.count("two")) == (S.DONE, Outcome.UNKNOWN, 1, 1)


@pytest.mark.parametrize("phase", [S.COUNTING_DOWN, S.VERIFYING])
def test_a_runner_killed_before_or_after_its_steps_is_resumed_without_doing_one_twice(world, phase):
    room = world(rollback=action(writes("one"), countdown_s=60.0 if phase is S.COUNTING_DOWN else 0.0))
    number = room.begin()
    room.until(lambda: room.state(number) is phase)
    room.kill()
    for _ in range(2):
        room.do("bo", Resume(number, "looked"), ahead_s=60)
    release(room, number)
    room.start(number)
    room.until(lambda: room.state(number) is S.VERIFYING)
    room.healthy(ahead_s=0.5)
    assert room.ended(number).state is S.DONE
    assert room.count("one") == 1


def test_a_runner_that_was_only_stopped_finds_itself_declared_gone_and_ends_its_step(world):
    room = world(rollback=action(waits("one"), writes("two")))
    number = room.begin()
    room.in_step(number, 0)
    room.kill(signal.SIGSTOP)
    with pytest.raises(Refused, match="--repeat"):
        room.do("bo", Resume(number, "it hangs"), ahead_s=60)
    for _ in range(2):
        room.do("bo", Resume(number, "it hangs", Answer.REPEAT), ahead_s=60)
    release(room, number)
    assert "still at work" in room.refusal(room.start(number))
    stopped = room.processes[0]
    os.kill(stopped.pid, signal.SIGCONT)
    assert stopped.wait(timeout=20) == 0
    assert not Children(room.store.directory, number).alive()
    assert "StepEnded" not in room.kinds()
    assert room.count("two") == 0


def test_of_two_runners_one_is_shown_who_has_the_action(world):
    room = world(rollback=action(waits("one")))
    number = room.begin()
    room.in_step(number, 0)
    assert "has a runner already: " in room.refusal(room.start(number))
    assert room.kinds().count("StepStarted") == 1


def test_a_hangup_changes_nothing(world):
    room = world(rollback=action(waits("one")))
    number = room.begin()
    room.in_step(number, 0)
    room.kill(signal.SIGHUP)
    room.go()
    room.until(lambda: room.state(number) is S.VERIFYING)
    room.healthy()
    assert room.ended(number).state is S.DONE


HANG = "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
BROOD = f"{HANG}subprocess.Popen([sys.executable, '-c', {HANG + 'time.sleep(600)'!r}])\n"


@pytest.mark.parametrize("code", [f"{HANG}time.sleep(600)", f"{BROOD}time.sleep(600)"])
def test_a_step_that_never_ends_is_ended_with_all_its_children_and_is_unknown(world, code):
    room = world(rollback=action(python(code, timeout_s=1.0), writes("two")))
    number = room.begin()
    view = room.ended(number)
    assert (view.state, view.steps[0].outcome, room.count("two")) == (S.UNKNOWN, Outcome.UNKNOWN, 0)
    assert "did not end within 1 s" in view.why
    room.until(lambda: not Children(room.store.directory, number).alive())


def test_children_that_a_step_leaves_behind_end_with_it(world):
    room = world(rollback=action(python(BROOD), verify=()))
    number = room.begin()
    assert room.ended(number).state is S.DONE_UNVERIFIED
    room.until(lambda: not Children(room.store.directory, number).alive())


def test_a_gigabyte_is_read_to_its_end_and_capped(world):
    code = "import sys; [sys.stdout.write('x' * 999_999 + '\\n') for _ in range(1000)]; print('the end')"
    room = world(rollback=action(python(code), verify=()))
    number = room.begin()
    room.until(lambda: room.view(number).ended_at)
    step = room.view(number).steps[0]
    assert (step.outcome, step.size_bytes) == (Outcome.OK, 1_000_000_008)
    assert step.tail.endswith("the end")
    text = room.output(number)
    assert output.MAX_BYTES < len(text) < output.MAX_BYTES + 20_000
    assert "only the first 10,000,000 are kept" in text


@pytest.mark.parametrize(
    ("code", "why"), [("raise SystemExit(3)", "exit 3, wanted 0"), ("import os; os.kill(os.getpid(), 9)", "signal 9")]
)
def test_a_step_that_fails_stops_the_action(world, code, why):
    room = world(rollback=action(python(code, name="Revert"), writes("two")))
    view = room.ended(room.begin())
    assert view.state is (S.FAILED if "exit" in why else S.UNKNOWN)
    assert why in view.why
    assert room.count("two") == 0


def test_a_step_may_ask_a_person_and_may_be_gone_past(world):
    fails = python("import sys; open('one.done', 'a').write('x'); sys.exit(1)", name="one", on_failure=OnFailure.ASK)
    passed = python("import sys; sys.exit(1)", name="two", on_failure=OnFailure.GO_ON)
    room = world(rollback=action(fails, passed, verify=()))
    number = room.begin()
    room.until(lambda: room.view(number).steps[0].ended_at)
    room.do("bo", AnswerStep(number, Answer.REPEAT))
    room.until(lambda: room.count("one") == 2 and room.view(number).steps[0].ended_at)
    room.do("bo", AnswerStep(number, Answer.GO_ON))
    assert room.ended(number).state is S.DONE_UNVERIFIED
    assert room.view(number).steps[1].outcome is Outcome.FAILED


def test_a_person_stops_an_action_whose_step_asks(world):
    fails = python("import sys; sys.exit(1)", name="one", on_failure=OnFailure.ASK)
    room = world(rollback=action(fails, writes("two")))
    number = room.begin()
    room.until(lambda: room.view(number).steps[0].ended_at)
    room.do("bo", AnswerStep(number, Answer.STOP))
    assert room.ended(number).state is S.FAILED


@pytest.mark.parametrize(("answer", "state"), [(Answer.DONE, S.DONE_UNVERIFIED), (Answer.FAILED, S.FAILED)])
def test_a_step_by_hand_waits_for_a_person_s_word(world, answer, state):
    room = world(rollback=action(ManualAct(name="CDN", text="purge it"), verify=()))
    number = room.begin()
    room.until(lambda: room.view(number).steps[0].is_open)
    room.do("bo", AnswerStep(number, answer))
    view = room.ended(number)
    assert (view.state, view.steps[0].why) == (state, f"bo said {answer.value}")


def test_a_step_by_hand_that_nobody_does_is_unknown(world):
    room = world(rollback=action(ManualAct(name="CDN", text="purge it", timeout_s=0.5)))
    view = room.ended(room.begin())
    assert view.state is S.UNKNOWN
    assert "nobody said within 0.5 s" in view.why


def test_what_is_missing_is_found_before_anybody_approves_and_nothing_has_run(world):
    for step, why in (
        (writes("one", secrets={"TOKEN": Secret(env="NO_SUCH_TOKEN")}), "NO_SUCH_TOKEN is not set"),
        (CommandAct(name="one", run=("no-such-command-4711",)), "there is no command `no-such-command-4711`"),
        (writes("one", directory="nowhere"), "there is no directory"),
    ):
        room = world(it=action(writes("zero"), step, kind=ActionKind.COMMAND))
        number = room.arm("it")
        room.start(number)
        view = room.ended(number)
        assert view.state is S.FAILED
        assert view.why.startswith("before the start: ")
        assert why in view.why
        assert room.count("zero") == 0


def test_secrets_are_masked_in_the_file_in_the_journal_and_in_the_reason(world):
    code = "import os, sys; print('token', os.environ['T']); sys.stdout.flush(); print(os.environ['T'][:-1], end='')"
    room = world(rollback=action(python(code, secrets={"T": Secret(env="LOOM_TEST_T")}), verify=()))
    number = room.begin(environ={"LOOM_TEST_T": "hunter2-hunter2"})
    room.ended(number)
    assert room.output(number) == "token ••••\nhunter2-hunter"
    assert "hunter2-hunter2" not in room.told()


HALVES = """
import os, pathlib, time
secret, out, err = os.environ['T'].encode(), (1, 2)[{swapped}], (2, 1)[{swapped}]
def say(to, what, line=b''):
    os.write(to, what)
    while line and not any(line in path.read_bytes() for path in pathlib.Path('loom').glob('*/actions/*/1-1.log')):
        time.sleep(0.01)  # until the runner has read and kept it
say(out, b'token:\\n' + secret[:7], b'token:')
say(err, b'warning: slow\\n', b'slow')
say(out, secret[7:] + b'\\n')
"""


@pytest.mark.parametrize("swapped", [0, 1])
def test_a_secret_is_masked_though_its_step_writes_to_the_other_stream_in_its_middle(world, swapped):
    step = python(HALVES.format(swapped=swapped), secrets={"T": Secret(env="LOOM_TEST_T")})
    room = world(rollback=action(step, verify=()))
    number = room.begin(environ={"LOOM_TEST_T": "hunter2-hunter2"})
    room.ended(number)
    assert room.output(number) == "token:\nwarning: slow\n••••\n"
    assert "hunter2" not in room.told()


BY_LINES = """
import os, pathlib, time
out, err = 1, 2
for number, line in enumerate([*os.environ['T'].split(chr(10)), 'done']):
    os.write(out, f'{line}{chr(10)}'.encode())
    os.write(err, f'<{number}>{chr(10)}'.encode())
    while not any(f'<{number}>' in path.read_text() for path in pathlib.Path('loom').glob('*/actions/*/1-1.log')):
        time.sleep(0.01)
"""


@pytest.mark.parametrize(
    "secret", ["hunter2\npw12", "-----BEGIN KEY-----\nMIIEabcdefgh12345678\nab+/c=\n-----END KEY-----"]
)
def test_a_secret_of_several_lines_is_masked_though_its_step_writes_line_by_line(world, secret):
    room = world(rollback=action(python(BY_LINES, secrets={"T": Secret(env="LOOM_TEST_T")}), verify=()))
    number = room.begin(environ={"LOOM_TEST_T": secret})
    room.ended(number)
    said = [line for line in room.output(number).splitlines() if not line.startswith("<")]
    assert said == ["••••", "done"]
    assert "ab+/c=" not in room.told()
    assert "pw12" not in room.told()


def test_a_rollback_takes_over_from_a_deploy_that_hangs_and_ends_its_processes(world):
    deploy = action(
        python(f"open('hung.done', 'a').write('x')\n{BROOD}time.sleep(600)", name="hung"), kind=ActionKind.DEPLOY
    )
    room = world(rollback=action(writes("one"), verify=()), deploy=deploy)
    hanging = room.begin("deploy", override=True)
    room.in_step(hanging, 0)
    number = room.begin()
    assert room.ended(number).state is S.DONE_UNVERIFIED
    view = room.view(hanging)
    assert (view.state, view.why) == (
        S.ABORTED,
        f"stopped by rollback {number} in the middle of “hung”: what that did is not known",
    )
    assert room.processes[0].wait(timeout=20) in (0, 1)  # it found itself replaced, or was asked to end before it did
    assert not Children(room.store.directory, hanging).alive()


def test_a_rollback_ends_the_runner_of_a_deploy_that_was_stopped_before_it_could_begin_what_it_wrote_down(world):
    deploy = action(writes("first"), waits("late"), kind=ActionKind.DEPLOY)
    room = world(rollback=action(writes("one"), verify=()), deploy=deploy)
    slept = room.begin("deploy", override=True)
    room.until(lambda: room.kinds().count("StepStarted") == 2)
    room.kill(signal.SIGSTOP)
    assert room.ended(room.begin()).state is S.DONE_UNVERIFIED
    stopped = room.processes[0]
    stopped.send_signal(signal.SIGCONT)
    assert stopped.wait(timeout=20) == -signal.SIGKILL
    assert room.view(slept).state is S.ABORTED
    assert not Children(room.store.directory, slept).alive()


def test_a_rollback_ends_also_what_began_with_an_empty_environment(world):
    hidden = CommandAct(name="hidden", run=("/bin/sh", "-c", "echo x > hidden.done; exec env -i /bin/sleep 600"))
    room = world(rollback=action(writes("one"), verify=()), deploy=action(hidden, kind=ActionKind.DEPLOY))
    hanging = room.begin("deploy", override=True)
    room.in_step(hanging, 0)
    room.kill()
    assert len(Children(room.store.directory, hanging).alive()) == 1
    assert room.ended(room.begin()).state is S.DONE_UNVERIFIED
    assert not Children(room.store.directory, hanging).alive()


def test_a_lock_that_nobody_here_may_look_into_is_still_told(world, monkeypatch):
    room = world(deploy=action(waits("hung"), kind=ActionKind.DEPLOY))
    hanging = room.begin("deploy", override=True)
    room.in_step(hanging, 0)
    for answer in (Resume(hanging, "gone", Answer.REPEAT), Abort(hanging, "gone")):
        room.do("bo", answer, ahead_s=60)
    room.kill()
    monkeypatch.setattr(Children, "alive", lambda _: [])  # as /proc shows another user's processes
    label = room.view(hanging).armed.label
    assert left_at_work(room.snapshot(), room.store.directory) == (
        f"processes of “{label}” ({hanging}) are still at work: another user's"
    )
    room.go()
    room.until(lambda: not left_at_work(room.snapshot(), room.store.directory))


def test_a_rollback_takes_over_from_a_deploy_whose_runner_was_killed(world):
    room = world(rollback=action(writes("one"), verify=()), deploy=action(waits("hung"), kind=ActionKind.DEPLOY))
    hanging = room.begin("deploy", override=True)
    room.in_step(hanging, 0)
    room.kill()
    number = room.begin()
    assert room.ended(number).state is S.DONE_UNVERIFIED
    assert not Children(room.store.directory, hanging).alive()


@pytest.mark.parametrize(("kind", "state"), [(ActionKind.COMMAND, S.ABORTED), (ActionKind.ROLLBACK, S.DONE_UNVERIFIED)])
def test_a_plan_edited_after_arming_runs_a_rollback_as_it_was_and_refuses_all_else(world, kind, state):
    room = world(it=action(writes("one"), kind=kind, verify=()))
    number = room.arm("it")
    edited = replace(room.plan, actions={"it": action(writes("other"), kind=kind)})
    adopt(room.store, edited, room.folder, actor="ana", at=time.time())
    room.do("bo", Approve(number))
    room.start(number)
    assert room.ended(number).state is state
    assert (room.count("one"), room.count("other")) == (int(state is not S.ABORTED), 0)


def test_a_journal_that_cannot_be_written_holds_the_next_step_up_and_loses_nothing(world):
    room = world(rollback=action(waits("one"), writes("two"), verify=()))
    number = room.begin()
    room.in_step(number, 0)
    held = sqlite3.connect(room.store.directory / "journal.db", isolation_level=None, check_same_thread=False)
    held.execute("BEGIN IMMEDIATE")
    room.go()
    log = room.store.directory / "actions" / str(number) / "runner.log"
    room.until(lambda: "held by another process" in log.read_text())
    assert room.count("two") == 0
    held.execute("ROLLBACK")
    held.close()
    assert room.ended(number).state is S.DONE_UNVERIFIED
    assert [type(p).__name__ for p in room.payloads()].count("StepEnded") == 2
    assert (room.count("one"), room.count("two")) == (1, 1)


@pytest.mark.parametrize("skipped", [False, True])
@pytest.mark.parametrize(("kind", "state"), [(ActionKind.COMMAND, S.ABORTED), (ActionKind.ROLLBACK, S.DONE_UNVERIFIED)])
def test_what_an_aborted_action_left_at_work_holds_up_the_next_one_and_is_ended_by_a_rollback(
    world, kind, state, skipped
):
    first = action(waits("one"), kind=ActionKind.COMMAND)
    room = world(first=first, second=action(writes("two"), kind=kind, verify=()))
    left = room.begin("first")
    room.in_step(left, 0)
    room.kill()
    for _ in range(2 if skipped else 0):
        room.do("bo", Resume(left, "it was done", Answer.GO_ON), ahead_s=60)
    for _ in range(2):
        room.do("bo", Abort(left, "it is gone"), ahead_s=60)
    view = room.ended(room.begin("second"))
    assert view.state is state
    assert bool(Children(room.store.directory, left).alive()) is (state is S.ABORTED)
    assert ("processes of “command” (2) are still at work" in view.why) is (state is S.ABORTED)
