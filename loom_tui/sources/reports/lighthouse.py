"""Lighthouse's JSON: a score (0 to 1) a category, or null where it could not be measured."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from loom_tui.plan.sources.report import LighthouseReport
from loom_tui.room.checks import Step
from loom_tui.room.signals import State
from loom_tui.sources.reports.evidence import Evidence, NoEvidence
from loom_tui.sources.times import moment


class _RuntimeError(Struct):
    code: str = "NO_ERROR"
    message: str = ""


class _Category(Struct):
    score: float | None = None


class _Lighthouse(Struct, rename="camel"):
    categories: dict[str, _Category]
    fetch_time: str
    runtime_error: _RuntimeError | None = None


_DECODER: msgspec.json.Decoder[_Lighthouse] = msgspec.json.Decoder(_Lighthouse)


def read_lighthouse(body: bytes, report: LighthouseReport) -> Evidence:
    """Hold each asked category's score against its least. One null, missing or crashed makes the whole unknown."""
    try:
        found = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoEvidence("is not what Lighthouse writes as JSON") from None
    if found.runtime_error is not None and found.runtime_error.code != "NO_ERROR":
        raise NoEvidence(f"tells of a run that failed: {found.runtime_error.message[:200] or found.runtime_error.code}")
    values: dict[str, float] = {}
    steps = []
    for category, least in report.at_least.items():
        score = found.categories.get(category, _Category()).score
        if score is None:
            steps.append(Step(name=category, state=State.UNKNOWN, detail="could not be measured"))
            continue
        values[f".{category.replace('-', '_')}"] = points = round(score * 100)
        state = State.OK if points >= least else State.BAD
        steps.append(Step(name=category, state=state, detail=f"{points}, at least {least:g} is wanted"))
    states = {step.state for step in steps}
    return Evidence(
        state=next((state for state in (State.BAD, State.UNKNOWN) if state in states), State.OK),
        detail=", ".join(f"{step.name} {step.detail}" for step in steps),
        values=values,
        steps=tuple(steps),
        written_at=moment(found.fetch_time, zone=None),
    )
