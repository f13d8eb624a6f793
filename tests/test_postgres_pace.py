"""How often a database's queries are asked: within a share of the time, and fairly. No database is needed for that."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loom_tui.sources.postgres.pace import Pace, fair_shares


def lived(every_s: dict[str, float], costs_s: dict[str, float], *, max_load: float, until_s: float) -> dict[str, int]:
    """Live for a while, looking each second; gives how often each job ran."""
    pace, now, ran = Pace(every_s, max_load=max_load), 0.0, dict.fromkeys(every_s, 0)
    while now < until_s:
        spent: dict[str, float] = {}
        for job in pace.due(now):
            spent[job] = costs_s[job]
            now += costs_s[job]
            ran[job] += 1
        pace.ran(spent, now)
        now += max(1.0, pace.rest_s(now))
    return ran


def test_a_slow_query_is_asked_less_often_and_the_quick_ones_keep_their_rhythm():
    ran = lived({"slow": 15, "quick": 15}, {"slow": 0.3, "quick": 0.004}, max_load=0.01, until_s=3600)
    assert ran["quick"] >= 3600 / 15
    assert 3600 * 0.0094 / 0.3 * 0.9 < ran["slow"] < 3600 * 0.01 / 0.3


def test_of_two_slow_queries_none_starves():
    ran = lived({"a": 15, "b": 15}, {"a": 0.3, "b": 3.0}, max_load=0.01, until_s=36_000)
    assert ran["a"] == pytest.approx(36_000 * 0.005 / 0.3, rel=0.1)
    assert ran["b"] == pytest.approx(36_000 * 0.005 / 3.0, rel=0.2)


@settings(deadline=None)
@given(
    costs=st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.0005, 4), min_size=1),
    every_s=st.floats(1, 60),
    max_load=st.floats(0.005, 0.5),
)
def test_whatever_queries_cost_their_share_is_kept(costs, every_s, max_load):
    until_s = 50 * sum(costs.values()) / max_load + 500
    ran = lived(dict.fromkeys(costs, every_s), costs, max_load=max_load, until_s=until_s)
    again_s = sum((ran[job] - 1) * costs[job] for job in costs)  # the first of each tells only what it costs
    assert again_s <= max_load * until_s * 1.01
    assert all(count > 1 for count in ran.values())


@given(wanted=st.dictionaries(st.text(max_size=3), st.floats(0, 10), max_size=8), total=st.floats(0, 10))
def test_shares_are_fair(wanted, total):
    shares = fair_shares(wanted, total)
    assert sum(shares.values()) <= total + 1e-9
    level = max(shares.values(), default=0)
    assert all(shares[job] == want or shares[job] >= level - 1e-9 for job, want in wanted.items())
