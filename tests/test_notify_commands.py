"""Telling people from a shell, and going through an action without doing it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from loom_tui.plan.acts import ActionKind, CommandAct, ManualAct, NotifyAct, SqlAct
from loom_tui.plan.channels import Channel, CommandChannel, EmailChannel, SlackChannel
from loom_tui.plan.model import Action, Plan
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.toml import dump_plan
from loom_tui.room.acting import Outcome
from loom_tui.room.messages import MessageSent
from loom_tui.store.sqlite import open_store
from tests.chat import Chat
from tests.gates import plan
from tests.running import action
from tests.shell import loom

SLACK = SlackChannel(url=Secret(env="HOOK"))
MAIL = EmailChannel(server="mx.example", sender="loom@example.com", to=("ops@example.com",))
WALL = CommandChannel(run=(sys.executable, "-c", "import sys; open('wall.told', 'a').write(sys.stdin.read())"))
MEANT = ("--environment", "production")


@pytest.fixture
def chat() -> Iterator[Chat]:
    made = Chat()
    yield made
    made.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory; the runners and collectors that work on it are ended with the test."""
    yield tmp_path
    for process in psutil.process_iter(["cmdline"]):
        if any(str(tmp_path) in word for word in process.info["cmdline"] or ()):
            process.kill()


def plan_in(place: Path, *, channels: dict[str, Channel], **actions: Action) -> Plan:
    base = plan()
    made = replace(base, plan=replace(base.plan, last_stable="v1"), channels=channels, actions=actions)
    (place / "loom.toml").write_text(dump_plan(made), encoding="utf-8")
    return made


def messages(place: Path) -> list[MessageSent]:
    store = open_store(place / "state", plan_id="friday")
    try:
        return [event.payload for event in store.events() if isinstance(event.payload, MessageSent)]
    finally:
        store.close()


