"""A document's bytes as lines of text: whatever encoding, line ends or mojibake it comes with."""

from __future__ import annotations

import codecs
import re

import ftfy

# Only what was broken on the way is mended; the author's quotes, ligatures, entities and line ends stay as they are.
_MENDING = ftfy.TextFixerConfig(
    unescape_html=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    normalization=None,
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def lines_of(document: str | bytes) -> list[str]:
    """Split a document into repaired lines. Line N of the document is item N-1, whatever was repaired."""
    text = document if isinstance(document, str) else _decoded(document)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    return [_mended(line) for line in text.split("\n")]


def _mended(line: str) -> str:
    if line.isascii() and _CONTROL.search(line) is None:
        return line  # nothing to mend, and most lines
    return ftfy.fix_text(line, _MENDING)


def _decoded(document: bytes) -> str:
    for bom, encoding in _BOMS:
        if document.startswith(bom):
            return document.decode(encoding, errors="replace")
    return "\n".join(_decoded_line(line) for line in document.split(b"\n"))


def _decoded_line(line: bytes) -> str:
    """Decode one line: documents pasted together from several places mix encodings."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")
