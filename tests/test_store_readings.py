from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loom_tui.plan.kinds import Kind
from loom_tui.plan.signals import Signal
from loom_tui.room.signals import Bucket, Reading, State
from loom_tui.room.sketch import percentiles
from loom_tui.store import rollup
from loom_tui.store.base import StoreBroken
from tests.stores import AT, collector_lease, new_store

HOUR = 3_600
DAY = 86_400
T0 = AT - AT % HOUR  # the beginning of an hour


@pytest.fixture
def store(tmp_path):
    with closing(new_store(tmp_path)) as opened:
        opened.define(
            [
                Signal(id="web", source="web", kind=Kind.CHECK, label="web"),
                Signal(id="db.q.ms", source="db", kind=Kind.LATENCY, label="q", unit="ms"),
                Signal(id="db.sessions", source="db", kind=Kind.NUMBER, label="sessions"),
                Signal(id="web.version", source="web", kind=Kind.TEXT, label="version"),
            ]
        )
        yield opened


@pytest.fixture
def record(store):
    lease = collector_lease(store)

    def keep(*readings: Reading, now: float) -> None:
        store.record(readings, lease=lease, now=now)

    return keep


def number(at: float, value: float | None, signal: str = "db.sessions", **more) -> Reading:
    return Reading(signal=signal, observed_at=at, value=value, **more)


def counts(store, signal: str, step_s: int) -> dict[float, int]:
    return {bucket.start: bucket.count for bucket in store.series(signal, start=0, end=T0 + 400 * DAY, step_s=step_s)}


def test_the_newest_reading_comes_back_whole(store, record, tmp_path):
    reading = Reading(
        signal="sentry.issues",
        observed_at=T0 - 0.5,
        state=State.BAD,
        value=2.0,
        detail="[/red] ünïcode \x00 ☃",
        body=b'[{"id":"1"}]\x00',
        environment="production",
        release="v1.7.0",
    )
    record(reading, now=T0)
    with closing(new_store(tmp_path)) as other:
        stored = other.latest()["sentry.issues"]
    assert stored.reading == reading
    assert stored.recorded_at == T0


def test_only_what_changed_since_is_read(store, record):
    record(number(T0, 1), number(T0, 1, "a"), now=T0)
    seen = max(stored.recorded_at for stored in store.latest().values())
    assert store.latest(changed_after=seen) == {}
    record(number(T0 + 1, 2, "a"), now=T0 + 1)
    assert list(store.latest(changed_after=seen)) == ["a"]
    assert sorted(store.latest()) == ["a", "db.sessions"]


def test_nothing_is_missed_when_the_clock_goes_back(store, record):
    record(number(T0, 1), now=T0)
    seen = store.latest()["db.sessions"].recorded_at
    for tick in range(3):
        record(number(T0 + 1 + tick, tick), now=T0 - 500)
        changed = store.latest(changed_after=seen)["db.sessions"]
        assert changed.reading.value == tick
        assert changed.recorded_at > seen
        seen = changed.recorded_at
    assert seen == pytest.approx(T0, abs=1e-3)


def test_an_older_reading_enters_the_history_but_not_the_present(store, record):
    record(number(T0 + 20, 7), now=T0 + 20)
    record(number(T0 + 5, 9), now=T0 + 21)
    assert store.latest()["db.sessions"].reading.value == 7
    assert counts(store, "db.sessions", 1) == {T0 + 5: 1, T0 + 20: 1}


def test_within_one_tick_the_newest_observation_wins(store, record):
    record(number(T0 + 2, 2), number(T0 + 3, 3), number(T0 + 1, 1), now=T0 + 3)
    assert store.latest()["db.sessions"].reading.value == 3
    assert counts(store, "db.sessions", 10) == {T0: 3}


def test_a_reading_from_the_future_is_shown_but_gives_way_once_clocks_are_right(store, record):
    record(number(T0 + DAY, 99), now=T0)
    assert store.latest()["db.sessions"].reading.observed_at == T0 + DAY
    assert counts(store, "db.sessions", 60) == {}
    record(number(T0 + 1, 5), now=T0 + 1)
    assert store.latest()["db.sessions"].reading.value == 5


