"""What pg_stat_statements counted since a moment, over resets, evictions and restarts, without a database."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from loom_tui.sources.postgres.tally import Counts, Sample, Tally, advance, begin


def sample(at: float, reset_at: float | None = 1.0, **calls: int | tuple[int, float]) -> Sample:
    """A sample whose entries took 10 ms a call; a pair gives the moment at which an entry's counters began."""
    entries = {}
    for key, each in calls.items():
        number, since = each if isinstance(each, tuple) else (each, None)
        entries[key] = Counts(number, number * 10.0, number, since)
    return Sample(at=at, entries=entries, reset_at=reset_at)


def counted(tally: Tally, key: str) -> tuple[int, float]:
    counts = tally.counted(key)
    return counts.calls, counts.total_ms


def restarted(tally: Tally) -> Tally:
    """What a collector finds that was started anew."""
    return msgspec.json.decode(msgspec.json.encode(replace(tally, last={})), type=Tally)


def test_only_what_came_since_the_beginning_counts():
    tally = advance(begin(sample(0, a=100), None), sample(10, a=103, b=2))
    assert counted(tally, "a") == (3, 30.0)
    assert counted(tally, "b") == (2, 20.0)


def test_a_reset_of_everything_loses_nothing_that_was_seen():
    tally = advance(begin(sample(0, a=100), None), sample(10, a=103, b=2))
    tally = advance(tally, sample(20, reset_at=15, a=200))
    assert counted(tally, "a") == (203, 2030.0), "also where the new count is above the old one"
    assert counted(tally, "b") == (2, 20.0)


def test_an_entry_that_was_dropped_and_came_back_is_counted_on():
    tally = advance(begin(sample(0, a=(100, 1.0)), None), sample(10, a=(105, 1.0)))
    tally = advance(tally, sample(20))
    assert counted(tally, "a") == (5, 50.0)
    assert counted(advance(tally, sample(30, a=(300, 25.0))), "a") == (305, 3050.0), "its counters began at 25"
    assert counted(advance(tally, sample(30, a=4)), "a") == (9, 90.0), "a fall in calls says so as well"


def test_a_restart_counts_on_from_the_same_base():
    tally = advance(begin(sample(0, a=100), 7.0), sample(10, a=103))
    again = advance(restarted(tally), sample(60, a=110, b=1))
    assert (again.since, again.changed_at) == (0, 7.0)
    assert counted(again, "a") == (10, 100.0)
    assert counted(again, "b") == (1, 10.0)


def test_what_was_carried_over_a_reset_survives_a_restart():
    tally = advance(begin(sample(0, a=100), None), sample(10, a=103))
    tally = advance(tally, sample(20, reset_at=15, a=1))
    assert counted(advance(restarted(tally), sample(60, reset_at=15, a=5)), "a") == (8, 80.0)


def test_what_was_counted_outlives_two_resets_without_a_call_between():
    tally = advance(begin(sample(0), None), sample(10, a=3))
    for reset_at in (15, 25):
        tally = advance(tally, sample(reset_at + 5, reset_at=reset_at))
    assert counted(tally, "a") == (3, 30.0)


def test_a_reset_while_nobody_looked_never_gives_less_than_nothing():
    tally = begin(sample(0, a=100), None)
    again = advance(restarted(tally), sample(60, reset_at=30, a=4))
    assert counted(again, "a") == (4, 40.0)


def test_the_base_is_the_same_object_while_no_counter_began_anew():
    tally = begin(sample(0, a=100), None)
    assert advance(tally, sample(10, a=103, b=1)).base is tally.base
    assert advance(tally, sample(10, a=3)).base is not tally.base


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["call", "look", "reset", "evict", "restart"])), max_size=40
)


@given(steps=STEPS)
def test_every_call_that_was_looked_at_is_counted_exactly_once(steps):
    """Against a count kept by hand: with `stats_since`, as PostgreSQL 17 has it, only restarts lose any."""
    server: dict[str, tuple[int, float]] = {}
    clock, reset_at = 1.0, 0.0
    tally = begin(sample(0, reset_at=reset_at), None)
    true, unseen = dict.fromkeys("abc", 0), dict.fromkeys("abc", 0)
    restarts = False
    for key, step in steps:
        clock += 1
        if step == "call":
            count, since = server.get(key, (0, clock))
            server[key] = (count + 1, since)
            unseen[key] += 1
        elif step == "look":
            tally = advance(tally, sample(clock, reset_at=reset_at, **server))
            for each in server:
                true[each] += unseen[each]
                unseen[each] = 0
        elif step == "restart":
            tally, restarts = restarted(tally), True
        else:
            gone = list(server) if step == "reset" else [key]
            for each in gone:
                server.pop(each, None)
                unseen[each] = 0
            reset_at = clock if step == "reset" else reset_at
    tally = advance(tally, sample(clock, reset_at=reset_at, **server))
    for key in "abc":
        found = tally.counted(key).calls
        expected = true[key] + (unseen[key] if key in server else 0)
        assert 0 <= found <= expected if restarts else found == expected
