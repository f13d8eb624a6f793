"""Blocks as a tree of sections: by headings, and by the bold lines and empty labels that serve as headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from loom_tui.plan.importer.blocks import Block, BlockKind
from loom_tui.plan.importer.headings import heading_topic, part_topic, says_more

_BOLD_LEVEL = 7  # below every heading; a label in a list of depth d lies at 7 + d


@dataclass(slots=True)
class Section:
    """A heading (None at the root) and what lies under it, in order."""

    heading: Block | None
    level: int
    parts: list[Block | Section] = field(default_factory=list)

    def blocks(self) -> list[Block]:
        """Give the blocks directly under the heading."""
        return [part for part in self.parts if isinstance(part, Block)]


def outline(blocks: Sequence[Block]) -> Section:
    """Make the tree. Rules stay in it as blocks: they end what a bold line began."""
    root = Section(heading=None, level=0)
    stack = [root]
    for index, block in enumerate(blocks):
        following = blocks[index + 1] if index + 1 < len(blocks) else None
        level = _heading_level(block, following)
        _close(stack, block, level)
        if level is None:
            stack[-1].parts.append(block)
        else:
            section = Section(heading=block, level=level)
            stack[-1].parts.append(section)
            stack.append(section)
    return root


def _close(stack: list[Section], block: Block, level: int | None) -> None:
    """Leave the sections that do not hold the block."""
    while len(stack) > 1:
        top = stack[-1]
        if level is not None:
            ends = top.level >= level
        elif top.level < _BOLD_LEVEL:
            ends = False
        elif top.level == _BOLD_LEVEL:
            plain = block.kind is BlockKind.PARAGRAPH and block.depth == 0
            ends = block.kind is BlockKind.RULE or (plain and bool(top.parts))
        else:
            ends = block.depth <= top.level - _BOLD_LEVEL
        if not ends:
            return
        stack.pop()


def _heading_level(block: Block, following: Block | None) -> int | None:
    if block.kind is BlockKind.HEADING:
        return block.level
    if following is None or following.kind in (BlockKind.HEADING, BlockKind.RULE, BlockKind.HTML, BlockKind.RAW):
        return None
    if block.kind is BlockKind.FRONT:
        empty = block.raw.endswith(":") and following.raw.startswith("- ")
        return _BOLD_LEVEL if empty and following.kind is BlockKind.FRONT else None
    if block.kind not in (BlockKind.PARAGRAPH, BlockKind.ITEM):
        return None
    label = block.inline.label()
    if not (block.inline.all_bold() or (label is not None and not label.value)):
        return None
    if block.depth == 0:
        named = block.inline.all_bold() or not says_more(block.text)
        return _BOLD_LEVEL if named else None
    deeper = following.depth > block.depth and block.inline.ticked is None
    if not deeper or label is None or label.value:
        return None
    return _BOLD_LEVEL + block.depth if part_topic(label.name) or heading_topic(label.name) else None