def test_a_tick_that_takes_back_a_reading_from_the_future_leaves_the_newest_believable_one(store, record):
    record(number(T0, 1), now=T0)
    record(number(T0 + 60, 2), number(T0 - 0.5, 3), now=T0)
    assert store.latest()["db.sessions"].reading.value == 1


def test_a_reading_without_a_time_is_refused_and_nothing_of_its_tick_is_kept(store, record):
    with pytest.raises(ValueError, match="time of observation"):
        record(number(T0, 1), number(float("nan"), 2), now=T0)
    assert store.latest() == {}


@pytest.mark.parametrize(("step_s", "starts"), [(1, [0, 1, 9, 10, 59, 60]), (10, [0, 10, 50, 60]), (60, [0, 60])])
def test_readings_are_rolled_up_by_fixed_stretches_of_time(store, record, step_s, starts):
    for second in (0, 1, 9, 10, 59, 60):
        record(number(T0 + second + 0.25, second), number(T0 + second + 0.75, second + 1), now=T0 + second + 1)
    series = store.series("db.sessions", start=T0, end=T0 + 120, step_s=step_s)
    assert [bucket.start - T0 for bucket in series] == starts
    assert sum(bucket.count for bucket in series) == 12
    assert sum(bucket.total for bucket in series) == 2 * (0 + 1 + 9 + 10 + 59 + 60) + 6
    first = series[0]
    assert first.low == 0
    assert first.high == {1: 1, 10: 10, 60: 60}[step_s]
    assert {bucket.step_s for bucket in series} == {step_s}
    assert {bucket.sketch for bucket in series} == {b""}


def test_a_series_holds_the_buckets_that_begin_in_its_stretch(store, record):
    for second in range(5):
        record(number(T0 + second, second), now=T0 + second)
    starts = [bucket.start - T0 for bucket in store.series("db.sessions", start=T0 + 1, end=T0 + 3, step_s=1)]
    assert starts == [1, 2]


def test_a_series_of_what_nobody_recorded_is_empty_and_of_an_odd_step_is_refused(store):
    assert store.series("nobody", start=0, end=T0, step_s=60) == []
    with pytest.raises(ValueError, match="1, 10 and 60"):
        store.series("nobody", start=0, end=T0, step_s=5)


def test_a_check_has_a_history_of_ones_and_zeros_and_unknown_is_neither(store, record):
    states = [State.OK, State.OK, State.BAD, State.UNKNOWN]
    record(*(Reading(signal="web", observed_at=T0 + i, state=state) for i, state in enumerate(states)), now=T0 + 4)
    (bucket,) = store.series("web", start=T0, end=T0 + 60, step_s=60)
    assert (bucket.count, bucket.total, bucket.low, bucket.high) == (3, 2, 0, 1)
    assert store.latest()["web"].reading.state is State.UNKNOWN


def test_a_latency_that_could_not_be_measured_is_no_zero(store, record):
    record(
        Reading(signal="db.q.ms", observed_at=T0, state=State.BAD, detail="timed out"),
        number(T0, float("nan"), "db.q.ms"),
        number(T0, float("inf"), "db.q.ms"),
        Reading(signal="db.q.ms", observed_at=T0, state=State.UNKNOWN, value=3.0),
        number(T0, 1e308, "db.q.ms"),
        now=T0,
    )
    assert store.series("db.q.ms", start=T0, end=T0 + 60, step_s=60) == []


def test_a_check_keeps_its_last_ten_runs_in_the_order_of_time(store, record):
    for number_of_run in range(13):
        state = State.BAD if number_of_run == 7 else State.OK
        run = Reading(signal="web", observed_at=T0 + number_of_run, state=state, detail=f"run {number_of_run}")
        record(run, number(T0, 1.0), now=T0 + number_of_run)
    history = store.history()
    assert list(history) == ["web"]
    assert [run.detail for run in history["web"]] == [f"run {each}" for each in range(3, 13)]
    assert [run.state for run in history["web"]].index(State.BAD) == 4


