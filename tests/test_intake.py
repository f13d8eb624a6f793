"""What arrives from a terminal, byte by byte: keys are keys, a paste is one text, and nothing else is anything."""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual._xterm_parser import XTermParser
from textual.message import Message
from textual.screen import Screen

from loom_tui import screens
from loom_tui.widgets.intake import BREATH_S, HUSH_S, PASTE_LIMIT, REST_S, SPLIT_ESC_S, STALL_S, Intake, is_key

ESC_S = 0.1
LONG = 60.0  # by then everything has lapsed
OPEN, CLOSE = b"\x1b[200~", b"\x1b[201~"
UNKNOWN = (
    *(b"\x1b[99;99z", b"\x1b[82~", b"\x1b[65A", b"\x1b[32~", b"\x1b[1;2;65A", b"\x1b[1;2;82~"),
    *(
        b"\x1b[?62;c",
        b"\x1b[>1;10;0c",
        b"\x1b[?0u",
        b"\x1b[0n",
        b"\x1b[8;40;120t",
        b"\x1b[48;0;0;0;0t",
        b"\x1b[48;9999;9999;1;1t",
    ),
    *(b"\x1b[M !!", b"\x1b[M\xc8\xff\xa1", b"\x1b[32;10;20M", b"\x1b[<0;1M", b"\x1b[" + b"1;" * 200 + b"R"),
    *(b"\x1b]11;rgb:1111/1414/1a1a\x1b\\", b"\x1b]52;c;UlE=\x07", b"\x1b]R\x1a", b"\x1b]R\x1b[99z"),
    *(b"\x1bP1$r0mR\x1b\\", b"\x1bP>|kitty(0.35)\x1b\\", b"\x1b_GR;OK\x1b\\", b"\x1b^R\x1b\\", b"\x1bXR\x1b\\"),
    *(b"\x1b[99999999999u", b"\x1b[1114112u", b"\x1b[55296u", b"\x1b[u", b"\x1b[97;1:3u", b"\x1b[97:65;2u"),
    *(b"\x1b[97;2;1114112u", b"\x1b[27;5;82~", b"\x1b[97;;65::66u", b"\x1bR", "\x1bé".encode(), b"\x1bOz"),
    *(b"\x1b[201~", b"\xff\xfe", b"\xc3"),
)


def told(messages: list[Message]) -> list[str]:
    return [repr(message) for message in messages]


def intake() -> Intake:
    return Intake(XTermParser(), patience_s=ESC_S)


def arrived(*chunks: bytes, gap_s: float = 0.0) -> list[str]:
    """What came of chunks, read with gaps between, once nothing is waited for any more."""
    it, now, out = intake(), 0.0, []
    for chunk in chunks:
        out += it.lapse(now) + it.feed(chunk, now)
        now += gap_s
    return told(out + it.lapse(now + LONG))


def pressed(*names: str) -> list[str]:
    """What Textual itself makes of some keys' sequences."""
    parser = XTermParser()
    return [repr(message) for name in names for message in parser.feed(name)]


def pasted(text: str) -> str:
    return repr(events.Paste(text))


ESCAPE = repr(events.Key("escape", "\x1b"))
SEQUENCES = sorted(
    {each for each in ANSI_SEQUENCES_KEYS if each.startswith("\x1b")}
    | {f"\x1b[{name}" for name in FUNCTIONAL_KEYS}
    | {f"\x1b[{name[:-1]};5{name[-1]}" for name in FUNCTIONAL_KEYS}
    | {
        "\x1b[97u",
        "\x1b[97;5u",
        "\x1b[97;2;65u",
        "\x1b[233;;233u",
        "\x1b[0;;26085:26412u",
        "\x1b[<0;10;20M",
        "\x1b[<35;-1;20m",
    }
)
KNOWN = [each for each in SEQUENCES if is_key(each) and each not in {"\x1b", "\x1b\x1b"}]


def test_every_key_that_textual_knows_is_still_that_key():
    for sequence in KNOWN:
        assert arrived(sequence.encode()) == pressed(sequence), sequence


def test_what_an_input_method_composed_is_typed():
    assert arrived(b"\x1b[0;;26085:26412u") == pressed("日", "本")


def test_a_sequence_that_is_too_long_is_nothing():
    for count in range(1, 40):
        composed = "\x1b[0;;" + ":".join(["82"] * count) + "u"
        assert arrived(composed.encode()) in ([], pressed("R") * count)
    assert arrived(b"\x1b[48;40;120;800000000000000000001200t") == []


