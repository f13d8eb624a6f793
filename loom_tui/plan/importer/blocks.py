"""A Markdown document as its leaf blocks, each with its lines.

A block is the smallest piece that can say something of its own: a heading, a list item's own text, a table row, a
code or HTML block, a line of front matter, a paragraph; a paragraph of label lines (`**Status:** …` below
`**Start Date:** …`) counts a block for each label. Rules, blank lines, `|---|` lines and empty rows are none.
A line that no Markdown block holds (a link definition, what lies too deep) is a block too, so that every line
that says anything is in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec import Struct

from loom_tui.plan.importer.inline import Inline, read_inline

LONGEST_BLOCK = 10_000  # characters; nobody writes a fact that long, and patterns over it would be slow


class BlockKind(StrEnum):
    """What a block is in Markdown."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    HEADER = "header"  # a table's first row
    ROW = "row"
    CODE = "code"
    HTML = "html"
    FRONT = "front matter"
    RULE = "rule"  # says nothing, but ends what came before; not counted
    RAW = "raw"


class Block(Struct, frozen=True, kw_only=True):
    """One leaf block. Lines are the document's, from 1; `raw` is word for word what stands there."""

    kind: BlockKind
    line: int
    end: int  # its last line
    raw: str
    inline: Inline
    level: int = 0  # of a heading
    depth: int = 0  # how many lists it lies in; 1 is an outer list's item
    number: int | None = None  # of an item in a numbered list
    cells: tuple[Inline, ...] = ()

    @property
    def text(self) -> str:
        """The block's words without markup."""
        return self.inline.text


_MARKDOWN = MarkdownIt("commonmark", {"maxNesting": 60}).enable("table")
_MARKDOWN.core.ruler.disable("inline")  # read block by block instead, under a limit
_FENCE = re.compile(r"^(?:---|\.\.\.)\s*$")
_FRONT = re.compile(r"^(?:[\w][\w .-]*:(?:\s|$)|\s*-\s|\s*#|\s+\S|\s*$)")
_LABELLED = re.compile(r"^(?:[*_]{1,3}[^*_:]{1,50}(?::[*_]{1,3}|[*_]{1,3}\s*:)|[A-Z][\w/ -]{1,30}:\s)")
_SAYS = re.compile(r"[^\W_]|[^\x00-\x7f]")


def read_blocks(lines: Sequence[str]) -> list[Block]:
    """Cut a document into its leaf blocks, in its order."""
    front, body_from = _front_matter(lines)
    body = ["" if number < body_from else line for number, line in enumerate(lines)]
    try:
        tokens = _MARKDOWN.parse("\n".join(body))
    except RecursionError:  # called from very deep: read it as plain lines
        tokens = []
    found = [*front, *_Cutter(lines).cut(tokens)]
    covered = {number for block in found for number in range(block.line, block.end + 1)}
    found += _uncovered(lines, covered, body_from)
    return sorted(found, key=lambda block: block.line)


def _front_matter(lines: Sequence[str]) -> tuple[list[Block], int]:
    """Read YAML front matter's lines; give them and the index of the first line behind."""
    if not lines or lines[0].rstrip() != "---":
        return [], 0
    for number in range(1, min(len(lines), 200)):
        if _FENCE.match(lines[number]):
            inner = lines[1:number]
            if not inner or not all(map(_FRONT.match, inner)) or not any(":" in line for line in inner):
                return [], 0
            return [
                Block(kind=BlockKind.FRONT, line=at, end=at, raw=line.strip(), inline=read_inline(line))
                for at, line in enumerate(inner, 2)
                if _SAYS.search(line)
            ], number + 1
    return [], 0


def _uncovered(lines: Sequence[str], covered: set[int], body_from: int) -> Iterator[Block]:
    for number, line in enumerate(lines, 1):
        if number > body_from and number not in covered and _SAYS.search(line):
            text = line.strip()
            yield Block(kind=BlockKind.RAW, line=number, end=number, raw=text, inline=Inline(text=text))


