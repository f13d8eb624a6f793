"""Tables: what one is about, by its place and its columns, and what each row says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from loom_tui.plan.importer.blocks import Block
from loom_tui.plan.importer.draft import CadenceDraft, Draft, IssueDraft, RiskDraft
from loom_tui.plan.importer.facts import (
    add_activity,
    describe_risk,
    new_phase,
    place_about,
    place_criterion,
    place_milestone,
)
from loom_tui.plan.importer.headings import Topic, plain
from loom_tui.plan.importer.inline import Inline, Label
from loom_tui.plan.importer.issues import Line, apply, mark, read_line, take_line
from loom_tui.plan.importer.quantities import read_factor, read_millis
from loom_tui.plan.importer.refs import as_id, find_ids
from loom_tui.plan.importer.words import column_fields, is_none, issue_column, read_status, without_claim
from loom_tui.plan.model import Priority, Reference, RiskKind, Status, Target

_UNIT = re.compile(
    r"[(\[]\s*(h|hrs?|hours?|d|days?|min|minutes|pt|tage|std|stunden)\s*[)\]]|\b(hours|days|stunden|tage|pt|h)\b",
    re.IGNORECASE,
)
_RACI = re.compile(r"^\s*(?:[RACISQ](?:\s*[/,&+]?\s*[RACISQ])*|[-–—]?)\s*$")
_RACI_WORDS = {
    "r": "Responsible",
    "a": "Accountable",
    "c": "Consulted",
    "i": "Informed",
    "s": "Support",
    "q": "Quality",
}
_FACT_HEADERS = frozenset(
    ("field", "value", "attribute", "item", "detail", "details", "property", "name", "key", "feld", "wert", "angabe")
)
_DECISIONS = {"go": "go", "no-go": "no_go", "no go": "no_go", "nogo": "no_go"}  # a cell that is no more than this
_PAIRS = "pairs"
_RACI_GRID = "raci grid"
_RACI_NAMES = "raci names"


class Table(Struct, frozen=True):
    """A table as its header tells it: what it is about, and its columns' names."""

    about: Topic | str
    columns: tuple[str, ...]
    group: str = ""
    priority: Priority | None = None
    kind: RiskKind | None = None


def table_about(header: Block, topic: Topic | None, rows: Sequence[Block]) -> Topic | str | None:
    """Decide what a table is about; None where neither its place nor its columns say."""
    names = [plain(cell.text) for cell in header.cells]
    issue = {issue_column(cell.text) for cell in header.cells}
    fields = {field for cell in header.cells for field in column_fields(cell.text)}
    if len({"responsible", "accountable", "consulted", "informed"} & set(names)) >= 2:
        return _RACI_NAMES
    if len(names) >= 3 and rows and all(_RACI.match(cell.text) for row in rows for cell in row.cells[1:]):
        return _RACI_GRID
    if (
        "depends" in issue
        or {"id", "effort"} <= issue
        or ("id" in issue and topic is None and {"owner", "title"} <= issue)
    ):
        return Topic.ISSUES
    if topic is Topic.BLOCKERS:
        return Topic.RISKS
    if topic not in (None, Topic.ABOUT, Topic.SUMMARY, Topic.NOTES, Topic.GOAL):
        return topic
    if {"likelihood", "impact"} <= fields or ("response" in fields and "risk" in fields):
        return Topic.RISKS
    if {"effort", "owner"} <= issue or ({"priority", "title"} <= issue and len(names) > 2):
        return Topic.ISSUES
    if {"baseline", "target"} <= fields:
        return Topic.TARGETS
    if {"name", "role"} <= fields:
        return Topic.STAKEHOLDERS
    if {"when", "what"} <= fields and len(names) > 1:
        return Topic.PHASES
    return _PAIRS if len(names) == 2 else None


def place_header(draft: Draft, header: Block, about: Topic | str) -> bool:
    """Account for a header row: it names columns, or is itself the first pair of a table of pairs."""
    if about != _PAIRS:
        return True
    first, second = header.cells[0].text, header.cells[1].text if len(header.cells) > 1 else ""
    return {*plain(first).split(), *plain(second).split()} <= _FACT_HEADERS or place_about(draft, pair(header))


