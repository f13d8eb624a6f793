"""The lines between two columns of a graph: buses on tracks, their corners, joints and crossings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from loom_tui.widgets.lines import Ink, Line, Span

_LEFT, _RIGHT, _UP, _DOWN = 1, 2, 4, 8
_JOINTS = {
    _LEFT | _RIGHT: "─",
    _UP | _DOWN: "│",
    _LEFT | _DOWN: "╮",
    _LEFT | _UP: "╯",
    _RIGHT | _DOWN: "╭",
    _RIGHT | _UP: "╰",
    _LEFT | _UP | _DOWN: "┤",
    _RIGHT | _UP | _DOWN: "├",
    _LEFT | _RIGHT | _DOWN: "┬",
    _LEFT | _RIGHT | _UP: "┴",
    _LEFT | _RIGHT | _UP | _DOWN: "┼",
}
_ENDS = 3  # cells at a lane's right end: line, arrow, blank


class Bus(Struct, frozen=True):
    """Edges that share a line, each as (row at the left, row at the right, critical); `arrows` are rows of boxes."""

    edges: tuple[tuple[int, int, bool], ...]
    arrows: frozenset[int]

    @property
    def enters(self) -> frozenset[int]:
        """Give the rows at the left."""
        return frozenset(left for left, _, _ in self.edges)

    @property
    def leaves(self) -> frozenset[int]:
        """Give the rows at the right."""
        return frozenset(right for _, right, _ in self.edges)

    @property
    def reach(self) -> tuple[int, int]:
        """Give the first and the last row."""
        rows = self.enters | self.leaves
        return min(rows), max(rows)

    @property
    def straight(self) -> bool:
        """Say whether it needs no upright line."""
        return len(self.enters | self.leaves) == 1


class Tracks(Struct, frozen=True):
    """Each bus's column within its lane (None for a straight one), and the lane's width."""

    columns: tuple[int | None, ...]
    width: int


def tracks_of(buses: Sequence[Bus]) -> Tracks | None:
    """Give each bus a track such that no line runs over another's; None where that cannot be.

    A bus that leaves on a row on which another enters stands to the right of it, so that what joins the one does not
    seem to lead to the other. Where that cannot be, only what comes from elsewhere must not run over it.
    """
    return _tracks(buses, _clashes) or _tracks(buses, _runs_over)


def _tracks(buses: Sequence[Bus], goes_before: Callable[[Bus, Bus], bool]) -> Tracks | None:
    upright = [index for index, bus in enumerate(buses) if not bus.straight]
    behind = {
        index: {other for other in upright if other != index and goes_before(buses[other], buses[index])}
        for index in upright
    }
    track: dict[int, int] = {}
    left = list(upright)
    while left:
        ready = next((index for index in left if behind[index] <= track.keys()), None)
        if ready is None:
            return None
        left.remove(ready)
        first = max((track[other] + 1 for other in behind[ready]), default=0)
        taken = {track[other] for other in track if _overlap(buses[other].reach, buses[ready].reach)}
        track[ready] = next(place for place in range(first, len(buses) + first + 1) if place not in taken)
    count = max(track.values(), default=-1) + 1
    columns = tuple(1 + 2 * track[index] if index in track else None for index in range(len(buses)))
    return Tracks(columns, (2 * count if count else 1) + _ENDS)


def _clashes(bus: Bus, other: Bus) -> bool:
    return not bus.enters.isdisjoint(other.leaves)


def _runs_over(bus: Bus, other: Bus) -> bool:
    return not bus.enters.isdisjoint(other.leaves - other.enters)


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


class _Stroke(Struct, frozen=True):
    """What one edge draws in one cell."""

    source: int
    bus: int
    joint: int
    critical: bool


def lane(buses: Sequence[Bus], tracks: Tracks, height: int) -> list[Line]:
    """Draw the lines between two columns."""
    strokes: dict[tuple[int, int], list[_Stroke]] = {}

    def draw(x: int, row: int, stroke: tuple[int, int, bool], joint: int) -> None:
        source, bus, critical = stroke
        strokes.setdefault((x, row), []).append(_Stroke(source, bus, joint, critical))

    for index, (bus, column) in enumerate(zip(buses, tracks.columns, strict=True)):
        for start, end, critical in bus.edges:
            stroke = (start, index, critical)
            turn = tracks.width if column is None else column
            for x in range(turn):
                draw(x, start, stroke, _LEFT | _RIGHT)
            if column is None:
                continue
            down = end > start
            for row in range(min(start, end) + 1, max(start, end)):
                draw(column, row, stroke, _UP | _DOWN)
            if start == end:
                draw(column, start, stroke, _LEFT | _RIGHT)
            else:
                draw(column, start, stroke, _LEFT | (_DOWN if down else _UP))
                draw(column, end, stroke, _RIGHT | (_UP if down else _DOWN))
            for x in range(column + 1, tracks.width):
                draw(x, end, stroke, _LEFT | _RIGHT)
    arrows = {row for bus in buses for row in bus.arrows}
    return [_row(row, strokes, tracks.width, arrow=row in arrows) for row in range(height)]


def _row(row: int, strokes: dict[tuple[int, int], list[_Stroke]], width: int, *, arrow: bool) -> Line:
    spans: list[Span] = []
    for x in range(width):
        sign, ink = _cell(strokes.get((x, row), []))
        if arrow and x >= width - 2:
            sign = "▶" if x == width - 2 else " "
        if spans and spans[-1].ink is ink:
            spans[-1] = Span(spans[-1].text + sign, ink)
        else:
            spans.append(Span(sign, ink))
    return tuple(spans)


def _cell(strokes: Sequence[_Stroke]) -> tuple[str, Ink]:
    """Join the strokes that belong together; where two lines only cross, one passes over: a critical, an upright."""
    if not strokes:
        return " ", Ink.FAINT
    groups: list[list[_Stroke]] = []
    for stroke in strokes:
        joined = [stroke]
        apart = []
        for group in groups:
            if any(one.source == stroke.source or one.bus == stroke.bus for one in group):
                joined += group
            else:
                apart.append(group)
        groups = [*apart, joined]
    over = max(groups, key=lambda group: (any(one.critical for one in group), any(one.joint & _UP for one in group)))
    joint = 0
    for stroke in over:
        joint |= stroke.joint
    return _JOINTS[joint], Ink.ACCENT if any(one.critical for one in over) else Ink.FAINT
