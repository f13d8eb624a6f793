"""Puts the blocks of a section where they belong, by what the section is about."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from loom_tui.plan.importer import facts
from loom_tui.plan.importer.blocks import Block, BlockKind
from loom_tui.plan.importer.draft import Draft, IssueDraft, PhaseDraft, RiskDraft
from loom_tui.plan.importer.headings import Topic, plain
from loom_tui.plan.importer.issues import mark, place_in_issue, read_line, take_line
from loom_tui.plan.importer.quantities import read_target
from loom_tui.plan.importer.refs import find_ids
from loom_tui.plan.importer.words import is_none, issue_label
from loom_tui.plan.model import Priority, RiskKind

CRITERIA = (Topic.GO, Topic.NO_GO, Topic.DEPLOYMENT, Topic.POST_DEPLOYMENT)


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


class Places:
    """One method for each topic: True where a block is told by what it set, False where it must stay a note."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.groups: set[str] = set()  # headings that became the phase of an issue
        self._open: list[tuple[int, IssueDraft]] = []  # the issues of the list that is being read, by depth
        self._phase_depth = 0
        self._serial = 0  # of the list
        self._phase: PhaseDraft | None = None  # of a timeline that is a list
        self._by_topic: dict[Topic, Callable[[Block, Context], bool]] = {
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

    def leave(self) -> None:
        """Forget the list that was being read: another heading begins."""
        self._open, self._phase = [], None
        self._serial += 1

    def place(self, block: Block, context: Context) -> bool:
        """Put a block of a section where it belongs."""
        if context.topic is None:
            return self._elsewhere(block, context)
        if is_none(block.text) and block.kind is not BlockKind.CODE and context.topic is not Topic.NOTES:
            return True  # "Blockers: none"
        if context.topic in CRITERIA:
            return self._in_criteria(block, context)
        return self._by_topic.get(context.topic, self._elsewhere)(block, context)

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
        if block.number is not None and issue.step is None:
            issue.step = (self._serial, block.number)
        mark(issue, ticked=block.inline.ticked)
        issue.priority = issue.priority or context.priority
        if context.group and not issue.phase:
            issue.phase = context.group
            self.groups.add(context.group)
        self._open.append((block.depth, issue))
        return True

    def _in_phases(self, block: Block, context: Context) -> bool:
        phase = context.phase
        if phase is not None:
            return facts.add_activity(phase, block.text) and not block.inline.ticked
        if self._phase is not None and block.depth > self._phase_depth:
            return facts.add_activity(self._phase, block.text) and not block.inline.ticked
        when, name = facts.split_when(block.text, block.inline.label())
        if block.kind is not BlockKind.ITEM and not (block.kind is BlockKind.PARAGRAPH and when):
            return False
        self._phase_depth = block.depth
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
