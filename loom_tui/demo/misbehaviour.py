"""How the demo's services misbehave while one of the product's switches is on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg

from loom_tui.demo.product import RELEASE
from loom_tui.demo.services import Answer, Request, Service

HELD_S = 0.4  # a lock of the job's; shorter than any deadline of who waits for it: they are slow, they do not fail
BETWEEN_S = 0.005  # so short that whoever asks twice waits twice, and sees who holds it
LOOK_EVERY_S = 0.2
CONNECT_TIMEOUT_S = 10
_SESSIONS = {
    f"loom-web {RELEASE} backfill": ("LOCK TABLE session IN ACCESS EXCLUSIVE MODE", f"SELECT pg_sleep({HELD_S})"),
    f"loom-web {RELEASE}": ("SELECT count(*) FROM session WHERE client_id = 7",),
}


def hanging(service: Service, is_silent: Callable[[float], bool]) -> Service:
    """Take requests and answer none while it is silent; whoever still waits then is answered."""

    def answer(request: Request, _now: float) -> Answer:
        while is_silent(time.time()):
            time.sleep(LOOK_EVERY_S)
        return service(request, time.time())

    return answer


def refusing_once(service: Service, takes: Callable[[float], bool]) -> Service:
    """Refuse one POST, as Slack does (403), for each time that it is switched on."""

    def answer(request: Request, now: float) -> Answer:
        if request.method == "POST" and takes(now):
            return Answer(status=403, body="action_prohibited")
        return service(request, now)

    return answer


@contextmanager
def backfilling(dsn: str, is_wanted: Callable[[float], bool]) -> Iterator[None]:
    """Run a job of the release while it is wanted, and beside it the app, which has to wait for what the job locks."""
    leave = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(dsn, name, statements, is_wanted, leave), name=name, daemon=True)
        for name, statements in _SESSIONS.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        leave.set()
        for thread in threads:
            thread.join(CONNECT_TIMEOUT_S)


def _work(
    dsn: str, name: str, statements: Sequence[str], is_wanted: Callable[[float], bool], leave: threading.Event
) -> None:
    while not leave.wait(LOOK_EVERY_S):
        if is_wanted(time.time()):
            try:
                with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, application_name=name) as connection:
                    while is_wanted(time.time()) and not leave.wait(BETWEEN_S):
                        for statement in statements:
                            connection.execute(statement.encode())
                        connection.commit()
            except psycopg.Error:
                continue  # the server ended the session, as a person may have told it to: the job comes again
