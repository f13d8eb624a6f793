"""A plan's channels: how they are written, and what is a fault in them or in whoever names them."""

from __future__ import annotations

import pytest

from loom_tui.plan.check import check_plan
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.toml import dump_plan, parse_plan

HEAD = """
[plan]
title = "Friday"
[approvals]
channels = ["launch"]
[channels.launch]
kind = "slack"
url = { env = "HOOK" }
[channels.pager]
kind = "webhook"
url = { file = "hook.txt" }
headers = { authorization = "Bearer {token}" }
json = { summary = "{subject}", text = ["{text}"] }
secrets.token = { env = "TOKEN" }
[channels.mail]
kind = "email"
server = "mx.example"
sender = "loom@example.com"
to = ["ops@example.com"]
user = "loom"
password = { command = ["pass", "mail"] }
[channels.wall]
kind = "command"
run = ["wall"]
[actions.tell]
kind = "notify"
ask = ["wall"]
"""
STEP = 'steps = [{ kind = "notify", name = "Tell", channels = ["launch", "mail"], text = "{by}: {to} {reason}" }]'


def test_channels_of_every_kind_are_written_and_read_back():
    plan = parse_plan(f"{HEAD}{STEP}")
    assert parse_plan(dump_plan(plan)) == plan
    assert check_plan(plan) == []
    (step,) = plan.actions["tell"].steps
    assert step.shown({"to": "v1"}) == "loom notify '{by}: v1 {reason}' --channel launch --channel mail"
    assert plan.actions["tell"].tells_only


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (
            'channels = ["launch"]',
            'channels = ["lunch"]',
            "approvals.channels: channel `lunch` does not exist; did you",
        ),
        ('ask = ["wall"]', 'ask = ["wal"]', "actions.tell.ask: channel `wal` does not exist; did you mean `wall`?"),
        ('["launch", "mail"]', '["mial"]', "actions.tell.steps[1].channels: channel `mial` does not exist; did you"),
        ('["launch", "mail"]', '["mail", "mail"]', "channel `mail` is there 2 times"),
        ('["launch", "mail"]', "[]", "channels: is empty"),
        ('text = "{by}: {to} {reason}"', 'text = " "', "text: is empty"),
        ("{by}", "{who}", "speaks of {who}, which is none of by, environment"),
        ('name = "Tell"', 'name = "Tell", subject = "a\\nBcc: eve@example.com"', "subject: holds a line break"),
        ('{ env = "HOOK" }', "{}", "channels.launch.url: name exactly one of env, file or command"),
        ('{ env = "HOOK" }', '"https://hooks.example/T0"', "channels.launch.url: should be a table"),
        ('env = "TOKEN"', 'env = "A", file = "b"', "channels.pager.secrets.token: name exactly one"),
        ("{token}", "{tokn}", "headers.authorization: speaks of {tokn}"),
        ('"{subject}"', '"{title}"', "json.summary: speaks of {title}"),
        ("secrets.token =", "secrets.text =", "`text`: a variable is small letters"),
        ('"ops@example.com"', '"ops@example.com\\nBcc: eve@example.com"', "channels.mail.to: expected an address"),
        ('"loom@example.com"', '"Loom"', "channels.mail.sender: expected an address"),
        ('["ops@example.com"]', "[]", "channels.mail.to: is empty"),
        ('server = "mx.example"', 'server = "mx.example"\ntls = "none"', "the password would travel in the clear"),
        ('server = "mx.example"', 'server = "mx.example"\nport = 99999', "port: 99999 is no port"),
        ('server = "mx.example"', 'server = "smtp://mx"', "expected a host's name"),
        ('user = "loom"', "", "user: and password go together"),
        ('run = ["wall"]', "run = []", "channels.wall.run: is empty"),
        ('run = ["wall"]', 'run = ["wall"]\ntimeout_s = 0', "channels.wall.timeout_s: must be above 0"),
        ("[channels.wall]", "[channels.Wall]", "channels.Wall: a channel's name is small letters"),
    ],
)
def test_what_could_not_be_told_is_a_fault_of_the_plan(before, after, fault):
    text = f"{HEAD}{STEP}"
    assert before in text
    with pytest.raises(PlanFaults) as faults:
        parse_plan(text.replace(before, after, 1))
    assert fault in str(faults.value)


def test_a_channel_that_could_hold_a_rollback_up_is_warned_of():
    text = f"{HEAD}{STEP}".replace('kind = "notify"\nask', 'kind = "rollback"\nask')
    assert not any("hold the rollback up" in str(fault) for fault in check_plan(parse_plan(text)))
    text = text.replace('name = "Tell"', 'name = "Tell", on_failure = "stop"')
    assert any("hold the rollback up" in str(fault) for fault in check_plan(parse_plan(text)))
