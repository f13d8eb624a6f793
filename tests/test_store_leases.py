from __future__ import annotations

from contextlib import closing

import pytest

from loom_tui.room.signals import Reading
from loom_tui.store.base import Lease, LeaseLost
from loom_tui.store.leases import KEPT_S
from loom_tui.store.sqlite import SqliteStore
from tests.stores import AT, new_store


@pytest.fixture
def store(tmp_path):
    with closing(new_store(tmp_path)) as opened:
        yield opened


@pytest.fixture
def other(store, tmp_path):
    with closing(new_store(tmp_path)) as opened:
        yield opened


def take(store: SqliteStore, holder: str = "one", now: float = AT) -> Lease | None:
    return store.acquire("collector", holder=holder, ttl_s=5, now=now)


def taken(store: SqliteStore, holder: str = "one", now: float = AT) -> Lease:
    lease = take(store, holder, now)
    assert lease is not None
    return lease


READING = Reading(signal="db", observed_at=AT)


def test_one_holds_a_lease_and_everybody_sees_who(store, other):
    lease = taken(store)
    assert take(other, "two") is None
    assert other.lease("collector") == lease == Lease(name="collector", holder="one", epoch=1, until=AT + 5, ttl_s=5)
    assert other.lease("runner") is None


def test_leases_of_different_names_do_not_meet(store, other):
    taken(store)
    assert other.acquire("runner", holder="two", ttl_s=5, now=AT) is not None


def test_a_lease_that_ran_out_is_shown_and_taken_over_under_a_new_epoch(store, other):
    taken(store)
    assert take(other, "two", now=AT + 4.999) is None
    assert other.lease("collector") is not None
    assert taken(other, "two", now=AT + 5).epoch == 2


def test_a_renewed_lease_is_kept(store, other):
    lease = store.renew(taken(store), ttl_s=5, now=AT + 3)
    assert lease.until == AT + 8
    assert take(other, "two", now=AT + 7) is None


def test_a_lease_that_ran_out_but_that_nobody_took_still_writes(store):
    lease = taken(store)
    store.record([READING], lease=lease, now=AT + 60)
    assert store.renew(lease, ttl_s=5, now=AT + 60).until == AT + 65


def test_a_collector_that_wakes_up_finds_itself_replaced(store, other):
    old = taken(store)
    request = other.ask("poll", "db", asked_by="ana", at=AT)
    new = taken(other, "two", now=AT + 60)
    other.record([READING], lease=new, now=AT + 60)
    before = other.token()
    with pytest.raises(LeaseLost, match="two took the collector lease over"):
        store.record([Reading(signal="db", observed_at=AT + 61)], lease=old, now=AT + 61)
    with pytest.raises(LeaseLost):
        store.answer(request, "polled", lease=old, at=AT + 61)
    with pytest.raises(LeaseLost):
        store.renew(old, ttl_s=5, now=AT + 61)
    store.release(old)
    assert other.lease("collector") == new
    assert other.latest()["db"].reading.observed_at == AT
    assert other.token() == before


def test_a_lease_given_back_is_free_at_once_and_no_longer_writes(store, other):
    lease = taken(store)
    store.release(lease)
    assert store.lease("collector") is None
    with pytest.raises(LeaseLost, match="given back"):
        store.record([READING], lease=lease, now=AT)
    assert taken(other, "two").epoch == 2


def test_its_own_holder_takes_a_lease_anew_and_ends_its_old_epoch(store):
    old = taken(store)
    assert taken(store).epoch == 2
    with pytest.raises(LeaseLost):
        store.record([READING], lease=old, now=AT)


def test_a_lease_never_taken_writes_nothing(store):
    with pytest.raises(LeaseLost):
        store.record([READING], lease=Lease(name="collector", holder="one", epoch=1, until=AT, ttl_s=5), now=AT)


def test_a_dead_holder_from_before_the_clock_was_set_back_is_succeeded_at_once(store, other):
    taken(store, now=AT + 3_600)
    assert taken(other, "two").epoch == 2


def test_a_small_step_of_the_clock_takes_nobodys_lease(store, other):
    taken(store, now=AT + 4)
    assert take(other, "two") is None


def test_the_rooms_that_are_open_are_listed_by_their_leases(store, other):
    taken(store)
    for number in (2, 1):
        other.acquire(f"room:{number}", holder="ana", ttl_s=5, now=AT)
    given_back = other.acquire("room:3", holder="bo", ttl_s=5, now=AT)
    assert given_back is not None
    other.release(given_back)
    assert [lease.name for lease in store.leases(prefix="room:")] == ["room:1", "room:2"]
    assert [lease.name for lease in store.leases()] == ["collector", "room:1", "room:2"]


def test_a_lease_long_run_out_is_dropped_and_its_epoch_never_given_again(store, other):
    old = taken(store)
    store.prune(now=old.until + KEPT_S)
    assert store.lease("collector") == old
    store.prune(now=old.until + KEPT_S + 1)
    assert store.lease("collector") is None
    assert taken(other, now=AT + 2 * KEPT_S).epoch > old.epoch
    with pytest.raises(LeaseLost):
        store.record([READING], lease=old, now=AT)


def test_a_holder_needs_a_name(store):
    with pytest.raises(ValueError, match="holder"):
        take(store, "")


def test_a_request_is_posted_read_and_answered(store, other):
    first = store.ask("poll", "db", asked_by="ana", at=AT)
    second = store.ask("poll", "web", asked_by="bo", at=AT + 1)
    lease = taken(other, "collector")
    assert [(request.id, request.subject) for request in other.requests(after=first)] == [(second, "web")]
    other.answer(first, "polled in 41 ms", lease=lease, at=AT + 2)
    answered, waiting = store.requests()
    assert (answered.what, answered.asked_by, answered.asked_at) == ("poll", "ana", AT)
    assert (answered.answered_at, answered.answer) == (AT + 2, "polled in 41 ms")
    assert (waiting.answered_at, waiting.answer) == (None, "")


def test_old_mail_is_dropped_and_its_number_never_used_again(store):
    old = store.ask("poll", "db", asked_by="ana", at=AT)
    store.prune(now=AT + KEPT_S + 1)
    assert store.requests() == []
    assert store.ask("poll", "db", asked_by="ana", at=AT) == old + 1
    with pytest.raises(KeyError):
        store.answer(old, "too late", lease=taken(store), at=AT)
