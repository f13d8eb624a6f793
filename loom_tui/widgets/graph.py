"""The dependency graph from left to right: a column a layer, lines between them, the critical chain in the accent.

Layers by the longest way, each in the order that crosses fewest lines (Sugiyama, Tagawa & Toda, 1981): what waits
for the same things shares a line. An edge that a longer way says too is left out, and so is one that closes a circle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from statistics import median

from msgspec import Struct
from rich.cells import cell_len

from loom_tui.widgets.lanes import Bus, lane, tracks_of
from loom_tui.widgets.lines import Ground, Ink, Line, Span, fit

LEAST_TEXT = 10  # cells; narrower titles give way to ids
_SWEEPS = 6


class Node(Struct, frozen=True, kw_only=True):
    """A box of the graph: its lamp, its words and fewer words; `after` are the keys of what it waits for."""

    key: str
    lamp: Span
    text: str
    short: str = ""
    after: tuple[str, ...] = ()
    critical: bool = False


class Spot(Struct, frozen=True):
    """A place in a layer: a node, or (without one) a line that goes on to a later layer."""

    key: str
    node: Node | None
    critical: bool


Edges = Mapping[str, Sequence[str]]  # what each waits for


def direct_edges(nodes: Sequence[Node]) -> dict[str, tuple[str, ...]]:
    """Give what each node directly waits for, among the nodes; each comes after what it waits for."""
    forward = _forward(nodes)
    reach: dict[str, frozenset[str]] = {}
    for key, others in forward.items():
        reach[key] = frozenset(others).union(*(reach[other] for other in others))
    return {
        key: tuple(one for one in others if not any(one in reach[other] for other in others))
        for key, others in forward.items()
    }


def _forward(nodes: Sequence[Node]) -> dict[str, list[str]]:
    """Leave out what closes a circle, and put each node behind what it waits for."""
    known = {node.key: node for node in nodes}
    forward: dict[str, list[str]] = {}
    under_way: set[str] = set()

    def visit(key: str) -> None:
        under_way.add(key)
        kept = []
        for other in dict.fromkeys(known[key].after):
            if other not in known or other in under_way:
                continue
            if other not in forward:
                visit(other)
            kept.append(other)
        under_way.remove(key)
        forward[key] = kept

    for node in nodes:
        if node.key not in forward:
            visit(node.key)
    return forward


def depths_of(edges: Edges) -> dict[str, int]:
    """Give each node's layer by its longest way from a beginning; a beginning lies right before what needs it."""
    depths: dict[str, int] = {}
    followers: dict[str, list[str]] = {key: [] for key in edges}
    for key, others in edges.items():
        depths[key] = max((depths[other] + 1 for other in others), default=0)
        for other in others:
            followers[other].append(key)
    for key, others in edges.items():
        if not others and followers[key]:
            depths[key] = min(depths[follower] for follower in followers[key]) - 1
    return depths


class Layout(Struct, frozen=True):
    """Where everything lies: the layers' spots in order, what each spot waits for one layer before, and its row."""

    layers: tuple[tuple[Spot, ...], ...]
    before: Edges
    rows: Mapping[str, int]

    @property
    def height(self) -> int:
        """Give the rows that the drawing takes."""
        return max(map(len, self.layers), default=0)


def layout_of(nodes: Sequence[Node]) -> Layout:
    """Lay the nodes out in layers, with lines through the layers that they cross."""
    edges = direct_edges(nodes)
    depths = depths_of(edges)
    layers: list[list[Spot]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    before: dict[str, list[str]] = {}
    known = {node.key: node for node in nodes}
    for node in nodes:
        layers[depths[node.key]].append(Spot(node.key, node, node.critical))
        before[node.key] = []
    for key, others in edges.items():
        for other in others:
            last = other
            for depth in range(depths[other] + 1, depths[key]):
                passing = f"{other}\0{depth}"
                if passing not in before:
                    before[passing] = [last]
                    layers[depth].append(Spot(passing, None, critical=False))
                if known[key].critical and known[other].critical:
                    layers[depth] = [Spot(s.key, None, critical=True) if s.key == passing else s for s in layers[depth]]
                last = passing
            before[key].append(last)
    ordered = _ordered([layer for layer in layers if layer], before)
    return Layout(ordered, before, _rows(ordered, before))


def _ordered(layers: list[list[Spot]], before: Edges) -> tuple[tuple[Spot, ...], ...]:
    """Sort each layer by the middle of its neighbours, to and fro, and keep what crosses least."""
    after = _after(before)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, before)
    for sweep in range(_SWEEPS):
        links, forward = (before, True) if sweep % 2 == 0 else (after, False)
        pairs = list(pairwise(range(len(layers))))
        for first, second in pairs if forward else [(b, a) for a, b in reversed(pairs)]:
            places = {spot.key: place for place, spot in enumerate(layers[first])}
            ranks = [
                median(found) if (found := [places[key] for key in links.get(spot.key, ())]) else place
                for place, spot in enumerate(layers[second])
            ]
            ranked = sorted(zip(ranks, layers[second], strict=True), key=itemgetter(0))
            layers[second] = [spot for _, spot in ranked]
        crossings = _crossings(layers, before)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return tuple(tuple(layer) for layer in best)


