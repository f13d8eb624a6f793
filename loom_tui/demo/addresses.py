"""Where a world answers, as its keeper tells its plan."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class Addresses(Struct, frozen=True, kw_only=True):
    """Where the demo's world answers and keeps its room; what is secret lies in files that only their owner reads."""

    rooms: Path
    dsn_file: Path
    token_file: Path
    sentry_url: str
    app_url: str
    platform_url: str
    platform_token_file: Path
    chat_url: str
    webhook_file: Path  # of the chat
    staging_url: str
    mailbox_url: str
    password_file: Path  # of staging's people
    totp_file: Path
