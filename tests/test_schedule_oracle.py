"""The schedule against networkx, on random plans: longest paths, slack, what is critical, what is a cycle."""

from __future__ import annotations

from datetime import time
from typing import Any

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from loom_tui.plan.calendar import WEEKDAYS
from loom_tui.plan.model import About, Calendar, Issue, Plan, Priority, Range
from loom_tui.plan.schedule import (
    Progress,
    find_cycle,
    in_order,
    milestones_of,
    schedule,
    what_if,
    with_projection,
)

NOW = 1_762_419_600.0  # round the clock, so that a working hour is an hour
HOUR = 3600.0
ROUND_THE_CLOCK = Calendar(days=WEEKDAYS, opens=time(0), closes=time(0))
BEFORE_LAUNCH = (Priority.CRITICAL, Priority.HIGH)


@st.composite
def plans(draw, *, priorities=tuple(Priority), acyclic=True) -> Plan:
    """A plan of up to 12 issues in any order, with efforts in quarter hours (none takes no time)."""
    count = draw(st.integers(1, 12))
    pairs = [(a, b) for a in range(count) for b in range(count) if (a > b if acyclic else a != b)]
    edges = draw(st.sets(st.sampled_from(pairs), max_size=24 if acyclic else 14)) if pairs else set()
    issues = []
    for number in range(count):
        low = draw(st.integers(0, 40)) / 4
        high = low + draw(st.integers(0, 20)) / 2
        issues.append(
            Issue(
                id=number,
                title=f"Issue {number}",
                priority=draw(st.sampled_from(priorities)),
                effort_hours=Range(low=low, high=high),
                depends_on=tuple(b for a, b in sorted(edges) if a == number),
            )
        )
    return Plan(plan=About(title="A plan"), calendar=ROUND_THE_CLOCK, issues=tuple(draw(st.permutations(issues))))


def graph_of(plan: Plan) -> nx.DiGraph[Any]:
    """The plan as a graph in which an edge weighs the hours of the issue that it leaves."""
    graph: nx.DiGraph[Any] = nx.DiGraph()
    ranges = {issue.id: issue.effort_hours or Range(low=0, high=0) for issue in plan.issues}
    hours = {name: (effort.low + effort.high) / 2 for name, effort in ranges.items()}
    for issue in plan.issues:
        graph.add_edge(issue.id, ("end", issue.id), weight=hours[issue.id])
        for other in issue.depends_on:
            graph.add_edge(other, issue.id, weight=hours[other])
    return graph


def longest_to(graph: nx.DiGraph[Any], node) -> float:
    return nx.dag_longest_path_length(graph.subgraph(nx.ancestors(graph, node) | {node}))


def longest_from(graph: nx.DiGraph[Any], node) -> float:
    return nx.dag_longest_path_length(graph.subgraph(nx.descendants(graph, node) | {node}))


def hours(at: float | None) -> float:
    assert at is not None
    return (at - NOW) / HOUR


@settings(max_examples=80, deadline=None)
@given(plans(priorities=(Priority.HIGH,)))
def test_without_a_launch_the_plan_takes_as_long_as_its_longest_path(plan):
    graph, solved = graph_of(plan), schedule(plan, now=NOW)
    length = nx.dag_longest_path_length(graph)
    assert hours(solved.finish_at) == length
    for name, item in solved.items.items():
        slack = length - longest_to(graph, name) - longest_from(graph, name)
        assert hours(item.earliest_start) == longest_to(graph, name)
        assert hours(item.earliest_finish) == longest_to(graph, ("end", name))
        assert hours(item.latest_start) == longest_to(graph, name) + slack
        assert hours(item.latest_finish) == longest_to(graph, ("end", name)) + slack
        assert item.slack_hours == slack
        assert item.critical == (slack == 0)


