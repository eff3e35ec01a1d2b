"""Time limits and warnings derived from past runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jupyter_etl.language.schedules.schedule import parse_schedule
from jupyter_etl.model import Overlap, Policy
from jupyter_etl.scheduling.time_limits import durations_of, tight_schedule, time_limit

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("took", "given", "seconds", "why"),
    [
        ([], None, 3600, "the default"),
        ([600.0] * 9, None, 3600, "the default"),
        ([600.0] * 10, None, 1800, "3 times the 95th percentile of the last 10 successful runs"),
        ([600.0] * 19 + [900.0], None, 1845, "3 times the 95th percentile of the last 20"),
        ([2.0] * 10, None, 300, "at least 5 min"),
        ([1500.0] * 10, None, 3600, "the most without --timeout"),
        ([600.0] * 10, 90.0, 90, ""),
        ([1.0] * 10, 86_400.0, 86_400, ""),
    ],
)
def test_the_limit_is_given_or_three_times_what_runs_take(
    took: list[float], given: float | None, seconds: float, why: str
) -> None:
    limit = time_limit(Policy(timeout_s=given), durations_of(took))
    assert limit.seconds == seconds
    assert why in limit.why
    assert bool(limit.why) == (given is None)


@pytest.mark.parametrize(
    ("when", "took", "overlap", "said"),
    [
        ("every 5 minutes", [400.0] * 5, "skip",
         "The schedule fires 5 min apart, and half of the runs of 'p' take 6 min 40 s or more "
         "(of the last 5 runs): a run that is due meanwhile is skipped."),
        ("every 5 minutes", [400.0], "queue", "the queue grows"),
        ("every 5 minutes", [400.0], "cancel-previous", "each run is cancelled by the next"),
        ("every 5 minutes", [200.0] * 18 + [400.0] * 2, "skip", "5 % of the runs of 'p' take"),
        # Six hours apart at most times, but 10 minutes apart once a day.
        ("0,10 0 * * *", [700.0] * 3, "skip", "fires 10 min apart"),
        ("every 10 minutes", [400.0] * 5, "skip", ""),
        ("daily at 06:00", [400.0] * 5, "skip", ""),
        ("every 5 minutes", [], "skip", ""),
    ],
)  # fmt: skip
def test_a_schedule_tighter_than_its_runs_are_long_is_warned_of(
    when: str, took: list[float], overlap: str, said: str
) -> None:
    schedule = parse_schedule(when, timezone="UTC")
    found = tight_schedule("p", schedule, durations_of(took), Overlap(overlap), NOW)
    assert [one.severity for one in found] == (["warning"] if said else [])
    assert all(said in one.message for one in found)


def test_a_schedule_that_fires_once_or_after_others_is_never_too_tight() -> None:
    took = durations_of([10_000.0] * 5)
    once = parse_schedule((NOW + timedelta(days=1)).isoformat(), timezone="UTC")
    after = parse_schedule("", timezone="UTC", after=("a",))
    for schedule in (once, after):
        assert tight_schedule("p", schedule, took, Overlap.SKIP, NOW) == []
