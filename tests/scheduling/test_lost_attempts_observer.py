"""Attempts without heartbeats, and clocks that jump."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.clock import FakeClock
from jupyter_etl.scheduling.lost_attempts import START_LEASES, Observer
from scheduling.examples import claim

LEASE_S = 30.0


def look(observer: Observer, clock: FakeClock, seconds: int, *claims) -> list[int]:
    """Look once a second for so long; return the runs that were lost at the last look."""
    lost = []
    for _ in range(seconds):
        clock.advance(1)
        lost = [one.run.id for one in observer.lost(claims)]
    return lost


def test_an_attempt_with_heartbeats_is_never_lost() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    for heartbeat in range(20):
        assert look(observer, clock, 20, claim(heartbeat=heartbeat)) == []


def test_a_silent_attempt_is_lost_after_its_lease() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    observer.lost([claim(1), claim(2)])
    assert look(observer, clock, 30, claim(1, heartbeat=1), claim(2)) == []
    assert look(observer, clock, 1, claim(1, heartbeat=2), claim(2)) == [2]


def test_a_dispatched_attempt_has_longer_to_begin() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    waiting = claim(started=False)
    observer.lost([waiting])
    assert look(observer, clock, int(START_LEASES * LEASE_S), waiting) == []
    assert look(observer, clock, 1, waiting) == [1]
    assert look(observer, clock, 1, claim(started=True)) == [], "its start counts as a heartbeat"


def test_a_jump_of_the_wall_clock_ends_no_attempt() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    observer.lost([claim()])
    for jump in (timedelta(days=1), timedelta(days=-2)):
        clock.set(clock.now() + jump)
        assert look(observer, clock, 5, claim()) == []


def test_an_observer_that_was_stopped_gives_time_to_be_seen_again() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    observer.lost([claim()])
    clock.advance(3600)
    assert observer.lost([claim()]) == []
    assert look(observer, clock, 20, claim()) == []
    assert look(observer, clock, 20, claim()) == [1]


def test_the_next_attempt_of_a_run_starts_afresh() -> None:
    clock = FakeClock()
    observer = Observer(clock, LEASE_S)
    observer.lost([claim()])
    assert look(observer, clock, 31, claim()) == [1]
    assert look(observer, clock, 1, claim(number=2)) == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=60))
def test_lost_means_silent_for_longer_than_the_lease(steps: list[tuple[int, bool]]) -> None:
    clock, heartbeat, silent_s = FakeClock(), 0, 0
    observer = Observer(clock, LEASE_S)
    observer.lost([claim(heartbeat=0)])
    for seconds, heartbeats in steps:
        clock.advance(seconds)
        heartbeat += heartbeats
        silent_s = 0 if heartbeats else silent_s + seconds
        assert bool(observer.lost([claim(heartbeat=heartbeat)])) == (silent_s > LEASE_S)
