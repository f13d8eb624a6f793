"""What a document says of the plan itself: particulars, criteria, risks, people, phases, the way back."""

from __future__ import annotations

import re
from typing import Any

from loom_tui.plan.importer.blocks import Block, BlockKind
from loom_tui.plan.importer.dates import find_clock, find_dates, find_span
from loom_tui.plan.importer.draft import CadenceDraft, Draft, PhaseDraft, RiskDraft
from loom_tui.plan.importer.headings import plain
from loom_tui.plan.importer.inline import Inline, Label
from loom_tui.plan.importer.issues import read_line, take_line
from loom_tui.plan.importer.refs import find_ids
from loom_tui.plan.importer.words import ABOUT_LABELS, column_fields, is_none, is_role, read_level, without_claim
from loom_tui.plan.model import Reference, RiskKind

_DATES = ("start", "target", "created", "updated")
_ZONE = re.compile(r"^(?:UTC|GMT|[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+)$")
_NAMES = re.compile(r"\s*[,;/&]\s*|\s+(?:and|und)\s+")
_BESIDE = re.compile(r"\s+[·|•]\s+")  # 'Stand: 03.11.2026 · Verantwortlich: Jana'
_STEP = re.compile(r"(?:step|schritt)\s*\d{1,3}$", re.IGNORECASE)
_AT = re.compile(r"^(?P<what>\S.*?)\s+(?:at|um)\s*(?P<often>\S.*)?$")  # what is left of 'Standup at 09:15 daily'
_OFTEN = re.compile(
    r"^(?:daily|weekly|hourly|monthly|biweekly|every\b.*|each\b.*|twice\b.*|once\b.*|täglich|wöchentlich|stündlich)$"
)
_CLOCKS = re.compile(
    r"^(?P<when>\d{1,2}[:.]\d{2}(?:\s*[ap]m)?(?:\s*[-–—]\s*\d{1,2}[:.]\d{2}(?:\s*[ap]m)?)?(?:\s*(?:UTC|GMT|CES?T|Uhr|[ECMP][SD]T)\b)?)"
    r"\s*[:–—|-]?\s+(?P<what>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
_SPLIT_WHEN = re.compile(r"^(?P<when>[^:–—]{0,40}?\d[^:–—]{0,30}?)\s*(?::\s|\s[–—-]\s)\s*(?P<what>\S.*)$", re.DOTALL)
_TIMELY = re.compile(
    r"\d{4}|\bT\s?[-+±]?\s?\d|\b(?:day|week|tag|woche|kw|hour|min|jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)",
    re.IGNORECASE,
)
_AT_END = re.compile(r"^(?P<what>.+?)\s*\((?P<when>[^()]*\d[^()]*)\)$", re.DOTALL)


def place_about(draft: Draft, label: Label | None) -> bool:
    """Set what a label says of the plan. False, so that it is kept as a note, where that is not all of it."""
    field = None if label is None else ABOUT_LABELS.get(plain(label.name))
    if field is None or label is None or is_none(label.value):
        return False
    about, value = draft.about, label.value
    first, *others = _BESIDE.split(value)
    beside = [Inline(text=other).label() for other in others]
    if others and all(one is not None and plain(one.name) in ABOUT_LABELS for one in beside):
        own = place_about(draft, Label(label.name, first, bold=label.bold, colon=label.colon))
        return all([own, *(place_about(draft, one) for one in beside)])
    if field == "status" and find_dates(value)[0] and not find_dates(value)[1]:
        field = "updated"  # 'Stand: 03.11.2026'
    if field in (*_DATES, "window"):
        return _place_date(about, field, value)
    if field == "person":
        for name in _NAMES.split(value):
            if name:
                draft.stakeholders.setdefault(name, []).append(label.name)
        return True
    if field == "zone":
        draft.zone = draft.zone or (value if _ZONE.match(value) else "")
        return draft.zone == value
    if about.setdefault(field, value) != value:
        return False
    if field == "status":
        about["claimed"] = True
    return True


def _place_date(about: dict[str, Any], field: str, value: str) -> bool:
    days, left = find_dates(value)
    if not days or len(days) > 2:
        return False
    first, last = ("start", "target") if len(days) == 2 else (field, field)
    if first == "window":
        first = last = "target"
    agrees = about.setdefault(first, days[0]) == days[0] and about.setdefault(last, days[-1]) == days[-1]
    return agrees and not re.sub(r"\b(?:to|until|bis)\b|[\W_]", "", left)


def add_words(about: dict[str, Any], field: str, text: str, joint: str) -> bool:
    """Add a sentence to the summary or the goal."""
    known = about.get(field, "")
    if text not in known:
        about[field] = f"{known}{joint}{text}" if known else text
    return True


def place_criterion(draft: Draft, group: str, text: str, *, ticked: bool = False) -> bool:
    """Add a criterion; its author's ✅ or [x] makes it claimed, and no more."""
    text, claimed = without_claim(text)
    items = draft.criteria.setdefault(group, [])
    if (text, claimed or ticked) not in items:
        items.append((text, claimed or ticked))
    return True


def place_risk(draft: Draft, block: Block, kind: RiskKind | None, *, claimed: bool) -> bool:
    """Add a risk, or what a line below a risk says of it."""
    label = block.inline.label()
    if draft.risks and label is not None and label.value and describe_risk(draft.risks[-1], label.name, label.value):
        return True
    if block.depth > 1 and draft.risks:
        _respond(draft.risks[-1], block.text)
        return True
    if block.kind is BlockKind.PARAGRAPH and not block.inline.lead:
        return False
    text, ticked = without_claim(block.text)
    draft.risks.append(
        RiskDraft(text=text, kind=kind or RiskKind.OPEN, claimed=claimed or ticked or bool(block.inline.ticked))
    )
    return True


def describe_risk(risk: RiskDraft, name: str, value: str) -> bool:
    """Set a risk's likelihood, impact, owner or response by its label or column; False for any other."""
    fields = column_fields(name)
    field = next((one for one in ("likelihood", "impact", "owner", "response") if one in fields), None)
    if field in ("likelihood", "impact"):
        level = read_level(value)
        if level is None or getattr(risk, field) not in (None, level):
            _respond(risk, f"{name}: {value}")
        else:
            setattr(risk, field, level)
        return True
    if field == "owner" and not risk.owner:
        risk.owner = value
        return True
    if field == "response":
        _respond(risk, value)
        return True
    return False


def _respond(risk: RiskDraft, text: str) -> None:
    risk.response = f"{risk.response}; {text}" if risk.response else text


def place_stakeholder(draft: Draft, block: Block) -> bool:
    """Add a person or a role: 'Release manager: Ana', 'Ana — DBA', 'Ana (DBA)', 'Beta Users'."""
    label = block.inline.label()
    name, role = block.text, ""
    if label is not None and label.value:
        name, role = label.name, label.value
        if is_role(name) and (label.colon or not is_role(role)):
            name, role = role, name
    else:
        parts = re.split(r"\s+[–—-]\s+", block.text, maxsplit=1)
        end = re.match(r"^(?P<name>[^()]+?)\s*\((?P<role>[^()]+)\)$", block.text)
        if len(parts) == 2:
            name, role = parts
        elif end is not None:
            name, role = end["name"], end["role"]
    roles = draft.stakeholders.setdefault(name, [])
    if role:
        roles.append(role)
    return not block.inline.ticked  # a signature in a document is kept as a note too


def place_cadence(draft: Draft, block: Block, heading: str) -> bool:
    """Add a conversation, its time, or one of its topics."""
    label = block.inline.label()
    what = heading or "Communication"
    if label is not None and label.value and _OFTEN.match(label.name.casefold()):
        draft.cadences.append(CadenceDraft(what=what, when=label.name.casefold(), topics=[label.value]))
        return True
    if label is not None and label.value and label.colon:
        clock, left = find_clock(label.value)
        exact = clock and not re.sub(r"[\W_]", "", left)
        draft.cadences.append(
            CadenceDraft(what=label.name, when=clock if exact else "", topics=[] if exact else [label.value])
        )
        return True
    if block.kind is BlockKind.PARAGRAPH and draft.cadences and draft.cadences[-1].what == what:
        return False  # prose behind a list speaks of no single meeting
    clock, left = find_clock(block.text)
    at = _AT.match(left.strip()) if clock else None
    if at is not None and (at["often"] is None or _OFTEN.match(at["often"].casefold())):
        draft.cadences.append(CadenceDraft(what=at["what"], when=clock, topics=[at["often"]] if at["often"] else []))
        return True
    last = draft.cadences[-1] if draft.cadences and draft.cadences[-1].what == what else None
    if last is None or (clock and last.when):
        last = CadenceDraft(what=what)
        draft.cadences.append(last)
    left = left.strip(" :–—-,|")
    if clock and not last.when:
        last.when = clock
    if left:
        last.topics.append(left if clock else block.text)
    return True


def place_step_back(draft: Draft, block: Block) -> bool:
    """Add a rollback step, what stands below it, or when to roll back."""
    steps = draft.rollback
    below = block.depth > 1 or block.kind is BlockKind.CODE
    label = block.inline.label()
    if below and steps:
        name, text = steps[-1]
        steps[-1] = (name, f"{text}\n{block.text}" if text else block.text)
    elif block.kind is BlockKind.CODE:
        steps.append((block.text.split("\n", 1)[0], block.text))
    elif block.kind is BlockKind.PARAGRAPH and not (label and label.value and _STEP.match(label.name)):
        if steps or (
            label is not None and label.value and not re.match(r"trigger|when|if\b|criteri", plain(label.name))
        ):
            return False
        add_words(draft.about, "rollback_when", block.text.rstrip(": "), "; ")
    elif label is not None and label.value:
        steps.append((label.name, label.value))
    else:
        steps.append((block.text, ""))
    return not block.inline.ticked


def place_reference(draft: Draft, block: Block) -> bool:
    """Add a document: '**STATE.md** - the state', a link, or a bare name."""
    label, links = block.inline.label(), block.inline.links
    if label is not None and label.value:
        draft.references.append(Reference(name=label.name, text=_bare(label.value)))
    elif links and links[0][1]:
        words, address = links[0]
        left = block.text.replace(f"{words} ({address})", "", 1).strip(" :–—-")
        draft.references.append(Reference(name=words, text=" – ".join(filter(None, (_other(left, words), address)))))
    elif block.kind is BlockKind.ITEM:
        name, _, text = block.text.partition(" - ")
        draft.references.append(Reference(name=_bare(name), text=_bare(text)))
    else:
        return False
    return not block.inline.ticked


def _bare(text: str) -> str:
    inner = text.strip("`")
    return inner if "`" not in inner and len(text) - len(inner) == 2 else text


def _other(left: str, words: str) -> str:
    return "" if left == words else left


def place_link(draft: Draft, block: Block) -> bool:
    """Take '#145: https://…' as that issue's address."""
    line = read_line(block.inline)
    if line.id is None:
        return False
    issue = draft.issue(line.id)
    take_line(issue, line, firm=False)
    return True


def split_when(text: str, label: Label | None = None) -> tuple[str, str]:
    """Split 'Nov 12, 09:00 – Freeze' into when and what; when is '' where the text names no time."""
    clocks = _CLOCKS.match(text)
    if clocks is not None:
        return clocks["when"].strip(), clocks["what"].strip()
    if label is not None and label.value and re.search(r"\d", label.name) and _TIMELY.search(label.name):
        return label.name, label.value
    span = find_span(text)
    if span is not None and span[3] and re.match(r"(?:day|week|tag|woche)", text, re.IGNORECASE):
        return text[: len(text) - len(span[3])].strip(" :–—-|") if text.endswith(span[3]) else "", span[3]
    split = _SPLIT_WHEN.match(text)
    if split is not None and _TIMELY.search(split["when"]):
        return split["when"].strip(), split["what"].strip()
    end = _AT_END.match(text)
    if (
        end is not None
        and not find_ids(end["when"]).ids
        and (_TIMELY.search(end["when"]) or find_clock(end["when"])[0])
    ):
        return end["when"], end["what"]
    days, left = find_dates(text)
    if days and left:
        return text.replace(left, "").strip(" :–—-|") if left in text else "", left if left in text else text
    return "", text


def new_phase(draft: Draft, when: str, name: str) -> PhaseDraft:
    """Add a phase; 'Day 1-2' and 'Week 2-3' become numbers, any other time stays as written."""
    phase = PhaseDraft(name=name)
    span = find_span(when)
    if span is not None:
        unit, low, high, left = span
        if unit == "day":
            phase.first_day, phase.last_day = low, high
        else:
            phase.weeks = (low, high)
        phase.when = when if left else ""
    else:
        phase.when = when
    for known in draft.phases:
        if (known.name, known.when, known.first_day, known.last_day, known.weeks) == (
            phase.name,
            phase.when,
            phase.first_day,
            phase.last_day,
            phase.weeks,
        ):
            return known
    draft.phases.append(phase)
    ids = find_ids(name).ids
    if ids:
        phase.items.append((name, ids))
    return phase


def add_activity(phase: PhaseDraft, text: str) -> bool:
    """Add what is done in a phase."""
    if text not in phase.activities:
        phase.activities.append(text)
        phase.items.append((text, find_ids(text).ids))
    return True


def place_milestone(draft: Draft, when: str, name: str) -> None:
    """Add a milestone; only 'Day 5' alone becomes its day, any other time stays as written."""
    span = find_span(when)
    day = span[1] if span is not None and span[0] == "day" and span[1] == span[2] and not span[3] else None
    draft.milestones.append((name, "" if day else when, find_ids(name).ids, day))
