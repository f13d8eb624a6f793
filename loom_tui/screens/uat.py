"""Acceptance testing: what was tried, what was said of it, and the forms to write it down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, get_args

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from loom_tui.room.deeds import Refused
from loom_tui.room.hand_deeds import NO_UAT, Severity, give_feedback, hold_session, join_uat, settle_feedback
from loom_tui.room.uat import FeatureView, Feedback, UatView
from loom_tui.screens.dialogs import Prompt
from loom_tui.screens.form import Field, Form
from loom_tui.screens.over import Over
from loom_tui.widgets.frame import NewsLine
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, spread, wrap
from loom_tui.widgets.panel import ListPanel, heading
from loom_tui.widgets.text import Sign, age

_SIGNS: Mapping[Severity, Sign] = {
    "none": Sign.OPEN,
    "minor": Sign.OPEN,
    "major": Sign.WARN,
    "blocker": Sign.BAD,
}
_TOLD_LINES = 4
_KEYS = "f feedback · s session · p participant · x settle · esc closes"


class Board(ListPanel):
    """Features and feedback; the cursor's feedback is told whole below."""

    @property
    def uat(self) -> UatView | None:
        """Acceptance testing as it stands; None where the plan has none."""
        return self.snapshot.uat

    def feedback(self) -> Feedback | None:
        """Give the feedback under the cursor."""
        return self._feedback().get(self.cursor)

    def _feedback(self) -> Mapping[str, Feedback]:
        """Give open blockers first, of other releases too, then what was said of this one, newest first."""
        uat = self.uat
        said = (*uat.blockers, *uat.feedback) if uat is not None else ()
        return {f"feedback {each.id}": each for each in said}

    def _features(self) -> Mapping[str, FeatureView]:
        return {f"feature {each.name}": each for each in (self.uat.features if self.uat is not None else ())}

    def title(self) -> Line:
        """Name the pane."""
        return heading("Acceptance testing")

    def figures(self) -> Line:
        """Sum up: rating, feedback, open blockers."""
        uat = self.uat
        if uat is None:
            return EMPTY
        rating = f"{uat.rating:.1f} of 5" if uat.rating is not None else "no rating yet"
        count = len(uat.blockers)
        blockers = Span(f" · {count} open {'blocker' if count == 1 else 'blockers'}", Ink.BAD if count else Ink.FAINT)
        return (Span(rating), Span(f" · {len(uat.feedback)} said something", Ink.FAINT), blockers)

    def head(self, width: int) -> Sequence[Line]:
        """Say of which release it speaks, who takes part, and how much was tried."""
        uat = self.uat
        if uat is None:
            return ()
        elsewhere = f" · {uat.elsewhere} on other releases" if uat.elsewhere else ""
        where = f"{uat.release or 'no release named'} in {uat.environment}{elsewhere}"
        tried = f"{uat.covered} of {len(uat.features)} features tried"
        names = ", ".join(each.name for each in uat.participants) or "nobody yet; p adds somebody"
        return (
            spread((Span(clean(where), Ink.FAINT),), (Span(tried, Ink.FAINT),), width),
            (Span(fit(f"taking part ({len(uat.participants)}): {names}", width), Ink.FAINT),),
            EMPTY,
        )

    def keys(self) -> Sequence[str]:
        """List the feedback, then the features."""
        return [*self._feedback(), *self._features()]

    def row(self, key: str, width: int) -> Line:
        """Draw a feature or what was said."""
        feature = self._features().get(key)
        if feature is not None:
            sign = self.pen.sign(Sign.OK if feature.tried_by else Sign.OPEN)
            who = ", ".join(feature.tried_by) or "nobody has tried it"
            tried: Line = (sign, Span(f" {clean(feature.name, limit=100)}"))
            return spread(tried, (Span(f" {clean(who, limit=40)}", Ink.FAINT),), width)
        said = self._feedback()[key]
        payload = said.payload
        sign = self.pen.sign(_SIGNS[payload.severity] if said.open else Sign.OK)
        word = payload.severity if said.open else "settled"
        text = payload.text or payload.feature or "no words"
        right = f" {clean(payload.participant, limit=20)} {age(self.snapshot.now - said.at)}"
        named = (sign, Span(f" {payload.rating} of 5  {fit(word, 8)} ", Ink.FAINT), Span(clean(text, limit=300)))
        return spread(named, (Span(right, Ink.FAINT),), width)

    def foot(self, width: int) -> Sequence[Line]:
        """Tell the feedback under the cursor whole, and the keys."""
        said = self.feedback()
        told: list[Line] = []
        if said is not None:
            payload = said.payload
            about = " · ".join(
                filter(None, (f"feedback {said.id}", payload.feature, payload.release, f"noted by {said.by}"))
            )
            told.append((Span(fit(about, width), Ink.FAINT),))
            told += [(Span(part),) for part in wrap(payload.text, width)][:_TOLD_LINES]
            if not said.open:
                told.append((Span(fit(f"settled by {said.settled_by}: {said.settled_why}", width), Ink.FAINT),))
        return (EMPTY, *told, EMPTY, (Span(fit(_KEYS, width), Ink.FAINT),))

    def empty(self) -> Sequence[Line]:
        """Say what would be here."""
        if self.uat is None:
            return ((Span(NO_UAT, Ink.FAINT),),)
        return ((Span("Nobody has said anything of this release yet: f notes feedback, s a session.", Ink.FAINT),),)


