"""The dependency graph: what it draws, what it leaves out, and when it gives up."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from loom_tui.widgets.graph import Node, depths_of, direct_edges, graph, layout_of
from loom_tui.widgets.lines import Ink, Span, width_of
from tests.rooms import text_of

OPEN = Span("○")


def node(key: str, *after: str, text: str = "", critical: bool = False) -> Node:
    return Node(key=key, lamp=OPEN, text=text or key, short=key, after=after, critical=critical)


SPRINT = (
    node("#144", text="#144 Supabase"),
    node("#145", text="#145 Sentry", critical=True),
    node("#146", text="#146 Migrations"),
    node("#147", "#144", "#145", "#146", text="#147 Smoke testing", critical=True),
    node("Go/No-Go", "#144", "#145", "#146", "#147", critical=True),
    node("Deployment", "Go/No-Go", critical=True),
    node("post", "Deployment", text="#150 #151 #152"),
)


def drawing(*nodes: Node, width: int = 100, height: int = 10) -> list[str]:
    lines = graph(nodes, width, height)
    assert lines is not None
    return text_of(lines).split("\n")


def test_the_sprint_is_drawn_as_three_lanes_that_meet_before_the_smoke_test() -> None:
    assert drawing(*SPRINT) == [
        "○ #144 Supabase ───╮",
        "○ #145 Sentry ─────┼─▶ ○ #147 Smoke testing ──▶ ○ Go/No-Go ──▶ ○ Deployment ──▶ ○ #150 #151 #152",
        "○ #146 Migrations ─╯",
    ]


def test_where_titles_do_not_fit_ids_are_drawn() -> None:
    assert drawing(*SPRINT, width=72) == [
        "○ #144 ─╮",
        "○ #145 ─┼─▶ ○ #147 ──▶ ○ Go/No-Go ──▶ ○ Deployment ──▶ ○ post",
        "○ #146 ─╯",
    ]


def test_where_not_even_ids_fit_there_is_no_drawing() -> None:
    assert graph(SPRINT, 40, 10) is None


def test_what_stands_for_the_same_is_put_together_where_rows_are_few() -> None:
    lines = drawing(*SPRINT, height=2)
    assert lines[0].startswith("○ #144 #146 ─")
    assert lines[1].startswith("○ #145 Sentry ─")


def test_more_rows_than_there_are_give_no_drawing() -> None:
    parallel = [node(f"a{i}", critical=True) for i in range(12)]
    assert graph([*parallel, node("z", *(n.key for n in parallel))], 100, 8) is None


def test_no_nodes_give_no_drawing() -> None:
    assert graph([], 80, 8) is None


def test_only_the_critical_chain_is_drawn_in_the_accent() -> None:
    lines = graph(SPRINT, 100, 5)
    assert lines is not None
    accent = "".join(span.text for span in lines[1] if span.ink is Ink.ACCENT)
    assert accent == "#145 Sentry ─────┼─▶ #147 Smoke testing ──▶ Go/No-Go ──▶ Deployment"
    assert all(span.ink is not Ink.ACCENT for span in (*lines[0], *lines[2]) if span.text.strip("╮╯"))


def test_an_edge_that_a_longer_way_says_too_is_left_out() -> None:
    edges = direct_edges([node("a"), node("b", "a"), node("c", "a", "b")])
    assert edges == {"a": (), "b": ("a",), "c": ("b",)}


def test_a_circle_is_cut_and_drawn_all_the_same() -> None:
    nodes = [node("a", "c"), node("b", "a"), node("c", "b"), node("d", "d")]
    assert sum(len(others) for others in direct_edges(nodes).values()) == 2
    assert graph(nodes, 80, 8) is not None


def test_what_does_not_exist_is_not_waited_for() -> None:
    assert direct_edges([node("a", "gone")]) == {"a": ()}


def test_a_beginning_lies_right_before_what_needs_it() -> None:
    depths = depths_of(direct_edges([node("a"), node("b", "a"), node("late"), node("c", "b", "late")]))
    assert depths == {"a": 0, "b": 1, "late": 1, "c": 2}


def test_an_edge_over_several_layers_goes_on_as_a_line() -> None:
    lines = drawing(node("a"), node("b", "a"), node("c", "b"), node("d", "c"), node("q", "a"), node("r", "q", "d"))
    assert lines == [
        "○ a ─┬─▶ ○ b ──▶ ○ c ──▶ ○ d ─┬─▶ ○ r",
        "     ╰─▶ ○ q ─────────────────╯",
    ]


def test_what_joins_a_line_does_not_seem_to_lead_where_it_branched_off_before() -> None:
    """`a` leads to x and y, not to z: z's line leaves b's before a's joins it."""
    assert drawing(node("a"), node("b"), node("x", "a", "b"), node("y", "a"), node("z", "b")) == [
        "○ a ───┬─▶ ○ y",
        "○ b ─┬─┴─▶ ○ x",
        "     ╰───▶ ○ z",
    ]


