"""Occurrences of schedules, including days with clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import Partition, Schedule, ScheduleKind
from jupyter_etl.scheduling.occurrences import (
    count_occurrences,
    dst_note,
    interval_of,
    next_occurrence,
    next_occurrences,
    occurrences_between,
    previous_occurrence,
)
from scheduling.oracle import oracle_occurrences

BERLIN, LORD_HOWE, SANTIAGO = "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"
CHANGES = [
    (BERLIN, datetime(2026, 3, 29, tzinfo=UTC)),
    (BERLIN, datetime(2026, 10, 25, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 4, 5, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 10, 4, tzinfo=UTC)),
    (SANTIAGO, datetime(2026, 4, 5, tzinfo=UTC)),
    (SANTIAGO, datetime(2026, 9, 6, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 3, 8, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 2, 15, tzinfo=UTC)),
]
CRONS = [
    "30 2 * * *",
    "*/30 * * * *",
    "0 */2 * * *",
    "0 */5 * * *",
    "0,15,30,45 0-4 * * *",
    "0 2,3 * * *",
    "59 23 * * *",
    "0 0 * * *",
    "15 1 * * 0",
    "*/20 0-3 * * 0",
    "7 * * * *",
    "10 */1 1-7 * 0",
    "0 0,12 1 */2 *",
]


def cron(text: str, zone: str = "UTC") -> Schedule:
    return Schedule(kind=ScheduleKind.CRON, text=text, cron=text, timezone=zone)


def every(seconds: float) -> Schedule:
    return Schedule(kind=ScheduleKind.INTERVAL, text=f"every {seconds}s", every_s=seconds)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", CRONS)
@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_occurrences_around_a_clock_change_follow_the_rules(
    text: str, zone: str, change: datetime
) -> None:
    start, end = change - timedelta(days=2), change + timedelta(days=3)
    schedule, expected = cron(text, zone), oracle_occurrences(text, zone, start, end)
    assert list(occurrences_between(schedule, start, end)) == expected
    assert count_occurrences(schedule, start, end) == len(expected)
    backwards, occurrence = [], previous_occurrence(schedule, end + timedelta(microseconds=1))
    while occurrence is not None and occurrence > start:
        backwards.append(occurrence)
        occurrence = previous_occurrence(schedule, occurrence)
    assert backwards[::-1] == expected


@pytest.mark.slow
@pytest.mark.parametrize("text", ["30 2 * * *", "*/30 * * * *", "0 */2 * * *"])
@pytest.mark.parametrize("zone", [BERLIN, LORD_HOWE, SANTIAGO])
def test_two_years_are_those_of_the_rules(text: str, zone: str) -> None:
    start, end = at("2026-01-01T00:00"), at("2028-01-01T00:00")
    expected = oracle_occurrences(text, zone, start, end)
    assert list(occurrences_between(cron(text, zone), start, end)) == expected
    assert count_occurrences(cron(text, zone), start, end) == len(expected)


def test_a_time_that_comes_twice_fires_once_and_one_left_out_after_the_gap() -> None:
    daily = cron("30 2 * * *", BERLIN)
    assert next_occurrences(daily, at("2026-10-24T12:00"), 2) == [
        at("2026-10-25T00:30"),
        at("2026-10-26T01:30"),
    ]
    assert next_occurrences(daily, at("2026-03-28T12:00"), 2) == [
        at("2026-03-29T01:00"),
        at("2026-03-30T00:30"),
    ]
    assert next_occurrence(daily, at("2026-10-25T01:15")) == at("2026-10-26T01:30"), (
        "asked in the fold"
    )


def test_a_midnight_that_does_not_exist_is_not_invented() -> None:
    schedule = cron("0 */5 * * 0", SANTIAGO)
    local = [
        occurrence.astimezone(ZoneInfo(SANTIAGO)).hour
        for occurrence in next_occurrences(schedule, at("2026-09-05T12:00"), 4)
    ]
    assert local == [5, 10, 15, 20]


INSTANTS = st.integers(0, 5 * 366 * 86_400_000_000).map(
    lambda microseconds: at("2024-01-01T00:00") + timedelta(microseconds=microseconds)
)
ZONES = st.sampled_from(
    ["UTC", BERLIN, LORD_HOWE, SANTIAGO, "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca"]
)


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> str:
    number = st.integers(low, high)
    pair = st.tuples(number, number).map(sorted)
    return draw(
        st.one_of(
            st.just("*"),
            number.map(str),
            st.integers(1, 30).map(lambda step: f"*/{step}"),
            pair.map(lambda ends: f"{ends[0]}-{ends[1]}"),
            pair.map(lambda ends: f"{ends[0]},{ends[1]}"),
        )
    )


CRON_SCHEDULES = st.builds(
    lambda minute, hour, day, weekday, zone: cron(f"{minute} {hour} {day} * {weekday}", zone),
    fields(0, 59),
    fields(0, 23),
    st.one_of(st.just("*"), fields(1, 28)),
    st.one_of(st.just("*"), fields(0, 6)),
    ZONES,
)
SCHEDULES = st.one_of(CRON_SCHEDULES, st.integers(60, 10**6).map(every))


@settings(deadline=None)
@given(SCHEDULES, INSTANTS)
def test_next_is_later_and_previous_leads_back(schedule: Schedule, moment: datetime) -> None:
    later = next_occurrence(schedule, moment)
    if later is None:
        return
    assert later > moment
    assert later.tzinfo is UTC
    before = previous_occurrence(schedule, later)
    if before is not None:
        assert before <= moment
    assert previous_occurrence(schedule, later + timedelta(microseconds=1)) == later


@settings(deadline=None)
@given(SCHEDULES, INSTANTS, INSTANTS)
def test_next_is_monotone(schedule: Schedule, one: datetime, other: datetime) -> None:
    first, second = sorted([one, other])
    early, late = next_occurrence(schedule, first), next_occurrence(schedule, second)
    if early is not None and late is not None:
        assert early <= late
    if early != late:
        assert early is not None
        assert early <= second


@settings(max_examples=60, deadline=None)
@given(SCHEDULES, INSTANTS, st.integers(0, 60 * 24 * 5))
def test_between_iterates_next_without_duplicates(
    schedule: Schedule, start: datetime, minutes: int
) -> None:
    end = start + timedelta(minutes=minutes)
    expected, occurrence = [], next_occurrence(schedule, start)
    while occurrence is not None and occurrence <= end:
        expected.append(occurrence)
        occurrence = next_occurrence(schedule, occurrence)
    assert list(occurrences_between(schedule, start, end)) == expected
    assert expected == sorted(set(expected))
    assert count_occurrences(schedule, start, end) == len(expected)


@settings(max_examples=20, deadline=None)
@given(CRON_SCHEDULES, st.sampled_from(CHANGES))
def test_any_expression_agrees_with_the_rules_around_a_change(
    schedule: Schedule, change: tuple[str, datetime]
) -> None:
    zone, day = change
    assert schedule.cron is not None
    there = cron(schedule.cron, zone)
    start, end = day - timedelta(hours=20), day + timedelta(hours=44)
    assert list(occurrences_between(there, start, end)) == oracle_occurrences(
        schedule.cron, zone, start, end
    )


def test_a_schedule_that_never_fires_ends() -> None:
    never = cron("* * */31 * 1#2")  # the first of a month that is its second Monday
    assert next_occurrence(never, at("2026-01-01T00:00")) is None
    assert previous_occurrence(never, at("2026-01-01T00:00")) is None
    assert next_occurrences(never, at("2026-01-01T00:00"), 5) == []


@pytest.mark.parametrize(
    ("schedule", "named"),
    [
        (cron("61 * * * *"), "61"),
        (cron("* * * *"), "4 fields"),
        (cron("0 0 * * *", "Mars/Olympus"), "Mars/Olympus"),
        (every(0), "0 s"),
        (Schedule(kind=ScheduleKind.CRON, text="?"), "no cron"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_refused_by_name(schedule: Schedule, named: str) -> None:
    with pytest.raises(DeclarationError, match=named):
        next_occurrence(schedule, at("2026-01-01T00:00"))


def test_intervals_count_from_the_epoch() -> None:
    schedule = every(420)
    occurrence = next_occurrence(schedule, at("2026-01-01T00:00"))
    assert occurrence is not None
    assert occurrence.timestamp() % 420 == 0
    assert next_occurrence(schedule, occurrence) == occurrence + timedelta(minutes=7)
    assert previous_occurrence(schedule, occurrence) == occurrence - timedelta(minutes=7)


def test_one_shot_fires_once_and_after_never() -> None:
    once = Schedule(kind=ScheduleKind.ONCE, text="", at=at("2026-01-01T06:00"))
    assert next_occurrences(once, at("2025-01-01T00:00"), 3) == [at("2026-01-01T06:00")]
    assert next_occurrence(once, at("2026-01-01T06:00")) is None
    assert previous_occurrence(once, at("2026-01-01T06:00")) is None
    assert previous_occurrence(once, at("2026-01-02T06:00")) == at("2026-01-01T06:00")
    assert count_occurrences(once, at("2025-01-01T00:00"), at("2027-01-01T00:00")) == 1
    after = Schedule(kind=ScheduleKind.AFTER, text="", after=("x",))
    assert next_occurrence(after, at("2026-01-01T06:00")) is None
    assert previous_occurrence(after, at("2026-01-01T06:00")) is None


def test_the_interval_of_an_occurrence_is_the_period_it_ends() -> None:
    daily = cron("0 6 * * *", BERLIN)
    whole = Partition(start=at("2026-03-28T05:00"), end=at("2026-03-29T04:00"))
    assert interval_of(daily, at("2026-03-29T04:00")) == whole, "23 hours long"
    assert interval_of(daily, at("2026-03-29T20:00")) == whole, "the last whole one"
    day = Partition(start=at("2026-03-29T00:00"), end=at("2026-03-30T00:00"))
    assert interval_of(None, at("2026-03-29T20:00")) == day


def test_daylight_note_names_what_changes() -> None:
    daily = cron("30 2 * * *", BERLIN)
    note = dst_note(daily, next_occurrences(daily, at("2026-01-01T00:00"), 5))
    assert (
        "On 2026-03-29 clocks in Europe/Berlin go from 02:00 to 03:00: 02:30 runs at 03:00." in note
    )
    assert "On 2026-10-25 clocks in Europe/Berlin go from 03:00 to 02:00: 02:30 runs once" in note
    even = cron("0 */2 * * *", BERLIN)
    note = dst_note(even, next_occurrences(even, at("2026-01-01T00:00"), 5))
    assert "02:00 is left out" in note
    assert "02:00 runs twice" in note


@pytest.mark.parametrize(
    "schedule",
    [cron("0 6 * * *", BERLIN), cron("*/30 * * * *", BERLIN), cron("30 2 * * *"), every(60)],
)
def test_daylight_note_is_silent_where_nothing_changes(schedule: Schedule) -> None:
    assert dst_note(schedule, next_occurrences(schedule, at("2026-01-01T00:00"), 5)) == ""
