"""Scanning a real repository for hard-coded credentials: found, accepted, remembered, and never repeated."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
from hashlib import sha1
from pathlib import Path
from typing import Any

import psutil
import pytest

from loom_tui.plan.sources.secrets import SecretsSource
from loom_tui.room.checks import Step, decode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, SourceError, SourceTimeout
from loom_tui.sources.build import build
from tests.errands import errand_of

# Put together here, so that this file holds no key itself.
AWS = "AKIA" + "QYLPMN5HHHFPZAM2"
PASSWORD = "hunter" + "2-Xq81zz"
KEYWORD = "Secret Keyword"
# Minutes of work for the scanner.
ENDLESS = "".join(f'password_{n} = "{PASSWORD}{n}" + token["{n:064x}"]\n' for n in range(200_000))


class Repository:
    """A git repository and the state directory of whoever scans it."""

    def __init__(self, root: Path, state: Path) -> None:
        self.root = root
        self.state = state
        self.told: list[str] = []
        self.git("init", "-q")

    def git(self, *words: str) -> None:
        environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        told = ["git", "-c", "user.name=t", "-c", "user.email=t@t.test", *words]
        subprocess.run(told, cwd=self.root, check=True, env=environ)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, **files: str) -> None:
        for name, text in files.items():
            self.write(name.replace("__", "/").replace("_dot_", "."), text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")

    def asker(self, **words: Any) -> Asker:
        environ = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(self.state), "TOKEN": AWS}
        errand = errand_of("secrets", environ=environ, directory=self.root, progress=self.told.append)
        return build(SecretsSource(**{"timeout_s": 60.0, **words}), errand)

    async def ask(self, **words: Any) -> dict[str, Reading]:
        self.told.clear()
        readings = {reading.signal: reading for reading in await self.asker(**words).ask()}
        kept = b"".join(path.read_bytes() for path in self.state.rglob("*") if path.is_file())
        for planted in (AWS, PASSWORD):
            assert planted not in f"{readings!r}"
            assert planted.encode() not in kept
        return readings


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "repo").mkdir()
    return Repository(tmp_path / "repo", tmp_path / "state")


def steps(reading: Reading) -> dict[str, Step]:
    result = decode_result(reading.body)
    assert result is not None
    return {step.name: step for step in result.steps}


def baseline(*accepted: tuple[str, str, str, bool | None], **more: Any) -> str:
    results: dict[str, list[dict[str, Any]]] = {}
    for path, kind, secret, real in accepted:
        one = {"type": kind, "filename": path, "hashed_secret": sha1(secret.encode()).hexdigest(), "line_number": 1}
        results.setdefault(path, []).append({**one, **({} if real is None else {"is_secret": real})})
    return json.dumps({"version": "1.5.0", "results": results, **more})


async def test_a_credential_is_told_by_file_line_and_type_alone(repository, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    repository.commit(app_dot_py=f'import os\n\nkey = "{AWS}"\n', readme_dot_md="hello\n")
    readings = await repository.ask()
    assert readings["secrets"].state is State.BAD
    assert steps(readings["secrets"])["app.py:3"].detail == "AWS Access Key"
    assert readings["secrets.findings"].value == 1
    assert "detect-secrets scan --no-verify" in steps(readings["secrets"])["baseline"].detail
    assert AWS not in f"{caplog.text} {capfd.readouterr()}"


async def test_a_repository_without_credentials_is_well(repository):
    repository.commit(a_dot_py="x = 1\n", sub__b_dot_py="y = 2\n")
    readings = await repository.ask()
    assert (readings["secrets"].state, readings["secrets.findings"].value) == (State.OK, 0)
    assert readings["secrets"].detail == "2 files, 0 findings accepted by the baseline"
    assert repository.told[-1] == "2 of 2 files"


async def test_the_baseline_decides_what_is_accepted_and_what_was_found_to_be_real(repository):
    accepted = baseline(("a.py", "AWS Access Key", AWS, None), ("b.py", KEYWORD, PASSWORD, True))
    repository.write(".secrets.baseline", accepted)
    repository.commit(a_dot_py=f'k = "{AWS}"\n', b_dot_py=f'password = "{PASSWORD}"\n')
    readings = await repository.ask()
    told = {name: step.detail for name, step in steps(readings["secrets"]).items()}
    assert told == {"b.py:1": "Secret Keyword, audited as a real one and still there"}
    repository.write(
        ".secrets.baseline", baseline(*(("a.py", "AWS Access Key", AWS, False),), ("b.py", KEYWORD, PASSWORD, False))
    )
    readings = await repository.ask()
    assert readings["secrets"].state is State.OK
    assert readings["secrets"].detail == "2 files, 2 findings accepted by the baseline"


async def test_an_accepted_finding_in_another_file_or_another_secret_is_a_new_one(repository):
    repository.write(".secrets.baseline", baseline(("a.py", "AWS Access Key", AWS, None)))
    repository.commit(a_dot_py=f'k = "{AWS[:-1]}A"\n', moved_dot_py=f'k = "{AWS}"\n')
    assert set(steps((await repository.ask())["secrets"])) == {"a.py:1", "moved.py:1"}


async def test_only_what_changed_is_scanned_again(repository):
    repository.commit(a_dot_py="x = 1\n", b_dot_py="y = 1\n", c_dot_py="z = 1\n")
    await repository.ask()
    first = repository.told[-1]
    await repository.ask()
    again = list(repository.told)
    repository.write("b.py", f'k = "{AWS}"\n')
    readings = await repository.ask()
    assert (first, again, repository.told) == ("3 of 3 files", [], ["1 of 1 files"])
    assert "b.py:1" in steps(readings["secrets"]), "what is not committed yet counts as it lies there"
    repository.commit()
    await repository.ask()
    assert repository.told == [], "the same blob, now git's own"


async def test_untracked_deleted_and_replaced_files_are_not_scanned(repository):
    repository.commit(a_dot_py="x = 1\n", gone_dot_py="y = 1\n", pipe_dot_py="y = 2\n")
    repository.write("new.py", f'k = "{AWS}"\n')
    (repository.root / "gone.py").unlink()
    (repository.root / "pipe.py").unlink()
    os.mkfifo(repository.root / "pipe.py")
    (repository.root / "link.py").symlink_to("/etc/passwd")
    repository.git("add", "link.py")
    readings = await repository.ask()
    assert (readings["secrets"].state, repository.told[-1]) == (State.OK, "1 of 1 files")


async def test_a_directory_of_a_repository_is_scanned_by_itself(repository):
    repository.commit(top_dot_py=f'k = "{AWS}"\n', sub__a_dot_py="x = 1\n")
    repository.write("sub/a.py", f'\nk = "{AWS}"\n')
    readings = await repository.ask(directory="sub")
    assert [name for name in steps(readings["secrets"]) if name != "baseline"] == ["a.py:2"]


async def test_a_repository_without_files_proves_nothing(repository):
    readings = await repository.ask()
    assert readings["secrets"].state is State.UNKNOWN
    assert readings["secrets.findings"].state is State.UNKNOWN


async def test_what_was_scanned_before_an_end_is_kept_and_no_process_is_left(repository):
    repository.commit(a_dot_py="x = 1\n", z_dot_py=ENDLESS)
    asking = asyncio.create_task(repository.asker().ask())
    async with asyncio.timeout(60):
        while not repository.told:
            await asyncio.sleep(0.01)
    assert workers()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not workers()
    repository.git("rm", "-q", "-f", "z.py")
    await repository.ask()
    assert repository.told == []


async def test_the_deadline_ends_the_scanner_and_says_how_far_it_came(repository):
    repository.commit(a_dot_py="x = 1\n", z_dot_py=ENDLESS)
    with pytest.raises(
        SourceTimeout, match=r"scanned [01] of 2 files within 4.5 s; they are kept, ask again for the rest"
    ):
        await repository.ask(timeout_s=5.0)
    assert not workers()


def workers() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if "secret_worker.py" in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


async def test_no_code_of_the_repository_is_run(repository, tmp_path):
    marker = tmp_path / "ran"
    code = f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n"
    plugin = {"name": "Own", "path": f"file://{repository.root}/own.py"}
    used = {"plugins_used": [plugin, {"name": "AWSKeyDetector"}]}
    repository.write(".secrets.baseline", baseline(**used))
    repository.commit(json_dot_py=code, detect_secrets_dot_py=code, own_dot_py=code, sitecustomize_dot_py=code)
    readings = await repository.ask()
    assert not marker.exists()
    assert readings["secrets"].state is State.UNKNOWN
    assert "is code of the repository, and was not run" in readings["secrets"].detail


async def test_found_secrets_are_not_tried_out_on_their_services(repository):
    verifying = {"path": "detect_secrets.filters.common.is_ignored_due_to_verification_policies", "min_level": 3}
    used = {"plugins_used": [{"name": "AWSKeyDetector"}], "filters_used": [verifying]}
    repository.write(".secrets.baseline", baseline(**used))
    repository.commit(a_dot_py=f'k = "{AWS}"\n')
    assert "a.py:1" in steps((await repository.ask())["secrets"]), (
        "verified, it would have been dropped as not verified"
    )


async def test_a_cache_is_private_and_one_that_others_could_write_is_not_believed(repository):
    repository.commit(a_dot_py="x = 1\n")
    await repository.ask()
    (cache,) = repository.state.rglob("secrets-*.json")
    assert cache.stat().st_mode & 0o777 == 0o600
    assert cache.parent.stat().st_mode & 0o777 == 0o700
    cache.chmod(0o666)
    await repository.ask()
    assert repository.told == ["1 of 1 files"]
    cache.write_bytes(b'{"config": 7')
    await repository.ask()
    assert repository.told == ["1 of 1 files"]


async def test_another_configuration_scans_everything_anew(repository):
    repository.commit(a_dot_py=f'k = "{AWS}"\npassword = "{PASSWORD}"\n')
    assert set(steps((await repository.ask())["secrets"])) == {"a.py:1", "a.py:2", "baseline"}
    repository.write(".secrets.baseline", baseline(plugins_used=[{"name": "KeywordDetector"}]))
    assert set(steps((await repository.ask())["secrets"])) == {"a.py:2"}


async def test_hostile_names_and_contents_are_scanned_like_others(repository):
    for name in ("[/red] \x1b[31m.py", "line\nbreak.py", "日本.py", "-rf", '"quoted".py'):
        repository.write(name, f'k = "{AWS}"\n')
    (repository.root / os.fsdecode(b"caf\xe9.txt")).write_text("x", encoding="utf-8")
    (repository.root / "binary.bin").write_bytes(b"\xff\x00" * 5_000 + AWS.encode())
    repository.commit()
    readings = await repository.ask()
    assert readings["secrets.findings"].value == 5
    assert steps(readings["secrets"])["caf\ufffd.txt"].detail == "cannot be read, and was not scanned"


@pytest.mark.parametrize("text", ["", "[]", '{"results": []}', '{"results": {"a.py": [{}]}}', "[" * 100_000, "\x00"])
async def test_a_baseline_that_is_none_is_told(repository, text):
    repository.commit(a_dot_py="x = 1\n")
    repository.write(".secrets.baseline", text)
    with pytest.raises(SourceError, match=r"is no detect-secrets baseline; write one"):
        await repository.ask()


async def test_a_baseline_that_the_scanner_cannot_follow_is_told(repository):
    repository.commit(a_dot_py="x = 1\n")
    repository.write(".secrets.baseline", baseline(plugins_used=[{"name": "NoSuchPlugin"}]))
    with pytest.raises(SourceError, match="the scanner ended with code 1 before its last file"):
        await repository.ask()


async def test_a_directory_that_is_no_repository_is_told(tmp_path):
    environ = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path), "GIT_CEILING_DIRECTORIES": "/"}
    (tmp_path / "plain").mkdir()
    for directory, words in (("plain", "not a git repository"), ("gone", "cannot be started")):
        asker = build(SecretsSource(directory=directory), errand_of("secrets", environ=environ, directory=tmp_path))
        with pytest.raises(SourceError, match=words):
            await asker.ask()


def test_the_scanner_imports_nothing_of_loom():
    from loom_tui.sources import secret_worker

    code = Path(secret_worker.__file__).read_text(encoding="utf-8")
    assert "loom_tui" not in code
