"""What arrives from the terminal, cut into what a person did: keys, clicks and pastes, each whole.

Textual 8.2.8 makes keys of every sequence that it does not know, and of what follows an ESC within a paste; a few
sequences (`ESC [ 97 ; 1 : 3 u`), and bytes that are no UTF-8, end its thread. So its parser is handed only what it
knows, and that whole. Sequences begin and end as in ECMA-48, with what terminals of old send besides.
"""

from __future__ import annotations

import re
import sys
from codecs import getincrementaldecoder
from collections.abc import Iterable
from math import inf
from typing import Final

from textual import constants, events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual._xterm_parser import XTermParser
from textual.message import Message

from loom_tui.widgets.lines import clean

ESC: Final = "\x1b"
_PASTE_START, _PASTE_END = "\x1b[200~", "\x1b[201~"
_STRINGS = tuple("]PX^_")  # OSC, DCS, SOS, PM, APC: they run to their terminator
_STRING_ENDS = "\x07\x18\x1a"  # BEL, and what cancels
_LONGEST = 32  # characters of a sequence: of a longer one Textual makes keys

# How long the rest of a sequence is waited for: a link that loses a packet twice is silent for some 0.6 s. Longer, and
# a person who pressed alt and `[` would think that the keyboard is dead.
REST_S = 1.0
# The longest that a lone ESC waits to be the esc key, on a link that was seen to split keys: as long as tmux once took.
SPLIT_ESC_S = 0.5
# The time within which a paste brings its end or its next thousand characters. A link that stalls must not make keys of
# the rest, and nobody types as fast: a paste whose end was lost gives the keyboard back.
STALL_S = 10.0
_STALL_SIZE = 1000
# What comes in one breath with a paste's end was pasted too: tmux 3.3a and urxvt let an end pass that stands in the
# text itself. No hand is as fast.
BREATH_S = 0.05
# The longest that one breath takes: whoever holds a key down after a paste is not kept waiting. What comes in pieces as
# large as no hand sends is still the paste's, however long.
HUSH_S = 0.5
_FLOOD_SIZE = 256
# What may follow a bracket that came after the esc key, on a link that splits a key at every byte: parameters, and how
# keys end. No capital is pressed there, as `A`, `R` and `D` act; any other character, at a hand's pace, was typed.
_RESTS = frozenset("0123456789:;<=>?[ABCDEFGHIJKLMNOPQRSTUVWXYZabcd")
PASTE_LIMIT = 2000  # characters: Textual's Input refuses a paste whole that makes it longer than that

# Texts: `re` compiles each when something like it first arrives, and keeps it.
_KEY = r"\x1b\[(\d*)(?:;\d*)?(?:;([\d:]*))?([u~A-FHPQRS])"
_MOUSE = r"\x1b\[<\d+;-?\d+;-?\d+[Mm]"
_REPORT = (
    r"\x1b\[(?:[IO]"  # the focus came, or went
    r"|\?\d+;\d\$y"  # a mode
    r"|\d+;\d+R)"  # where the cursor is
)
_MORE = r"(?::[\d:]*)?"  # sub-parameters, which mode 2048 leaves to the future
_SIZE = (  # a new size: rows, columns, and their pixels
    rf"\x1b\[48;([1-9]\d?\d?){_MORE};([1-9]\d?\d?\d?){_MORE};(\d+){_MORE};(\d+){_MORE}t"
)


def is_key(sequence: str) -> bool:
    """Say whether a whole sequence is a key or a click that Textual knows, and does not take for another."""
    match = re.fullmatch(_KEY, sequence)
    if match is None:
        return sequence in ANSI_SEQUENCES_KEYS or re.fullmatch(_MOUSE, sequence) is not None
    code, text, end = int(match[1] or 1), match[2], match[3]
    if text:  # what was typed with it, or without any key (0): composed, or by an input method
        return end == "u" and all(each and _printable(int(each)) for each in text.split(":"))
    return f"{code}{end}" in FUNCTIONAL_KEYS or (end == "u" and _printable(code))