@settings(max_examples=80, deadline=None)
@given(plans(priorities=(Priority.HIGH,)))
def test_the_chain_is_a_longest_path_of_critical_issues(plan):
    graph, solved = graph_of(plan), schedule(plan, now=NOW)
    assert nx.is_path(graph, solved.chain)
    assert nx.path_weight(graph, (*solved.chain, ("end", solved.chain[-1])), "weight") == hours(solved.finish_at)
    assert all(solved.items[name].critical for name in solved.chain)


@settings(max_examples=80, deadline=None)
@given(plans())
def test_the_launch_takes_as_long_as_the_longest_path_to_a_critical_issue(plan):
    graph, solved = graph_of(plan), schedule(plan, now=NOW)
    critical = [issue.id for issue in plan.issues if issue.priority is Priority.CRITICAL]
    if not critical:
        assert not milestones_of(plan)
        return
    launch = max(longest_to(graph, ("end", name)) for name in critical)
    assert hours(solved.milestones["Deployment"].earliest_finish) == hours(solved.finish_at) == launch
    assert solved.chain[-2:] == ("Go/No-Go", "Deployment")
    needed = set(critical).union(*(nx.ancestors(graph, name) for name in critical))
    for issue in plan.issues:
        if issue.priority is Priority.POST and issue.id not in needed:
            assert hours(solved.items[issue.id].earliest_start) >= launch
    for name in needed:
        assert hours(solved.items[name].earliest_start) == longest_to(graph, name)


@settings(max_examples=60, deadline=None)
@given(plans(priorities=BEFORE_LAUNCH), st.data())
def test_slack_is_by_how_much_an_issue_may_slip_before_the_launch_does(plan, data):
    solved = schedule(plan, now=NOW)
    name = data.draw(st.sampled_from(sorted(solved.items)))
    item = solved.items[name]
    assert what_if(plan, now=NOW, delays={name: item.slack_hours}).finish_at == solved.finish_at
    if item.critical:
        assert what_if(plan, now=NOW, delays={name: 1.0}).finish_at == NOW + (hours(solved.finish_at) + 1) * HOUR


@settings(max_examples=80, deadline=None)
@given(plans(acyclic=False))
def test_a_cycle_is_found_exactly_where_there_is_one(plan):
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_nodes_from(issue.id for issue in plan.issues)
    graph.add_edges_from((issue.id, other) for issue in plan.issues for other in issue.depends_on)
    cycle = find_cycle(plan)
    assert (cycle is None) == nx.is_directed_acyclic_graph(graph)
    if cycle is None:
        issues = [name for name in in_order(plan) if isinstance(name, int)]
        assert all(issues.index(other) < issues.index(name) for name, other in graph.edges)
    else:
        assert nx.is_path(graph, (*cycle, cycle[0]))


@settings(max_examples=60, deadline=None)
@given(plans(acyclic=False), st.data())
def test_any_plan_at_any_stage_has_a_schedule_in_which_nothing_unfinished_ends_before_now(plan, data):
    names = st.sampled_from([issue.id for issue in plan.issues])
    past = st.integers(0, 100).map(lambda ago: NOW - ago * HOUR)
    progress = Progress(
        started_at=data.draw(st.dictionaries(names, past)), done_at=data.draw(st.dictionaries(names, past))
    )
    solved = with_projection(plan, now=NOW, progress=progress)
    in_scope = {issue.id for issue in plan.issues if issue.priority is not Priority.BACKLOG}
    assert in_scope | progress.started_at.keys() | progress.done_at.keys() <= solved.items.keys()
    for name, item in solved.items.items():
        assert item.slack_hours >= 0
        assert item.earliest_start <= item.earliest_finish <= item.latest_finish
        assert item.earliest_start <= item.latest_start <= item.latest_finish
        if name in progress.done_at:
            assert item.earliest_finish == progress.done_at[name]
        else:
            assert item.earliest_finish >= NOW
            assert item.earliest_start == progress.started_at.get(name, max(NOW, item.earliest_start))
    if solved.finish_at is not None:
        assert hours(solved.p50_at) <= hours(solved.p80_at) <= hours(solved.p95_at)