def _after(before: Edges) -> dict[str, list[str]]:
    after: dict[str, list[str]] = {}
    for key, others in before.items():
        for other in others:
            after.setdefault(other, []).append(key)
    return after


def _crossings(layers: Sequence[Sequence[Spot]], before: Edges) -> int:
    count = 0
    for left, right in pairwise(layers):
        places = {spot.key: place for place, spot in enumerate(left)}
        ends = [(places[other], place) for place, spot in enumerate(right) for other in before[spot.key]]
        count += sum(a < c and b > d for a, b in ends for c, d in ends)
    return count


def _rows(layers: Sequence[Sequence[Spot]], before: Edges) -> dict[str, int]:
    """Give each spot a row: the fullest layer first, then its neighbours outwards, each near what it hangs on."""
    if not layers:
        return {}
    after = _after(before)
    widest = max(range(len(layers)), key=lambda index: len(layers[index]))
    height = len(layers[widest])
    rows = {spot.key: row for row, spot in enumerate(layers[widest])}
    for index in range(widest + 1, len(layers)):
        rows |= _placed(layers[index], before, rows, height)
    for index in range(widest - 1, -1, -1):
        rows |= _placed(layers[index], after, rows, height)
    return rows


def _placed(layer: Sequence[Spot], links: Edges, rows: Mapping[str, int], height: int) -> dict[str, int]:
    found: list[int] = []
    for place, spot in enumerate(layer):
        near = [rows[key] for key in links.get(spot.key, ()) if key in rows]
        wanted = int(median(near)) if near else found[-1] + 1 if found else (height - len(layer)) // 2
        lowest = height - (len(layer) - place)
        found.append(min(max(wanted, found[-1] + 1 if found else 0), lowest))
    return {spot.key: row for spot, row in zip(layer, found, strict=True)}


def graph(nodes: Sequence[Node], width: int, height: int, *, selected: str = "") -> list[Line] | None:
    """Draw the graph in `width` x `height` cells; None where it does not fit (a list then says it better)."""
    layout = layout_of(nodes)
    if layout.height > height:
        layout = layout_of(folded(nodes))
    if not layout.layers or layout.height > height:
        return None
    buses = [_buses(left, right, layout) for left, right in pairwise(layout.layers)]
    tracks = [tracks_of(between) for between in buses]
    if any(track is None for track in tracks):
        return None
    laid = [track for track in tracks if track is not None]
    widths = _widths(layout, width - sum(track.width for track in laid) - len(laid))
    if widths is None:
        return None
    after = _after(layout.before)
    lines: list[list[Span]] = [[] for _ in range(layout.height)]
    for index, layer in enumerate(layout.layers):
        last = index + 1 == len(layout.layers)
        boxes = _boxes(layer, layout, widths[index] + (0 if last else 1), after, selected)
        joints = [()] * layout.height if last else lane(buses[index], laid[index], layout.height)
        for line, box, joint in zip(lines, boxes, joints, strict=True):
            line += [*box, *joint]
    return [tuple(line) for line in lines]


def _buses(left: Sequence[Spot], right: Sequence[Spot], layout: Layout) -> list[Bus]:
    """Gather the edges between two layers: what waits for the same spots shares a line."""
    spots = {spot.key: spot for spot in left}
    shared: dict[frozenset[str], list[Spot]] = {}
    for spot in right:
        sources = frozenset(layout.before[spot.key])
        if sources:
            shared.setdefault(sources, []).append(spot)
    return [
        Bus(
            edges=tuple(
                (layout.rows[key], layout.rows[target.key], spots[key].critical and target.critical)
                for key in sorted(sources)
                for target in targets
            ),
            arrows=frozenset(layout.rows[target.key] for target in targets if target.node is not None),
        )
        for sources, targets in shared.items()
    ]