def report_of(sequence: str) -> str:
    """Give a report of the terminal itself as Textual can read it; nothing of what is none."""
    match = re.fullmatch(_SIZE, sequence)
    if match is None:
        return sequence if re.fullmatch(_REPORT, sequence) else ""
    rows, columns, height, width = map(int, match.groups())
    if not height or not width:  # it knows no pixels, so its clicks are in cells. Textual divides by them
        height, width = rows, columns
    return f"\x1b[48;{rows};{columns};{height};{width}t"


def _printable(code: int) -> bool:
    return code <= sys.maxunicode and chr(code).isprintable()


def is_whole(sequence: str) -> bool:
    """Say whether a sequence has come to its end; those that run to a terminator have not."""
    second, last = sequence[1], sequence[-1]
    if second not in "[O":
        return second not in _STRINGS
    if sequence.startswith("\x1b[M"):  # the mouse of old: three characters follow
        return len(sequence) == len("\x1b[Mbxy")
    if sequence.startswith("\x1b[["):  # Linux's console: F1 to F5
        return len(sequence) == len("\x1b[[A")
    return len(sequence) > len("\x1b[") and ("@" <= last <= "~" or sequence in ANSI_SEQUENCES_KEYS)  # rxvt: ends in $


class _Paste:
    """An open paste: as much of its text as is wanted, and until when it is waited for."""

    def __init__(self, now: float) -> None:
        self.text = ""
        self.due = now + STALL_S
        self._tail = ""  # perhaps the beginning of its end
        self._size = 0

    def take(self, text: str, now: float) -> int:
        """Take in a text; gives how many of its characters belonged to the paste and its end, or -1: it goes on."""
        piece = self._tail + text
        end = piece.find(_PASTE_END)
        begun = len(_PASTE_END) - 1
        self.text = (self.text + (piece[:end] if end >= 0 else piece[:-begun]))[: PASTE_LIMIT + 1]
        if end >= 0:
            return end + len(_PASTE_END) - len(self._tail)
        self._tail = piece[-begun:]
        before, self._size = self._size, self._size + len(text)
        if before // _STALL_SIZE != self._size // _STALL_SIZE:
            self.due = now + STALL_S
        return -1


