"""Walks a document's sections and puts each block where it belongs, or keeps it as a note."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from loom_tui.plan.importer import facts
from loom_tui.plan.importer.blocks import LONGEST_BLOCK, Block, BlockKind
from loom_tui.plan.importer.draft import Draft, IssueDraft, PhaseDraft, RiskDraft
from loom_tui.plan.importer.issues import (
    apply,
    has_issue_labels,
    mark,
    place_in_issue,
    read_line,
    take_line,
)
from loom_tui.plan.importer.outline import Section
from loom_tui.plan.importer.quantities import read_target
from loom_tui.plan.importer.refs import find_ids
from loom_tui.plan.importer.tables import Table, TableReader, pair, place_header, table_about
from loom_tui.plan.importer.words import (
    Topic,
    heading_priority,
    heading_risk_kind,
    heading_topic,
    issue_label,
    part_topic,
    plain,
    says_more,
    without_claim,
)
from loom_tui.plan.model import Note, Priority, RiskKind

_BARE_TAGS = re.compile(r"^(?:\s*</?[A-Za-z][A-Za-z0-9]{0,15}\s*/?>\s*)+$")
_SIGNS = re.compile(r"^[^\w\s(\[`@#]+\s+")  # an emoji before the words
_QUALIFIER = re.compile(r"\s*\([^()]*\)\s*$")
_CRITERIA = (Topic.GO, Topic.NO_GO, Topic.DEPLOYMENT, Topic.POST_DEPLOYMENT)
# Sections whose lines are never issues, even when they begin with an id.
_CLOSED = (
    *_CRITERIA,
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
_RELEASE = re.compile(r"\bsprint[ -]?\d+\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Context:
    """Where a block stands: under which headings, in which issue, phase or kind of risk."""

    topic: Topic | None = None
    heading: str = ""
    issue: IssueDraft | None = None
    part: Topic | None = None  # within the issue
    phase: PhaseDraft | None = None
    step: bool = False  # under a heading that is itself a rollback step
    group: str = ""
    priority: Priority | None = None
    kind: RiskKind | None = None
    claimed: bool = False


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
        self._open: list[tuple[int, IssueDraft]] = []  # the issues of the list that is being read, by depth
        self._phase: PhaseDraft | None = None  # of a timeline that is a list
        self._used: set[str] = set()  # headings that became the phase of an issue
        self._places: dict[Topic, Callable[[Block, Context], bool]] = {
            Topic.ISSUES: self._in_issues,
            Topic.PHASES: self._in_phases,
            Topic.MILESTONES: self._in_milestones,
            Topic.RISKS: self._in_risks,
            Topic.BLOCKERS: self._in_blockers,
            Topic.ROLLBACK: self._in_rollback,
            Topic.ROLLBACK_WHEN: self._in_rollback_when,
            Topic.SUMMARY: self._in_summary,
            Topic.GOAL: self._in_goal,
            Topic.TARGETS: self._in_targets,
            Topic.WORKFLOWS: self._in_workflows,
            Topic.STAKEHOLDERS: self._in_stakeholders,
            Topic.CADENCES: self._in_cadences,
            Topic.REFERENCES: self._in_references,
            Topic.LINKS: self._in_links,
            Topic.NOTES: self._in_notes,
        }

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
            self._open, self._phase = [], None
        entered, understood = self._enter(section, heading, context)
        self._account_later(section, heading, entered, understood=understood)

    def _account_later(self, section: Section, heading: Block, entered: Context, *, understood: bool) -> None:
        """Read what is under a heading first: its words are told where they became the phase of an issue."""
        self._section(section, entered)
        group = entered.group
        told = group in self._used and group == _unqualified(heading.text) and not _more_in_qualifier(heading.text)
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
        labels = has_issue_labels(section.blocks())
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
        issue.priority = issue.priority or context.priority
        if context.group:
            issue.phase = context.group
            self._used.add(context.group)
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
        named = topic is Topic.CADENCES and bool(section_words(text))
        return entered, topic is not None and (named or not says_more(bare))

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
        if context.topic in _CRITERIA:
            return self._in_criteria(block, context)
        place = self._places.get(context.topic, self._elsewhere) if context.topic is not None else self._elsewhere
        if place(block, context):
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
        self._table = about and Table(about, columns, context.group, context.priority, context.kind)  # type: ignore[assignment]
        if about is Topic.ISSUES and context.group:
            self._used.add(context.group)

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

    def _elsewhere(self, block: Block, context: Context) -> bool:
        """Place a block of a section whose heading says nothing: by what the block itself looks like."""
        label = block.inline.label()
        if self._open and block.depth > self._open[0][0]:
            return self._in_issues(block, context)
        if block.kind in (BlockKind.PARAGRAPH, BlockKind.FRONT, BlockKind.ITEM) and facts.place_about(
            self.draft, label
        ):
            return True
        if block.kind is BlockKind.ITEM and (
            block.inline.ticked is not None or read_line(block.inline).id is not None or self._open
        ):
            return self._in_issues(block, context)
        if context.topic is Topic.ABOUT and block.kind is BlockKind.PARAGRAPH and block.depth == 0 and label is None:
            return facts.add_words(self.draft.about, "summary", block.text, "\n\n")
        return False

    def _in_issues(self, block: Block, context: Context) -> bool:
        while self._open and block.depth <= self._open[-1][0] and block.kind is BlockKind.ITEM:
            self._open.pop()
        owner = self._open[0][1] if self._open else None
        if owner is not None and (block.depth > self._open[0][0] or block.kind is BlockKind.CODE):
            return place_in_issue(self.draft, owner, block, None)
        if block.kind is not BlockKind.ITEM:
            return False
        label = block.inline.label()
        line = read_line(block.inline)
        if line.id is None and label is not None and label.colon and issue_label(label.name) is not None:
            return False  # a label without an issue that it could speak of
        if label is not None and not label.value and line.id is None:
            line = type(line)(None, label.name)
        issue = self.draft.issue(line.id)
        take_line(issue, line, firm=False)
        mark(issue, ticked=block.inline.ticked)
        issue.priority = issue.priority or context.priority
        if context.group and not issue.phase:
            issue.phase = context.group
            self._used.add(context.group)
        self._open.append((block.depth, issue))
        return True

    def _in_phases(self, block: Block, context: Context) -> bool:
        phase = context.phase
        if phase is not None:
            return facts.add_activity(phase, block.text) and not block.inline.ticked
        if self._phase is not None and block.depth > 1:
            return facts.add_activity(self._phase, block.text) and not block.inline.ticked
        if block.kind is not BlockKind.ITEM:
            return False
        when, name = facts.split_when(block.text, block.inline.label())
        self._phase = facts.new_phase(self.draft, when, name)
        return not block.inline.ticked

    def _in_milestones(self, block: Block, context: Context) -> bool:
        del context
        if block.kind is not BlockKind.ITEM:
            return False
        facts.place_milestone(self.draft, *facts.split_when(block.text, block.inline.label()))
        return not block.inline.ticked

    def _in_criteria(self, block: Block, context: Context) -> bool:
        if block.kind is not BlockKind.ITEM or context.topic is None:
            return False
        label = block.inline.label()
        group = context.topic.value
        if group == "go" and label is not None and label.value and re.match(r"no[- ]?go$", plain(label.name)):
            return facts.place_criterion(self.draft, "no_go", label.value, ticked=bool(block.inline.ticked))
        return facts.place_criterion(self.draft, group, block.text, ticked=bool(block.inline.ticked) or context.claimed)

    def _in_risks(self, block: Block, context: Context) -> bool:
        if block.kind not in (BlockKind.ITEM, BlockKind.PARAGRAPH):
            return False
        return facts.place_risk(self.draft, block, context.kind, claimed=context.claimed)

    def _in_blockers(self, block: Block, context: Context) -> bool:
        """Give a blocker to the issues that it names; one that names none is a risk that is open."""
        del context
        if block.kind is not BlockKind.ITEM:
            return False
        known = [self.draft.by_id[one] for one in find_ids(block.text).ids if one in self.draft.by_id]
        for issue in known:
            issue.add("blockers", block.text)
        if not known:
            self.draft.risks.append(RiskDraft(text=block.text, kind=RiskKind.OPEN))
        return not block.inline.ticked

    def _in_rollback(self, block: Block, context: Context) -> bool:
        if context.step:
            name, text = self.draft.rollback[-1]
            self.draft.rollback[-1] = (name, f"{text}\n{block.text}" if text else block.text)
            return not block.inline.ticked
        return facts.place_step_back(self.draft, block)

    def _in_rollback_when(self, block: Block, context: Context) -> bool:
        del context
        return (
            facts.add_words(self.draft.about, "rollback_when", block.text.rstrip(":"), "; ") and not block.inline.ticked
        )

    def _in_summary(self, block: Block, context: Context) -> bool:
        del context
        if block.kind is BlockKind.CODE or block.inline.ticked:
            return False
        if (
            block.kind is BlockKind.PARAGRAPH
            and block.inline.lead
            and facts.place_about(self.draft, block.inline.label())
        ):
            return True
        return facts.add_words(
            self.draft.about, "summary", block.text, "\n" if block.kind is BlockKind.ITEM else "\n\n"
        )

    def _in_goal(self, block: Block, context: Context) -> bool:
        del context
        if block.kind is BlockKind.CODE or block.inline.ticked:
            return False
        return facts.add_words(self.draft.about, "goal", block.text, "; ")

    def _in_targets(self, block: Block, context: Context) -> bool:
        del context
        target = read_target(block.text)
        if target is not None:
            self.draft.targets.append(target)
        return target is not None and not block.inline.ticked

    def _in_workflows(self, block: Block, context: Context) -> bool:
        del context
        if block.kind is not BlockKind.ITEM:
            return False
        self.draft.workflows.append(block.text)
        return not block.inline.ticked

    def _in_stakeholders(self, block: Block, context: Context) -> bool:
        del context
        return block.kind is BlockKind.ITEM and facts.place_stakeholder(self.draft, block)

    def _in_cadences(self, block: Block, context: Context) -> bool:
        if block.kind not in (BlockKind.ITEM, BlockKind.PARAGRAPH) or block.inline.ticked:
            return False
        return facts.place_cadence(self.draft, block, context.heading)

    def _in_references(self, block: Block, context: Context) -> bool:
        del context
        return block.kind in (BlockKind.ITEM, BlockKind.PARAGRAPH) and facts.place_reference(self.draft, block)

    def _in_links(self, block: Block, context: Context) -> bool:
        del context
        return block.kind in (BlockKind.ITEM, BlockKind.PARAGRAPH) and facts.place_link(self.draft, block)

    def _in_notes(self, block: Block, context: Context) -> bool:
        del block, context
        return False


def section_words(text: str) -> str:
    """Give a heading's words without its numbering and emoji."""
    return plain(text)


def _unqualified(text: str) -> str:
    bare, _ = without_claim(text.strip().rstrip(":"))
    bare = _SIGNS.sub("", _QUALIFIER.sub("", bare).strip()) or bare
    return bare


def _more_in_qualifier(text: str) -> bool:
    qualifier = _QUALIFIER.search(text.strip().rstrip(":"))
    return qualifier is not None and says_more(qualifier[0])
