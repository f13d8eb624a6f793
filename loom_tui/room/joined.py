"""Signals that the fold works out of the journal: workflows with steps by hand, and acceptance testing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from loom_tui.plan.signals import Signal
from loom_tui.plan.steps import ManualStep
from loom_tui.room.checks import CheckResult, Step, decode_result, encode_result
from loom_tui.room.manual import Done, ManualView
from loom_tui.room.signals import Freshness, Reading, State
from loom_tui.room.snapshot import SignalView
from loom_tui.room.uat import UatView

_STATES = {"ok": State.OK, "failed": State.BAD, "skipped": State.UNKNOWN}


def workflow_view(view: SignalView, manual: ManualView) -> SignalView:
    """Join what the collector ran with what people did: well only when all of it is, bad when anything is.

    What is joined is as old as its oldest part.
    """
    if manual.alone and not manual.done:
        why = "nobody has done its steps yet" if manual.begun_at is None else f"begun by {manual.begun_by}"
        return replace(view, reading=None, freshness=Freshness.NEVER, state=State.UNKNOWN, why=why)
    if not manual.alone and (view.reading is None or view.freshness is not Freshness.FRESH):
        return view
    state, why = _standing(None if manual.alone else view, manual)
    ran = None if manual.alone else view.reading
    result = decode_result(ran.body) if ran is not None else None
    moments = [done.at for done in manual.done] + ([ran.observed_at] if ran is not None else [])
    reading = Reading(
        signal=view.signal.id,
        observed_at=min(moments),
        state=state,
        detail=why,
        body=encode_result(_result(result, manual)),
        environment=manual.environment if ran is None else ran.environment,
        release=manual.release if ran is None else ran.release,
    )
    return replace(view, reading=reading, freshness=Freshness.FRESH, state=state, why=why)


def _standing(ran: SignalView | None, manual: ManualView) -> tuple[State, str]:
    failed = [done for done in manual.done if done.payload.outcome == "failed"]
    skipped = [done for done in manual.done if done.payload.outcome == "skipped"]
    left = len(manual.steps) - len(manual.done)
    if failed:
        return State.BAD, f"{failed[0].payload.step}: {failed[0].payload.note or 'failed'} ({failed[0].tester})"
    if ran is not None and ran.state is not State.OK:
        return ran.state, ran.why
    if left:
        return State.UNKNOWN, f"{left} of {len(manual.steps)} steps by hand are not done"
    if skipped:
        return State.UNKNOWN, f"{skipped[0].payload.step}: skipped, which proves nothing ({skipped[0].tester})"
    return State.OK, ""


def _result(ran: CheckResult | None, manual: ManualView) -> CheckResult:
    """Put the steps by hand into their places among the others."""
    told = {step.name: step for step in ran.steps} if ran is not None else {}
    by_hand = {view.step.name: _told(view.step, view.done) for view in manual.steps}
    steps = [by_hand.get(step.name) or told.get(step.name) for step in manual.workflow.steps]
    took_ms = ran.duration_ms if ran is not None else None
    if ran is None and manual.ended_at is not None and manual.begun_at is not None:
        took_ms = (manual.ended_at - manual.begun_at) * 1000
    return CheckResult(duration_ms=took_ms, steps=tuple(step for step in steps if step is not None))


def _told(step: ManualStep, done: Done | None) -> Step:
    if done is None:
        return Step(name=step.name, state=State.UNKNOWN, detail=f"to be done by {step.tester or 'somebody'}")
    word = f"{done.payload.outcome}, by {done.tester}"
    detail = f"{word}: {done.payload.note}" if done.payload.note else word
    return Step(name=step.name, state=_STATES[done.payload.outcome], detail=detail)


def uat_views(view: UatView, signals: Mapping[str, Signal], *, now: float) -> Iterator[tuple[str, SignalView]]:
    """Show acceptance testing's figures as signals, so that rules can speak of them.

    Nothing said is no praise: without feedback the rating is unknown, and without a sitting so are the blockers.
    """
    heard = bool(view.sessions or view.feedback)
    share = 100 * view.covered / len(view.features) if view.features else None
    figures: dict[str, tuple[float | None, str]] = {
        "uat.participants": (float(len(view.participants)), ""),
        "uat.feedback": (float(len(view.feedback)), ""),
        "uat.rating": (view.rating, f"no feedback on {view.release or 'this release'} yet"),
        "uat.blockers": (
            float(len(view.blockers)) if heard or view.blockers else None,
            f"nobody has tried {view.release or 'this release'} yet",
        ),
        "uat.coverage": (share, "the plan names no features to try"),
    }
    for name, (value, why) in figures.items():
        reading = Reading(
            signal=name,
            observed_at=view.last_at if view.last_at is not None else now,
            value=value,
            environment=view.environment,
            release=view.release,
        )
        yield (
            name,
            SignalView(
                signal=signals[name],
                reading=reading if value is not None else None,
                freshness=Freshness.FRESH,
                state=State.OK if value is not None else State.UNKNOWN,
                why="" if value is not None else why,
            ),
        )
