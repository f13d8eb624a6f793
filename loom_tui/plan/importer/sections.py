"""Walks a document's sections and puts each block where it belongs, or keeps it as a note."""

from __future__ import annotations

import re
from dataclasses import replace

from loom_tui.plan.importer import facts
from loom_tui.plan.importer.blocks import LONGEST_BLOCK, Block, BlockKind
from loom_tui.plan.importer.draft import Draft, IssueDraft, RiskDraft
from loom_tui.plan.importer.headings import (
    Topic,
    heading_priority,
    heading_risk_kind,
    heading_topic,
    part_topic,
    plain,
    says_more,
)
from loom_tui.plan.importer.issues import (
    apply,
    has_issue_labels,
    place_in_issue,
    read_line,
    take_line,
)
from loom_tui.plan.importer.outline import Section
from loom_tui.plan.importer.places import CRITERIA, Context, Places
from loom_tui.plan.importer.tables import Table, TableReader, pair, place_header, table_about
from loom_tui.plan.importer.words import issue_label, without_claim
from loom_tui.plan.model import Note, RiskKind

_BARE_TAGS = re.compile(r"^(?:\s*</?[A-Za-z][A-Za-z0-9]{0,15}\s*/?>\s*)+$")
_SIGNS = re.compile(r"^[^\w\s(\[`@#]+\s+")  # an emoji before the words
_QUALIFIER = re.compile(r"\s*\([^()]*\)\s*$")
# Sections whose lines are never issues, even when they begin with an id.
_CLOSED = (
    *CRITERIA,
    Topic.RISKS,
    Topic.ROLLBACK,
    Topic.ROLLBACK_WHEN,
    Topic.LINKS,
    Topic.REFERENCES,
    Topic.PHASES,
    Topic.MILESTONES,
)
# Sections in which a heading about issues may open a list of them.
_OPEN = (None, Topic.ABOUT, Topic.SUMMARY, Topic.GOAL, Topic.NOTES, Topic.ISSUES)
_STEP = re.compile(r"(?:step|schritt)\s+(\d{1,4})\b", re.IGNORECASE)
_RELEASE = re.compile(r"\bsprint[ -]?\d+\b", re.IGNORECASE)