def _widths(layout: Layout, room: int) -> list[int] | None:
    """Share the room among the layers: the widest give way first, and titles before ids; None where ids do not fit."""
    lamps = [max((cell_len(node.lamp.text) + 1 for node in _nodes(layer)), default=0) for layer in layout.layers]
    texts = [max((cell_len(node.text) for node in _nodes(layer)), default=1) for layer in layout.layers]
    shorts = [max((cell_len(node.short or node.text) for node in _nodes(layer)), default=1) for layer in layout.layers]
    for cap in range(max(texts, default=0), LEAST_TEXT - 1, -1):
        found = [max(min(text, cap), min(text, short)) for text, short in zip(texts, shorts, strict=True)]
        if sum(found) + sum(lamps) <= room:
            return [lamp + text for lamp, text in zip(lamps, found, strict=True)]
    found = [min(text, short) for text, short in zip(texts, shorts, strict=True)]
    fits = sum(found) + sum(lamps) <= room
    return [lamp + text for lamp, text in zip(lamps, found, strict=True)] if fits else None


def _nodes(layer: Sequence[Spot]) -> Iterator[Node]:
    return (spot.node for spot in layer if spot.node is not None)


def _boxes(layer: Sequence[Spot], layout: Layout, width: int, after: Edges, selected: str) -> list[Line]:
    """Draw a layer's boxes, each with the beginning of its line up to the column's end."""
    lines: list[Line] = [(Span(" " * width),)] * layout.height
    for spot in layer:
        ink = Ink.ACCENT if spot.critical else Ink.FAINT
        if spot.node is None:
            lines[layout.rows[spot.key]] = (Span("─" * width, ink),)
            continue
        node = spot.node
        room = width - cell_len(node.lamp.text) - 2 if after.get(spot.key) else width - cell_len(node.lamp.text) - 1
        full = cell_len(node.text) <= room or room >= max(LEAST_TEXT, cell_len(node.short) + 4)
        text = fit(node.text if full else node.short or node.text, room).rstrip()
        rest = room - cell_len(text)
        tail = (
            Span(" " + "─" * rest, _line_ink(spot, layer, after, layout)) if after.get(spot.key) else Span(" " * rest)
        )
        ground = Ground.SELECTED if spot.key == selected else Ground.PANE
        words = Span(text, Ink.ACCENT if node.critical else Ink.INK, bold=node.critical, ground=ground)
        lines[layout.rows[spot.key]] = (node.lamp, Span(" "), words, tail)
    return lines


def _line_ink(spot: Spot, layer: Sequence[Spot], after: Edges, layout: Layout) -> Ink:
    """Draw a box's line in the accent where the critical chain leaves by it."""
    index = layout.layers.index(tuple(layer))
    critical = {one.key for one in layout.layers[index + 1] if one.critical}
    return Ink.ACCENT if spot.critical and not critical.isdisjoint(after[spot.key]) else Ink.FAINT


def folded(nodes: Sequence[Node]) -> list[Node]:
    """Put nodes together that wait for the same, are waited for by the same, and look the same."""
    edges = direct_edges(nodes)
    after = _after(edges)
    groups: dict[tuple[object, ...], list[Node]] = {}
    for node in nodes:
        alike = (frozenset(edges[node.key]), frozenset(after.get(node.key, ())), node.lamp)
        groups.setdefault((*alike, node.key) if node.critical else alike, []).append(node)
    first = {node.key: group[0].key for group in groups.values() for node in group}
    return [group[0] if len(group) == 1 else _together(group, first) for group in groups.values()]


def _together(group: Sequence[Node], first: Mapping[str, str]) -> Node:
    names = [node.short or node.text for node in group]
    text = " ".join(names) if len(names) <= 4 else f"{names[0]} … {names[-1]}, {len(names)}"
    short = f"{names[0]} +{len(names) - 1}"
    head = group[0]
    return Node(key=head.key, lamp=head.lamp, text=text, short=short, after=tuple(first.get(k, k) for k in head.after))
