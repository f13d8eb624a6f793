"""What is sent to a terminal: each cell as it would be drawn by Textual, in fewer bytes."""

from __future__ import annotations

from typing import Any

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from loom_tui.widgets.thrift import Brush, ThriftyScreen

COLUMNS, ROWS = 40, 3
COLOURS = st.sampled_from([None, "red", "bright_blue", "color(200)", "#11141a", "#d8dee6", "default"])
STYLES = st.builds(
    Style,
    color=COLOURS,
    bgcolor=COLOURS,
    bold=st.sampled_from([None, False, True]),
    underline=st.booleans(),
    reverse=st.booleans(),
    link=st.sampled_from([None, None, "https://example.com"]),
)
RUNS = st.lists(
    st.builds(Segment, st.text("ab ─", min_size=1, max_size=6), st.one_of(st.none(), STYLES)), min_size=1, max_size=6
)


def console(colours: str) -> Console:
    return Console(color_system=colours, force_terminal=True)  # type: ignore[arg-type]  # a name of hypothesis' choice


def drawn(sequences: str) -> list[list[Any]]:
    """Give what a terminal shows, a cell at a time; of a blank only what is seen of it."""
    screen = pyte.Screen(COLUMNS, ROWS)
    pyte.Stream(screen).feed(sequences)
    lines = [[screen.buffer[y][x] for x in range(COLUMNS)] for y in range(ROWS)]
    return [[seen(cell) for cell in line] for line in lines]


def seen(cell: Any) -> Any:
    unmarked = cell.data == " " and not (cell.underscore or cell.reverse)
    return (cell.data, cell.bg) if unmarked else cell


@given(st.lists(RUNS, min_size=1, max_size=ROWS), st.sampled_from(["truecolor", "256", "standard"]))
def test_a_whole_screen_looks_as_textual_draws_it(lines: list[list[Segment]], colours: str) -> None:
    strips = [[Strip(runs)] for runs in lines]
    region = Region(1, 0, COLUMNS - 1, ROWS)
    thrifty = ThriftyScreen(list(strips), region)
    told = thrifty.render_segments(console(colours))
    textual = super(ThriftyScreen, thrifty).render_segments(console(colours))
    assert drawn(told) == drawn(textual)


@given(RUNS)
def test_what_was_written_leaves_the_terminal_plain(runs: list[Segment]) -> None:
    brush = Brush(console("truecolor"))
    brush.paint(runs)
    screen = pyte.Screen(COLUMNS, ROWS)
    pyte.Stream(screen).feed(brush.text())
    assert screen.cursor.attrs == screen.default_char


def test_of_a_style_only_what_differs_is_told() -> None:
    brush = Brush(console("truecolor"))
    ground = Style(bgcolor="#11141a")
    brush.paint(
        [
            Segment("a", ground + Style(color="#d8dee6")),
            Segment(" ", ground),
            Segment("b", ground + Style(color="#8f99a6")),
        ]
    )
    assert brush.text() == "\x1b[38;2;216;222;230;48;2;17;20;26ma \x1b[38;2;143;153;166mb\x1b[0m"
