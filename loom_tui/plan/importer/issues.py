"""What a document says of one issue: its line, its labels, its lists."""

from __future__ import annotations

import re

from msgspec import Struct

from loom_tui.plan.importer.blocks import Block, BlockKind
from loom_tui.plan.importer.draft import Draft, IssueDraft
from loom_tui.plan.importer.headings import Topic, plain, without_numbering
from loom_tui.plan.importer.inline import Inline
from loom_tui.plan.importer.quantities import read_effort, read_target
from loom_tui.plan.importer.refs import as_id, find_ids, id_of_address
from loom_tui.plan.importer.words import FIRM_ISSUE_LABELS, is_none, issue_label, read_status, without_claim
from loom_tui.plan.model import IssueId, Priority, Status, Task

_KIND = r"(?:(?:github |jira )?(?:issue|ticket|task|story|work item|item|bug|pr|epic|aufgabe|change)\s*:?\s*)"
_SIGNS = re.compile(r"^(?:[^\w#\[(`~@+<>'\"-]+)(?=[\w#\[(])")  # emoji and bullets before the words
_HEAD = re.compile(
    rf"^{_KIND}?[\[(]?(?:#(?P<number>\d{{1,9}})\b|(?P<key>[A-Z][A-Z0-9]{{1,9}}-\d{{1,7}})\b)[\])]?"
    r"(?:\s*\((?P<address>https?://[^()\s]*)\))?\s*[\]:.–—|)-]*\s*(?P<title>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_SPOKEN = re.compile(
    rf"^{_KIND}(?:no\.?|nr\.?)?\s*(?P<number>\d{{1,9}})\s*[:.–—)-]\s*(?P<title>.+)$", re.IGNORECASE | re.DOTALL
)
_TAIL = re.compile(r"^(?P<title>.+?)\s*[\[(](?P<ids>[^()\[\]]+)[\])]$", re.DOTALL)
_AT_END = re.compile(r"\s*\((?P<inside>[^()]*)\)\s*$")
_PIECES = re.compile(r"\s+[—–|·•]\s+|\s+-\s+")
_PEOPLE = re.compile(r"^@[\w-]+(?:[\s,/&+]+@[\w-]+)*$")
_AFTER = re.compile(r"^(?:after|needs|depends on|requires|blocked by|nach)\b:?\s*(?P<what>.+)$", re.IGNORECASE)
_STEP = re.compile(r"(?:step|task|item|schritt)\s+\d{1,4}", re.IGNORECASE)
_SPLIT_OWNERS = re.compile(r"\s*[/,;+&]\s*|\s+(?:and|und)\s+")
_SPLIT_WORDS = re.compile(r"\s*[;,\n]\s*")


class Line(Struct, frozen=True):
    """An issue as one line names it; `id` is None where the line has none."""

    id: IssueId | None
    title: str
    url: str = ""


def read_line(inline: Inline, *, spoken: bool = False) -> Line:
    """Read '#145: Title', '[OPS-12](https://…) Title', 'Title (#145)'; with `spoken` also 'Ticket 12: Title'."""
    text = _SIGNS.sub("", without_numbering(inline.text) if spoken else inline.text)
    urls = [(address, id_of_address(address)) for _, address in inline.links]
    url, linked = next(((address, found) for address, found in urls if found is not None), ("", None))
    head = _HEAD.match(text)
    if head is not None and (head["number"] or find_ids(head["key"].upper()).ids):
        issue_id = as_id(head["number"] or head["key"].upper())
        return Line(issue_id, _without(head["title"], url), head["address"] or url)
    if spoken and (said := _SPOKEN.match(text)) is not None:
        return Line(as_id(said["number"]), said["title"].strip(), url)
    if linked is not None:
        return Line(linked, _without(text, url) or str(linked), url)
    tail = _TAIL.match(text)
    if tail is not None:
        found = find_ids(tail["ids"])
        if len(found.ids) == 1 and not re.search(r"[^\W_]", found.left):
            return Line(found.ids[0], tail["title"], url)
    return Line(None, text, "")


def _without(text: str, url: str) -> str:
    return text.replace(f" ({url})", "").strip() if url else text.strip()


