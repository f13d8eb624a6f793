"""The process that holds a demo's world: `python -m loom_tui.demo.keeper`, started by `demo/world.py`.

It reads one line of JSON (`Wish`) from its standard input, makes the world, answers with one line (`Answered`), and
takes everything down when the standard input ends.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from base64 import b32encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Never
from zoneinfo import ZoneInfo

import psycopg
from msgspec.structs import replace

from loom_tui.config.zone import local_zone
from loom_tui.demo.actions import APPLY, asking
from loom_tui.demo.addresses import Addresses
from loom_tui.demo.database import coaching, count_statements, write_migrations
from loom_tui.demo.mailbox import Mailbox
from loom_tui.demo.misbehaviour import backfilling, hanging, refusing_once
from loom_tui.demo.plan import MIGRATIONS_DIRECTORY, demo_plan
from loom_tui.demo.postgres import PostgresMissing, running_postgres
from loom_tui.demo.product import LAST_STABLE, RELEASE, Chat, Product, app, platform
from loom_tui.demo.services import Answer, Request, serve
from loom_tui.demo.staging import Staging
from loom_tui.demo.tracker import sentry
from loom_tui.demo.world import ACTOR, Answered, Wish, World, clear, decode, encode, hold
from loom_tui.plan.channels import Approvals
from loom_tui.plan.model import Plan, Priority, Status
from loom_tui.plan.toml import dump_plan
from loom_tui.room.events import IssueStatusSet, MarkerSet, NoteAdded, Payload, TaskTicked
from loom_tui.store.sqlite import open_store

_COLLECTOR_STOP_S = 5.0


def main() -> None:
    """Keep one world until nobody needs it."""
    signal.signal(signal.SIGTERM, _leave)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    wish = decode(sys.stdin.buffer.readline(), Wish)
    directory = wish.directory
    handle = hold(directory)
    try:
        with _kept(wish) as made:
            _answer(Answered(world=made))
            sys.stdin.buffer.read()  # until the other end is closed, or its process is dead
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except PostgresMissing as error:
        _answer(Answered(why=str(error)))
    except psycopg.Error as error:
        _answer(Answered(why=f"The demo's PostgreSQL refused: {_first_line(error)}"))
    except Exception as error:  # noqa: BLE001 - the last wall of this process: its only reader gets a sentence
        _answer(Answered(why=f"The demo's world could not be made: {_first_line(error)}"))
    finally:
        clear(directory)
        os.close(handle)


def _leave(_number: int, _frame: FrameType | None) -> Never:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what follows is the taking down
    sys.exit(0)


def _answer(answer: Answered) -> None:
    try:
        sys.stdout.buffer.write(encode(answer) + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        pass  # whoever asked is gone; so will this process be


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


@contextmanager
def _kept(wish: Wish) -> Iterator[World]:
    """Start everything, and stop it in the opposite order."""
    directory = wish.directory
    with ExitStack() as stack:
        addresses = _addresses(stack, wish)
        zone = local_zone()
        plan = demo_plan(addresses, now=datetime.now(UTC if zone == "UTC" else ZoneInfo(zone)), zone=zone)
        if wish.shipped:
            plan = replace(
                plan, actions=asking(plan.actions), approvals=Approvals()
            )  # a channel may fail once, in a step
        plan_path = directory / "loom.toml"
        plan_path.write_text(dump_plan(plan), encoding="utf-8")
        _tell(plan, addresses.rooms, _after_it(plan) if wish.shipped else _story(plan))
        collector = stack.enter_context(_collecting(plan_path, addresses.rooms))
        made = World(
            directory=directory,
            plan_path=plan_path,
            store_directory=addresses.rooms,
            dsn_path=addresses.dsn_file,
            sentry_url=addresses.sentry_url,
            app_url=addresses.app_url,
            platform_url=addresses.platform_url,
            platform_token_path=addresses.platform_token_file,
            chat_url=addresses.chat_url,
            keeper_pid=os.getpid(),
            collector_pid=collector,
        )
        _secret(directory / "world.new", encode(made).decode()).rename(directory / "world.json")  # found whole, or not
        yield made


def _addresses(stack: ExitStack, wish: Wish) -> Addresses:
    """Start the database and the services."""
    directory, born = wish.directory, time.time()
    product = Product(born=born, version=RELEASE if wish.shipped else LAST_STABLE)
    sentry_token, platform_token, password = (secrets.token_hex(16) for _ in range(3))
    totp_secret = b32encode(secrets.token_bytes(20)).decode()
    staging_url, mailbox_url = _staging(stack, product, password=password, totp_secret=totp_secret)
    tracker = sentry(token=sentry_token, born=born, outbreak=product.outbreak)
    silent, fails = partial(product.is_on, "silence"), partial(product.takes, "channel")
    server = wish.postgres_dsn or _own_server(stack, directory)
    write_migrations(directory / MIGRATIONS_DIRECTORY, directory / APPLY)
    dsn = stack.enter_context(coaching(server, migrated=wish.shipped))
    stack.enter_context(backfilling(dsn, product.holds_up))
    chat_url = stack.enter_context(serve(refusing_once(Chat().answer, fails)))
    return Addresses(
        rooms=directory / "rooms",
        dsn_file=_secret(directory / "dsn", dsn),
        token_file=_secret(directory / "sentry-token", sentry_token),
        sentry_url=stack.enter_context(serve(hanging(tracker, silent))),
        app_url=stack.enter_context(serve(app(product))),
        platform_url=stack.enter_context(serve(platform(product, token=platform_token))),
        platform_token_file=_secret(directory / "platform-token", platform_token),
        chat_url=chat_url,
        webhook_file=_secret(directory / "chat-webhook", f"{chat_url}/hooks/launch"),
        staging_url=staging_url,
        mailbox_url=mailbox_url,
        password_file=_secret(directory / "qa-password", password),
        totp_file=_secret(directory / "qa-totp", totp_secret),
    )


def _staging(stack: ExitStack, product: Product, *, password: str, totp_secret: str) -> tuple[str, str]:
    """Start the platform that the workflows are run against, and its mail catcher; gives the two addresses."""
    mailbox = Mailbox()
    staging = Staging(password=password, totp_secret=totp_secret, deliver=mailbox.take)

    def answer(request: Request, now: float) -> Answer:
        staging.broken = "double bookings" if product.is_on("booking", now) else ""
        return staging.answer(request, now)

    return stack.enter_context(serve(answer)), stack.enter_context(serve(mailbox.answer))


def _own_server(stack: ExitStack, directory: Path) -> str:
    dsn = stack.enter_context(running_postgres(directory / "postgres"))
    count_statements(dsn)
    return dsn


def _secret(path: Path, text: str) -> Path:
    """Write a file that only its owner reads."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _tell(plan: Plan, rooms: Path, story: Iterator[Payload]) -> None:
    """Bring the room into the middle of a deploy day. The events say who wrote them, and when they were: now."""
    store = open_store(rooms, plan_id=plan.plan.id)
    try:
        for payload in story:
            store.append(payload, actor=ACTOR, at=time.time())
    finally:
        store.close()


