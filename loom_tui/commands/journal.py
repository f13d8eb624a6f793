"""`loom journal verify` and `export`: the record of what was done, checked and written out."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from loom_tui.cli import plan_argument, store_option
from loom_tui.commands.printing import echo, echo_json
from loom_tui.commands.rooms import find_room
from loom_tui.config.files import write_whole
from loom_tui.room.record import Record, fields_of, flat, kind_of, plain
from loom_tui.store.base import ChainBroken, Head, Store

ROWS = 1000  # that are read at a time
_FORMULA = tuple("=+-@\t\n＝＋－＠")  # https://owasp.org/www-community/attacks/CSV_Injection
_CONTROLS = {code: f"\\u{code:04x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}
_COLUMNS = ("seq", "time", "at", "actor", "kind", "payload", "digest", "hash")


@click.group("journal")
def journal() -> None:
    """Read the record of what was done."""


@journal.command("verify")
@plan_argument
@store_option
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def verify(plan_file: Path | None, *, store_directory: Path | None, as_json: bool) -> None:
    """Check the journal's chain; names the first bad event, exit 1.

    Example: loom journal verify
    """
    store = find_room(plan_file, store_directory).open(read_only=True)
    try:
        head = store.verify()
    except ChainBroken as error:
        if as_json:
            echo_json({"verified": False, "bad": error.seq, "why": error.why})
        else:
            echo(_broken(error), err=True)
        sys.exit(1)
    finally:
        store.close()
    if as_json:
        echo_json({"verified": True, "head": head})
    elif not head.seq:
        echo("The journal is empty; there is nothing to verify.")
    else:
        echo(f"Verified {head.seq:,} events. Head {head.hash}")


@journal.command("export")
@plan_argument
@store_option
@click.option(
    "--jsonl", "form", flag_value="jsonl", default="jsonl", help="JSON Lines; the last line is the head (default)."
)
@click.option("--csv", "form", flag_value="csv", help="CSV with the payloads' fields as columns.")
@click.option("--after", metavar="SEQ", type=click.IntRange(min=0), default=0, help="Only the events after this one.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a file, whole or not at all.",
)
def export(plan_file: Path | None, *, store_directory: Path | None, form: str, after: int, output: Path | None) -> None:
    """Write the journal's events out, oldest first, and the head's number and hash to standard error.

    Keep the head: who holds it sees any later change of what lies before it. A payload that was removed is null, and
    one of a later version is written as it is stored. A text cell of the CSV that a spreadsheet would take for a
    formula begins with an apostrophe, and control characters are escaped. A broken chain is exported all the same,
    said so, exit 1.

    \b
    loom journal export -o journal.jsonl
    loom journal export --csv --after 1204 -o since.csv
    """  # noqa: D301 - click wants the control character
    store = find_room(plan_file, store_directory).open(read_only=True)
    try:
        head, broken = checked(store)
        written = _csv(store, after, head) if form == "csv" else _json_lines(store, after, head)
        if output is None:
            for text in written:
                sys.stdout.buffer.write(text.encode())  # UTF-8, whatever the locale: others read it
            sys.stdout.buffer.flush()
        else:
            write_whole(output, "".join(written))
    finally:
        store.close()
    echo(f"Head {head.seq} {head.hash}", err=True)
    if broken is not None:
        echo(_broken(broken), err=True)
        sys.exit(1)


def _broken(error: ChainBroken) -> str:
    return f"The journal's chain is broken at {error}"


def checked(store: Store) -> tuple[Head, ChainBroken | None]:
    """Give the head up to which is exported, and where the chain does not hold."""
    try:
        return store.verify(), None
    except ChainBroken as error:
        return store.head(), error


def _records(store: Store, after: int, head: Head) -> Iterator[Record]:
    """Read the rows after `after` up to the head; what is appended meanwhile is for the next export."""
    while records := store.records(after=after, limit=ROWS):
        for record in records:
            if record.seq > head.seq:
                return
            yield plain(record)
        after = records[-1].seq


def _json_lines(store: Store, after: int, head: Head) -> Iterator[str]:
    """Write a line an event, the payload byte for byte as its digest covers it; then the head."""
    for record in _records(store, after, head):
        yield _line(
            {**_outer(record), "payload": _payload(record.body), "digest": record.digest.hex(), "hash": record.hash}
        )
    yield _line({"head": head})


def _line(value: Mapping[str, object]) -> str:
    return msgspec.json.encode(value).decode() + "\n"


def _payload(body: bytes | None) -> object:
    """Give a payload for a line of JSON: as stored where it is JSON of one line, else as a text."""
    if body is None:
        return None
    if fields_of(body) and b"\n" not in body and b"\r" not in body:
        return msgspec.Raw(body)
    return body.decode("utf-8", "replace")


def _csv(store: Store, after: int, head: Head) -> Iterator[str]:
    """Write a row an event; the columns of the payloads are found in a first reading."""
    names: dict[str, None] = {}
    for record in _records(store, after, head):
        names |= dict.fromkeys(name for name, _ in flat(fields_of(record.body)))
    yield _row([*_COLUMNS, *(f"payload.{name}" for name in names)])
    for record in _records(store, after, head):
        fields = fields_of(record.body)
        outer, found = _outer(record), dict(flat(fields))
        standing = "removed" if record.body is None else "" if fields else record.body.decode("utf-8", "replace")
        cells = [*outer.values(), kind_of(fields), standing, record.digest.hex(), record.hash]
        yield _row([*cells, *(found.get(name) for name in names)])


def _row(cells: list[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([_cell(value) for value in cells])
    return out.getvalue()


def _cell(value: object) -> object:
    """Write a value for a spreadsheet, and for a terminal: nothing that either would run."""
    if isinstance(value, bool | list | dict):
        return msgspec.json.encode(value).decode()
    if isinstance(value, str):
        text = value.translate(_CONTROLS)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return value


def _outer(record: Record) -> dict[str, object]:
    """Give what the journal itself says of an event: `at` as the chain hashes it, `time` for people."""
    try:
        time = datetime.fromtimestamp(record.at, UTC).isoformat()
    except (ValueError, OverflowError, OSError):  # it was tampered with
        time = ""
    return {"seq": record.seq, "time": time, "at": record.at, "actor": record.actor}
