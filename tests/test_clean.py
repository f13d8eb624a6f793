"""Foreign text made safe for one line."""

from __future__ import annotations

import re
import sys

from hypothesis import given
from hypothesis import strategies as st

from loom_tui.widgets.lines import UNSAFE, clean


def test_nothing_unsafe_counts_as_printable() -> None:
    unsafe = re.findall(UNSAFE[:-1], "".join(map(chr, range(sys.maxunicode + 1))))
    assert len(unsafe) > 2000
    assert not [char for char in unsafe if char.isprintable()]


@given(st.text(st.characters(), max_size=40))
def test_no_text_keeps_what_moves_a_cursor_or_turns_its_direction(text: str) -> None:
    made = clean(text)
    assert not re.search(UNSAFE, made)
    assert clean(made) == made


def test_letters_of_two_characters_become_one_and_controls_a_blank() -> None:
    assert clean("e\u0301t\u202e\x1b[31me") == "ét [31me"