def _story(plan: Plan) -> Iterator[Payload]:
    for issue in plan.issues:
        if issue.id in (144, 145):
            for number, task in enumerate(issue.tasks):
                yield TaskTicked(issue=issue.id, task=number, text=task.text, done=True)
            yield IssueStatusSet(issue=issue.id, status=Status.DONE)
    yield IssueStatusSet(issue=146, status=Status.IN_PROGRESS)
    yield NoteAdded(text="play: loom demo story")


def _after_it(plan: Plan) -> Iterator[Payload]:
    yield MarkerSet(marker="migration", text="lookup indexes on session and practice_entry")
    yield MarkerSet(marker="deploy", text=f"{LAST_STABLE} → {RELEASE}")
    for issue in plan.issues:
        if issue.priority is Priority.CRITICAL:
            yield IssueStatusSet(issue=issue.id, status=Status.DONE)


@contextmanager
def _collecting(plan_path: Path, rooms: Path) -> Iterator[int]:
    """Run the collector; gives its process's number."""
    with (plan_path.parent / "collector.log").open("wb") as log:
        collector = subprocess.Popen(
            [sys.executable, "-P", "-m", "loom_tui", "watch", str(plan_path), "--store", str(rooms)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield collector.pid
    finally:
        collector.terminate()
        try:
            collector.wait(timeout=_COLLECTOR_STOP_S)
        except subprocess.TimeoutExpired:
            collector.kill()
            collector.wait()


if __name__ == "__main__":
    main()
