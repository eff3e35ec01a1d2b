"""Hypothesis strategies for the values of jupyter_etl.model and for the texts people write."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from jupyter_etl.language.schedules.schedule import parse_schedule
from jupyter_etl.model import Freshness, Schedule

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/Paris",
    "America/New_York",
    "America/Santiago",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)
"""Zones with and without daylight saving, half hours, and a skipped day."""

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PART = st.builds(
    str.__add__,
    st.sampled_from(_LETTERS + "0123456789"),
    st.text(_LETTERS + "0123456789_-", max_size=8),
)

zones = st.sampled_from(ZONES)

instants = st.datetimes(
    # datetimes() takes naive bounds.
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
"""Aware UTC instants."""

names = st.lists(_PART, min_size=1, max_size=3).map(".".join)
"""Valid names of sources, pipelines and publications."""

identifiers = st.builds(
    str.__add__, st.sampled_from(_LETTERS), st.text(_LETTERS + "0123456789_", max_size=8)
).filter(lambda name: name not in ("and", "or", "in", "is", "not", "as", "if", "rows", "last"))
"""Names of columns and variables."""

words = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029"), max_size=20
)
"""Any text of one line."""

seconds = st.integers(1, 366 * 86_400).map(float) | st.integers(1, 10_000_000).map(
    lambda ms: ms / 1000
)
"""Durations with at most milliseconds."""


@st.composite
def _field(draw: st.DrawFn, least: int, most: int) -> str:
    """One cron field: star, step, value, range, list."""
    value = st.integers(least, most)
    bounds = st.tuples(value, value).map(sorted)
    term = st.one_of(
        value.map(str),
        bounds.map(lambda ends: f"{ends[0]}-{ends[1]}"),
        st.tuples(bounds, st.integers(1, 9)).map(lambda t: f"{t[0][0]}-{t[0][1]}/{t[1]}"),
        st.tuples(value, st.integers(1, 9)).map(lambda t: f"{t[0]}/{t[1]}"),
    )
    return draw(
        st.one_of(
            st.just("*"),
            st.integers(1, most).map(lambda step: f"*/{step}"),
            st.lists(term, min_size=1, max_size=3).map(",".join),
        )
    )


_weekday_fields = st.one_of(
    _field(0, 7),
    st.lists(st.sampled_from(_DAYS), min_size=1, max_size=3).map(",".join),
    st.tuples(st.integers(0, 6), st.integers(1, 5)).map(lambda t: f"{t[0]}#{t[1]}"),
    st.integers(0, 6).map(lambda day: f"{day}L"),
)

crons = st.tuples(
    _field(0, 59),
    _field(0, 23),
    st.one_of(_field(1, 28), st.sampled_from(["L", "LW", "31", "1,L"])),
    _field(1, 12).filter(lambda months: months not in ("2", "4", "6", "9", "11")),
    _weekday_fields,
).map(" ".join)
"""Five cron fields; nearly all of them fire."""

_times = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda t: f"{t[0]:02d}:{t[1]:02d}")

phrases = st.one_of(
    st.sampled_from(["@hourly", "@daily", "@weekly", "@monthly", "@yearly", "hourly", "daily"]),
    _times.map("daily at {}".format),
    _times.map("weekdays at {}".format),
    st.tuples(st.lists(st.sampled_from(_DAYS), min_size=1, max_size=4), _times).map(
        lambda t: f"{','.join(t[0])} at {t[1]}"
    ),
    st.tuples(st.integers(1, 28), _times).map(lambda t: f"monthly on {t[0]} at {t[1]}"),
    st.integers(1, 500).map("every {}m".format),
    st.integers(1, 500).map("every {} hours".format),
)
"""Schedules in words."""


def _schedule(text: str, zone: str) -> Schedule:
    return parse_schedule(text, timezone=zone)


cron_schedules = st.builds(_schedule, phrases.filter(lambda text: "every" not in text), zones)
"""Schedules of kind cron, from phrases, so that all of them fire often."""

interval_schedules = st.builds(_schedule, st.integers(1, 5000).map("every {}m".format), zones)
"""Schedules of kind interval."""

once_schedules = st.builds(
    _schedule, instants.map(lambda at: at.replace(microsecond=0).isoformat()), zones
)
"""Schedules of kind once."""

after_schedules = st.lists(names, min_size=1, max_size=3, unique=True).map(
    lambda after: parse_schedule("", after=tuple(after))
)
"""Schedules of kind after."""

schedules = st.one_of(cron_schedules, interval_schedules, once_schedules, after_schedules)
"""Schedules of every kind."""

freshnesses = st.one_of(
    seconds.map(lambda age: Freshness(error_s=age)),
    seconds.map(lambda age: Freshness(warn_s=age)),
    st.tuples(seconds, seconds)
    .filter(lambda ages: ages[0] < ages[1])
    .map(lambda ages: Freshness(warn_s=ages[0], error_s=ages[1])),
)
"""Promised ages."""


@st.composite
def check_lines(draw: st.DrawFn) -> str:
    """One line of checks, with or without a severity."""
    quoted = draw(words.filter(lambda t: t.strip() and '"' not in t))
    column = draw(identifiers | st.just(f'"{quoted}"'))
    literal = draw(words).replace("'", "''")
    rule = draw(
        st.sampled_from(
            [
                f"{column}: unique",
                f"{column}: not null",
                f"{column}: unique, not null",
                f"{column} >= 0",
                f"{column}::int > 1",
                f"{column} between -60 and 1500",
                f"{column} in ('{literal}', 2, -1.5)",
                f"{column}: in ('{literal}')",
                f"{column} matches '^[A-Z]{{3}}$'",
                f"{column} references sales.airports.faa",
                f"{column} <> '{literal}'",
                "rows > 0.5 * last",
                "rows between 1 and 10",
            ]
        )
    )
    return rule + draw(st.sampled_from(["", " : warn", " : error", ": warn"]))
