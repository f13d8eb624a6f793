"""The only place that names a hue: what each meaning looks like, dark and light."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct
from rich.style import Style
from textual.theme import Theme

from loom_tui.widgets.lines import Ground, Ink, Span


class _Hues(Struct, frozen=True):
    ground: str
    panel: str
    ink: str
    faint: str
    rule: str
    accent: str
    ok: str
    warn: str
    bad: str
    waived: str
    selected: str
    field: str


_DARK = _Hues(
    ground="#11141a",
    panel="#171b22",
    ink="#d8dee6",
    faint="#8f99a6",
    rule="#2f3742",
    accent="#79b8ff",
    ok="#7fc98a",
    warn="#e3b341",
    bad="#ff7b72",
    waived="#c297ff",
    selected="#1d2733",
    field="#0b0d11",
)
_LIGHT = _Hues(
    ground="#fbfaf7",
    panel="#f3f1ec",
    ink="#22272e",
    faint="#5f6b78",
    rule="#d5d0c6",
    accent="#0b5cad",
    ok="#1a6e33",
    warn="#8a5a00",
    bad="#b3261e",
    waived="#6b3fa0",
    selected="#e3e9f0",
    field="#ffffff",
)
_PRODUCTION, _STAGING, _ON_BAND = "#8e1b2c", "#1f5f4f", "#ffffff"


def hues(*, dark: bool) -> _Hues:
    """Give the palette of a look."""
    return _DARK if dark else _LIGHT


@lru_cache(maxsize=1024)
def style_of(ink: Ink, ground: Ground, *, bold: bool, dark: bool, plain: bool = False) -> Style:
    """Give a meaning's style. The bands and lamps have an ink of their own, whatever is written on them.

    `plain`: for a terminal without colours (NO_COLOR), where weight and reversal carry what hues do elsewhere.
    """
    if plain:
        return Style(bold=bold, reverse=ground not in (Ground.PANE, Ground.FIELD))
    palette = hues(dark=dark)
    if ground in (Ground.PRODUCTION, Ground.STAGING):
        band = _PRODUCTION if ground is Ground.PRODUCTION else _STAGING
        return Style(color=_ON_BAND, bgcolor=band, bold=bold)
    if ground in (Ground.OK, Ground.WARN, Ground.BAD):
        return Style(color=palette.ground, bgcolor=getattr(palette, ground.value), bold=bold)
    grounds = {Ground.PANE: palette.ground, Ground.SELECTED: palette.selected, Ground.FIELD: palette.field}
    return Style(color=getattr(palette, ink.value), bgcolor=grounds[ground], bold=bold or ground is Ground.SELECTED)


def style_of_span(span: Span, *, dark: bool, plain: bool = False) -> Style:
    """Give a span's style."""
    return style_of(span.ink, span.ground, bold=span.bold, dark=dark, plain=plain)


def theme(*, dark: bool) -> Theme:
    """Give the Textual theme of a look, for what Textual itself draws (inputs, scroll bars)."""
    palette = hues(dark=dark)
    return Theme(
        name="loom-dark" if dark else "loom-light",
        dark=dark,
        primary=palette.accent,
        secondary=palette.accent,
        accent=palette.accent,
        warning=palette.warn,
        error=palette.bad,
        success=palette.ok,
        foreground=palette.ink,
        background=palette.ground,
        surface=palette.ground,
        panel=palette.panel,
    )
