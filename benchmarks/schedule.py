"""How long scheduling takes: python benchmarks/schedule.py [--json] [--runs N].

The deterministic part on 10,000 issues with 30,000 dependencies must take at most 150 ms (the median of the
runs), the schedule with its simulation on 200 issues at most 20 ms more. Exits with 1 where it does not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from random import Random
from statistics import median
from time import perf_counter

from loom_tui.plan.model import About, Calendar, Issue, Phase, Plan, Priority, Range
from loom_tui.plan.schedule import project, schedule, with_projection

NOW = datetime(2025, 11, 6, 9, 0, tzinfo=UTC).timestamp()
PRIORITIES = (Priority.CRITICAL, Priority.CRITICAL, Priority.HIGH, Priority.POST)


def plan_of(issues: int, dependencies: int, *, seed: int = 1) -> Plan:
    """Make a plan in which each dependency points to one of the hundred issues before, listed in no order."""
    random = Random(seed)
    waits: list[set[int]] = [set() for _ in range(issues)]
    left = dependencies
    while left:
        later = random.randrange(1, issues)
        earlier = random.randrange(max(0, later - 100), later)
        left -= earlier not in waits[later]
        waits[later].add(earlier)
    rows = [
        Issue(
            id=number,
            title=f"Issue {number}",
            priority=PRIORITIES[number * len(PRIORITIES) // issues],
            effort_hours=Range(low=1, high=random.randint(1, 6)),
            depends_on=tuple(waits[number]),
        )
        for number in range(issues)
    ]
    random.shuffle(rows)
    return Plan(
        plan=About(title="Benchmark", start=date(2025, 11, 6)),
        calendar=Calendar(zone="Europe/Berlin"),
        issues=tuple(rows),
        phases=(Phase(name="Deployment", first_day=5, last_day=5),),
    )


def measured(call: Callable[[], object], runs: int) -> dict[str, float]:
    """Give the least, median and most milliseconds that a call took."""
    call()
    took = []
    for _ in range(runs):
        start = perf_counter()
        call()
        took.append((perf_counter() - start) * 1000)
    return {"min_ms": min(took), "median_ms": median(took), "max_ms": max(took)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=9)
    asked = parser.parse_args()
    large, usual, small = plan_of(10_000, 30_000), plan_of(200, 600), plan_of(12, 20)
    cases: list[tuple[str, Callable[[], object], float | None]] = [
        ("schedule, 10,000 issues, 30,000 dependencies", lambda: schedule(large, now=NOW), 150.0),
        ("simulation, 200 issues, 600 dependencies", lambda: project(usual, now=NOW), 20.0),
        ("schedule and simulation, 12 issues", lambda: with_projection(small, now=NOW), None),
        ("schedule and simulation, 10,000 issues", lambda: with_projection(large, now=NOW), None),
    ]
    results = [(case, measured(call, asked.runs), limit) for case, call, limit in cases]
    held = all(limit is None or took["median_ms"] <= limit for _, took, limit in results)
    if asked.json:
        rows = [{"case": case, **took, "limit_ms": limit} for case, took, limit in results]
        print(json.dumps({"runs": asked.runs, "held": held, "results": rows}, indent=2))
    else:
        print(f"{'milliseconds':46}{'min':>10}{'median':>10}{'max':>10}{'limit':>10}")
        for case, took, limit in results:
            figures = "".join(f"{ms:10.1f}" for ms in took.values())
            print(f"{case:46}{figures}{limit or '–':>10}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
