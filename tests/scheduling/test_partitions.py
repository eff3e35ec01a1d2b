"""Ranges cut into hours, days, weeks, months and the intervals of schedules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.schedules.date_ranges import Span, parse_span
from jupyter_etl.language.schedules.schedule import parse_schedule
from jupyter_etl.model import Grain, Partition, Schedule
from jupyter_etl.scheduling.occurrences import interval_of, next_occurrences
from jupyter_etl.scheduling.partitions import MOST, format_span, partitions_of

HOUR = timedelta(hours=1)
CHANGING = ("Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "UTC")
"""Changes by an hour, by half an hour, and at midnight; and none."""

days = st.dates(date(2015, 1, 1), date(2030, 12, 1))
zones = st.sampled_from(CHANGING)


def cut(
    text: str, by: Grain | None = None, *, when: str = "", zone: str = "UTC", **more: object
) -> tuple[Partition, ...]:
    schedule = parse_schedule(when, timezone=zone, **more) if when or more else None
    return partitions_of(parse_span(text, timezone=zone), schedule=schedule, by=by, timezone=zone)


def hours(partitions: tuple[Partition, ...]) -> list[float]:
    return [(partition.end - partition.start) / HOUR for partition in partitions]


def assert_follow_one_another(partitions: tuple[Partition, ...]) -> None:
    for partition in partitions:
        assert partition.start < partition.end
        assert partition.start.utcoffset() == timedelta(0)
    for before, after in pairwise(partitions):
        assert before.end == after.start


def first_instant(day: date, zone: str) -> datetime:
    """Search the first instant that a clock in the zone shows with this date, by minutes."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while at.astimezone(ZoneInfo(zone)).date() < day:
        at += timedelta(minutes=30)
    return at


@settings(max_examples=25, deadline=None)
@given(days, st.integers(0, 8), zones, st.sampled_from([Grain.HOUR, Grain.DAY, None]))
def test_days_are_covered_exactly(first: date, more: int, zone: str, by: Grain | None) -> None:
    last = first + timedelta(days=more)
    found = cut(f"{first}..{last}", by, zone=zone)
    assert_follow_one_another(found)
    assert found[0].start == first_instant(first, zone)
    assert found[-1].end == first_instant(last + timedelta(days=1), zone)
    if by is not Grain.HOUR:
        assert len(found) == more + 1
        local = [p.start.astimezone(ZoneInfo(zone)).date() for p in found]
        assert local == [first + timedelta(days=n) for n in range(more + 1)]


@settings(max_examples=25, deadline=None)
@given(days, st.integers(0, 40), zones, st.sampled_from([Grain.DAY, Grain.WEEK, Grain.MONTH]))
def test_what_is_offered_for_a_range_that_does_not_fit_covers_it(
    first: date, more: int, zone: str, by: Grain
) -> None:
    text = f"{first}..{first + timedelta(days=more)}"
    try:
        found = cut(text, by, zone=zone)
    except DeclarationError as problem:
        found = cut(problem.hint.split()[-1], by, zone=zone)
        assert len(found) > 0
    assert_follow_one_another(found)
    assert found[0].start <= first_instant(first, zone)
    assert found[-1].end >= first_instant(first + timedelta(days=more + 1), zone)
    local = [p.start.astimezone(ZoneInfo(zone)) for p in found]
    if by is Grain.WEEK:
        assert {at.weekday() for at in local} == {0}
    if by is Grain.MONTH:
        assert {at.day for at in local} == {1}


@settings(max_examples=25, deadline=None)
@given(
    days,
    st.integers(0, 3),
    zones,
    st.sampled_from(["@hourly", "daily at 02:30", "weekdays at 06:00", "every 7h", "0 */6 * * *"]),
)
def test_a_schedule_s_own_intervals(first: date, more: int, zone: str, when: str) -> None:
    text = f"{first}..{first + timedelta(days=more + 7)}"
    found = cut(text, when=when, zone=zone)
    assert_follow_one_another(found)
    within = cut(text, Grain.DAY, zone=zone)
    assert all(within[0].start <= p.start < within[-1].end for p in found)
    schedule = parse_schedule(when, timezone=zone)
    occurrences = next_occurrences(
        schedule, within[0].start - timedelta(microseconds=1), len(found) + 1
    )
    assert [p.start for p in found] == occurrences[:-1]
    assert [interval_of(schedule, occurrence) for occurrence in occurrences[1:10]] == list(
        found[:9]
    )
    assert occurrences[-1] >= within[-1].end