class _Cutter:
    """Walks markdown-it's tokens and keeps the leaves."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._row_map: list[int] = [0, 1]
        self._in_head = False
        self._depth = 0
        self._fresh_item = False  # an item was opened and has no text yet
        self._number: int | None = None
        self._cells: list[Inline] = []

    def cut(self, tokens: Iterable[Token]) -> Iterator[Block]:
        """Give the leaves in the document's order."""
        opened: Token | None = None
        for token in tokens:
            kind = token.type
            if kind in ("heading_open", "paragraph_open", "th_open", "td_open"):
                opened = token
            elif kind == "inline" and opened is not None:
                if opened.type in ("th_open", "td_open"):
                    self._cells.append(read_inline(token.content))
                else:
                    yield from self._text(opened, token)
            elif kind in ("fence", "code_block", "html_block", "hr"):
                yield self._solid(token)
            elif kind == "tr_close":
                yield from self._row()
            else:
                self._enter(token)

    def _enter(self, token: Token) -> None:
        """Keep count of the lists and tables that one is in."""
        kind = token.type
        if kind in ("list_item_open", "list_item_close"):
            self._depth += token.nesting
            self._fresh_item = token.nesting == 1
            self._number = int(token.info) if token.info.isdigit() else None
        elif kind == "tr_open":
            self._cells, self._row_map = [], token.map or [0, 1]
        elif kind in ("thead_open", "thead_close"):
            self._in_head = token.nesting == 1

    def _row(self) -> Iterator[Block]:
        if any(cell.text for cell in self._cells):
            yield Block(
                kind=BlockKind.HEADER if self._in_head else BlockKind.ROW,
                line=self._row_map[0] + 1,
                end=self._row_map[1],
                raw=self._raw(self._row_map),
                inline=Inline(text=" | ".join(cell.text for cell in self._cells)),
                depth=self._depth,
                cells=tuple(self._cells),
            )

    def _solid(self, token: Token) -> Block:
        span = token.map or [0, 1]
        kind = {"html_block": BlockKind.HTML, "hr": BlockKind.RULE}.get(token.type, BlockKind.CODE)
        self._fresh_item = False
        return Block(
            kind=kind,
            line=span[0] + 1,
            end=span[1],
            raw=self._raw(span),
            inline=Inline(text=token.content.strip()),
            depth=self._depth + 1 if self._depth else 0,
        )

    def _text(self, opened: Token, token: Token) -> Iterator[Block]:
        span = opened.map or [0, 1]
        heading = opened.type == "heading_open"
        if not token.content.strip():
            return
        item, self._fresh_item = self._fresh_item and not heading, False
        kind = BlockKind.HEADING if heading else BlockKind.ITEM if item else BlockKind.PARAGRAPH
        for begin, end, content in self._pieces(kind, span, token.content):
            yield Block(
                kind=kind if begin == span[0] else BlockKind.PARAGRAPH,
                line=begin + 1,
                end=end,
                raw=self._raw((begin, end)),
                inline=read_inline(content),
                level=len(opened.markup) if opened.markup[:1] == "#" else 1 + (opened.markup == "-") if heading else 0,
                depth=self._depth + (1 if self._depth and not (item and begin == span[0]) else 0),
                number=self._number if item else None,
            )

    @staticmethod
    def _pieces(kind: BlockKind, span: Sequence[int], content: str) -> Iterator[tuple[int, int, str]]:
        """Cut a paragraph before each line that begins with a label; anything else stays whole."""
        lines = content.split("\n")
        cuts = [number for number, line in enumerate(lines) if number == 0 or _LABELLED.match(line)]
        if kind is BlockKind.HEADING or len(cuts) < 2 or len(lines) != span[1] - span[0]:
            yield span[0], span[1], content
            return
        for begin, end in zip(cuts, [*cuts[1:], len(lines)], strict=True):
            yield span[0] + begin, span[0] + end, "\n".join(lines[begin:end])

    def _raw(self, span: Sequence[int]) -> str:
        return "\n".join(self._lines[span[0] : span[1]]).strip()
