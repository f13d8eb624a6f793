from __future__ import annotations

from math import ceil, inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom_tui.room.sketch import ACCURACY, Sketch, percentiles

latencies = st.floats(min_value=1e-6, max_value=1e9)
quantiles = st.floats(min_value=0, max_value=1)


def nearest_rank(values: list[float], q: float) -> float:
    return sorted(values)[max(ceil(q * len(values) - 1e-9), 1) - 1]


@given(st.lists(latencies, min_size=1), quantiles)
def test_a_quantile_is_within_one_percent_of_the_nearest_rank(values, q):
    assert Sketch(values).quantile(q) == pytest.approx(nearest_rank(values, q), rel=ACCURACY + 1e-9)


@given(st.lists(latencies), st.lists(latencies), st.lists(latencies))
def test_merging_is_the_same_as_having_seen_all_values(one, other, third):
    merged = Sketch(one)
    merged.merge(Sketch(other))
    merged.merge(Sketch(third))
    assert merged.encode() == Sketch(one + other + third).encode()
    assert merged.count == len(one + other + third)


@given(st.lists(st.lists(latencies)), st.lists(quantiles, min_size=1))
def test_percentiles_of_encoded_sketches_are_those_of_the_union(parts, qs):
    union = Sketch(value for part in parts for value in part)
    summary = percentiles((Sketch(part).encode() for part in parts), qs)
    assert summary.count == union.count
    assert summary.values == tuple(union.quantile(q) if union.count else None for q in qs)


@given(st.lists(latencies))
def test_an_encoded_sketch_comes_back(values):
    body = Sketch(values).encode()
    assert Sketch.decode(body).encode() == body
    assert Sketch.decode(body).count == len(values)


@given(st.lists(latencies), st.lists(latencies))
def test_joined_encodings_are_merged_sketches(one, other):
    assert Sketch.decode(Sketch(one).encode() + Sketch(other).encode()).encode() == Sketch(one + other).encode()


def test_the_encoding_is_little_endian_words_on_every_machine():
    assert Sketch([1.0, 1.0, 0.0]).encode().hex() == "00000100" + "00800200"


def test_a_bucket_holds_more_than_a_word_counts():
    sketch = Sketch.decode(Sketch([7.0]).encode() * 70_000)
    sketch.add(9.0)
    again = Sketch.decode(sketch.encode())
    assert again.count == 70_001
    assert again.quantile(0.5) == pytest.approx(7.0, rel=ACCURACY)
    assert again.quantile(1) == pytest.approx(9.0, rel=ACCURACY)


def test_nothing_and_less_than_nothing_count_as_zero():
    assert Sketch([0.0, -3.0, 1e-12]).quantile(1) == 0.0


def test_figures_beyond_all_measure_stay_in_the_last_bucket():
    assert Sketch([1e300]).quantile(0.5) > 1e280


@pytest.mark.parametrize("value", [inf, -inf, nan])
def test_what_is_no_figure_is_refused(value):
    sketch = Sketch()
    with pytest.raises(ValueError, match="no place"):
        sketch.add(value)
    assert sketch.count == 0


def test_an_empty_sketch_has_no_quantile():
    with pytest.raises(ValueError, match="empty"):
        Sketch().quantile(0.95)


def test_no_sketches_give_no_percentiles():
    assert percentiles([], (0.5, 0.95)).values == (None, None)


def test_torn_bytes_are_refused():
    with pytest.raises(ValueError, match="multiple"):
        Sketch.decode(b"\x01\x02\x03")