def take_line(issue: IssueDraft, line: Line, *, firm: bool) -> None:
    """Give the issue the title of a line. `firm`: a heading or a table row of its own outranks a mention."""
    title = _with_facts(issue, line.title) if line.title else ""
    if line.url:
        issue.once("url", line.url, line.url)
    if re.fullmatch(r"<?https?://\S+>?", title):
        issue.once("url", title.strip("<>"), title)
        return
    if not title:
        return
    if firm or not issue.title:
        if issue.title:
            issue.add("names", issue.title)
        issue.title = title
    elif title != issue.title:
        issue.add("names", title)


def _with_facts(issue: IssueDraft, title: str) -> str:
    """Take '— @ana — 30 min — after #3' and '(2h, @ana)' off a title; what is not surely a fact stays in it."""
    first, *others = _PIECES.split(title)
    kept = [first, *(piece for piece in others if not _take_fact(issue, piece.strip()))]
    title = " – ".join(kept) if len(kept) <= len(others) else title
    end = _AT_END.search(title)
    if end is not None:
        pieces = _SPLIT_WORDS.split(end["inside"])
        trial = IssueDraft(id=None)
        sure = [_take_fact(trial, piece) for piece in pieces]
        waits = [_AFTER.match(piece) for piece in pieces]  # 'after Reindex' is a fact only among such as are sure
        if title[: end.start()].strip() and any(sure) and all(a or b for a, b in zip(sure, waits, strict=True)):
            for piece, after in zip(pieces, waits, strict=True):
                if not _take_fact(issue, piece) and after is not None:
                    apply(issue, "depends on", after["what"])
            return title[: end.start()].strip()
    return title.strip()


def _take_fact(issue: IssueDraft, piece: str) -> bool:
    """Take one piece behind a title, if it can be nothing but an effort, owners, a dependency or a status."""
    label = Inline(text=piece).label()
    if label is not None and label.value and issue_label(label.name) is not None:
        return apply(issue, label.name, label.value)
    effort = read_effort(piece)
    if effort.hours is not None and (not effort.text or piece.startswith("~")):
        return apply(issue, "effort", piece)
    if _PEOPLE.match(piece):
        return apply(issue, "owner", piece)
    after = _AFTER.match(piece)
    if after is not None and (find_ids(after["what"]).ids or _STEP.fullmatch(after["what"])):
        return apply(issue, "depends on", after["what"])
    status, more = read_status(piece)
    return status is not None and not more and apply(issue, "status", piece)


def apply(issue: IssueDraft, label: str, value: str, *, unit: str = "") -> bool:
    """Set what a label or a column says of an issue; an unknown label is kept among its notes."""
    field = issue_label(label)
    words = f"{label}: {value}"
    if field is None:
        issue.add("notes", words)
    elif is_none(value):
        pass
    elif field == "effort":
        _effort(issue, value, words, unit)
    elif field == "owner":
        for owner in _SPLIT_OWNERS.split(value):
            if owner:
                issue.add("owners", owner)
    elif field == "depends":
        _depends(issue, value)
    elif field == "blockers":
        _blockers(issue, value)
    elif field == "status":
        _status(issue, value, words)
    elif field == "priority":
        _priority(issue, value, words)
    elif field == "note":
        issue.add("notes", value)
    elif field in ("scope", "features"):
        for part in _SPLIT_WORDS.split(value) if field == "features" else (value,):
            issue.add(field, part)
    elif field == "tasks":
        issue.tasks.append(Task(text=value))
    else:
        issue.once(field, value, words)
    return True


def _effort(issue: IssueDraft, value: str, words: str, unit: str) -> None:
    effort = read_effort(value, unit=unit)
    if (issue.effort_hours, issue.effort_text) in ((None, ""), (effort.hours, effort.text)):
        issue.effort_hours, issue.effort_text = effort.hours, effort.text
    else:
        issue.add("notes", words)


def _depends(issue: IssueDraft, value: str) -> None:
    for piece in _SPLIT_WORDS.split(value):
        found = find_ids(piece)
        for one in found.ids:
            issue.add("depends_on", one)
        if found.ids and not found.bare:
            issue.add("notes", f"Depends on {piece}")
        elif not found.ids and not is_none(piece):
            issue.add("waits_for", piece)


