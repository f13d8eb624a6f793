"""What is known of migrations' texts, by their SHA-256; the rest is studied in a process of its own.

It takes as long as it takes, and what was learnt is kept: only what changed is studied again.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import msgspec
from msgspec import Struct

from loom_tui.config.cache import cache_path, load, save
from loom_tui.sources.base import Errand, SourceError
from loom_tui.sources.migrations.studied import Studied
from loom_tui.sources.process import run

STUDY_TIMEOUT_S = 600.0  # 200 files of 60 statements take 20 s of a core that is free
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH")  # of the environment: the study is given no credential
_COMMAND = (sys.executable, "-P", "-m", "loom_tui.sources.migrations.worker")


class Job(Struct, frozen=True):
    """Files to be studied, and other texts of which only the essence is wanted."""

    files: tuple[str, ...]
    texts: tuple[str, ...]


class Line(Struct, frozen=True, array_like=True):
    """What came of a text: its SHA-256, the essence of its words, and, of a file, what it does."""

    digest: str
    essence: str
    studied: Studied | None = None


class _Kept(Struct, frozen=True):
    by: str  # which parser, and which judgement of ours, it was
    studied: dict[str, Studied]
    essences: dict[str, str]


class Studies:
    """The texts of one directory. `studied` and `essences` hold what is known so far, by SHA-256."""

    def __init__(self, root: Path, errand: Errand) -> None:
        self.studied: dict[str, Studied] = {}
        self.essences: dict[str, str] = {}
        self._path = cache_path(f"migrations-{errand.name}", root, errand.environ)
        self._errand = errand
        self._loaded = False
        self._study: asyncio.Task[str] | None = None
        self._awaited = False
        self._rest = b""

    async def learn(self, files: Mapping[str, Path], texts: Mapping[str, str], *, ends_at: float) -> str:
        """Study what is not known yet, files and other texts by SHA-256, and wait for it until then (the loop's time).

        Gives "", or a sentence that says what is not known; the study goes on, for the next to ask.
        """
        if not self._loaded:
            self._take(await asyncio.to_thread(load, self._path, _Kept))
        loop = asyncio.get_running_loop()
        tried: Job | None = None
        while True:
            job = self._unknown(files, texts)
            left = len(job.files) + len(job.texts)
            if not left:
                return ""
            study = self._study
            if study is None:
                if job == tried:
                    return f"{left:,} texts of the migrations changed while they were read"
                tried = job
                self._forget(files, texts)
                study = asyncio.create_task(self._run(job, left), name=f"{self._errand.name} study")
                self._study = study
            self._awaited = True
            await asyncio.wait((study,), timeout=max(0.0, ends_at - loop.time()))
            self._awaited = False
            if not study.done():
                still = self._unknown(files, texts)
                left, count = len(still.files) + len(still.texts), len(files) + len(texts)
                return f"the migrations are still being studied: {count - left:,} of {count:,} texts are done"
            self._study = None
            if why := study.result():
                return why

    async def close(self) -> None:
        """End the study; what came of it until now is kept."""
        study, self._study = self._study, None
        if study is not None:
            study.cancel()
            await asyncio.wait((study,))

    def _unknown(self, files: Mapping[str, Path], texts: Mapping[str, str]) -> Job:
        return Job(
            files=tuple(str(path) for digest, path in files.items() if digest not in self.studied),
            texts=tuple(text for digest, text in texts.items() if digest not in self.essences),
        )

    def _forget(self, files: Mapping[str, Path], texts: Mapping[str, str]) -> None:
        """Keep nothing of texts that are there no more."""
        self.studied = {digest: found for digest, found in self.studied.items() if digest in files}
        self.essences = {digest: found for digest, found in self.essences.items() if digest in files or digest in texts}

    async def _run(self, job: Job, count: int) -> str:
        """Study; gives "" or why it came to no end. What came before is taken and kept all the same."""
        done = 0

        def hear(part: bytes) -> None:
            nonlocal done
            done += self._hear(part)
            if self._awaited:
                self._errand.progress(f"{done:,} of {count:,} texts studied")

        self._rest = b""
        environ = {key: self._errand.environ[key] for key in _PASSED_ON if key in self._errand.environ}
        with tempfile.TemporaryFile() as stdin:
            stdin.write(msgspec.json.encode(job))
            stdin.seek(0)
            try:
                ended = await run(
                    _COMMAND,
                    directory=Path("/"),
                    environ=environ,
                    timeout_s=STUDY_TIMEOUT_S,
                    name="the study of the migrations",
                    stdin=stdin,
                    heard=hear,
                )
            except (SourceError, msgspec.DecodeError) as error:
                return f"{done:,} of {count:,} texts were studied: {error}"
            finally:
                save(self._path, _Kept(_judges(), self.studied, self.essences))
        if ended.code:
            return f"the study of the migrations ended with code {ended.code}, {done:,} of {count:,} done"
        return ""

    def _hear(self, part: bytes) -> int:
        """Take lines in as they come, and count them; one that is not yet whole waits for its end."""
        *whole, self._rest = (self._rest + part).split(b"\n")
        for text in whole:
            line = msgspec.json.decode(text, type=Line)
            self.essences[line.digest] = line.essence
            if line.studied is not None:
                self.studied[line.digest] = line.studied
        return len(whole)

    def _take(self, kept: _Kept | None) -> None:
        self._loaded = True
        if kept is not None and kept.by == _judges():
            self.studied, self.essences = kept.studied, kept.essences


def _judges() -> str:
    """Name the parser and our own judgement: of another's word nothing is kept."""
    ours = (Path(__file__).with_name(f"{name}.py").read_bytes() for name in ("statements", "suspicion", "studied"))
    return sha256(b"\0".join((version("sqlglot").encode(), *ours))).hexdigest()