class UatBoard(Over):
    """Acceptance testing over the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "feedback", "Note feedback", id="uat.feedback"),
        Binding("s", "session", "Note a session", id="uat.session"),
        Binding("p", "participant", "Add a participant", id="uat.participant"),
        Binding("x", "settle", "Settle this feedback: say why", id="uat.settle"),
    ]

    def __init__(self) -> None:
        self._board = Board()
        super().__init__(self._board)

    def compose(self) -> ComposeResult:
        """Lay the board, and the line for a refusal."""
        with Vertical(classes="over"):
            yield self._board
            yield NewsLine()

    def action_feedback(self) -> None:
        """Ask for feedback."""
        fields = (
            Field("participant", "participant", "whose word it is"),
            Field("rating", "rating", "1 (poor) to 5 (good)"),
            Field("severity", "severity", "none, minor, major or blocker", "none"),
            Field("feature", "feature", self._feature_names()),
            Field("text", "words", "what they said"),
        )
        self._ask("Feedback", fields, self._write_feedback)

    def _write_feedback(self, texts: Mapping[str, str]) -> None:
        rating = texts["rating"].strip()
        self.loom.act(
            give_feedback(
                self._board.snapshot.plan,
                texts["participant"],
                int(rating) if rating.isdecimal() else 0,
                severity=severity_of(texts["severity"]),
                feature=texts["feature"],
                text=texts["text"],
            )
        )

    def action_session(self) -> None:
        """Ask for a session."""
        fields = (
            Field("participant", "participant", "who tried it"),
            Field("features", "features", f"several with commas: {self._feature_names()}"),
            Field("minutes", "minutes", "how long it took; may be empty"),
            Field("note", "note", "what was seen"),
        )
        self._ask("Session", fields, self._write_session)

    def _write_session(self, texts: Mapping[str, str]) -> None:
        self.loom.act(
            hold_session(
                self._board.snapshot.plan,
                texts["participant"],
                features=texts["features"].split(","),
                minutes=minutes_of(texts["minutes"]),
                note=texts["note"],
            )
        )

    def action_participant(self) -> None:
        """Ask for a participant."""
        fields = (Field("name", "name"), Field("about", "about", "a coach, a client, on which device"))

        def write(texts: Mapping[str, str]) -> None:
            self.loom.act(join_uat(self._board.snapshot.plan, texts["name"], about=texts["about"]))

        self._ask("Participant", fields, write)

    def action_settle(self) -> None:
        """Settle the feedback under the cursor."""
        said = self._board.feedback()
        if said is None:
            self.loom.say("Choose feedback to settle it.")
            return

        def answered(text: str | None) -> None:
            if text is None:
                return
            try:
                self.loom.act(settle_feedback(self._board.uat, said.id, reason=text))
            except Refused as refusal:
                self.loom.say(str(refusal), Sign.WARN)

        self.app.push_screen(Prompt(f"feedback {said.id} no longer stands", hint="why; esc leaves it"), answered)

    def _ask(self, title: str, fields: Sequence[Field], write: Callable[[Mapping[str, str]], None]) -> None:
        if self._board.uat is None:
            self.loom.say(NO_UAT, Sign.WARN)
        else:
            self.app.push_screen(Form(title, fields, write))

    def _feature_names(self) -> str:
        uat = self._board.uat
        return ", ".join(each.name for each in uat.features) if uat is not None else ""


def severity_of(text: str) -> Severity:
    """Read a severity as a person types it: a word or its beginning. Raises Refused."""
    wanted = text.strip().casefold() or "none"
    found: list[Severity] = [word for word in get_args(Severity) if word.startswith(wanted)]
    if len(found) != 1:
        raise Refused(f"{text!r} is no severity; write one of {', '.join(get_args(Severity))}")
    return found[0]


def minutes_of(text: str) -> float | None:
    """Read minutes; None where nothing is written. Raises Refused."""
    if not text.strip():
        return None
    try:
        return float(text.strip())
    except ValueError:
        raise Refused(f"Minutes are a number, such as 40; found {text!r}") from None
