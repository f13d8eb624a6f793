"""Credentials, found where the plan says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from loom_tui.files import read_file
from loom_tui.plan.sources.base import Secret
from loom_tui.sources.base import CredentialMissing, SourceTimeout, SourceUnreachable
from loom_tui.sources.mask import Masked
from loom_tui.sources.process import run

COMMAND_TIMEOUT_S = 10.0  # and never longer than `within_s`


async def resolve(
    secret: Secret, environ: Mapping[str, str], directory: Path, *, within_s: float = COMMAND_TIMEOUT_S
) -> Masked:
    """Find a credential; a relative path begins in `directory`, the plan's, and a command runs there.

    Raises CredentialMissing with the place that was looked in, never with what was there.
    """
    if secret.env:
        value = environ.get(secret.env, "")
        if not value.strip():
            raise CredentialMissing(f"The environment variable {secret.env} is not set; the credential belongs there")
        return Masked(value.strip())
    if secret.file:
        return await asyncio.to_thread(_from_file, directory, secret.file)
    return await _from_command(secret.command, environ, directory, min(within_s, COMMAND_TIMEOUT_S))


def _from_file(directory: Path, name: str) -> Masked:
    path = directory / Path(name).expanduser()
    try:
        value = read_file(path).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CredentialMissing(f"The credential's file {path} cannot be read: {why}") from None
    if not value:
        raise CredentialMissing(f"The credential's file {path} is empty")
    return Masked(value)


async def _from_command(
    command: tuple[str, ...], environ: Mapping[str, str], directory: Path, timeout_s: float
) -> Masked:
    name = f"The credential's command `{command[0] if command else ''}`"
    try:
        done = await run(command or ("",), directory=directory, environ=environ, timeout_s=timeout_s, name="credential")
        value = done.stdout.decode().strip()
    except SourceTimeout:
        raise CredentialMissing(f"{name} gave nothing within {timeout_s:g} s") from None
    except SourceUnreachable as error:
        raise CredentialMissing(f"{name} cannot be run: {str(error).rpartition(': ')[2]}") from None
    except UnicodeDecodeError:
        raise CredentialMissing(f"{name} printed what is no text") from None
    if done.code:
        raise CredentialMissing(f"{name} failed with code {done.code}")
    if not value:
        raise CredentialMissing(f"{name} printed nothing")
    return Masked(value)
