"""Percentiles against targets and grades, as literals: how many samples a verdict needs, and what it says."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loom_tui.plan.check import check_plan
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.model import Grade, Plan, Range, Target
from loom_tui.plan.toml import parse_plan
from loom_tui.room.fold import fold
from loom_tui.room.performance import grade_of, needed_samples
from loom_tui.room.signals import Bucket
from loom_tui.room.sketch import Sketch
from loom_tui.room.snapshot import QueryView
from loom_tui.room.verdicts import Verdict
from tests.samples import NOW, sample_observations, sample_plan

GRADES = (
    Grade(name="optimal", at_most=0.5),
    Grade(name="good", at_most=1),
    Grade(name="fair", at_most_ms=40),
    Grade(name="needs work"),
)
TARGET = Target(name="t", target_ms=Range(low=5, high=10))


@pytest.mark.parametrize(
    ("value", "grade"),
    [(5.0, "optimal"), (5.1, "good"), (10.0, "good"), (40.0, "fair"), (41.0, "needs work"), (None, "")],
)
def test_a_figure_gets_the_best_grade_that_it_reaches(value, grade):
    assert grade_of(value, TARGET, GRADES) == grade


def test_a_targets_own_grades_take_the_place_of_the_plans():
    own = replace(TARGET, grades=(Grade(name="splendid", at_most_ms=3), Grade(name="poor")))
    assert (grade_of(2, own, GRADES), grade_of(4, own, GRADES)) == ("splendid", "poor")
    assert grade_of(2, Target(name="no target"), GRADES) == "", "factors of nothing"
    assert grade_of(2, None, GRADES) == ""


@pytest.mark.parametrize(("percentile", "needed"), [(50, 1), (95, 20), (98, 50), (99, 100)])
def test_a_high_percentile_needs_its_samples(percentile, needed):
    assert needed_samples(percentile, 20) == needed


def query_of(plan: Plan, values_ms: list[float]) -> QueryView:
    """The first query, executed so."""
    bucket = Bucket(
        start=NOW - 60,
        step_s=10,
        count=len(values_ms),
        total=sum(values_ms),
        low=min(values_ms),
        high=max(values_ms),
        sketch=Sketch(values_ms).encode(),
    )
    seen = sample_observations()
    series = {**seen.series, "db.dashboard.ms": (bucket,)}
    return fold(plan, (), replace(seen, series=series), NOW).databases[0].queries[0]


def judged(percentile: int) -> Plan:
    plan = sample_plan()
    first, *others = plan.targets
    return replace(plan, targets=(replace(first, percentile=percentile), *others), grades=GRADES)


def test_the_target_says_which_percentile_it_means():
    values = [4.0] * 97 + [30.0] * 3
    assert query_of(judged(95), values).verdict is Verdict.MET
    assert query_of(judged(95), values).grade == "optimal"
    p98 = query_of(judged(98), values)
    assert (p98.verdict, p98.grade) == (Verdict.NOT_MET, "fair")
    assert p98.judged_ms == pytest.approx(30, rel=0.02)
    assert p98.why == "p98 of 100 samples is over 10 ms"


def test_of_too_few_samples_nothing_is_judged_and_the_count_is_told():
    p99 = query_of(judged(99), [4.0] * 99)
    assert (p99.verdict, p99.grade, p99.why) == (Verdict.UNKNOWN, "", "p99: 99 of 100 samples")
    assert p99.p95_ms is not None
    p95 = query_of(judged(95), [4.0] * 19)
    assert (p95.verdict, p95.why, p95.p99_ms) == (Verdict.UNKNOWN, "p95: 19 of 20 samples", None)


def test_a_target_is_a_figure_or_a_range():
    text = '[plan]\ntitle = "T"\n[[targets]]\nname = "a"\ntarget_ms = {}\n[[grades]]\nname = "good"\nat_most = 1\n'
    assert parse_plan(text.format("10")).targets[0].target_ms == Range(low=10, high=10)
    assert parse_plan(text.format("{ low = 5, high = 10.5 }")).targets[0].target_ms == Range(low=5, high=10.5)
    for wrong in ('"10"', "true", "[]", "{ low = 5 }"):
        with pytest.raises(PlanFaults):
            parse_plan(text.format(wrong))


def test_a_grade_that_is_never_reached_is_a_fault():
    for grades in ((GRADES[1], GRADES[0]), (GRADES[3], GRADES[0])):
        (fault,) = [fault for fault in check_plan(replace(judged(95), grades=grades)) if fault.level == "fault"]
        assert "is never reached" in fault.what
