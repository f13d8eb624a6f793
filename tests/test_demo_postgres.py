"""The demo's PostgreSQL is a real one, private, and gone afterwards; without one the demo says what to do."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psycopg
import pytest

from loom_tui.demo import postgres
from loom_tui.demo.postgres import PostgresMissing, running_postgres


def test_a_real_server_answers_on_a_private_socket_and_is_gone_afterwards() -> None:
    with tempfile.TemporaryDirectory(prefix="loom-test-") as parent:
        directory = Path(parent) / "pg"
        with running_postgres(directory) as dsn:
            assert directory.stat().st_mode & 0o777 == 0o700
            with psycopg.connect(dsn) as connection:
                row = connection.execute(
                    "SELECT version(), current_setting('listen_addresses'), current_setting('shared_preload_libraries')"
                ).fetchone()
            assert row is not None
            assert row[0].startswith("PostgreSQL")
            assert row[1:] == ("", "pg_stat_statements")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn, connect_timeout=2)


def test_without_any_postgresql_the_way_to_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda _name: None)
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresMissing, match=r"loom-tui\[demo\].*--postgres"), running_postgres(tmp_path / "pg"):
        pass


def test_a_server_that_does_not_start_says_what_its_log_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("initdb", "postgres"):
        (tools / name).write_text("#!/bin/sh\necho no such locale\nexit 1\n")
        (tools / name).chmod(0o755)
    monkeypatch.setattr(postgres, "find_spec", lambda _name: None)
    monkeypatch.setattr(postgres, "_account", dict)
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(OSError, match="no such locale"), running_postgres(tmp_path / "pg"):
        pass