def test_text_has_no_history(store, record):
    record(Reading(signal="web.version", observed_at=T0, detail="v1.7.0"), now=T0)
    assert store.latest()["web.version"].reading.detail == "v1.7.0"
    assert counts(store, "web.version", 60) == {}


@pytest.mark.parametrize("step_s", [1, 10, 60])
def test_a_p95_over_rolled_up_time_is_still_honest(store, record, step_s):
    values = [((n * 7919) % 1000) + 1.0 for n in range(1200)]
    for second in range(0, 120, 4):
        tick = [number(T0 + second + i / 10, values[second * 10 + i], "db.q.ms") for i in range(40)]
        record(*tick, now=T0 + second + 4)
    series = store.series("db.q.ms", start=T0, end=T0 + 120, step_s=step_s)
    summary = percentiles([bucket.sketch for bucket in series], (0.5, 0.95, 0.99))
    assert summary.count == 1200
    expected = [sorted(values)[int(q * 1200) - 1] for q in (0.5, 0.95, 0.99)]
    assert summary.values == pytest.approx(expected, rel=0.01)


def test_defining_the_same_signals_again_writes_nothing(store):
    signal = Signal(id="web", source="web", kind=Kind.CHECK, label="web")
    before = store.token()
    store.define([signal])
    assert store.token() == before


def test_a_signal_that_becomes_a_latency_gets_sketches_from_then_on(store, record):
    record(number(T0, 3, "new.ms"), now=T0)
    store.define([Signal(id="new.ms", source="new", kind=Kind.LATENCY, label="new")])
    record(number(T0 + 1, 4, "new.ms"), now=T0 + 1)
    one, two = store.series("new.ms", start=T0, end=T0 + 2, step_s=1)
    assert (one.sketch, bool(two.sketch)) == (b"", True)


def test_foreign_text_that_is_no_unicode_is_kept_as_far_as_it_goes(store, record):
    record(Reading(signal="a\ud800", observed_at=T0, value=1, detail="\udcff!", release="r\ud83d"), now=T0)
    stored = store.latest()["a?"].reading
    assert (stored.detail, stored.release) == ("?!", "r?")


def test_packing_changes_nothing_that_is_read(store, record):
    for minute in range(0, 300, 7):
        at = T0 + 60 * minute
        record(number(at, minute), number(at + 15, minute + 0.5, "db.q.ms"), now=at + 15)
    spans = [(signal, step) for signal in ("db.sessions", "db.q.ms") for step in (10, 60)]

    def read() -> list[list[Bucket]]:
        return [store.series(signal, start=T0 + 130, end=T0 + 5 * HOUR, step_s=step) for signal, step in spans]

    before = read()
    store.prune(now=T0 + 5 * HOUR)
    assert read() == before
    with closing(sqlite3.connect(store.directory / "readings.db")) as file:
        hours = {hour for (hour,) in file.execute("SELECT hour FROM hours")}
        loose = file.execute("SELECT min(start) FROM buckets").fetchone()[0]
    assert hours == {T0, T0 + HOUR, T0 + 2 * HOUR, T0 + 3 * HOUR}
    assert loose >= T0 + 4 * HOUR


def test_a_late_reading_finds_its_way_into_an_hour_already_packed(store, record):
    record(number(T0 + 5, 1, "db.q.ms"), now=T0 + 5)
    store.prune(now=T0 + 5 * HOUR)
    record(number(T0 + 6, 3, "db.q.ms"), now=T0 + 5 * HOUR)
    for _ in range(2):
        (bucket,) = store.series("db.q.ms", start=T0, end=T0 + 60, step_s=60)
        assert (bucket.count, bucket.total, bucket.low, bucket.high) == (2, 4, 1, 3)
        assert percentiles([bucket.sketch], (1.0,)).values == pytest.approx((3,), rel=0.01)
        store.prune(now=T0 + 5 * HOUR)


