"""The dependency graph from left to right: a column a layer, lanes between them, the critical chain in the accent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from rich.cells import cell_len

from loom_tui.widgets.lines import Ink, Line, Span, fit

LANE = 5  # cells between two columns: enter, run, leave, arrow


class Node(Struct, frozen=True, kw_only=True):
    """A box of the graph: its lamp and its words; `after` are the keys of what it waits for."""

    key: str
    lamp: Span
    text: str
    after: tuple[str, ...] = ()
    critical: bool = False


def layered(nodes: Sequence[Node]) -> list[list[Node]]:
    """Put each node into the layer after all that it waits for; what waits for itself stays where it was reached."""
    known = {node.key: node for node in nodes}
    depth: dict[str, int] = {}
    for _ in range(len(nodes) + 1):
        changed = False
        for node in nodes:
            level = max((depth.get(key, 0) + 1 for key in node.after if key in known), default=0)
            if depth.get(node.key) != level and level <= len(nodes):
                depth[node.key] = level
                changed = True
        if not changed:
            break
    layers: list[list[Node]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in nodes:
        layers[depth[node.key]].append(node)
    return [layer for layer in layers if layer]


def direct_edges(nodes: Sequence[Node]) -> dict[str, tuple[str, ...]]:
    """Give each node what it directly waits for: an edge that a longer way says too is left out."""
    after = {node.key: node.after for node in nodes}
    reach: dict[str, frozenset[str]] = {}
    for layer in layered(nodes):
        for node in layer:
            reach[node.key] = frozenset(node.after).union(*(reach.get(key, frozenset()) for key in node.after))
    return {
        key: tuple(
            one for one in keys if not any(one in reach.get(other, frozenset()) for other in keys if other != one)
        )
        for key, keys in after.items()
    }


def graph(nodes: Sequence[Node], width: int, height: int) -> list[Line] | None:
    """Draw the graph in `width` x `height` cells; None where it does not fit (a list then says it better)."""
    layers = layered(nodes)
    rows = max((len(layer) for layer in layers), default=0)
    widths = [max(cell_len(node.lamp.text) + 1 + cell_len(node.text) for node in layer) for layer in layers]
    lanes = LANE * max(0, len(layers) - 1)
    if not layers or rows > height:
        return None
    if sum(widths) + lanes > width:
        share = (width - lanes) // len(layers)
        if share < 8:
            return None
        widths = [min(size, share) for size in widths]
    places = {node.key: row for layer in layers for row, node in zip(_rows(len(layer), rows), layer, strict=True)}
    direct = direct_edges(nodes)
    columns: list[list[Line]] = []
    for index, layer in enumerate(layers):
        columns.append(_boxes(layer, places, widths[index], rows))
        if index + 1 < len(layers):
            columns.append(_lanes(layer, layers[index + 1], places, direct, rows))
    return [tuple(span for column in columns for span in column[row]) for row in range(rows)]


def _rows(count: int, rows: int) -> list[int]:
    """Spread a layer's nodes over the rows, in the middle."""
    first = (rows - count) // 2
    return list(range(first, first + count))


def _boxes(layer: Sequence[Node], places: Mapping[str, int], width: int, rows: int) -> list[Line]:
    lines: list[Line] = [(Span(" " * width),)] * rows
    for node in layer:
        text = fit(node.text, width - cell_len(node.lamp.text) - 1)
        ink = Ink.ACCENT if node.critical else Ink.INK
        lines[places[node.key]] = (node.lamp, Span(" "), Span(text, ink, bold=node.critical))
    return lines


def _lanes(
    left: Sequence[Node],
    right: Sequence[Node],
    places: Mapping[str, int],
    direct: Mapping[str, tuple[str, ...]],
    rows: int,
) -> list[Line]:
    """Draw the edges between two neighbouring layers as one bus: in from the left, along it, out to the right."""
    sources = {node.key: node for node in left}
    enters: dict[int, bool] = {}
    leaves: dict[int, bool] = {}
    for node in right:
        for key in direct[node.key]:
            if key in sources:
                critical = node.critical and sources[key].critical
                enters[places[key]] = enters.get(places[key], False) or critical
                leaves[places[node.key]] = leaves.get(places[node.key], False) or critical
    if not enters:
        return [(Span(" " * LANE),)] * rows
    top, bottom = min(*enters, *leaves), max(*enters, *leaves)
    hot = [row for ends in (enters, leaves) for row, critical in ends.items() if critical]
    return [_lane(row, enters, leaves, (top, bottom), hot) for row in range(rows)]


def _lane(
    row: int, enters: Mapping[int, bool], leaves: Mapping[int, bool], reach: tuple[int, int], hot: Sequence[int]
) -> Line:
    top, bottom = reach
    up, down = top < row <= bottom, top <= row < bottom
    joint = _JOINTS[row in enters, row in leaves, up, down]
    middle = Ink.ACCENT if hot and min(hot) <= row <= max(hot) else Ink.FAINT
    into = Ink.ACCENT if enters.get(row) else Ink.FAINT
    out = Ink.ACCENT if leaves.get(row) else Ink.FAINT
    left = Span(" ─" if row in enters else "  ", into)
    right = Span("▶ " if row in leaves else "  ", out)
    return (left, Span(joint, middle), right)


# (from the left, to the right, upwards, downwards) → how the lines meet
_JOINTS = {
    (False, False, False, False): " ",
    (False, False, True, True): "│",
    (False, False, True, False): "│",
    (False, False, False, True): "│",
    (True, False, False, True): "╮",
    (True, False, True, False): "╯",
    (True, False, True, True): "┤",
    (True, False, False, False): "─",
    (False, True, False, True): "╭",
    (False, True, True, False): "╰",
    (False, True, True, True): "├",
    (False, True, False, False): "─",
    (True, True, False, False): "─",
    (True, True, False, True): "┬",
    (True, True, True, False): "┴",
    (True, True, True, True): "┼",
}
