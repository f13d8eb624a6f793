"""No hard-coded credentials: detect-secrets over a repository's tracked files, in a process of its own."""

from __future__ import annotations

import asyncio
import stat
import sys
import tempfile
from collections.abc import Mapping, Sequence
from hashlib import sha1, sha256
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import msgspec
from msgspec import Struct

from loom_tui.config.cache import cache_path, load, save
from loom_tui.plan.sources.secrets import SecretsSource
from loom_tui.room.checks import Step
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, Errand, SourceAnswered, SourceTimeout
from loom_tui.sources.checked import checked
from loom_tui.sources.process import run
from loom_tui.sources.secret_baseline import Baseline, read_baseline

SHOWN = 100  # findings that a result lists
GIT_TIMEOUT_S = 20.0
_WORKER = Path(__file__).with_name("secret_worker.py")
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL")  # of the environment: the scanner is given no credential
_PLAIN_FILES = ("100644", "100755")  # git's modes; links and submodules hold nothing of their own

Finding = tuple[int, str, str]  # line, type, the secret's SHA-1 as baselines write it: never the secret
_Line = tuple[int, tuple[Finding, ...] | None]


class Scanned(Struct, frozen=True, array_like=True):
    """A file's blob, and what was found in it; None for one that could not be read."""

    blob: str
    findings: tuple[Finding, ...] | None


class _Kept(Struct, frozen=True):
    config: str
    files: dict[str, Scanned]


def make(source: SecretsSource, errand: Errand) -> SecretsAsker:
    """Make an asker."""
    return SecretsAsker(source, errand)


