"""`loom doctor`: what is reachable, what is missing, and what to do about it."""

from __future__ import annotations

import asyncio
import locale
import logging
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import click
from msgspec import Struct

from loom_tui.cli import plan_argument, store_option
from loom_tui.collector.ground import Ground
from loom_tui.collector.once import Asking, ask_once
from loom_tui.commands.printing import Styled, echo, echo_json, safe, speaks_unicode
from loom_tui.commands.rooms import Room, find_room
from loom_tui.gathering import collector_view
from loom_tui.logout import outliving
from loom_tui.plan.channels import Channel
from loom_tui.plan.signals import asked_of
from loom_tui.plan.sources.base import Asked, secrets_of
from loom_tui.plan.sources.command import CommandSource
from loom_tui.plan.sources.environment import EnvironmentSource
from loom_tui.plan.sources.git import GitSource
from loom_tui.plan.sources.secrets import SecretsSource
from loom_tui.room.signals import Health, State
from loom_tui.sources.base import (
    CredentialMissing,
    CredentialUnfit,
    SourceAnswered,
    SourceLimited,
    SourceRefused,
    SourceTimeout,
    SourceUnreachable,
)
from loom_tui.sources.credentials import resolve
from loom_tui.store.base import StoreError, StoreMissing
from loom_tui.store.place import room_name
from loom_tui.widgets.text import Pen, Sign

SKEW_LIMIT_S = 5.0  # beyond it readings are not believed (room/signals.py)
LOW_DISK_BYTES = 200_000_000
SMALLEST = (80, 24)
WORDS = 2000  # characters of a sentence; a server may send pages

_ON_THIS_HOST = (CommandSource, EnvironmentSource, GitSource, SecretsSource)  # they have no address

Level = Literal["ok", "warn", "bad"]
_SIGNS = {"ok": Sign.OK, "warn": Sign.WARN, "bad": Sign.BAD}
_COLOURS = {"ok": "green", "warn": "yellow", "bad": "red"}


class Finding(Struct, frozen=True):
    """One thing that was looked at: of what it speaks, how it stands, and what to do where it does not stand well."""

    section: str
    about: str
    level: Level
    what: str
    do: str = ""


@click.command("doctor")
@plan_argument
@store_option
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def doctor(plan_file: Path | None, *, store_directory: Path | None, as_json: bool) -> None:
    """Look at sources, credentials, store, terminal and collector, and say what to do.

    Each source is asked once, as the collector would; what runs on demand only is not run, only its credentials are
    looked for. Exit 0 when nothing stands in the way (warnings may remain), 1 when something does.

    Example: loom doctor loom.toml
    """
    room = find_room(plan_file, store_directory)
    findings = [
        *source_findings(room, os.environ),
        *channel_findings(room, os.environ),
        *store_findings(room),
        *collector_findings(room),
        runner_finding(),
        *terminal_findings(os.environ),
    ]
    well = all(finding.level != "bad" for finding in findings)
    if as_json:
        echo_json({"ok": well, "findings": findings})
    else:
        tell(findings)
    sys.exit(0 if well else 1)


