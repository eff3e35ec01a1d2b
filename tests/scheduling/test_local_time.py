"""Days on which clocks are changed, worked out by hand, and the search for a match.

The rule: a time that the clock shows twice runs the first time; one that it leaves out runs at the
moment after the gap. Instants of the changes in 2026, UTC: Berlin 29 March 01:00 (02:00 becomes
03:00) and 25 October 01:00 (03:00 becomes 02:00); Lord Howe, by half an hour, 4 April 15:00 (02:00
becomes 01:30) and 3 October 15:30 (02:00 becomes 02:30); Santiago, at midnight, 5 April 03:00 (24:00
becomes 23:00) and 6 September 04:00 (00:00 becomes 01:00).

Source: IANA time zone database, files europe, australasia and southamerica.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import assume, given
from hypothesis import strategies as st

from jupyter_etl.scheduling.local_time import next_local, previous_local
from jupyter_etl.scheduling.occurrences import next_occurrence, occurrences_between
from scheduling.examples import cron

BERLIN, LORD_HOWE, SANTIAGO = "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "text", "after", "expected"),
    [
        (BERLIN, "30 2 * * *", "03-28T12:00", ["03-29T01:00", "03-30T00:30"]),
        (BERLIN, "30 2 * * *", "10-24T12:00", ["10-25T00:30", "10-26T01:30"]),
        (LORD_HOWE, "45 1 * * *", "04-04T00:00", ["04-04T14:45", "04-05T15:15"]),
        (LORD_HOWE, "15 2 * * *", "10-03T00:00", ["10-03T15:30", "10-04T15:15"]),
        (LORD_HOWE, "30 2 * * *", "04-04T00:00", ["04-04T16:00", "04-05T16:00"]),
        (LORD_HOWE, "30 2 * * *", "10-03T00:00", ["10-03T15:30", "10-04T15:30"]),
        (SANTIAGO, "30 23 * * *", "04-04T12:00", ["04-05T02:30", "04-06T03:30"]),
        (SANTIAGO, "30 0 * * *", "09-05T12:00", ["09-06T04:00", "09-07T03:30"]),
        (SANTIAGO, "30 2 * * *", "09-05T12:00", ["09-06T05:30", "09-07T05:30"]),
    ],
)
def test_a_fixed_time_runs_once_on_every_day(
    zone: str, text: str, after: str, expected: list[str]
) -> None:
    schedule, moment, found = cron(text, zone), at(after), []
    for _ in expected:
        moment = next_occurrence(schedule, moment)
        found.append(moment)
    assert found == [at(one) for one in expected]


@pytest.mark.parametrize(
    ("zone", "change", "halves", "even_hours"),
    [
        # A day of 23 h, 25 h, 24.5 h, 23.5 h, 25 h and 23 h, from midnight to midnight.
        (BERLIN, ("03-28T22:59", "03-29T21:59"), 46, 11),
        (BERLIN, ("10-24T21:59", "10-25T22:59"), 50, 13),
        (LORD_HOWE, ("04-04T12:59", "04-05T13:29"), 49, 12),
        (LORD_HOWE, ("10-03T13:29", "10-04T12:59"), 47, 11),
        (SANTIAGO, ("04-04T02:59", "04-05T03:59"), 50, 12),
        (SANTIAGO, ("09-06T03:59", "09-07T02:59"), 46, 11),
    ],
)
def test_a_clock_with_stars_runs_whenever_it_shows_a_match(
    zone: str, change: tuple[str, str], halves: int, even_hours: int
) -> None:
    start, end = map(at, change)
    assert len(list(occurrences_between(cron("*/30 * * * *", zone), start, end))) == halves
    assert len(list(occurrences_between(cron("0 */2 * * *", zone), start, end))) == even_hours


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
LOCAL_TIMES = st.one_of(
    st.datetimes(local_of(2020), local_of(2032)),
    st.integers(0, 6_000_000).map(lambda m: local_of(2020) + timedelta(minutes=m)),
)


@given(cron=CRONS, local=LOCAL_TIMES)
def test_it_finds_what_a_walk_finds(cron: str, local: datetime) -> None:
    try:
        ahead, back = CronSim(cron, local), CronSim(cron, local, reverse=True)
    except CronSimError:
        assume(False)
    assert next_local(cron, local) == next(ahead, None)
    assert previous_local(cron, local) == next(back, None)


def test_the_fifth_monday_of_february_comes_every_28_years() -> None:
    assert next_local("0 0 * 2 1#5", local_of(2026)) == local_of(2044, 2, 29)


def test_the_calendar_has_ends() -> None:
    assert next_local("* * * * *", local_of(9999, 12, 31, time.max)) is None
    assert previous_local("* * * * *", local_of(1)) is None
