"""Takes a deployment plan over from Markdown. Nothing is lost: what is not understood becomes a note."""

from __future__ import annotations

from itertools import groupby

from msgspec import Struct

from loom_tui.plan.importer.blocks import read_blocks
from loom_tui.plan.importer.draft import Draft
from loom_tui.plan.importer.outline import outline
from loom_tui.plan.importer.repair import lines_of
from loom_tui.plan.importer.sections import Reader
from loom_tui.plan.model import Note, Plan

__all__ = ["Imported", "import_plan"]


class Imported(Struct, frozen=True):
    """A plan, and how much of its document it is: `understood` + the number of notes = `blocks`."""

    plan: Plan
    understood: int
    blocks: int

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was not understood, word for word, one note for each such block."""
        return self.plan.notes

    def summary(self) -> str:
        """Say it in a line: '43 of 47 blocks understood; 4 kept as notes: lines 12, 80–84'."""
        said = f"{self.understood} of {self.blocks} blocks understood"
        if not self.notes:
            return said
        lines = _spans(sorted({line for note in self.notes for line in _lines(note)}))
        word = "line" if len(lines) == 1 and "–" not in lines[0] else "lines"
        return f"{said}; {len(self.notes)} kept as notes: {word} {', '.join(lines)}"


def import_plan(text: str | bytes, *, name: str = "plan") -> Imported:
    """Make a plan of a Markdown document. Never raises; `name` is its title where it has none."""
    draft = Draft()
    reader = Reader(draft)
    reader.read(outline(read_blocks(lines_of(text))))
    return Imported(plan=draft.plan(name=name), understood=reader.understood, blocks=reader.blocks)


def _lines(note: Note) -> range:
    return range(note.line, note.line + 1 + note.text.count("\n"))


def _spans(lines: list[int]) -> list[str]:
    """Write 12, 80, 81, 82 as '12', '80–82'."""
    spans = []
    for _, run in groupby(enumerate(lines), key=lambda item: item[1] - item[0]):
        numbers = [line for _, line in run]
        spans.append(str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}")
    return spans
