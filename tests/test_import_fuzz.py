"""No document, however odd, stops the import; each of its blocks is understood or kept, and no word goes missing."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import ftfy
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loom_tui.plan.importer import Imported, import_plan
from loom_tui.plan.importer.blocks import read_blocks
from loom_tui.plan.importer.repair import lines_of
from loom_tui.plan.model import Plan
from loom_tui.plan.toml import dump_plan

PLANS = sorted((Path(__file__).parent / "plans").glob("*.md"))
REAL = (Path(__file__).parent / "plans" / "SPRINT_07_DEPLOYMENT_PLAN.md").read_text(encoding="utf-8")
LINES = [line for path in PLANS for line in path.read_text(encoding="utf-8").split("\n")]
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def sound(document: str | bytes) -> Imported:
    """Import a document, and hold what must be true of every import."""
    imported = import_plan(document, name="odd")
    plan = imported.plan
    assert imported.understood + len(imported.notes) == imported.blocks
    _each_block_is_understood_or_a_note(document, imported)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan
    assert dump_plan(plan)
    ids = [issue.id for issue in plan.issues]
    assert len(ids) == len(set(ids))
    for names in (
        [phase.name for phase in plan.phases],
        [target.name for target in plan.targets],
        [milestone.name for milestone in plan.milestones],
    ):
        assert len(names) == len(set(names))
    known = set(ids)
    assert all(one in known for phase in plan.phases for one in phase.issues)
    assert all(one in known for milestone in plan.milestones for one in milestone.after)
    assert imported.summary().startswith(f"{imported.understood} of {imported.blocks} blocks understood")
    assert plan.plan.title
    return imported


def _each_block_is_understood_or_a_note(document: str | bytes, imported: Imported) -> None:
    """Count the blocks anew, and find each note among them: its line and its words, letter by letter."""
    lines = lines_of(document)
    blocks = [block for block in read_blocks(lines) if block.kind != "rule"]
    assert len(blocks) == imported.blocks
    standing = {(block.line, block.raw) for block in blocks}
    for note in imported.notes:
        assert (note.line, note.text) in standing
        assert note.text.split("\n")[0] in lines[note.line - 1]
    covered = {number for block in blocks for number in range(block.line, block.end + 1)}
    for number, line in enumerate(lines, 1):
        assert number in covered or not re.search(r"[^\W_]", line)


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", text.casefold()))


# What in the real plan's sections may become structure (a heading's or a label's words) or a figure ("November 6"),
# read off the document; every other word must be in the plan or its notes, wherever its section went.
STRUCTURE = words(
    """Status Start Target Date Sprint Goal Effort Owner Blockers Tasks Scope Timeline Participants Priority
    Milestone Features Critical Path High Quality Assurance Monitoring Deployment Pre Post Issue Issues Plan
    Day Days Week Risk Risks Low Mitigated Known Limitations Communication Stakeholders Rollback Criteria
    No-Go Version Created Last Updated Verification Workflows Performance Improvements Future Enhancements
    Backlog Summary Success Reports Documents hours Objectives Executive Breakdown Dependencies None Expected
    faster Checklist Note Assessment Decision Appendix Links Reference November"""
)


@FUZZ
@given(st.text(max_size=400))
def test_any_text_is_taken(text):
    sound(text)


@FUZZ
@given(st.binary(max_size=400))
def test_any_bytes_are_taken(body):
    sound(body)


PIECES = st.sampled_from(
    [
        "# ", "## ", "### ", "- ", "* ", "1. ", "- [ ] ", "- [x] ", "> ", "    ", "  - ", "| ", " | ",
        "|---|---|", "```", "---", "\n", "\n\n", "**", "*", "_", "`", ":", "[", "](", ")", "<!--", "-->",
        "<b>", "#12", "OPS-7", "https://github.com/o/r/issues/3", "Issue", "Owner: ", "**Effort:** ",
        "2-3 hours", "Depends on: ", "Status: ", "done", "Timeline", "Tickets", "Risks", "Rollback",
        "Go criteria", "Day 1-2: ", "2025-11-06", "✅", "â€™", "\u202e", "\x00", "\ud800", "Title", "ID",
        "Likelihood", "Impact", "RACI", "R", "Priority: ", "Weekly: ", "10:00",
    ]
)  # fmt: skip


@FUZZ
@given(st.lists(PIECES, max_size=60).map("".join))
def test_anything_that_looks_like_a_plan_is_taken(text):
    sound(text)


@FUZZ
@given(st.lists(st.tuples(st.sampled_from(["", "  ", "    ", "> ", "- ", "\t"]), st.sampled_from(LINES)), max_size=40))
def test_lines_of_several_plans_in_any_order_and_depth_are_taken(picked):
    sound("\n".join(indent + line for indent, line in picked))


@FUZZ
@given(st.integers(0, len(REAL)), st.integers(0, len(REAL)))
def test_a_piece_cut_out_of_the_real_plan_is_taken(begin, end):
    sound(REAL[min(begin, end) : max(begin, end)])


@settings(FUZZ, max_examples=25)
@given(st.lists(st.integers(0, len(REAL) - 1), max_size=60, unique=True))
def test_the_real_plan_with_characters_missing_is_taken(gone):
    missing = set(gone)
    sound("".join(letter for at, letter in enumerate(REAL) if at not in missing))


@FUZZ
@given(st.data())
def test_sections_of_the_real_plan_shuffled_dropped_or_doubled_lose_no_word(data):
    sections = re.split(r"(?m)^(?=#{2,4} )", REAL)
    picked = data.draw(st.lists(st.sampled_from(sections), min_size=1, max_size=len(sections)))
    imported = sound("".join(picked))
    kept = words(msgspec.json.encode(imported.plan).decode())
    assert words(ftfy.fix_text("".join(picked))) - kept <= STRUCTURE


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_each_plan_doubled_says_the_same_once(path):
    text = path.read_text(encoding="utf-8")
    once, twice = sound(text), sound(f"{text}\n\n{text}")
    assert {issue.id for issue in once.plan.issues} <= {issue.id for issue in twice.plan.issues}
    assert {phase.name for phase in once.plan.phases} == {phase.name for phase in twice.plan.phases}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(">" * 5_000 + " x", id="deep quotes"),
        pytest.param("\n".join("  " * depth + f"- x{depth}" for depth in range(200)), id="deep lists"),
        pytest.param("word " * 200_000, id="a line of a megabyte"),
        pytest.param("é" * 500_000, id="a word of a megabyte"),
        pytest.param("âœ… " * 100_000, id="mojibake without end"),
        pytest.param("[" * 100_000, id="open brackets"),
        pytest.param("## Tasks\n\n- x" + " " * 9_000 + "y", id="blanks"),
        pytest.param("## Tasks\n\n- " + "(" * 9_000, id="open parentheses"),
        pytest.param("## Tasks\n\n- " + "a:" * 4_000, id="colons"),
        pytest.param("## Schedule\n\n- " + "1 - " * 2_000, id="dashes"),
        pytest.param("|a|b|\n|-|-|\n" + "|x" * 100_000, id="a wide row"),
        pytest.param("- #99999999999999999999 x", id="an id beyond any integer"),
        pytest.param("- Effort: " + "9" * 5_000 + " hours", id="an effort beyond any float"),
        pytest.param("# a\x00b\n- \x00", id="NULs"),
        pytest.param("# \ud800 x\n- \udfff", id="lone surrogates"),
        pytest.param("# T\n- x".encode("utf-16"), id="utf-16"),
        pytest.param(b"\xff\xfe\xfd\x80\n- \xc3\x28", id="invalid utf-8"),
        pytest.param(b"\xef\xbb\xbf# T\r\n\r\n- a\r- b\r\n", id="a BOM and mixed line ends"),
        pytest.param("\x1b[31m# T\x1b[0m\n", id="terminal escapes"),
    ],
)
def test_hostile_documents_are_taken_in_good_time(document):
    sound(document)


def test_a_document_read_from_deep_in_the_stack_is_taken_or_kept_as_lines():
    def dive(depth: int) -> Imported:
        return import_plan("- a\n  - b\n    - c\n") if depth == 0 else dive(depth - 1)

    assert dive(sys.getrecursionlimit() // 2).blocks == 3
