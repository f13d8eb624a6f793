"""What is known to be secret is told by no source, in whatever form it travels."""

from __future__ import annotations

import asyncio
import json
import os
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from loom_tui.collector.ground import Ground
from loom_tui.collector.once import ask_once
from loom_tui.plan.model import About, Plan
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.command import CommandSource
from loom_tui.plan.sources.http import HttpSource
from loom_tui.room.signals import Reading, State
from loom_tui.sources import credentials
from loom_tui.sources.mask import Mask
from tests.servers import answer, serving

SECRET = "p/l+a\"n<t>e&d='-ü-4711"


def in_json(text: str, letters: str, case: Callable[[str], str]) -> str:
    """Write a text as JSON does in a language that escapes more than it must."""
    escapes = {ord(letter): "\\u" + case(f"{ord(letter):04x}") for letter in letters}
    return json.dumps(text, ensure_ascii=False).translate(escapes)


@pytest.fixture
def mask() -> Mask:
    mask = Mask()
    mask.add(SECRET)
    return mask


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        re.sub("%..", lambda found: found[0].lower(), quote(SECRET, safe="")),
        escape(SECRET),
        escape(SECRET).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        json.dumps(SECRET),
        in_json(SECRET, "<>&", str.lower),  # encoding/json of Go
        in_json(SECRET, "<>&='", str.lower),  # Gson
        in_json(SECRET, "<>&'+", str.upper),  # System.Text.Json
        json.dumps(SECRET, ensure_ascii=False).replace("/", "\\/"),
        b64encode(SECRET.encode()).decode(),
        b64encode(f"ana:{SECRET}".encode()).decode(),
        urlsafe_b64encode(f"loom:{SECRET}, and more".encode()).decode(),
    ],
)
def test_a_secret_is_hidden_in_every_form_in_which_it_travels(mask, form):
    for text in (mask.hide(f"so: {form}."), mask.hide_json(json.dumps({"a": [f"so: {form}.", 7]}).encode()).decode()):
        assert "••••" in text
        assert form not in text
        assert "4711" not in text


def test_a_short_secret_leaves_a_bodys_numbers_and_form_alone():
    mask = Mask()
    mask.add("7")
    body = json.dumps({"duration_ms": 77, "steps": [{"got": "7 up"}]}).encode()
    assert json.loads(mask.hide_json(body)) == {"duration_ms": 77, "steps": [{"got": "•••• up"}]}


def test_a_secret_that_was_replaced_makes_room_for_the_new_one():
    mask = Mask()
    mask.add("the-old-one", place="token")
    mask.add("the-new-one", place="token")
    assert mask.hide("the-old-one the-new-one") == "the-old-one ••••"


async def asked(plan: Plan, name: str, environ: dict[str, str], directory: Path) -> list[Reading]:
    ground = Ground(plan=plan, directory=directory, environ=environ, clock=lambda: 1.0)
    (asking,) = await ask_once(ground, [name])
    return [stored.reading for stored in asking.readings if stored.reading.signal == name]


def plan_of(**sources: CommandSource | HttpSource) -> Plan:
    return Plan(plan=About(title="t", id="t", environment="production", release="v1"), sources=dict(sources))


async def test_a_command_tells_no_credential_that_the_plan_names_anywhere_however_short(tmp_path):
    (tmp_path / "tok").write_text("planted-file", encoding="utf-8")
    plan = plan_of(
        app=HttpSource(url="http://127.0.0.1:1", headers={"a": Secret(env="ANON"), "b": Secret(file="tok")}),
        lint=CommandSource(shell='echo "$ANON $PIN $MY_TOKEN"; cat tok; exit 1', secrets={"PIN": Secret(env="PIN")}),
    )
    environ = {"PATH": os.environ["PATH"], "ANON": "planted-anon", "PIN": "z9", "MY_TOKEN": "planted-guess"}
    (reading,) = await asked(plan, "lint", environ, tmp_path)
    assert reading.state is State.BAD
    assert json.loads(reading.body)["steps"][0]["got"] == "•••• •••• ••••\n••••"


async def test_the_sentence_of_a_failure_is_masked_like_all_else(tmp_path):
    plan = plan_of(lint=CommandSource(run=(SECRET,), secrets={"KEY": Secret(env="KEY")}))
    (reading,) = await asked(plan, "lint", {"PATH": os.environ["PATH"], "KEY": SECRET}, tmp_path)
    assert reading.detail.startswith("lint: `••••` cannot be started")


async def test_eight_credentials_commands_that_hang_keep_no_other_source_from_its_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(credentials, "COMMAND_TIMEOUT_S", 600.0)
    hanging = Secret(command=("sleep", "600"))
    async with serving(answer(b"{}")) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        stuck = {f"s{n}": HttpSource(url=url, headers={"x-key": hanging}, timeout_s=600) for n in range(40)}
        plan = plan_of(app=HttpSource(url=url), **stuck)
        environ = {"PATH": os.environ["PATH"]}
        ground = Ground(plan=plan, directory=tmp_path, environ=environ, clock=lambda: 1.0)
        waiting = [asyncio.create_task(ask_once(ground, [name], within_s=500)) for name in stuck]
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(60):
                (asking,) = await ask_once(ground, ["app"])
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
    assert asking.readings[0].reading.state is State.OK


async def test_a_credentials_command_that_hangs_is_told_of_within_its_sources_deadline(tmp_path):
    hanging = HttpSource(url="http://127.0.0.1:1", headers={"a": Secret(command=("sleep", "600"))}, timeout_s=1)
    (reading,) = await asked(plan_of(app=hanging), "app", {"PATH": os.environ["PATH"]}, tmp_path)
    assert reading.state is State.UNKNOWN
    assert reading.detail == "The credential's command `sleep` gave nothing within 0.9 s"


async def test_a_credentials_command_past_its_deadline_ends_with_all_that_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(credentials, "COMMAND_TIMEOUT_S", 2.0)
    brood = Secret(command=("sh", "-c", "sleep 600 & echo $! > pid; wait"))
    plan = plan_of(app=HttpSource(url="http://127.0.0.1:1", headers={"a": brood}))
    (reading,) = await asked(plan, "app", {"PATH": os.environ["PATH"]}, tmp_path)
    assert "gave nothing within 2 s" in reading.detail
    pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
    async with asyncio.timeout(10):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)