class Intake:
    """Takes bytes as they come, however they are cut, and gives Textual's messages. Times are monotonic seconds."""

    def __init__(self, parser: XTermParser, *, patience_s: float = constants.ESCAPE_DELAY) -> None:
        self._parser = parser
        self._decode = getincrementaldecoder("utf-8")("surrogateescape").decode
        self._patience_s = patience_s  # of a lone ESC
        self._given: list[Message] = []
        self._held = ""  # a sequence that is not whole
        self._began_at = 0.0
        self._late = False  # its ESC was taken for the key
        self._escaped_at = -inf
        self._paste: _Paste | None = None
        self._hushed_until = self._hush_ends = -inf
        self._hushed = False  # what is held, or pressed, began before then

    @property
    def due(self) -> float:
        """When what is held lapses, if nothing comes."""
        if self._paste is not None:
            return self._paste.due
        if not self._held:
            return inf
        return self._began_at + (self._patience_s if self._held == ESC else REST_S)

    def feed(self, data: bytes, now: float) -> list[Message]:
        """Take in what was read."""
        text = self._decode(data)
        self._breathe(text, now)
        at = 0
        while at < len(text):
            if self._paste is None:
                self._take(text[at], now)
                at += 1
                continue
            taken = self._paste.take(text[at:], now)
            if taken < 0:
                break
            at += taken
            self._pasted(now)
        return self._give()

    def lapse(self, now: float) -> list[Message]:
        """Give up on what is due, when there is nothing to read: a lone ESC was the key, half a sequence is nothing."""
        if now >= self.due:
            self._drop()
            self._paste = None
        return self._give()

    def _drop(self) -> None:
        """Give up on what is held: a lone ESC was the key, a lone bracket after it was typed, the rest is nothing."""
        held, self._held = self._held, ""
        if held == ESC:
            self._escaped_at = self._began_at
            self._press([events.Key("escape", ESC)])
        elif self._late and len(held) == len("\x1b["):
            self._press(self._parser.feed(held[1]))

    def _give(self) -> list[Message]:
        given, self._given = self._given, []
        return given

    def _take(self, char: str, now: float) -> None:
        held = self._held
        if not held:
            self._start(char, now)
        elif held[1:2] in _STRINGS:
            self._run_on(char, now)
        elif char != ESC and self._goes_on(char, now):
            self._held = held[:_LONGEST] + char
            if is_whole(self._held):
                self._finish(now)
        else:
            self._drop()
            self._start(char, now)

    def _goes_on(self, char: str, now: float) -> bool:
        """Say whether a character can go on with what is held; any other is a key of its own."""
        if self._late and len(self._held) == len("\x1b[") and now - self._began_at >= BREATH_S:
            return char in _RESTS
        return self._held == ESC or self._held.startswith("\x1b[M") or " " <= char <= "~"

    def _start(self, char: str, now: float) -> None:
        """Begin a sequence, or press a key."""
        self._late = char in "[O" and now - self._escaped_at < REST_S
        if not self._late:
            self._escaped_at = -inf  # the rest of a key is the next that comes
        self._held = ESC if char == ESC else ESC + char if self._late else ""
        self._began_at, self._hushed = now, now < self._hushed_until
        if not self._held and not "\ud800" <= char <= "\udfff":  # no character: bytes that are no UTF-8
            self._press(self._parser.feed(char))

    def _run_on(self, char: str, now: float) -> None:
        """Go on with a sequence that runs to its terminator; none is for us, so nothing of it is kept."""
        if self._held.endswith(ESC):
            self._held = ""
            if char != "\\":
                self._start(ESC, now)
                self._take(char, now)
        elif char == ESC:
            self._held += ESC
        elif char in _STRING_ENDS:
            self._held = ""

    def _finish(self, now: float) -> None:
        """Hand on a whole sequence, where it is known."""
        sequence, self._held = self._held, ""
        if sequence == _PASTE_START:
            self._paste = _Paste(now)
        elif len(sequence) > _LONGEST:
            return
        elif report := report_of(sequence):
            self._given += self._parser.feed(report)
        elif not is_key(sequence):
            return
        elif self._late:  # a key was split, and its ESC has closed something already: let that not happen again
            self._patience_s = min(SPLIT_ESC_S, 2 * (self._began_at - self._escaped_at))
        else:
            self._press(self._parser.feed(sequence))

    def _pasted(self, now: float) -> None:
        """Hand on a paste that has come to its end: one line, without control characters."""
        assert self._paste is not None  # noqa: S101 - it has just taken its end
        text = clean(self._paste.text, limit=PASTE_LIMIT - 1).strip()
        if text:
            self._given.append(events.Paste(text))
        self._paste, self._hushed_until, self._hush_ends = None, now + BREATH_S, now + HUSH_S

    def _breathe(self, text: str, now: float) -> None:
        """Draw a paste's last breath out while more comes of it; a mouse that moves is none of it."""
        text = re.sub(_MOUSE, "", text)
        if text and now < self._hushed_until:
            ends = inf if len(text) >= _FLOOD_SIZE else self._hush_ends
            self._hushed_until = max(self._hushed_until, min(now + BREATH_S, ends))

    def _press(self, messages: Iterable[Message]) -> None:
        """Hand on what was pressed; in one breath with a paste's end nothing was."""
        pressed = list(messages)
        if not self._hushed:
            self._given += pressed