def _blockers(issue: IssueDraft, value: str) -> None:
    pieces = re.split(r"\s*;\s*", value)
    if len(pieces) > 1:
        for piece in filter(None, pieces):
            _blockers(issue, piece)
        return
    found = find_ids(value)
    if re.fullmatch(r"[\d\s,]+", value):  # steps by their number, where there are such; else the words stay
        for piece in _SPLIT_WORDS.split(value):
            issue.add("waits_for", piece)
    elif found.ids and found.bare:
        for one in found.ids:
            issue.add("depends_on", one)
    else:
        issue.add("blockers", value)


def _status(issue: IssueDraft, value: str, words: str) -> None:
    status, more = read_status(value)
    if issue.status is None and not issue.status_text:
        issue.status, issue.status_text = status, more
    elif (issue.status, issue.status_text) != (status, more):
        issue.add("notes", words)


_RANKS = {"p0": Priority.CRITICAL, "blocker": Priority.CRITICAL, "must": Priority.CRITICAL} | dict.fromkeys(
    ("p1", "p2", "p3", "p4", "medium", "normal", "low", "minor", "should", "hoch", "mittel", "niedrig"),
    Priority.HIGH,  # wanted, and below what the launch waits for: the note says how much
)


def _priority(issue: IssueDraft, value: str, words: str) -> None:
    """Take a priority that is one of ours or stands for one; other words than ours are kept as a note."""
    named = next((one for one in Priority if one.value == value.strip().casefold()), None)
    if issue.priority is None:
        issue.priority = named or _RANKS.get(value.strip().casefold())
    if named is None or issue.priority is not named:
        issue.add("notes", words)


_LISTS = {
    Topic.SCOPE: "scope",
    Topic.FEATURES: "features",
    Topic.DEPENDS: "depends on",
    Topic.BLOCKERS: "blockers",
    Topic.NOTES: "note",
    Topic.PARTICIPANTS: "participants",
    Topic.GOAL: "goal",
}


def place_in_issue(draft: Draft, issue: IssueDraft, block: Block, part: Topic | None) -> bool:
    """Put a block from an issue's section where it belongs; words without a field become the issue's notes."""
    if block.kind is BlockKind.CODE:
        issue.add("notes", block.text or block.raw)
        return True
    ticked = block.inline.ticked
    text, claimed = without_claim(block.text)
    if part is Topic.TARGETS and (target := read_target(block.text)) is not None:
        draft.targets.append(target)
        return True
    if ticked is None and part in (Topic.WORKFLOWS, Topic.TASKS) and block.kind is BlockKind.ITEM:
        if part is Topic.WORKFLOWS:
            draft.workflows.append(block.text)
        issue.tasks.append(Task(text=text, done=claimed, claimed=claimed))
        return True
    if ticked is not None:
        issue.tasks.append(Task(text=block.text, done=ticked, claimed=ticked))
        return True
    if part in _LISTS:
        field = issue_label(_LISTS[part]) or ""
        if part in (Topic.SCOPE, Topic.FEATURES):
            issue.add(field, block.text)
        else:
            apply(issue, _LISTS[part], block.text)
        return True
    label = block.inline.label()
    if label is not None and label.value and label.colon and issue_label(label.name) is not None:
        return apply(issue, label.name, label.value)
    return _place_address(issue, block) or _place_words(issue, block, text, claimed=claimed)


def _place_address(issue: IssueDraft, block: Block) -> bool:
    if not block.text.startswith(("http://", "https://")) or " " in block.text:
        return False
    issue.once("url", block.text, block.text)
    return True


def _place_words(issue: IssueDraft, block: Block, text: str, *, claimed: bool) -> bool:
    if block.number is not None:
        issue.tasks.append(Task(text=text, done=claimed, claimed=claimed))
    else:
        issue.add("notes", block.text)
    return True


def mark(issue: IssueDraft, *, ticked: bool | None) -> None:
    """Take a box before an issue as its author's claim; an empty box claims nothing."""
    if ticked and issue.status is None:
        issue.status = Status.DONE


def has_issue_labels(blocks: list[Block]) -> int:
    """Count the different labels under a heading that only an issue has: Owner, Effort, Depends on."""
    found = set()
    for block in blocks:
        own = block.depth <= 1 and block.kind in (BlockKind.ITEM, BlockKind.PARAGRAPH)
        label = block.inline.label() if own else None
        if label is not None and issue_label(label.name) in FIRM_ISSUE_LABELS:
            found.add(plain(label.name))
    return len(found)
