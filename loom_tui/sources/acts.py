"""Doing a guarded action's step, once: a command, a request, a file of SQL, a workflow of GitHub's.

What was ended at its deadline, or broke off after it was sent, is unknown: it may have been done.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg.pq import TransactionStatus

from loom_tui.files import read_file
from loom_tui.plan.acts import AnyActStep, CommandAct, DispatchAct, ManualAct, NotifyAct, RequestAct, SqlAct, filled
from loom_tui.plan.template import fill_all
from loom_tui.room.acting import Outcome
from loom_tui.sources import dispatch
from loom_tui.sources.base import SourceAnswered, SourceError, SourceTimeout, SourceUnreachable
from loom_tui.sources.credentials import resolve
from loom_tui.sources.mask import Masked
from loom_tui.sources.postgres.session import translated, words
from loom_tui.sources.process import run
from loom_tui.sources.scene import Ended, Heard, Scene
from loom_tui.sources.steps.web import Browser, Call

CONNECT_S = 10.0


async def credentials_of(step: AnyActStep, environ: Mapping[str, str], directory: Path) -> dict[str, Masked]:
    """Find a step's credentials; `directory` is the plan's. Raises CredentialMissing."""
    return {name: await resolve(secret, environ, directory) for name, secret in step.credentials()}


async def try_out(step: AnyActStep, scene: Scene) -> None:
    """Try what a step needs without doing it: its command, its file, its database. Raises SourceError."""
    match step:
        case CommandAct():
            directory = scene.directory / filled(step.directory, scene.values)
            word = filled(step.run[0], scene.values)
            if not directory.is_dir():
                raise SourceUnreachable(f"“{step.name}”: there is no directory {directory}")
            path = step.environ.get("PATH", scene.environ.get("PATH"))
            if shutil.which(str(directory / word) if "/" in word else word, path=path) is None:
                raise SourceUnreachable(f"“{step.name}”: there is no command `{word}` here")
        case SqlAct():
            script_of(step, scene)
            connection = await _connected(step, scene)
            await connection.close()
        case DispatchAct():
            await dispatch.try_out(step, scene)
        case RequestAct() | NotifyAct() | ManualAct():  # a channel that is down stands in no other step's way
            return


async def do(
    step: CommandAct | RequestAct | SqlAct | DispatchAct, scene: Scene, heard: Heard, *, complained: Heard = len
) -> Ended:
    """Do a step, within its deadline; `heard` is given what it says as it comes, `complained` a command's stderr.

    Two of them, because whoever masks what they say must not have half a secret cut off by a word of the other.
    """
    match step:
        case CommandAct():
            return await _command(step, scene, heard, complained)
        case RequestAct():
            return await _request(step, scene, heard)
        case SqlAct():
            return await _sql(step, scene, heard)
        case DispatchAct():
            return await dispatch.do(step, scene, heard)


async def _command(step: CommandAct, scene: Scene, heard: Heard, complained: Heard) -> Ended:
    command = [filled(word, scene.values) for word in step.run]
    own = {name: filled(value, scene.values) for name, value in step.environ.items()}
    secret = {name: credential.reveal() for name, credential in scene.credentials.items()}
    try:
        done = await run(
            command,
            directory=scene.directory / filled(step.directory, scene.values),
            environ={**scene.environ, **own, **secret},
            timeout_s=step.timeout_s,
            name=step.name,
            heard=heard,
            complained=complained,
            descriptors=scene.descriptors,
        )
    except SourceTimeout as error:
        return Ended(Outcome.UNKNOWN, str(error))
    except SourceUnreachable as error:
        return Ended(Outcome.FAILED, str(error))
    if done.code < 0:
        return Ended(Outcome.UNKNOWN, f"signal {-done.code} ended it in the middle")
    if done.code != step.expect_exit:
        return Ended(Outcome.FAILED, f"exit {done.code}, wanted {step.expect_exit}")
    return Ended(Outcome.OK)


async def _request(step: RequestAct, scene: Scene, heard: Heard) -> Ended:
    values = {**scene.values, **{name: credential.reveal() for name, credential in scene.credentials.items()}}

    def value_of(name: str) -> str:
        return values.get(name, f"{{{name}}}")

    call = Call(
        method=step.method,
        url=filled(step.url, values),
        headers=fill_all(step.headers, value_of),
        json=fill_all(step.json, value_of),
        follow=False,
    )
    browser = Browser(step.name, timeout_s=step.timeout_s)
    try:
        async with asyncio.timeout(step.timeout_s):
            got = await browser.send(call)
    except TimeoutError:
        return Ended(Outcome.UNKNOWN, f"no answer within {step.timeout_s:g} s")
    except (SourceTimeout, SourceAnswered) as error:  # it was sent, and may have been done
        return Ended(Outcome.UNKNOWN, str(error))
    except SourceError as error:
        return Ended(Outcome.FAILED, str(error))
    finally:
        await browser.close()
    heard(f"{got.status}\n".encode() + got.body)
    if got.status not in step.expected:
        return Ended(Outcome.FAILED, f"answered {got.status}, wanted {' or '.join(map(str, step.expected))}")
    return Ended(Outcome.OK)


async def _sql(step: SqlAct, scene: Scene, heard: Heard) -> Ended:
    script = script_of(step, scene)
    try:
        async with asyncio.timeout(step.timeout_s):
            connection = await _connected(step, scene)
            connection.add_notice_handler(lambda notice: _tell(notice, heard))
            try:
                return await _transaction(connection, script, heard)
            finally:
                await connection.close()
    except TimeoutError:
        return Ended(Outcome.UNKNOWN, f"did not end within {step.timeout_s:g} s")
    except SourceError as error:
        return Ended(Outcome.FAILED, str(error))


async def _transaction(connection: psycopg.AsyncConnection, script: bytes, heard: Heard) -> Ended:
    """Execute a script between BEGIN and COMMIT. One that ends the transaction itself is unknown."""
    try:
        await connection.execute(b"BEGIN")
        cursor = await connection.execute(script)
        if connection.info.transaction_status is not TransactionStatus.INTRANS:
            return Ended(Outcome.UNKNOWN, "the file ended its transaction itself: what of it was kept is not known")
    except psycopg.Error as error:
        why = words(error)
        heard(f"{error}\n".encode())
        if connection.closed:
            return Ended(Outcome.UNKNOWN, f"the connection broke: {why}")
        ours = connection.info.transaction_status is TransactionStatus.INERROR
        kept = "nothing of it was kept" if ours else "it ended its transaction itself before"
        return Ended(Outcome.FAILED if ours else Outcome.UNKNOWN, f"{why}; {kept}")
    try:
        await connection.execute(b"COMMIT")
    except psycopg.Error as error:
        if connection.closed:
            return Ended(Outcome.UNKNOWN, f"the connection broke at the commit: {words(error)}")
        return Ended(Outcome.FAILED, f"{words(error)}; nothing of it was kept")
    heard(f"{cursor.statusmessage or 'done'}\n".encode())
    return Ended(Outcome.OK)


def _tell(notice: psycopg.errors.Diagnostic, heard: Heard) -> None:
    heard(f"{notice.message_primary}\n".encode())


def script_of(step: SqlAct, scene: Scene) -> bytes:
    """Give what a step is to run. Raises SourceUnreachable."""
    if scene.script is not None:
        return scene.script
    path = step.path(scene.directory, scene.values)
    try:
        return read_file(path)
    except OSError as error:
        raise SourceUnreachable(f"“{step.name}”: {path} cannot be read: {error.strerror}") from None


async def _connected(step: SqlAct, scene: Scene) -> psycopg.AsyncConnection:
    dsn = scene.credentials.get("dsn") or Masked(filled(step.dsn, scene.values))
    try:
        async with asyncio.timeout(CONNECT_S):  # psycopg's own, which at our deadline has the server stop the statement
            return await psycopg.AsyncConnection.connect(
                dsn.reveal(), autocommit=True, prepare_threshold=None, application_name="loom"
            )
    except TimeoutError:
        raise SourceTimeout(f"“{step.name}”: the database did not answer within {CONNECT_S:g} s") from None
    except psycopg.Error as error:
        raise translated(error, f"“{step.name}”: the database") from None


def shown_secrets(credentials: Mapping[str, Masked]) -> list[str]:
    """Give the texts that must not be shown of a step's credentials, the passwords of a DSN apart."""
    texts = []
    for credential in credentials.values():
        texts.append(credential.reveal())
        try:
            password = psycopg.conninfo.conninfo_to_dict(credential.reveal()).get("password")
        except psycopg.Error:
            continue
        texts += [str(password)] if password else []
    return texts
