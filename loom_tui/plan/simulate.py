"""How sure the projected finish is: the network run many times over with efforts drawn from their estimates."""

from __future__ import annotations

from itertools import repeat
from math import ceil
from operator import add
from random import Random

from loom_tui.plan.calendar import HOUR_MS
from loom_tui.plan.estimate import Estimate
from loom_tui.plan.model import Plan
from loom_tui.plan.network import NO_PROGRESS, Network, Progress, build

_DRAWS = 40_000  # of 0.2 µs with their way through the network: a plan of 200 issues is simulated within 20 ms
_FEWEST_RUNS = 50
_STEPS = 100  # into which an estimate is cut: finer ones move a P95 by less than runs do, and cost more


def project(
    plan: Plan, *, now: float, progress: Progress = NO_PROGRESS, seed: int = 7, runs: int = 1000
) -> tuple[float, float, float] | None:
    """Give the moments (Unix seconds) by which the launch is reached in 50, 80 and 95 of 100 cases.

    The same arguments give the same answer. Large plans get fewer runs. None for a plan with nothing to finish.
    """
    return project_network(build(plan, now=now, progress=progress), seed=seed, runs=runs)


def project_network(network: Network, *, seed: int = 7, runs: int = 1000) -> tuple[float, float, float] | None:
    """Give P50, P80 and P95 as `project` does, for a network that is built already."""
    last = range(len(network.names)) if network.launch is None else (network.launch,)
    if not last:
        return None
    settled = [done_at for node in last if (done_at := network.facts[node].done_at) is not None]
    if len(settled) == len(last):
        return (max(settled),) * 3
    runs = max(_FEWEST_RUNS, min(runs, _DRAWS // sum(network.leads_to_launch)))
    columns = _columns(network, Random(seed), runs)  # noqa: S311 - nothing here is a secret
    hours = sorted(map(max, repeat(0.0), *(columns[node] for node in last)))
    facts = zip(network.facts, network.leads_to_launch, strict=True)
    not_before = max(fact.not_before for fact, leads in facts if leads)  # it may lie outside working time

    def moment(share: float) -> float:
        closing = network.axis.closing(round(hours[ceil(share * runs) - 1] * HOUR_MS))
        return max(network.now, not_before, closing)

    return moment(0.50), moment(0.80), moment(0.95)


def _columns(network: Network, random: Random, runs: int) -> dict[int, list[float]]:
    """Give each node that leads to the launch its finish in every run, in hours of the axis."""
    columns: dict[int, list[float]] = {}
    tables: dict[tuple[Estimate, float], list[float]] = {}  # most plans use a handful of estimates
    for node in network.order:
        if not network.leads_to_launch[node]:
            continue
        starts = _starts(network.floor[node] / HOUR_MS, [columns[other] for other in network.binding[node]], runs)
        estimate, spent = network.facts[node].estimate, network.facts[node].spent_hours
        if estimate.high > 0:
            table = tables.get((estimate, spent)) or estimate.quantiles(_STEPS, spent=spent)
            tables[estimate, spent] = table
            starts = list(map(add, starts, random.choices(table, k=runs)))
        columns[node] = starts
    return columns


def _starts(floor: float, held: list[list[float]], runs: int) -> list[float]:
    """Give the latest of the finishes waited for in every run, and at least `floor`."""
    if not held:
        return [floor] * runs
    starts = [finish if finish > floor else floor for finish in held[0]]  # noqa: FURB136 - a third of max()'s time
    for column in held[1:]:
        starts = [a if a > b else b for a, b in zip(starts, column, strict=True)]  # noqa: FURB136 - the same
    return starts