def test_wide_and_hostile_titles_keep_the_columns_aligned() -> None:
    nodes = [node("a", text="部署到生产环境"), node("b", text="[red]🚀[/"), node("c", "a", "b", text="é́\u202e\n x")]
    lines = graph(nodes, 60, 6)
    assert lines is not None
    assert len({width_of(line) for line in lines}) == 1
    assert "\n" not in "".join(span.text for line in lines for span in line)


@st.composite
def networks(draw: st.DrawFn) -> list[Node]:
    count = draw(st.integers(1, 9))
    keys = [f"n{i}" for i in range(count)]
    edges = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=14))
    after: dict[int, list[str]] = {}
    for target, source in edges:
        after.setdefault(target, []).append(keys[source])
    return [node(key, *after.get(i, ())) for i, key in enumerate(keys)]


@settings(max_examples=80, deadline=None)
@given(networks(), st.integers(10, 140), st.integers(1, 10))
def test_any_network_fits_its_place_or_is_not_drawn(nodes: list[Node], width: int, height: int) -> None:
    lines = graph(nodes, width, height)
    if lines is None:
        return
    assert len(lines) <= height
    assert all(width_of(line) <= width for line in lines)


@settings(max_examples=80, deadline=None)
@given(networks())
def test_any_network_has_each_node_in_a_row_of_its_own_behind_what_it_waits_for(nodes: list[Node]) -> None:
    layout = layout_of(nodes)
    layer_of = {spot.key: index for index, layer in enumerate(layout.layers) for spot in layer}
    assert {node.key for node in nodes} <= layer_of.keys()
    for layer in layout.layers:
        assert len({layout.rows[spot.key] for spot in layer}) == len(layer)
        assert all(0 <= layout.rows[spot.key] < layout.height for spot in layer)
    for key, others in layout.before.items():
        assert all(layer_of[other] == layer_of[key] - 1 for other in others)


@settings(max_examples=80, deadline=None)
@given(networks())
def test_following_the_lines_backwards_reaches_all_that_a_node_waits_for(nodes: list[Node]) -> None:
    """Each edge can be walked from its box to its other one over cells that are joined."""
    lines = graph([Node(key=n.key, lamp=OPEN, text=n.key, after=n.after) for n in nodes], 400, 20)
    if lines is None:
        return
    grid = text_of(lines).split("\n")
    places = {
        n.key: (row, line.index(f" {n.key}") + 1) for n in nodes for row, line in enumerate(grid) if f" {n.key}" in line
    }
    for key, others in direct_edges(nodes).items():
        reached = walk_back(grid, *places[key])
        for other in others:
            row, column = places[other]
            assert (row, column + len(other) + 1) in reached, (key, other, grid)


JOINS = {
    "─": "LR",
    "│": "UD",
    "╮": "LD",
    "╯": "LU",
    "╭": "RD",
    "╰": "RU",
    "┤": "LUD",
    "├": "RUD",
    "┬": "LRD",
    "┴": "LRU",
}
JOINS |= {"┼": "LRUD", "▶": "LR"}
STEPS = {"L": (0, -1, "R"), "R": (0, 1, "L"), "U": (-1, 0, "D"), "D": (1, 0, "U")}


def walk_back(grid: list[str], row: int, column: int) -> set[tuple[int, int]]:
    """Walk from a box's arrow along all that is joined; a line that another one passes over goes on behind it."""

    def at(r: int, c: int) -> str:
        return grid[r][c] if 0 <= r < len(grid) and 0 <= c < len(grid[r]) else " "

    seen: set[tuple[int, int]] = set()
    todo = [(row, column - 4)]  # "▶ ○ name": the arrow
    while todo:
        r, c = todo.pop()
        if (r, c) in seen or at(r, c) not in JOINS:
            continue
        seen.add((r, c))
        for side in JOINS[at(r, c)]:
            dr, dc, back = STEPS[side]
            nr, nc = r + dr, c + dc
            while at(nr, nc) in JOINS and back not in JOINS[at(nr, nc)]:
                nr, nc = nr + dr, nc + dc
            todo.append((nr, nc))
    return seen
