"""Telling people in one's own words: what, and through which channels; then the dialog before any action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loom_tui.room.announcing import NAME, announce
from loom_tui.room.deeds import Refused
from loom_tui.room.preview import preview
from loom_tui.screens.arming import Arming
from loom_tui.screens.guarded import Answer, Field, Guarded, Question
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, wrap
from loom_tui.widgets.text import Sign

if TYPE_CHECKING:
    from loom_tui.app import LoomApp

WIDTH = 84  # cells that facts are wrapped for, where the terminal has them
LISTED = 8  # channels that are shown with where they lead
_VARIABLES = "{from} {release} {environment} {by}"


def ask_announcement(app: LoomApp, *, text: str = "", channels: str = "", why: str = "") -> None:
    """Ask what people are to be told; refused words come back with the reason, to be mended."""
    if app.snapshot is None or not app.may_write():
        return
    if not app.snapshot.plan.channels:
        app.say("The plan names no channels to tell people by: [channels.NAME] in loom.toml.", Sign.WARN)
        return

    def answered(answer: Answer | None) -> None:
        if answer is not None:
            _show(app, answer.fields["text"], answer.fields["channels"])

    fields = (
        Field("text", "text", text, hint=f"{_VARIABLES} are filled in"),
        Field("channels", "channels", channels, hint="their names; empty: all of them"),
    )
    app.push_screen(Guarded(Question("Tell people", _facts(app, why), fields, (("show", "Show it"),))), answered)


def _show(app: LoomApp, text: str, channels: str) -> None:
    """Show what would be done, to be meant; the guard decides."""
    snapshot = app.snapshot
    assert snapshot is not None  # noqa: S101 - the dialog is not opened before
    try:
        said = announce(snapshot.plan, text, tuple(channels.replace(",", " ").split()))
        seen = preview(snapshot, NAME, said)
    except Refused as refusal:
        ask_announcement(app, text=text, channels=channels, why=str(refusal))
    else:
        app.push_screen(Arming(seen, plan_hash=snapshot.plan_hash))


def _facts(app: LoomApp, why: str) -> tuple[Line, ...]:
    """Draw the channels with where each leads, and what was wrong with the words."""
    assert app.snapshot is not None  # noqa: S101 - the dialog is not opened before
    plan = app.snapshot.plan
    width = max(20, min(WIDTH, app.size.width - 12))
    names = list(plan.channels)
    longest = min(24, max(len(name) for name in names))
    lines: list[Line] = [
        (Span(fit(clean(name), longest), Ink.ACCENT), Span(f"  {clean(plan.channels[name].place(), limit=width)}"))
        for name in names[:LISTED]
    ]
    if len(names) > LISTED:
        lines.append((Span(f"and {len(names) - LISTED} more", Ink.FAINT),))
    if why:
        lines += [EMPTY, *((Span(part, Ink.BAD),) for part in wrap(why, width)[:4])]
    return tuple(lines)