def test_what_textual_takes_for_another_key_is_none():
    lost = {each for each in SEQUENCES if not is_key(each)}
    names = {message.key for each in lost for message in XTermParser().feed(each) if isinstance(message, events.Key)}
    named = {key.value for keys in ANSI_SEQUENCES_KEYS.values() if isinstance(keys, tuple) for key in keys}
    assert " " in {chr(int(each[2:-1])) for each in lost if each[2:-1].isdigit()}  # F18 ticked a task
    assert not names & (named - {"space"}), "a key was lost"


def test_reports_of_the_terminal_itself_are_handed_on():
    for report in ("\x1b[I", "\x1b[O", "\x1b[?2026;2$y", "\x1b[10;20R", "\x1b[48;40;120;800;1200t"):
        assert arrived(report.encode()) == pressed(report) != []


@pytest.mark.parametrize("pixels", ["0;0", "0;1200", "800;0", "00;00"])
def test_a_terminal_that_knows_no_pixels_is_resized_and_clicked_in_cells(pixels):
    click = "\x1b[<0;80;24M"
    said = arrived(f"\x1b[48;24;80;{pixels}t{click}".encode())
    assert said == pressed("\x1b[48;24;80;24;80t", click)
    assert "x=79.0" in said[1]


def test_what_a_size_says_besides_is_left_out():
    assert arrived(b"\x1b[48;40:1;120:;800:2:3;1200:4t") == pressed("\x1b[48;40;120;800;1200t")
    assert arrived(b"\x1b[48;40;120;0:8;0:9t") == pressed("\x1b[48;40;120;40;120t")


@pytest.mark.parametrize("sequence", UNKNOWN, ids=repr)
def test_an_unknown_sequence_is_nothing_and_what_follows_is_a_key(sequence):
    assert arrived(sequence, b"R", gap_s=REST_S) == pressed("R")


@pytest.mark.parametrize("half", [b"\x1b[", b"\x1b[1;", b"\x1bO", b"\x1b[M!", b"\x1b]11;rgb", b"\x1bP", b"\x1b]x\x1b"])
def test_half_a_sequence_is_nothing_once_its_rest_does_not_come(half):
    assert arrived(half) == []
    assert arrived(half, b"q", gap_s=REST_S) == pressed("q")


@pytest.mark.parametrize("inside", [b"\x1b[", b"\x1bO", b"\x1b[1;5"])
def test_what_cannot_go_on_with_a_sequence_is_a_key_of_its_own(inside):
    assert arrived(inside + b"\r") == pressed("\r")
    assert arrived(inside + "é".encode()) == pressed("é")
    assert arrived(inside + b"\x1b[A") == pressed("\x1b[A")


# Pastes.


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("\x1b[A", "[A"),
        ("R", "R"),
        ("q\x1by", "q y"),
        ("production", "production"),
        ("one\r\ntwo\n", "one two"),
        ("\x1b[200~nested", "[200~nested"),
        ("\x00\x07\x1b\x1b[201 ~", "[201 ~"),
        ("\x1b", ""),
        ("", ""),
        ("\u202egnp\u200b", "gnp"),
        ("日本 é 🚀", "日本 é 🚀"),
    ],
)
def test_what_stands_between_a_paste_s_brackets_is_one_clean_line(inside, text):
    assert arrived(OPEN + inside.encode() + CLOSE) == ([pasted(text)] if text else [])


def test_a_long_paste_is_cut_where_it_can_be_seen():
    (paste,) = arrived(OPEN + b"\x1b[A" * 300_000 + CLOSE)
    (cut,) = arrived(OPEN + b"a" * 1_000_000 + CLOSE)
    assert cut == pasted("a" * (PASTE_LIMIT - 1) + "…")
    assert len(paste) <= len(cut)


def test_a_paste_that_ends_early_presses_nothing_of_its_rest():
    rest = b"R\x1b\x1b[Aproduction\r\x1b[<0;1;1M"
    assert arrived(OPEN + b"a" + CLOSE + rest + CLOSE) == [pasted("a")]
    assert arrived(OPEN + b"a" + CLOSE, *(bytes((byte,)) for byte in rest), gap_s=BREATH_S / 2) == [pasted("a")]
    assert arrived(OPEN + b"a" + CLOSE, rest[:1], gap_s=BREATH_S) == [pasted("a"), *pressed("R")]


MOVE = b"\x1b[<35;9;9M"