def test_people_are_told_and_the_exit_says_whether_every_channel_acknowledged(place, chat):
    plan_in(place, channels={"launch": SLACK, "wall": WALL})
    done = loom(place, "notify", "We are back on {from} <!here>", *MEANT, **chat.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[1] == ("  1 Tell people: loom notify 'We are back on v2 <!here>' --channel launch --channel wall")
    assert any(line.endswith("told launch “We are back on v2 <!here>”") for line in lines)
    assert lines[-1] == "Tell people (2): done"
    assert chat.told[0].startswith("We are back on v2 &lt;!here&gt;\n\nfriday · production · v2\njournal ")
    assert (place / "wall.told").read_text().startswith("We are back on v2 <!here>\n\nWe are back on v2 <!here>\n\n")
    assert {(sent.channel, sent.outcome) for sent in messages(place)} == {
        ("launch", Outcome.OK),
        ("wall", Outcome.OK),
    }
    chat.status = 404
    failed = loom(place, "notify", "And again", "--channel", "launch", *MEANT, **chat.environ)
    assert (failed.returncode, "refused" in failed.stdout or "404" in failed.stdout) == (1, True)
    assert "planted" not in failed.stdout + failed.stderr + done.stdout


def test_without_a_terminal_the_environment_must_be_named_and_a_wrong_one_sends_nothing(place, chat):
    plan_in(place, channels={"launch": SLACK})
    unsaid = loom(place, "notify", "Hello", **chat.environ)
    assert (unsaid.returncode, "--environment production" in unsaid.stderr) == (2, True)
    wrong = loom(place, "notify", "Hello", "--environment", "staging", **chat.environ)
    assert (wrong.returncode, "Type the environment's name, production" in wrong.stderr) == (1, True)
    unknown = loom(place, "notify", "Hello", "--channel", "lunch", *MEANT)
    assert (unknown.returncode, "did you mean `launch`?" in unknown.stderr) == (1, True)
    leaking = loom(place, "notify", "it is hunter4711x", *MEANT, **chat.environ, DB_PASSWORD="hunter4711x")
    assert (leaking.returncode, "holds a secret of this environment" in leaking.stderr) == (1, True)
    assert chat.told == []


def test_a_dry_run_writes_exactly_what_would_be_sent_and_sends_nothing(place, chat):
    plan_in(place, channels={"launch": SLACK, "mail": MAIL, "wall": WALL})
    loom(place, "note", "a first event")
    done = loom(place, "notify", "Back on {from}", "--dry-run", **chat.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[1:5] == ["launch (a Slack webhook):", "POST ••••", "content-type: application/json", ""]
    body = json.loads(lines[5])
    assert body["text"].startswith("Back on v2\n\nfriday · production · v2\njournal 1 ")
    assert "SMTP mx.example:587 starttls" in lines
    assert "To: ops@example.com" in lines
    assert lines[-1] == "All that it needs is there; nothing was done."
    assert (chat.told, messages(place), (place / "wall.told").exists()) == ([], [], False)
    missing = loom(place, "notify", "Back", "--channel", "launch", "--dry-run")
    assert (missing.returncode, "HOOK is not set" in missing.stdout) == (1, True)


def test_an_action_is_gone_through_step_by_step_with_the_dry_runs_that_its_tools_have(place, chat):
    code = "import os, sys; print(sys.argv[1:], os.environ['TOKEN'])"
    ship = CommandAct(
        name="Ship",
        run=(sys.executable, "-c", "open('shipped', 'w')"),
        dry_run=(sys.executable, "-c", code, "--dry-run", "{to}"),
        secrets={"TOKEN": Secret(env="TOKEN")},
    )
    tell = NotifyAct(name="Tell", channels=("launch",), text="{by} ships {to}: {reason}")
    by_hand = ManualAct(name="Look", text="look at {environment}")
    steps = (ship, tell, by_hand)
    plan_in(place, channels={"launch": SLACK}, ship=action(*steps, kind=ActionKind.DEPLOY))
    loom(place, "note", "a first event")
    environ = {**chat.environ, "TOKEN": "planted-4711"}
    done = loom(place, "act", "ship", "--dry-run", "--reason", "it is time", **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "    ['--dry-run', 'v2'] ••••" in lines
    assert any("ships v2: it is time" in line for line in lines)
    assert "3 Look: # by hand: look at production" in lines
    assert not (place / "shipped").exists()
    assert chat.told == []
    assert "planted" not in done.stdout
    assert loom(place, "status").stdout
    numbered = loom(place, "act", "2", "--dry-run")
    assert (numbered.returncode, "write its name" in numbered.stderr) == (2, True)


def test_a_dry_run_masks_a_secret_in_whose_middle_its_tool_writes_to_the_other_stream(place):
    code = "import os; t = os.environ['TOKEN'].encode(); os.write(1, t[:6]); os.write(2, b'slow'); os.write(1, t[6:])"
    words = (sys.executable, "-c", code)
    ship = CommandAct(name="Ship", run=words, dry_run=words, secrets={"TOKEN": Secret(env="TOKEN")})
    plan_in(place, channels={}, ship=action(ship, kind=ActionKind.DEPLOY))
    loom(place, "note", "a first event")
    done = loom(place, "act", "ship", "--dry-run", TOKEN="planted-4711")
    assert done.stdout.splitlines()[1:3] == ["    ••••", "    slow"]


def test_a_dry_run_says_what_is_missing_and_which_dry_run_failed(place):
    bad = CommandAct(name="Bad", run=(sys.executable,), dry_run=(sys.executable, "-c", "raise SystemExit(4)"))
    gone = CommandAct(name="Gone", run=("/no/such",))
    sql = SqlAct(name="Migrate", file="up.sql", dsn_from=Secret(env="DSN"))
    plan_in(place, channels={}, ship=action(bad, gone, sql, kind=ActionKind.DEPLOY))
    loom(place, "note", "a first event")
    done = loom(place, "act", "ship", "--dry-run")
    assert done.returncode == 1
    assert "  ! its dry run: exit 4, wanted 0" in done.stdout
    assert "  ! “Gone”: there is no command `/no/such` here" in done.stdout
    assert "DSN is not set" in done.stdout
    assert done.stdout.endswith("Something is in its way; nothing was done.\n")


def test_the_doctor_says_of_each_channel_whether_its_credentials_are_there(place):
    plan_in(place, channels={"launch": SLACK, "mail": MAIL})
    told = json.loads(loom(place, "doctor", "--json", HOOK="https://hooks.example/planted-4711").stdout)
    found = {finding["about"]: finding for finding in told["findings"] if finding["section"] == "Channels"}
    assert found["launch"]["level"] == found["mail"]["level"] == "ok"
    assert found["mail"]["what"].startswith("mail to ops@example.com; not tried: loom notify TEXT --channel mail")
    assert "planted" not in str(told)
    missing = json.loads(loom(place, "doctor", "--json").stdout)
    (gone,) = [finding for finding in missing["findings"] if finding["about"] == "launch"]
    assert (gone["level"], gone["what"]) == (
        "bad",
        "url: The environment variable HOOK is not set; the credential belongs there",
    )
    assert "[channels.launch] url" in gone["do"]