@pytest.mark.parametrize(("step_s", "keep_s"), [(1, HOUR), (10, DAY), (60, 30 * DAY)])
def test_each_level_is_kept_for_its_time_and_no_longer(store, record, step_s, keep_s):
    record(number(T0 + 1, 1), now=T0 + 1)
    store.prune(now=T0 + keep_s)
    assert len(counts(store, "db.sessions", step_s)) == 1
    store.prune(now=T0 + keep_s + 2 * HOUR)
    assert counts(store, "db.sessions", step_s) == {}
    assert store.latest()["db.sessions"].reading.value == 1
    record(number(T0 + 2, 1), now=T0 + keep_s + 2 * HOUR)  # far too late for this level
    assert counts(store, "db.sessions", step_s) == {}


def test_a_clock_that_leaps_ahead_takes_no_history_with_it(store, record):
    for hour in range(48):
        record(number(T0 + hour * HOUR, hour), now=T0 + hour * HOUR)
    now = T0 + 48 * HOUR
    store.prune(now=now)
    before = counts(store, "db.sessions", 60)
    for minute in range(5):
        store.prune(now=now + 400 * DAY + 60 * minute)
    assert counts(store, "db.sessions", 60) == before
    assert len(counts(store, "db.sessions", 10)) >= 24 - 10
    store.prune(now=now + 300)
    assert counts(store, "db.sessions", 60) == before


def test_a_damaged_hour_is_named(store, record):
    record(number(T0 + 1, 1), now=T0 + 1)
    store.prune(now=T0 + 5 * HOUR)
    with closing(sqlite3.connect(store.directory / "readings.db")) as file, file:
        file.execute("UPDATE hours SET body = x'00'")
    with pytest.raises(StoreBroken, match=r"readings\.db.*cannot be unpacked"):
        store.series("db.sessions", start=T0, end=T0 + 60, step_s=60)


def test_an_interrupted_tick_is_not_kept_by_half(store, record, monkeypatch):
    def interrupted(*args, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("loom_tui.store.rollup.roll_up", interrupted)
        with pytest.raises(KeyboardInterrupt):
            record(number(T0, 1), now=T0)
    assert store.latest() == {}
    record(number(T0, 2), now=T0)
    assert store.latest()["db.sessions"].reading.value == 2


def test_an_empty_tick_writes_nothing(store, record):
    before = store.token()
    record(now=T0)
    assert store.token() == before


def test_the_token_tells_of_every_write_of_every_connection(store, record, tmp_path):
    with closing(new_store(tmp_path)) as other:
        tokens = [(store.token(), other.token())]

        def changed() -> bool:
            tokens.append((store.token(), other.token()))
            mine, theirs = zip(*tokens, strict=True)
            return len(set(mine)) == len(mine) and len(set(theirs)) == len(theirs)

        record(number(T0, 1), now=T0)
        assert changed()
        other.ask("poll", "db", asked_by="ana", at=T0)
        assert changed()
        record(number(T0, 1), now=T0)
        assert changed()
        other.keep(b"a plan")
        assert changed()
        store.keep(b"another")
        assert changed()
        assert store.token() == tokens[-1][0]


starts = st.lists(st.integers(0, 59), unique=True, max_size=60)


@settings(max_examples=50)
@given(starts, st.data())
def test_an_hour_comes_out_of_its_packing_as_it_went_in(minutes, data):
    figures = st.floats(allow_nan=False, allow_infinity=False)
    buckets = [
        Bucket(
            start=T0 + 60 * minute,
            step_s=60,
            count=data.draw(st.integers(1, 2**40)),
            total=data.draw(figures),
            low=data.draw(figures),
            high=data.draw(figures),
            sketch=data.draw(st.binary(max_size=8)),
        )
        for minute in sorted(minutes)
    ]
    assert rollup.unpack(rollup.pack(buckets, hour=int(T0), step=60), hour=int(T0), step=60) == buckets