class Reader:
    """Fills a draft from an outline, and counts: every block is understood or becomes a note."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.understood = 0
        self.blocks = 0
        self._tables = TableReader(draft)
        self._table: Table | None = None
        self._titled = False
        self._after_rule = False
        self._places = Places(draft)

    def read(self, root: Section) -> None:
        """Read the whole document."""
        self._section(root, Context(topic=Topic.ABOUT))

    def _section(self, section: Section, context: Context) -> None:
        for number, part in enumerate(section.parts):
            if isinstance(part, Section):
                self._child(part, context)
            elif part.kind is BlockKind.RULE:
                self._after_rule, self._table = True, None
            else:
                if part.kind is BlockKind.HEADER:
                    self._open_table(part, section, number, context)
                elif part.kind is not BlockKind.ROW:
                    self._table = None
                self._account(part, understood=self._place(part, context))

    def _account(self, block: Block, *, understood: bool) -> None:
        self.blocks += 1
        if understood:
            self.understood += 1
        else:
            self.draft.notes.append(Note(line=block.line, text=block.raw))

    # Headings

    def _child(self, section: Section, context: Context) -> None:
        heading = section.heading
        if heading is None:
            return
        self._table = None
        if heading.kind is BlockKind.HEADING:
            self._after_rule = False
        if context.issue is None or heading.kind is BlockKind.HEADING:
            self._places.leave()
        entered, understood = self._enter(section, heading, context)
        self._account_later(section, heading, entered, understood=understood)

    def _account_later(self, section: Section, heading: Block, entered: Context, *, understood: bool) -> None:
        """Read what is under a heading first: its words are told where they became a phase or a meeting."""
        self._section(section, entered)
        name = _unqualified(heading.text)
        used = entered.group == name and name in self._places.groups
        used = used or any(one.what == name for one in self.draft.cadences)
        told = used and not _more_in_qualifier(heading.text)
        self._account(heading, understood=(understood or told) and len(heading.raw) <= LONGEST_BLOCK)

    def _enter(self, section: Section, heading: Block, context: Context) -> tuple[Context, bool]:
        """Decide what a heading opens; and whether all that it says is told by that."""
        if context.issue is not None and heading.kind is not BlockKind.HEADING:
            return self._enter_part(heading, context)
        if self._is_title(heading):
            return self._enter_title(heading)
        if context.topic not in _CLOSED:
            line = read_line(heading.inline, spoken=True)
            if line.id is not None:
                return self._enter_issue(section, heading, context)
        if context.issue is not None:
            return self._enter_part(heading, context)
        topic = heading_topic(heading.text)
        if context.topic is Topic.PHASES and topic is not Topic.MILESTONES:
            return self._enter_phase(heading, context)
        if context.topic is Topic.ROLLBACK and topic is not Topic.ROLLBACK_WHEN:
            return self._enter_step(heading, context)
        if context.topic is Topic.RISKS and self._is_risk(section, heading):
            text, claimed = without_claim(heading.text)
            self.draft.risks.append(RiskDraft(text=text, kind=context.kind or RiskKind.OPEN, claimed=claimed))
            return context, True
        inner = context.topic is Topic.ISSUES and topic in (
            None,
            Topic.ISSUES,
            Topic.SUMMARY,
            Topic.ABOUT,
            Topic.WORKFLOWS,
        )
        labels = has_issue_labels(section.blocks()) + 2 * (inner and _STEP.match(heading.text) is not None)
        if (
            heading.kind is BlockKind.HEADING
            and (labels >= 2 or (inner and labels))
            and topic in (None, Topic.ISSUES, Topic.WORKFLOWS)
        ):
            return self._enter_issue(section, heading, context)
        return self._enter_topic(heading, context, topic)

    def _is_title(self, heading: Block) -> bool:
        return heading.kind is BlockKind.HEADING and heading.level == 1 and not self._titled

    def _enter_title(self, heading: Block) -> tuple[Context, bool]:
        self._titled = True
        title = self.draft.about.setdefault("title", heading.text)
        agrees = plain(title) == plain(heading.text)
        sprint = _RELEASE.search(heading.text)
        if sprint is not None:
            self.draft.about.setdefault("sprint", sprint[0])
        return Context(topic=Topic.ABOUT), agrees

    def _enter_issue(self, section: Section, heading: Block, context: Context) -> tuple[Context, bool]:
        line = read_line(heading.inline, spoken=True)
        known = self.draft.by_id.get(line.id) if line.id is not None else None
        issue = known or self.draft.issue(line.id)
        take_line(issue, line, firm=True)
        numbered = _STEP.match(heading.text)
        if numbered is not None and issue.step is None:
            issue.step = (0, int(numbered[1]))
        issue.priority = issue.priority or context.priority
        if context.group:
            issue.phase = context.group
            self._places.groups.add(context.group)
        del section
        return Context(topic=Topic.ISSUES, issue=issue, heading=heading.text, group=context.group), True

    def _enter_part(self, heading: Block, context: Context) -> tuple[Context, bool]:
        part = part_topic(heading.text)
        issue = context.issue
        about = context if issue is None else replace(context, part=part, heading=heading.text)
        if part is None and issue is not None:
            issue.add("notes", heading.text)
            return about, True
        return about, not says_more(heading.text)

    def _enter_phase(self, heading: Block, context: Context) -> tuple[Context, bool]:
        text, _ = without_claim(heading.text)
        when, name = facts.split_when(text, heading.inline.label())
        return replace(context, phase=facts.new_phase(self.draft, when, name), heading=heading.text), True

    def _enter_step(self, heading: Block, context: Context) -> tuple[Context, bool]:
        topic = heading_topic(heading.text)
        if topic in (Topic.ROLLBACK, Topic.ISSUES) and not says_more(heading.text):
            return replace(context, step=False), True  # "Rollback steps"
        if re.match(r"triggers?\b|when\b|criteria\b|conditions?\b|decision\b", plain(heading.text)):
            return replace(context, topic=Topic.ROLLBACK_WHEN), not says_more(heading.text)
        self.draft.rollback.append((heading.text, ""))
        return replace(context, step=True), True

    def _is_risk(self, section: Section, heading: Block) -> bool:
        """Tell a heading that is a risk ('R1: Lock on bookings', with its likelihood below) from a kind of risks."""
        if heading_topic(heading.text) is Topic.RISKS and not says_more(heading.text):
            return False
        trial = RiskDraft(text="", kind=RiskKind.OPEN)
        labels = [block.inline.label() for block in section.blocks()]
        return any(
            label is not None and label.value and facts.describe_risk(trial, label.name, label.value)
            for label in labels
        )

    def _enter_topic(self, heading: Block, context: Context, topic: Topic | None) -> tuple[Context, bool]:
        text = heading.text
        priority = heading_priority(text)
        if topic is None and priority is not None and context.topic in _OPEN:
            topic = Topic.ISSUES
        inherited = (
            None
            if context.topic in (Topic.ABOUT, Topic.SUMMARY) and heading.kind is BlockKind.HEADING
            else context.topic
        )
        if topic is Topic.ISSUES and context.topic not in _OPEN:
            topic = inherited  # "Critical path" among the links, "Checklist" among the criteria
        topic = topic or inherited
        grouped = topic is Topic.ISSUES and (context.topic is Topic.ISSUES or priority is not None or says_more(text))
        entered = Context(
            topic=topic,
            heading=_unqualified(text),
            group=_unqualified(text) if grouped or topic is None else context.group,
            priority=priority or (context.priority if topic is context.topic else None),
            kind=heading_risk_kind(text) or (context.kind if topic is context.topic else None),
            claimed=without_claim(text)[1],
            phase=context.phase if topic is context.topic else None,
        )
        sprint = self.draft.about.get("sprint", "")
        bare = re.sub(re.escape(sprint), "", text, flags=re.IGNORECASE) if sprint else text
        return entered, topic is not None and not says_more(bare)

    # Blocks

    def _place(self, block: Block, context: Context) -> bool:
        if block.kind is BlockKind.RAW or len(block.raw) > LONGEST_BLOCK:
            return False
        if block.kind is BlockKind.HTML:
            return _BARE_TAGS.match(block.raw) is not None
        if block.kind in (BlockKind.HEADER, BlockKind.ROW):
            return self._row(block, context)
        if self._after_rule and block.kind is BlockKind.PARAGRAPH and block.depth == 0:
            label = block.inline.label()
            if label is not None and label.value and label.bold:
                return facts.place_about(self.draft, label)
        if context.issue is not None:
            return place_in_issue(self.draft, context.issue, block, context.part)
        if self._places.place(block, context):
            return True
        label = block.inline.label()
        return block.kind is BlockKind.PARAGRAPH and label is not None and facts.place_about(self.draft, label)

    def _open_table(self, header: Block, section: Section, number: int, context: Context) -> None:
        rows: list[Block] = []
        for part in section.parts[number + 1 :]:
            if not isinstance(part, Block) or part.kind is not BlockKind.ROW:
                break
            rows.append(part)
        about = table_about(header, None if context.issue is not None else context.topic, rows)
        columns = tuple(cell.text for cell in header.cells)
        self._tables.opened()
        self._table = Table(about, columns, context.group, context.priority, context.kind) if about else None
        if about is Topic.ISSUES and context.group:
            self._places.groups.add(context.group)

    def _row(self, block: Block, context: Context) -> bool:
        if context.issue is not None:
            return self._row_of_issue(block, context.issue)
        if self._table is None:
            return False
        if block.kind is BlockKind.HEADER:
            return place_header(self.draft, block, self._table.about)
        return self._tables.place(block, self._table)

    @staticmethod
    def _row_of_issue(block: Block, issue: IssueDraft) -> bool:
        """Read a table in an issue's section: pairs are labels, anything else its notes."""
        label = pair(block)
        if block.kind is BlockKind.HEADER and label is not None and issue_label(label.name) is None:
            issue.add("notes", block.text)
        elif label is not None and len(block.cells) == 2 and label.name:
            apply(issue, label.name, label.value)
        else:
            issue.add("notes", block.text)
        return True


def _unqualified(text: str) -> str:
    bare, _ = without_claim(text.strip().rstrip(":"))
    return _SIGNS.sub("", _QUALIFIER.sub("", bare).strip()) or bare


def _more_in_qualifier(text: str) -> bool:
    qualifier = _QUALIFIER.search(text.strip().rstrip(":"))
    return qualifier is not None and says_more(qualifier[0])