def source_findings(room: Room, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Ask each source once, and say what came of it."""
    asked = asked_of(room.plan)
    if not asked:
        yield Finding("Sources", "plan", "warn", "it names nothing to ask", "add [sources.NAME]: docs/plan.md")
    logging.getLogger("loom").addHandler(logging.NullHandler())  # what it would log is told here
    ground = Ground(plan=room.plan, directory=room.path.parent, environ=environ, clock=time.time)
    askings = {
        asking.name: asking
        for asking in asyncio.run(ask_once(ground, [name for name, source in asked.items() if source.interval_s]))
    }
    for name, source in asked.items():
        named, _, part = name.partition(".")
        table = f"[sources.{named}]" if named in room.plan.sources else "[[workflows]]"
        if not (part and named in room.plan.sources):  # a source's part has its credentials, which were told with it
            yield from credential_findings(name, source, environ, room.path.parent, table=table)
        asking = askings.get(name)
        if asking is None:
            yield Finding(
                "Sources", name, "ok", f"runs on demand only, so it was not run; to try it: loom check {name}"
            )
        elif not isinstance(asking.error, CredentialMissing):  # said already, with its place
            if not refuted(asking):
                yield answer_finding(asking, source, table=table)
            yield from oddities(asking)
            yield from health_findings(name, asking.report.health, source, table=table)


def channel_findings(room: Room, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Say of each channel whether what it needs is there; to try one, somebody must be told something."""
    for name, channel in room.plan.channels.items():
        found = list(
            credential_findings(
                name, channel, environ, room.path.parent, table=f"[channels.{name}]", section="Channels"
            )
        )
        yield from found
        if not any(finding.level == "bad" for finding in found):
            what = f"{channel.place()}; not tried: loom notify TEXT --channel {name} --dry-run"
            yield Finding("Channels", name, "ok", what)


def credential_findings(
    name: str,
    source: Asked | Channel,
    environ: Mapping[str, str],
    directory: Path,
    *,
    table: str,
    section: str = "Sources",
) -> Iterator[Finding]:
    """Say of each credential where it is found, never what it is."""
    for place, secret in secrets_of("", source):
        key = place.lstrip(".")
        where = secret.place
        try:
            asyncio.run(resolve(secret, environ, directory))
        except CredentialMissing as error:
            do = f"put it there, or name another place: {table} {key} (env, file or command)"
            yield Finding(section, name, "bad", f"{key}: {error}", do)
        else:
            yield Finding(section, name, "ok", f"{key} •••• from {where}")


def answer_finding(asking: Asking, source: Asked, *, table: str) -> Finding:
    """Say whether a source can be asked, and what to do where it cannot."""
    error = asking.error
    if error is None:
        return Finding("Sources", asking.name, "ok", "answers")
    match error:
        case CredentialUnfit():
            do = f"put nothing but the credential there, or name another place in {table} (env, file or command)"
        case SourceRefused():
            do = "give the credential the rights that it needs, or make another one"
        case SourceTimeout() if isinstance(source, _ON_THIS_HOST):
            do = f"make it faster, or give it longer: timeout_s in {table} is {source.timeout_s:g}"
        case SourceUnreachable() | SourceAnswered() if isinstance(source, _ON_THIS_HOST):
            do = (
                f"mend what {table} names: paths begin in the plan's directory, commands are found by this shell's PATH"
            )
        case SourceTimeout():
            do = f"is it slow, or does a firewall swallow what is sent? timeout_s in {table} is {source.timeout_s:g}"
        case SourceLimited():
            do = f"wait, or raise interval_s in {table}: it is {source.interval_s:g}"
        case SourceUnreachable():
            do = f"is its address in {table} right, and to be reached from this host (DNS, VPN, firewall)?"
        case SourceAnswered():
            do = f"is its address in {table} right? Ask it by hand and compare"
        case _:
            do = "this is a defect in Loom: report it"
    return Finding("Sources", asking.name, "bad", asking.report.why or str(error), do)


def refuted(asking: Asking) -> bool:
    """Say whether a source's own check failed: that it answers says nothing then, for what it answers is no."""
    return any(each.reading.signal == asking.name and each.reading.state is State.BAD for each in asking.readings)


def oddities(asking: Asking) -> Iterator[Finding]:
    """Tell what a source that answers found bad, or could not tell: a credential refused, a right that is missing."""
    if asking.error is not None:
        return
    found: dict[tuple[State, str], list[str]] = {}
    for reading in (each.reading for each in asking.readings):
        if reading.state is State.BAD or (reading.state is State.UNKNOWN and reading.detail):
            found.setdefault((reading.state, reading.detail), []).append(reading.signal)
    for (state, detail), signals in found.items():
        names = ", ".join(signals)
        if state is State.BAD:
            what = f"{names} failed: {detail}" if detail else f"{names} failed"
            do = f"what was sent and got: loom check {asking.name} --json"
            yield Finding("Sources", asking.name, "bad", what, do)
        else:
            verb = "is" if len(signals) == 1 else "are"
            yield Finding("Sources", asking.name, "warn", f"{names} {verb} unknown: {detail}")


def health_findings(name: str, health: Health, source: Asked, *, table: str) -> Iterator[Finding]:
    """Compare clocks, and what the other side's limit leaves with what asking takes."""
    if health.skew_s is not None:
        far = abs(health.skew_s) > SKEW_LIMIT_S
        which = "ahead of" if health.skew_s > 0 else "behind"
        what = f"its clock is {abs(health.skew_s):.1f} s {which} ours" if far else "its clock agrees with ours"
        do = "set the clock that is wrong (timedatectl status here): a reading from the future is not believed"
        yield Finding("Sources", name, "warn" if far else "ok", what, do if far else "")
    if health.remaining is not None:
        of = "" if health.limit is None else f" of {health.limit:,}"
        hourly = health.calls * 3600 / source.interval_s if source.interval_s else 0
        low = health.remaining <= (health.limit or 50) / 10
        what = f"{health.remaining:,}{of} calls left in its limit; asking takes about {hourly:,.0f} an hour"
        do = f"raise interval_s in {table}: it is {source.interval_s:g}"
        yield Finding("Sources", name, "warn" if low else "ok", what, do if low else "")


def store_findings(room: Room) -> Iterator[Finding]:
    """Look at the store's place: who may read and write it, whether it opens, how much room is left."""
    place = room.directory / room_name(room.plan.plan.room_id)
    try:
        store = room.open(read_only=True)
    except StoreMissing:
        ground = next(parent for parent in (room.directory, *room.directory.parents) if parent.exists())
        if os.access(ground, os.W_OK):
            yield Finding("Store", str(place), "ok", "not there yet; the first room or collector makes it")
        else:
            do = "name another place: --store DIR, LOOM_STORE, or [store] directory in the plan"
            yield Finding("Store", str(place), "bad", f"not there yet, and {ground} may not be written", do)
    except StoreError as error:
        do = "mend it as the sentence says, or name another place: --store DIR"
        yield Finding("Store", str(place), "bad", str(error), do)
    else:
        try:
            events = store.head().seq
        finally:
            store.close()
        mode = f"{place.stat().st_mode & 0o7777:04o}"
        shared = f"shared by the group {room.plan.store.group}" if room.plan.store.group else "its owner's alone"
        yield Finding("Store", str(place), "ok", f"opens; {events:,} events; mode {mode}, {shared}")
    ground = next(parent for parent in (place, *place.parents) if parent.exists())
    free = shutil.disk_usage(ground).free
    if free < LOW_DISK_BYTES:
        do = "make room: a store takes up to 200 MB a month, and refuses to acknowledge what it cannot keep"
        yield Finding("Store", str(ground), "warn", f"{free // 1_000_000} MB are free", do)


def collector_findings(room: Room) -> Iterator[Finding]:
    """Say whether somebody asks the world for this room."""
    try:
        store = room.open(read_only=True)
    except StoreError:  # said above
        yield Finding("Collector", "loom watch", "ok", "none runs; the first room starts one")
        return
    try:
        view = collector_view(store, now=time.time())
    finally:
        store.close()
    if view.alive:
        yield Finding("Collector", "loom watch", "ok", f"runs: {view.holder}")
    else:
        yield Finding("Collector", "loom watch", "ok", f"{view.why}; the first room starts one")


def runner_finding() -> Finding:
    """Say whether what carries an action out outlives a logout from this host."""
    way = outliving()
    if way.doubt:
        return Finding("Runner", "logout", "warn", way.doubt, way.do)
    return Finding("Runner", "logout", "ok", way.found)


def terminal_findings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Say what this terminal can show."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        what = "this is none (a pipe, or ssh without -t), so it cannot be looked at; a script uses loom status"
        yield Finding("Terminal", "terminal", "ok", what)
        return
    term = environ.get("TERM", "")
    if term in ("", "dumb"):
        do = "export TERM=xterm-256color, or what your terminal is"
        yield Finding("Terminal", "TERM", "bad", f"{term or 'not set'}: the room cannot move its cursor", do)
    else:
        yield Finding("Terminal", "TERM", "ok", f"{term}, {colours(environ)}")
    size = shutil.get_terminal_size()
    small = size.columns < SMALLEST[0] or size.lines < SMALLEST[1]
    do = f"make it {SMALLEST[0]}x{SMALLEST[1]} or larger: below that only the gate is shown" if small else ""
    yield Finding("Terminal", "size", "warn" if small else "ok", f"{size.columns}x{size.lines}", do)
    coding = locale.nl_langinfo(locale.CODESET)
    if "utf" in coding.casefold():
        yield Finding("Terminal", "locale", "ok", coding)
    else:
        yield Finding("Terminal", "locale", "warn", f"{coding}, not UTF-8", "export LANG=C.UTF-8, or use loom --ascii")


def colours(environ: Mapping[str, str]) -> str:
    """Say how many colours the terminal claims to have."""
    if environ.get("NO_COLOR"):
        return "no colours (NO_COLOR): states are told by sign and word"
    if environ.get("COLORTERM", "").casefold() in ("truecolor", "24bit"):
        return "16 million colours"
    return "256 colours" if "256color" in environ.get("TERM", "") else "16 colours"


def tell(findings: list[Finding]) -> None:
    """Write the findings by section, each with what to do."""
    pen = Pen(ascii_only=not speaks_unicode())
    section = ""
    width = max(len(safe(finding.about)) for finding in findings if finding.section != "Store")
    for finding in findings:
        if finding.section != section:
            section = finding.section
            echo(Styled(section, bold=True))
        sign = Styled(pen.sign(_SIGNS[finding.level]).text, fg=_COLOURS[finding.level])
        echo("  ", sign, f" {safe(finding.about):<{width}}  {finding.what[:WORDS]}")
        if finding.do:
            echo(f"    {'':<{width}}  → {finding.do}")
    counts = {level: sum(finding.level == level for finding in findings) for level in ("bad", "warn")}
    words = [f"{counts['bad']} to mend"] if counts["bad"] else []
    words += [f"{counts['warn']} to know of"] if counts["warn"] else []
    echo(", ".join(words) or "All is well.")