def test_a_mouse_that_moves_after_a_paste_takes_no_key_away():
    it, now = intake(), 0.0
    it.feed(OPEN + b"a" + CLOSE, now)
    while now < BREATH_S:
        now += BREATH_S / 2
        it.feed(MOVE * 20, now)
    assert told(it.feed(MOVE + b"q", now))[1:] == pressed("q")


def test_a_key_that_is_held_after_a_paste_is_heard_within_half_a_second():
    it, now = intake(), 0.0
    heard: list[Message] = []
    it.feed(OPEN + b"a" + CLOSE, now)
    while now < HUSH_S:
        assert heard == []
        now += BREATH_S / 2
        heard = it.feed(b"j", now)
    assert told(heard) == pressed("j")


def test_a_long_rest_of_a_paste_that_ended_early_presses_nothing_however_long_it_takes():
    rest = [b"R\x1b[A" * 100] * 100
    assert arrived(OPEN + b"a" + CLOSE, *rest, gap_s=BREATH_S / 2) == [pasted("a")]


def test_a_paste_that_never_ends_gives_the_keyboard_back():
    it = intake()
    assert it.feed(OPEN + b"half", 0.0) == []
    for tenth in range(int(STALL_S * 10)):  # somebody holds a key
        assert it.feed(b"R", tenth / 10) == []
    assert it.due == STALL_S
    assert it.lapse(STALL_S) == []
    assert told(it.feed(b"j" + CLOSE, STALL_S)) == pressed("j")


def test_a_paste_over_a_slow_link_is_waited_for_as_long_as_it_comes():
    it, now = intake(), 0.0
    it.feed(OPEN, now)
    for _ in range(100):
        now += STALL_S * 0.9
        assert it.lapse(now) == []
        assert it.feed(b"R" * 1000, now) == []
    (paste,) = it.feed(CLOSE, now)
    assert isinstance(paste, events.Paste)


# Time.


def test_a_lone_esc_is_the_key_once_nothing_has_followed():
    it = intake()
    assert it.feed(b"\x1b", 5.0) == []
    assert it.due == 5.0 + ESC_S
    assert it.lapse(5.0 + ESC_S / 2) == []
    assert told(it.lapse(5.0 + ESC_S)) == [ESCAPE]
    assert arrived(b"\x1b\x1b") == [ESCAPE, ESCAPE]
    assert arrived(b"\x1b\x1b[A") == [ESCAPE, *pressed("\x1b[A")]
    assert arrived(b"\x1b", b"k", gap_s=0.2) == [ESCAPE, *pressed("k")]


@pytest.mark.parametrize("key", [b"\x1b[A", b"\x1bOA", b"\x1b[1;5R", b"\x1b[15~", b"\x1b[97;2;82u"])
@pytest.mark.parametrize("gap_s", [0.15, 0.2, 0.45, 0.9])
def test_a_key_that_a_slow_link_splits_presses_none_of_its_letters(key, gap_s):
    allowed = ([ESCAPE], [ESCAPE, *pressed(key.decode())], pressed(key.decode()))
    for at in range(1, len(key)):
        assert arrived(key[:at], key[at:], gap_s=gap_s) in allowed


def test_a_bracket_that_is_typed_after_another_key_is_a_bracket():
    assert arrived(b"\x1b", b"m", b"[", b"O", gap_s=0.2) == [ESCAPE, *pressed("m", "[", "O")]


@pytest.mark.parametrize("bracket", ["[", "O"])
def test_a_bracket_that_is_typed_after_esc_is_one_and_takes_no_key_with_it(bracket):
    typed = bracket.encode()
    assert arrived(b"\x1b", typed, gap_s=0.2) == [ESCAPE, *pressed(bracket)]
    assert arrived(b"\x1b", typed, b"n", b"-", gap_s=0.2) == [ESCAPE, *pressed(bracket, "n", "-")]
    assert arrived(b"\x1b", typed, "é".encode(), gap_s=0.2) == [ESCAPE, *pressed(bracket, "é")]
    assert arrived(b"\x1b", typed + b"\r", gap_s=0.2) == [ESCAPE, *pressed(bracket, "\r")]
    assert arrived(b"\x1b", typed, b"\x1b[A", gap_s=0.2) == [ESCAPE, *pressed(bracket, "\x1b[A")]
    assert arrived(b"\x1b", typed, b"\x1b", gap_s=0.2) == [ESCAPE, *pressed(bracket), ESCAPE]