@settings(max_examples=25, deadline=None)
@given(days, st.integers(0, 40), zones, st.sampled_from(["@daily", "daily at 05:00"]))
def test_a_range_is_read_as_it_is_written(first: date, more: int, zone: str, when: str) -> None:
    found = cut(f"{first}..{first + timedelta(days=more)}", when=when, zone=zone)
    whole = Partition(start=found[0].start, end=found[-1].end)
    assert cut(format_span(whole, zone), when=when, zone=zone) == found


def test_a_day_of_23_and_one_of_25_hours() -> None:
    assert hours(cut("2026-03-28..2026-03-30", zone="Europe/Berlin")) == [24, 23, 24]
    assert hours(cut("2026-10-25", zone="Europe/Berlin")) == [25]
    assert len(cut("2026-10-25", Grain.HOUR, zone="Europe/Berlin")) == 25
    # The day begins at 01:00, since the clocks skip its midnight.
    (day,) = cut("2026-09-06", zone="America/Santiago")
    assert (day.start.hour, hours((day,))) == (4, [23])
    assert hours(cut("2026-04-04", zone="America/Santiago")) == [25]


def test_half_an_hour_belongs_to_its_neighbour() -> None:
    autumn = cut("2026-04-05", Grain.HOUR, zone="Australia/Lord_Howe")
    assert sorted(set(hours(autumn))) == [1, 1.5]
    assert sum(hours(autumn)) == 24.5
    spring = cut("2026-10-04", Grain.HOUR, zone="Australia/Lord_Howe")
    assert (sum(hours(spring)), len(spring)) == (23.5, 23)


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    assert len(cut("2025-12-29..2026-02-01", Grain.WEEK)) == 5
    months = cut("2026-01-01..2026-12-31", Grain.MONTH, zone="Europe/Berlin")
    assert [round(h / 24) for h in hours(months)][:3] == [31, 28, 31]
    assert len(months) == 12


@pytest.mark.parametrize(
    ("text", "by", "whole"),
    [
        ("2026-01-01..2026-01-31", Grain.WEEK, "2025-12-29..2026-02-01"),
        ("2026-01-15..2026-02-10", Grain.MONTH, "2026-01-01..2026-02-28"),
        ("2026-01-01T06:00..2026-01-02", Grain.DAY, "2026-01-01..2026-01-02"),
        (
            "2026-01-01T06:30..2026-01-01T08:00",
            Grain.HOUR,
            "2026-01-01T06:00:00Z..2026-01-01T08:00:00Z",
        ),
    ],
)
def test_a_range_that_cuts_a_partition_is_refused(text: str, by: Grain, whole: str) -> None:
    with pytest.raises(DeclarationError, match=f"begin and end with a {by}") as caught:
        cut(text, by)
    assert caught.value.hint.endswith(f" {whole}")


def test_times_are_half_open() -> None:
    found = cut("2026-01-01T06:00..2026-01-01T09:00", Grain.HOUR)
    assert [p.start.hour for p in found] == [6, 7, 8]


def test_schedules_without_a_rhythm_have_days() -> None:
    span = Span(start=date(2026, 1, 1), end=date(2026, 1, 3))
    once = parse_schedule("2027-01-01", timezone="UTC")
    after = parse_schedule("", after=("a.b",))
    for schedule in (None, once, after):
        assert len(partitions_of(span, schedule=schedule, by=None, timezone="UTC")) == 3


@pytest.mark.parametrize(
    ("text", "by", "when", "says"),
    [
        ("2026-01-05..2026-01-01", None, "", "ends before it begins"),
        (
            "2026-01-02..2026-01-05",
            None,
            "@monthly",
            "No partition begins in 2026-01-02..2026-01-05",
        ),
        ("2000-01-01..2025-12-31", Grain.HOUR, "", "too many"),
        ("2025-01-01..2025-12-31", None, "every 1m", f"at most {MOST:,}"),
    ],
)
def test_refused(text: str, by: Grain | None, when: str, says: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        cut(text, by, when=when)
    assert says in caught.value.message
    assert caught.value.hint


def test_the_most_is_allowed() -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    most = Span(start=start, end=start + MOST * HOUR)
    hourly = parse_schedule("every 1h")
    assert len(partitions_of(most, schedule=hourly, by=None, timezone="UTC")) == MOST
    more = Span(start=start, end=start + (MOST + 1) * HOUR)
    with pytest.raises(DeclarationError, match="10,001 partitions are too many"):
        partitions_of(more, schedule=hourly, by=None, timezone="UTC")


def test_a_schedule_that_ends_has_no_last_interval() -> None:
    # No 29th of February is within reach after the last.
    rare = Schedule(kind=parse_schedule("@daily").kind, text="", cron="0 0 29 2 *", timezone="UTC")
    found = partitions_of(
        parse_span("2020-01-01..2024-12-31"), schedule=rare, by=None, timezone="UTC"
    )
    assert [p.start.year for p in found] == [2020, 2024]
