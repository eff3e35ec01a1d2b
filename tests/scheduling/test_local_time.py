"""The search for a match of a cron expression, compared with cronsim."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from cronsim import CronSim, CronSimError
from hypothesis import assume, given
from hypothesis import strategies as st

from jupyter_etl.scheduling.local_time import next_local, previous_local


def local_of(year: int, month: int = 1, day: int = 1, at: time = time.min) -> datetime:
    return datetime.combine(date(year, month, day), at)


def a_field(low: int, high: int, *more: str) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    pair = st.tuples(number, number).filter(lambda two: two[0] < two[1])
    return st.one_of(
        st.just("*"),
        number.map(str),
        pair.map(lambda two: f"{two[0]}-{two[1]}"),
        st.integers(2, high).map(lambda step: f"*/{step}"),
        st.sampled_from(["*", *more]),
    )


CRONS = st.tuples(
    a_field(0, 59),
    a_field(0, 23),
    a_field(1, 31, "L", "LW", "31"),
    a_field(1, 12),
    a_field(0, 6, "1#2", "5L", "MON-FRI"),
).map(" ".join)
WALLS = st.one_of(
    st.datetimes(local_of(2020), local_of(2032)),
    st.integers(0, 6_000_000).map(lambda m: local_of(2020) + timedelta(minutes=m)),
)


@given(cron=CRONS, wall=WALLS)
def test_it_finds_what_a_walk_finds(cron: str, wall: datetime) -> None:
    try:
        ahead, back = CronSim(cron, wall), CronSim(cron, wall, reverse=True)
    except CronSimError:
        assume(False)
    assert next_local(cron, wall) == next(ahead, None)
    assert previous_local(cron, wall) == next(back, None)


def test_the_fifth_monday_of_february_comes_every_28_years() -> None:
    assert next_local("0 0 * 2 1#5", local_of(2026)) == local_of(2044, 2, 29)


def test_the_calendar_has_ends() -> None:
    assert next_local("* * * * *", local_of(9999, 12, 31, time.max)) is None
    assert previous_local("* * * * *", local_of(1)) is None
