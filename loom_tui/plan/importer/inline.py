"""The text inside one block: emphasis taken off, links written out, a leading label told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec import Struct

# Inline parsing is quadratic on hostile input ("[[[[…": 0.8 s for 10 kB); longer text is taken as it stands.
_LONGEST = 4_000
_MARKDOWN = MarkdownIt("commonmark", {"maxNesting": 40})
_LABEL = re.compile(r"([^\W\d_][^:|]{0,48}?)\s*:(?:\s+(.*))?$", re.DOTALL)
_GAPS = re.compile(r"\s{2,}")  # long runs of blanks make patterns quadratic
_TICK = re.compile(r"^\[([ xX])\](?:\s+|$)")
_DASH = re.compile(r"^\s*(?:[-–—:]|->|→)\s+")


class Label(Struct, frozen=True):
    """`Owner: QA` or `**STATE.md** - the state`; `bold` tells a label that its author set off."""

    name: str
    value: str
    bold: bool
    colon: bool


class Inline(Struct, frozen=True):
    """A line without its markup. `lead` is the emphasised text it begins with, `ticked` its task box, if any."""

    text: str
    lead: str = ""
    rest: str = ""
    links: tuple[tuple[str, str], ...] = ()  # (text, address)
    ticked: bool | None = None

    def label(self) -> Label | None:
        """Tell the label that the line begins with from its value; the value of `**Tasks:**` is empty."""
        if self.lead:
            return self._bold_label()
        plain = _LABEL.match(self.text)
        if plain is None or len(plain[1].split()) > 5:
            return None
        return Label(plain[1].strip(), (plain[2] or "").strip(), bold=False, colon=True)

    def _bold_label(self) -> Label | None:
        lead, rest = self.lead.strip(), self.rest
        if lead.endswith(":"):
            return Label(lead[:-1].strip(), rest.strip(), bold=True, colon=True)
        if rest.lstrip().startswith(":"):
            return Label(lead, rest.lstrip()[1:].strip(), bold=True, colon=True)
        dash = _DASH.match(rest)
        if dash is not None:
            return Label(lead, rest[dash.end() :].strip(), bold=True, colon=False)
        return None

    def all_bold(self) -> bool:
        """Whether the whole line is emphasised, or is a bold label without a value: a heading in disguise."""
        return bool(self.lead) and self.rest.strip() in ("", ":")


def read_inline(content: str) -> Inline:
    """Read one block's Markdown; its words stay, in their order."""
    content = _GAPS.sub(" ", content.strip()) if "\n" not in content else content.strip()
    tick = _TICK.match(content)
    ticked = None if tick is None else tick[1] in "xX"
    if tick is not None:
        content = content[tick.end() :]
    if len(content) > _LONGEST:
        return Inline(text=_GAPS.sub(" ", content), ticked=ticked)
    tokens: list[Token] = []
    _MARKDOWN.inline.parse(content, _MARKDOWN, {}, tokens)
    links: list[tuple[str, str]] = []
    text = _bare(_GAPS.sub(" ", _written(tokens, links)))
    split = _end_of_lead(tokens)
    lead = _written(tokens[:split], []).strip() if split else ""
    return Inline(text=text, lead=lead, rest=_written(tokens[split:], []), links=tuple(links), ticked=ticked)


def _end_of_lead(tokens: Sequence[Token]) -> int:
    """Give the index behind the emphasis that the tokens begin with, or 0."""
    depth = 0
    for index, token in enumerate(tokens):
        if token.type in ("strong_open", "em_open"):
            depth += 1
        elif token.type in ("strong_close", "em_close"):
            depth -= 1
            if depth == 0:
                return index + 1
        elif (depth == 0 and token.content.strip()) or (depth == 0 and token.nesting == 1):
            return 0
    return 0


def _written(tokens: Iterable[Token], links: list[tuple[str, str]]) -> str:
    parts: list[str] = []
    opened: list[tuple[int, str]] = []
    for token in tokens:
        if token.type == "code_inline":
            parts.append(f"`{token.content}`")
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type == "link_open":
            opened.append((len(parts), str(token.attrs.get("href", ""))))
        elif token.type == "link_close" and opened:
            begin, address = opened.pop()
            words = "".join(parts[begin:])
            links.append((words, address))
            if address and address not in (words, f"mailto:{words}"):
                parts.append(f" ({address})")
        elif token.type == "image":
            parts.append(f"{token.content} ({token.attrs.get('src', '')})")
        else:
            parts.append(token.content)
    return "".join(parts)


def _bare(text: str) -> str:
    """Take the ticks off a text that is nothing but one piece of code."""
    inner = text[1:-1]
    return inner if len(text) > 2 and text[0] == text[-1] == "`" and "`" not in inner else text