def pair(row: Block) -> Label | None:
    """Read a row of two cells as a label and its value."""
    if len(row.cells) < 2:
        return None
    name = row.cells[0].text.strip().rstrip(":")
    return Label(name, row.cells[1].text, bold=True, colon=True)


class TableReader:
    """Places rows. Remembers which bare numbers ('1', '2') stood in which table: they name steps, not issues."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._numbered: dict[int, tuple[int, str]] = {}  # a bare number, the table it stood in, the title there
        self._serial = 0
        self._places = {
            Topic.ISSUES: self._issue,
            Topic.RISKS: self._risk,
            Topic.TARGETS: self._target,
            Topic.STAKEHOLDERS: self._person,
            Topic.PHASES: self._phase,
            Topic.MILESTONES: self._phase,
            Topic.ROLLBACK: self._step,
            Topic.REFERENCES: self._reference,
            Topic.CADENCES: self._cadence,
            Topic.WORKFLOWS: self._workflow,
            Topic.LINKS: self._issue,
        }

    def opened(self) -> None:
        """Note that another table begins."""
        self._serial += 1

    def place(self, row: Block, table: Table) -> bool:
        """Put a row where it belongs; False where nothing is to be made of it."""
        about = table.about
        if about == _PAIRS:
            return place_about(self._draft, pair(row))
        if about == _RACI_GRID:
            return self._raci_grid(row, table)
        if about == _RACI_NAMES:
            return self._raci_names(row, table)
        if isinstance(about, Topic):
            if about in (Topic.GO, Topic.NO_GO, Topic.DEPLOYMENT, Topic.POST_DEPLOYMENT):
                return self._criterion(row, table, about.value)
            place = self._places.get(about)
            return place is not None and place(row, table)
        return False

    @staticmethod
    def _cells(row: Block, table: Table, *wanted: str) -> Iterator[tuple[str, str, Inline]]:
        """Give each filled cell with its column's name and the first of the `wanted` fields that it may be."""
        for number, cell in enumerate(row.cells):
            name = table.columns[number] if number < len(table.columns) else ""
            if cell.text and not is_none(cell.text):
                fields = column_fields(name)
                yield name, next((field for field in wanted if field in fields), ""), cell

    def _issue(self, row: Block, table: Table) -> bool:
        fields = [issue_column(name) for name in table.columns]
        line, used = self._line(row, fields)
        if line is None:
            return False
        issue = self._draft.issue(line.id)
        take_line(issue, line, firm=True)
        issue.priority = issue.priority or table.priority
        issue.phase = issue.phase or table.group
        for number, cell in enumerate(row.cells):
            name = table.columns[number] if number < len(table.columns) else ""
            if number in used or (not cell.text and cell.ticked is None):
                continue
            if cell.ticked is not None or (not name and cell.text in ("[ ]", "[x]", "☐", "☑", "✅")):
                mark(issue, ticked=cell.ticked or cell.text in ("[x]", "☑", "✅"))
            elif issue_column(name) == "title":
                issue.add("names", cell.text)
            else:
                self._field(issue, name, cell)
        return True

    @staticmethod
    def _field(issue: IssueDraft, name: str, cell: Inline) -> None:
        unit = _UNIT.search(name)
        field = issue_column(name)
        if field == "url" and cell.links:
            issue.once("url", cell.links[0][1], cell.text)
        elif field == "depends":
            for piece in re.split(r"\s*[,;]\s*", cell.text):
                apply(issue, "depends on", piece)
        else:
            apply(issue, name or "Note", cell.text, unit=next(filter(None, unit.groups()), "") if unit else "")

    def _line(self, row: Block, fields: list[str | None]) -> tuple[Line | None, set[int]]:
        """Find the row's id and title, and the cells that they stood in."""
        columns = list(enumerate(row.cells))
        ids = [at for at, _ in columns if at < len(fields) and fields[at] == "id"]
        titles = [at for at, cell in columns if at < len(fields) and fields[at] == "title" and cell.text]
        if not ids and len(titles) > 1:
            ids = [at for at in titles if row.cells[at].text.isdigit() or find_ids(row.cells[at].text).ids][:1]
        titles = [at for at in titles if at not in ids]
        title = row.cells[titles[0]] if titles else None
        if not ids or not row.cells[ids[0]].text:
            return (None, set()) if title is None else (read_line(title), {titles[0]})
        named = read_line(row.cells[ids[0]])
        words = (title.text if title is not None else "") or named.title
        used = {ids[0], *titles[:1]}
        if named.id is not None:
            return Line(named.id, words, named.url), used
        text = row.cells[ids[0]].text
        if not re.fullmatch(r"[\w.-]{1,20}", text):
            return Line(None, words), used - {ids[0]} if title is not None else used
        issue_id = as_id(text)
        if isinstance(issue_id, int) and not self._is_free(issue_id, words):
            return Line(None, words), used - {ids[0]}  # its number is kept as a note: another step had it
        return Line(issue_id, words), used

    def _is_free(self, number: int, title: str) -> bool:
        where, known = self._numbered.setdefault(number, (self._serial, title))
        return known == title or where == self._serial

    def _risk(self, row: Block, table: Table) -> bool:
        risk = RiskDraft(text="", kind=table.kind or RiskKind.OPEN)
        words: list[str] = []
        rest: list[str] = []
        for name, field, cell in self._cells(row, table, "id", "response", "owner", "impact", "risk", "name", "what"):
            text, claimed = without_claim(cell.text)
            if field == "id" or (field in ("risk", "name", "what") and not (words and risk.text)):
                risk.text = risk.text or ("" if field == "id" else text)
                words.append(text or cell.text)
                risk.claimed = risk.claimed or claimed
            elif not describe_risk(risk, name, cell.text):
                rest.append(f"{name}: {cell.text}" if name else cell.text)
        if not words:
            return False
        risk.text = ": ".join(words)
        risk.response = "; ".join(filter(None, (risk.response, *rest)))
        self._draft.risks.append(risk)
        return True

    def _target(self, row: Block, table: Table) -> bool:
        found = [
            (field, cell.text) for _, field, cell in self._cells(row, table, "baseline", "target", "factor", "what")
        ]
        cells = dict(found)
        if "what" not in cells or "target" not in cells or len(cells) != len(found):
            return False
        goal, base = read_millis(cells["target"]), read_millis(cells.get("baseline", ""))
        factor = read_factor(cells.get("factor", ""))
        understood = set(cells) <= {"what", "target", "baseline", "factor"} and not (
            ("baseline" in cells and base is None) or ("factor" in cells and factor is None)
        )
        if goal is None or not understood or (base is not None and base.low != base.high):
            return False
        self._draft.targets.append(
            Target(name=cells["what"], baseline_ms=base.low if base else None, target_ms=goal, factor=factor)
        )
        return True

    def _person(self, row: Block, table: Table) -> bool:
        name, roles = "", []
        for column, field, cell in self._cells(row, table, "name", "role"):
            if field == "name" and not name:
                name = cell.text
            else:
                roles.append(cell.text if field == "role" else f"{column}: {cell.text}" if column else cell.text)
        if not name and roles:
            name, *roles = roles
        self._draft.stakeholders.setdefault(name, []).extend(
            roles[:1] if len(roles) == 1 else [", ".join(roles)] * bool(roles)
        )
        return bool(name)

    def _raci_grid(self, row: Block, table: Table) -> bool:
        activity = row.cells[0].text
        for name, cell in zip(table.columns[1:], row.cells[1:], strict=False):
            for letter in re.findall(r"[RACISQ]", cell.text):
                self._role(name, _RACI_WORDS[letter.casefold()], activity)
        return bool(activity) and any(cell.text for cell in row.cells[1:])

    def _raci_names(self, row: Block, table: Table) -> bool:
        known = {word.casefold() for word in _RACI_WORDS.values()}
        activity = " – ".join(cell.text for name, _, cell in self._cells(row, table) if plain(name) not in known)
        for column, _, cell in self._cells(row, table):
            if plain(column) in known:
                for name in re.split(r"\s*[,;&]\s*|\s+and\s+", cell.text):
                    self._role(name, column.strip(), activity)
        return bool(activity)

    def _role(self, name: str, duty: str, activity: str) -> None:
        roles = self._draft.stakeholders.setdefault(name, [])
        for number, known in enumerate(roles):
            if known.startswith(f"{duty}: "):
                roles[number] = f"{known}, {activity}"
                return
        roles.append(f"{duty}: {activity}")

    def _phase(self, row: Block, table: Table) -> bool:
        when: list[str] = []
        what: list[str] = []
        other: list[str] = []
        for column, field, cell in self._cells(row, table, "when", "until", "what", "text"):
            if field in ("when", "until"):
                when.append(cell.text)
            elif field == "what" and not what:
                what.append(cell.text)
            else:
                other.append(f"{column}: {cell.text}" if column and field not in ("what", "text") else cell.text)
        if not what:
            return False
        if table.about is Topic.MILESTONES:
            place_milestone(self._draft, " – ".join(when), ", ".join((what[0], *other)))
        else:
            phase = new_phase(self._draft, " – ".join(when), what[0])
            for text in other:
                add_activity(phase, text)
        return True

    def _step(self, row: Block, table: Table) -> bool:
        texts = [
            f"{column}: {cell.text}" if field in ("owner", "when", "status") else cell.text
            for column, field, cell in self._cells(row, table, "id", "owner", "when", "status", "what")
            if field != "id" and not (field == "what" and cell.text.isdigit())
        ]
        if not texts:
            return False
        self._draft.rollback.append((texts[0], "; ".join(texts[1:])))
        return True

    def _reference(self, row: Block, table: Table) -> bool:
        name, *rest = [cell.text for _, _, cell in self._cells(row, table)] or [""]
        self._draft.references.append(Reference(name=name, text="; ".join(rest)))
        return bool(name)

    def _cadence(self, row: Block, table: Table) -> bool:
        one = CadenceDraft(what="")
        for column, field, cell in self._cells(row, table, "cadence", "what", "name"):
            if not one.what and field in ("what", "name"):
                one.what = cell.text
            elif not one.when and field == "cadence":
                one.when = cell.text
            else:
                one.topics.append(f"{column}: {cell.text}" if column else cell.text)
        if one.what:
            self._draft.cadences.append(one)
        return bool(one.what)

    def _workflow(self, row: Block, table: Table) -> bool:
        texts = [cell.text for _, field, cell in self._cells(row, table, "id") if field != "id"]
        if len(texts) != 1:
            return False
        self._draft.workflows.append(texts[0])
        return True

    def _criterion(self, row: Block, table: Table, group: str) -> bool:
        texts: list[str] = []
        ticked = False
        for column, field, cell in self._cells(row, table, "id", "status"):
            status = _met(cell.text) if field == "status" else None
            if cell.ticked is not None and not cell.text:
                ticked = ticked or cell.ticked
            elif group in _DECISIONS.values() and plain(cell.text) in _DECISIONS:
                group = _DECISIONS[plain(cell.text)]
            elif field == "id":
                texts.append(cell.text)
            elif field == "status" and status in (Status.DONE, Status.OPEN):
                ticked = ticked or status is Status.DONE
            else:
                texts.append(f"{column}: {cell.text}" if texts and column else cell.text)
        return bool(texts) and place_criterion(self._draft, group, " – ".join(texts), ticked=ticked)


def _met(text: str) -> Status | None:
    """Read whether a criterion's author calls it met; None where the words say more."""
    folded = text.strip().casefold()
    if folded in ("yes", "ja", "y", "met"):
        return Status.DONE
    if folded in ("no", "nein", "not met", "n"):
        return Status.OPEN
    status, more = read_status(text)
    return None if more else status