def test_a_key_that_comes_byte_by_byte_presses_none_of_its_letters():
    assert arrived(b"\x1b", b"[", b"A", gap_s=0.4) == [ESCAPE]


def test_a_link_that_split_a_key_once_is_given_longer_from_then_on():
    it = intake()
    it.feed(b"\x1b", 0.0)
    it.lapse(0.2)
    assert it.feed(b"[A", 0.2) == []
    it.feed(b"\x1b", 10.0)
    assert it.due == 10.4
    assert told(it.feed(b"[A", 10.3)) == pressed("\x1b[A")
    it.feed(b"\x1b", 20.0)
    it.lapse(20.4)
    it.feed(b"[B", 20.9)
    it.feed(b"\x1b", 30.0)
    assert it.due == 30.0 + SPLIT_ESC_S


def test_a_paste_whose_first_bracket_is_split_is_still_a_paste():
    assert arrived(b"\x1b", b"[200~R\x1b[201~", gap_s=0.3) == [ESCAPE, pasted("R")]


SHORT = [each for each in KNOWN if len(each) <= 6]
SENT_BY_OTHERS = [f"\x1b{bracket}{chr(code)}" for bracket in "[O" for code in range(ord("A"), ord("Z") + 1)]


@given(
    st.one_of(st.sampled_from(SHORT), st.sampled_from(SENT_BY_OTHERS)),
    st.lists(st.integers(1, int(REST_S * 100) - 1), min_size=5, max_size=5, unique=True),
)
def test_however_a_link_splits_a_key_no_capital_of_it_is_pressed(key, hundredths):
    moments = [0, *sorted(hundredths[: len(key) - 1])]
    it, out = intake(), []
    for char, at in zip(key.encode(), moments, strict=True):
        out += it.lapse(at / 100) + it.feed(bytes((char,)), at / 100)
    typed = {each.character for each in out if isinstance(each, events.Key) and each.character} - {
        "O"
    }  # it does nothing
    assert not any(each.isupper() for each in typed) or told(out) == pressed(key)


def test_the_brackets_that_may_be_typed_are_no_key_of_any_screen():
    for found in iter_modules(screens.__path__, f"{screens.__name__}."):
        import_module(found.name)
    classes: list[type[Screen[Any]]] = [Screen]
    for each in classes:
        classes += each.__subclasses__()
    bound = {key for each in classes if (its := each._merged_bindings) for key in its.key_to_bindings}
    assert {"R", "escape", "slash"} <= bound
    assert not bound & {"O", "left_square_bracket"}


# Any stream, cut anywhere.

KEYS = st.one_of(
    st.sampled_from(KNOWN).map(str.encode),
    st.text(st.characters(codec="utf-8", exclude_characters="\x1b"), min_size=1).map(str.encode),
)
TEXTS = st.lists(st.sampled_from([b"\x1b[A", b"R", b"q", b"\x1b", b"\x1b[200~", "é日".encode(), b"\r", b"\x1b[201"]))
PASTES = TEXTS.map(lambda parts: OPEN + b"".join(parts) + CLOSE)
STREAMS = st.one_of(
    st.binary(max_size=60),
    st.lists(st.one_of(KEYS, PASTES, st.sampled_from(UNKNOWN), st.binary(max_size=3)), max_size=8).map(b"".join),
)


@given(STREAMS, st.lists(st.integers(0, 200), max_size=12))
def test_however_a_stream_is_cut_the_same_comes_of_it(stream, places):
    cuts = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    chunks = [stream[a:b] for a, b in pairwise(cuts)]
    assert arrived(*chunks) == arrived(stream)


@given(STREAMS)
def test_after_any_stream_at_all_the_keyboard_is_there_again(stream):
    it = intake()
    it.feed(stream, 0.0)
    it.lapse(LONG)
    assert it.lapse(2 * LONG) == []
    # what was half a character is none, and takes no key with it
    assert told(it.feed(b"k", 2 * LONG)) == pressed("k")


@given(st.lists(st.one_of(KEYS, PASTES), max_size=8))
def test_keys_between_pastes_are_what_textual_makes_of_them_and_no_paste_is_a_key(parts):
    it, parser = intake(), XTermParser()
    for at, part in enumerate(parts):
        messages = it.feed(part, at * 1.0)
        if part.startswith(OPEN):
            assert [type(message) for message in messages] in ([], [events.Paste])
        else:
            assert told(messages) == [repr(message) for message in parser.feed(part.decode())]