class SecretsAsker(Asker):
    """Scans what changed since it was last asked, and holds all findings against the baseline."""

    def __init__(self, source: SecretsSource, errand: Errand) -> None:
        self._source = source
        self._errand = errand
        self._name = source.label or errand.name
        self._root = errand.directory / source.directory
        self._environ = {key: errand.environ[key] for key in _PASSED_ON if key in errand.environ}

    async def ask(self) -> Sequence[Reading]:
        """Scan. Raises SourceError; what was scanned until then is kept, and the next try goes on from there."""
        began = perf_counter()
        baseline = await asyncio.to_thread(read_baseline, self._root / self._source.baseline, name=self._name)
        blobs = await self._tracked()
        scanned = await self._scanned(blobs, baseline)
        steps = _steps(scanned, baseline)
        found = sum(step.state is State.BAD for step in steps)
        accepted = sum(len(file.findings or ()) for file in scanned.values()) - found
        told = f"{len(scanned):,} files, {accepted} findings accepted by the baseline" if scanned else ""
        duration_ms = (perf_counter() - began) * 1000
        return [
            checked(self._errand, "", steps[:SHOWN], detail=told, duration_ms=duration_ms),
            self._errand.reading(".findings", value=float(found), state=State.OK if scanned else State.UNKNOWN),
        ]

    async def _tracked(self) -> dict[str, str]:
        """List the tracked files with their blobs as they are now: git's, or of those that changed our own hash."""
        listed = await self._git("ls-files", "-s", "-z")
        blobs = {}
        for entry in filter(None, listed.split("\0")):
            about, _, path = entry.partition("\t")
            mode, blob, _ = about.split(" ")
            if mode in _PLAIN_FILES and path != self._source.baseline:
                blobs[path] = blob
        changed = await self._git("diff-files", "--name-only", "--relative", "-z")
        for path in filter(None, changed.split("\0")):
            if path in blobs:
                content = _content(self._root / path)
                if content is None:
                    del blobs[path]  # deleted or replaced, and not yet committed
                else:
                    blobs[path] = sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()
        return blobs

    async def _git(self, *words: str) -> str:
        done = await run(
            ("git", "-c", "core.quotePath=false", *words),
            directory=self._root,
            environ={**self._environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            timeout_s=min(GIT_TIMEOUT_S, self._source.timeout_s),
            name=self._name,
        )
        if done.code:
            why = next(iter(done.stderr.decode("utf-8", "replace").splitlines()), "it said nothing")[:200]
            raise SourceAnswered(f"{self._name}: git cannot list the files of {self._source.directory}: {why}")
        return done.stdout.decode("utf-8", "replace")  # a name that is no UTF-8 is found nowhere, and told as unread

    async def _scanned(self, blobs: Mapping[str, str], baseline: Baseline) -> dict[str, Scanned]:
        """Give each file's findings: kept ones where its blob is known, else from the scanner."""
        digest = sha256(msgspec.json.encode([version("detect-secrets"), baseline.config])).hexdigest()
        path = cache_path("secrets", self._root, self._errand.environ)
        kept = load(path, _Kept)
        files = kept.files if kept is not None and kept.config == digest else {}
        known = {file: files[file] for file, blob in blobs.items() if file in files and files[file].blob == blob}
        todo = [file for file in blobs if file not in known]
        if not todo:
            return known
        try:
            await self._scan(todo, blobs, baseline, known)
        finally:
            save(path, _Kept(digest, known))
        return known

    async def _scan(
        self, todo: Sequence[str], blobs: Mapping[str, str], baseline: Baseline, known: dict[str, Scanned]
    ) -> None:
        """Run the scanner over files, and take its lines in as they come."""
        lines = _Lines(todo, blobs, known)

        def hear(part: bytes) -> None:
            lines.take(part)
            self._errand.progress(f"{lines.count:,} of {len(todo):,} files")

        job = {"root": str(self._root.resolve()), "config": baseline.config, "files": todo}
        with tempfile.TemporaryFile() as stdin:
            stdin.write(msgspec.json.encode(job))
            stdin.seek(0)
            try:
                done = await run(
                    (sys.executable, "-P", str(_WORKER)),
                    directory=Path("/"),
                    environ=self._environ,
                    timeout_s=self._source.timeout_s,
                    name=self._name,
                    stdin=stdin,
                    heard=hear,
                )
            except SourceTimeout:
                came = f"{lines.count:,} of {len(todo):,} files within {self._source.timeout_s:g} s"
                raise SourceTimeout(f"{self._name}: scanned {came}; they are kept, ask again for the rest") from None
        if done.code or lines.count < len(todo):
            raise SourceAnswered(f"{self._name}: the scanner ended with code {done.code} before its last file")


class _Lines:
    """The scanner's lines, put together from parts and filed under their files."""

    def __init__(self, todo: Sequence[str], blobs: Mapping[str, str], known: dict[str, Scanned]) -> None:
        self.count = 0
        self._todo = todo
        self._blobs = blobs
        self._known = known
        self._rest = b""

    def take(self, part: bytes) -> None:
        """Take in what came; a line that is not yet whole waits for its end. Raises SourceAnswered."""
        *whole, self._rest = (self._rest + part).split(b"\n")
        for line in whole:
            try:
                number, findings = msgspec.json.decode(line, type=_Line)
                file = self._todo[number]
            except (msgspec.DecodeError, IndexError):
                raise SourceAnswered("the scanner wrote what is no finding") from None
            self._known[file] = Scanned(self._blobs[file], findings)
            self.count += 1


def _steps(scanned: Mapping[str, Scanned], baseline: Baseline) -> list[Step]:
    """Name each finding that nobody accepted by its place and type; then say what else is to be known."""
    steps, unread = [], []
    for path, file in sorted(scanned.items()):
        if file.findings is None:
            unread.append(path)
        for line, kind, hashed in file.findings or ():
            key = (path, kind, hashed)
            if key in baseline.accepted:
                continue
            audited = ", audited as a real one and still there" if key in baseline.audited_real else ""
            steps.append(Step(name=f"{path}:{line}", state=State.BAD, detail=f"{kind}{audited}"))
    if steps and not baseline.there:
        why = "there is no baseline; look at the findings, then detect-secrets scan --no-verify > .secrets.baseline"
        steps.append(Step(name="baseline", state=State.UNKNOWN, detail=why))
    steps += [Step(name=path, state=State.UNKNOWN, detail="cannot be read, and was not scanned") for path in unread]
    steps += [
        Step(name=name, state=State.UNKNOWN, detail="is code of the repository, and was not run")
        for name in baseline.left_out
    ]
    if not scanned:
        steps.append(Step(name="files", state=State.UNKNOWN, detail="git tracks none here"))
    return steps or [Step(name="files", state=State.OK, detail=f"{len(scanned):,} scanned")]


def _content(path: Path) -> bytes | None:
    """Read a file that is one: a pipe laid in its place would never end."""
    try:
        return path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else None
    except OSError:
        return None
