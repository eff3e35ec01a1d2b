from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import assume, given
from hypothesis import strategies as st

import strategies
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.schedules.cron_words import cron_in_words
from jupyter_etl.language.schedules.schedule import (
    Preset,
    PresetKind,
    format_schedule,
    parse_schedule,
    preset_of,
)
from jupyter_etl.language.schedules.timezones import parse_instant, parse_timezone
from jupyter_etl.model import Schedule, ScheduleKind


@pytest.mark.parametrize(
    ("text", "cron", "words"),
    [
        ("@hourly", "0 * * * *", "every hour, Europe/Paris"),
        ("@daily", "0 0 * * *", "every day at 00:00, Europe/Paris"),
        ("@weekly", "0 0 * * 0", "every Sunday at 00:00, Europe/Paris"),
        ("@Monthly", "0 0 1 * *", "on day 1 of every month at 00:00, Europe/Paris"),
        ("@yearly", "0 0 1 1 *", "on day 1 of January at 00:00, Europe/Paris"),
        ("hourly", "0 * * * *", "every hour, Europe/Paris"),
        ("hourly at :15", "15 * * * *", "at minute 15 of every hour, Europe/Paris"),
        ("every hour", "0 * * * *", "every hour, Europe/Paris"),
        ("daily", "0 0 * * *", "every day at 00:00, Europe/Paris"),
        ("daily at 06:00", "0 6 * * *", "every day at 06:00, Europe/Paris"),
        ("  Daily  AT 6:05 ", "5 6 * * *", "every day at 06:05, Europe/Paris"),
        ("every day at noon", "0 12 * * *", "every day at 12:00, Europe/Paris"),
        ("weekdays at 07:30", "30 7 * * 1-5", "every weekday at 07:30, Europe/Paris"),
        ("every weekday at 07:30", "30 7 * * 1-5", "every weekday at 07:30, Europe/Paris"),
        ("weekends at 08:00", "0 8 * * 0,6", "every Saturday and Sunday at 08:00, Europe/Paris"),
        ("mon,thu at 09:00", "0 9 * * 1,4", "every Monday and Thursday at 09:00, Europe/Paris"),
        ("thu and mon at 09:00", "0 9 * * 1,4", "every Monday and Thursday at 09:00, Europe/Paris"),
        ("monday at 09:00", "0 9 * * 1", "every Monday at 09:00, Europe/Paris"),
        ("tue-thu at 9:00", "0 9 * * 2,3,4", "every Tuesday, Wednesday and Thursday at 09:00, Europe/Paris"),
        ("weekly on fri at 17:00", "0 17 * * 5", "every Friday at 17:00, Europe/Paris"),
        ("monthly on 1 at 05:00", "0 5 1 * *", "on day 1 of every month at 05:00, Europe/Paris"),
        ("monthly on the 3rd at 05:00", "0 5 3 * *", "on day 3 of every month at 05:00, Europe/Paris"),
        ("monthly on 15,1 at 05:00", "0 5 1,15 * *", "on day 1 and 15 of every month at 05:00, Europe/Paris"),
        ("monthly on last at 05:00", "0 5 L * *", "on the last day of every month at 05:00, Europe/Paris"),
        ("monthly at 05:00", "0 5 1 * *", "on day 1 of every month at 05:00, Europe/Paris"),
        ("30 6 * * mon-fri", "30 6 * * MON-FRI", "every weekday at 06:30, Europe/Paris"),
        ("0 0 */2 * 1", "0 0 */2 * 1", "every 2nd day of every month, only on Monday, at 00:00, Europe/Paris"),
        ("0 0 13 * 5", "0 0 13 * 5", "on day 13 of every month and also every Friday at 00:00, Europe/Paris"),
        ("*/15 9-17 * * 1-5", "*/15 9-17 * * 1-5", "every 15 minutes from 09:00 to 17:59, every weekday, Europe/Paris"),
        ("0 6,18 * * *", "0 6,18 * * *", "every day at 06:00 and 18:00, Europe/Paris"),
        ("0 */2 * * *", "0 */2 * * *", "every 2 hours, Europe/Paris"),
        ("0 */5 * * *", "0 */5 * * *", "every 5th hour, Europe/Paris"),
        ("* * * * *", "* * * * *", "every minute, Europe/Paris"),
        ("0 0 * * 1#2", "0 0 * * 1#2", "on the 2nd Monday of the month at 00:00, Europe/Paris"),
        ("0 0 * * 5L", "0 0 * * 5L", "on the last Friday of the month at 00:00, Europe/Paris"),
        ("0 0 LW * *", "0 0 LW * *", "on the last weekday of every month at 00:00, Europe/Paris"),
        ("0 6 * jan,jul mon", "0 6 * JAN,JUL MON", "every Monday in January and July at 06:00, Europe/Paris"),
        ("5 1-10/3 * * *", "5 1-10/3 * * *", "at minute 5 of hour 1 to 10 in steps of 3, Europe/Paris"),
    ],
)  # fmt: skip
def test_cron_and_phrases(text: str, cron: str, words: str) -> None:
    schedule = parse_schedule(text, timezone="Europe/Paris")
    assert (schedule.kind, schedule.cron) == (ScheduleKind.CRON, cron)
    assert schedule.text == " ".join(text.split())
    assert format_schedule(schedule) == words


@pytest.mark.parametrize(
    ("text", "every_s", "words"),
    [
        ("every 15m", 900, "every 15 min"),
        ("every 90s", 90, "every 1 min 30 s"),
        ("every 2 hours", 7200, "every 2 h"),
        ("Every 1h30m", 5400, "every 1 h 30 min"),
        ("every 1s", 1, "every 1 s"),
    ],
)
def test_intervals(text: str, every_s: float, words: str) -> None:
    schedule = parse_schedule(text)
    assert (schedule.kind, schedule.every_s) == (ScheduleKind.INTERVAL, every_s)
    assert format_schedule(schedule) == words


def test_one_shot_in_the_timezone_unless_it_has_its_own() -> None:
    local = parse_schedule("2030-01-01 06:00", timezone="Europe/Paris")
    assert local == Schedule(
        kind=ScheduleKind.ONCE,
        text="2030-01-01 06:00",
        timezone="Europe/Paris",
        at=datetime(2030, 1, 1, 5, tzinfo=UTC),
    )
    assert format_schedule(local) == "once on 2030-01-01 at 06:00, Europe/Paris"
    exact = parse_schedule("2030-01-01T06:00:30Z", timezone="Europe/Paris")
    assert exact.at == datetime(2030, 1, 1, 6, 0, 30, tzinfo=UTC)
    assert format_schedule(exact) == "once on 2030-01-01 at 07:00:30, Europe/Paris"


def test_a_local_time_that_occurs_twice_is_the_first() -> None:
    assert parse_instant("2026-10-25 02:30", "Europe/Berlin") == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


def test_after() -> None:
    by_option = parse_schedule("", timezone="UTC", after=("sales.daily", "sales.daily", "x"))
    assert by_option.kind is ScheduleKind.AFTER
    assert by_option.after == ("sales.daily", "x")
    assert by_option.text == ""
    assert format_schedule(by_option) == "after each new version of sales.daily or x"
    by_text = parse_schedule("after sales.daily, x")
    assert by_text.after == by_option.after
    assert parse_schedule(by_text.text) == by_text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["empty", "daily at 06:00"]),
        ("hello world", ["'hello world'", "weekdays at 07:30"]),
        ("weakdays at 07:30", ["'weakdays at 07:30'", "Did you mean 'weekdays'"]),
        ("@dayly", ["'@dayly'", "Did you mean '@daily'"]),
        ("@reboot", ["'@reboot'", "@hourly"]),
        ("0 0 * *", ["4 cron fields", "must have 5"]),
        ("0 0 0 * * *", ["6 cron fields", "must have 5"]),
        ("60 * * * *", ["'60'", "minute", "0-59"]),
        ("0 0 15W * *", ["'15W'", "day of month", "LW"]),
        ("0 22-2 * * *", ["'22-2'", "hour", "write 22-23,0-2"]),
        ("0 0 * * 6-1", ["'6-1'", "day of week", "6-7,0-1"]),
        ("0 0 ? * *", ["'?'", "Write *"]),
        ("0 0 31 2 *", ["never fires", "'0 0 31 2 *'", "L"]),
        ("0 0 30 feb *", ["never fires"]),
        ("every 0s", ["'every 0s'", "every 15m"]),
        ("every 15", ["'every 15'", "every 15m"]),
        ("every 15 parsecs", ["'parsecs'", "every 15m"]),
        ("every 400d", ["366 days", "@yearly"]),
        ("daily at 6pm", ["'6pm'", "18:30"]),
        ("daily at 24:00", ["'24:00'", "24-hour"]),
        ("monthly on 32 at 05:00", ["'32'", "1 to 31"]),
        ("hourly at :75", ["':75'", ":15"]),
        ("2020-01-01", ["never fires", "2020-01-01", "2192 d", "run the notebook now"]),
        ("2030-13-01", ["'2030-13-01'", "2026-01-31"]),
        ("2030-03-31 02:30", ["does not exist in Europe/Berlin", "03:30"]),
        ("0001-01-01", ["'0001-01-01'"]),
    ],
)
def test_refused(text: str, says: list[str]) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(DeclarationError) as caught:
        parse_schedule(text, timezone="Europe/Berlin", now=now)
    assert caught.value.hint
    said = str(caught.value)
    for piece in says:
        assert piece in said


def test_when_and_after_together_are_refused() -> None:
    with pytest.raises(DeclarationError, match="either at 'daily' or after sales"):
        parse_schedule("daily", after=("sales",))


@pytest.mark.parametrize("text", ["", "after a, b"])
def test_after_all_of_several(text: str) -> None:
    schedule = parse_schedule(text, after=() if text else ("a", "b"), after_all=True)
    assert (schedule.after, schedule.after_all) == (("a", "b"), True)
    assert format_schedule(schedule) == "after each of a and b"
    three = parse_schedule("", after=("a", "b", "c"), after_all=True)
    assert format_schedule(three) == "after each of a, b and c"


def test_all_of_one_is_that_one() -> None:
    assert parse_schedule("", after=("a",), after_all=True) == parse_schedule("", after=("a",))


@pytest.mark.parametrize("text", ["", "daily", "every 5m"])
def test_all_of_none_is_refused(text: str) -> None:
    with pytest.raises(DeclarationError, match="needs the names of publications") as caught:
        parse_schedule(text, after_all=True)
    assert "--after" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Berlin", "'Europe/Berlin'"),
        ("europe/berlin", "'Europe/Berlin'"),
        ("Europe/Berln", "'Europe/Berlin'"),
        ("new york", "'America/New_York'"),
        ("../../etc/passwd", "IANA"),
        ("", "IANA"),
        ("Europe", "IANA"),
    ],
)
def test_unknown_timezone(name: str, near: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_schedule("daily", timezone=name)
    assert f"'{name}' is not a valid timezone" in str(caught.value)
    assert near in str(caught.value)


def test_known_timezone_is_trimmed() -> None:
    assert parse_timezone(" UTC ").key == "UTC"
    assert parse_schedule("daily", timezone=" UTC ").timezone == "UTC"


@given(strategies.crons | strategies.phrases, strategies.zones)
def test_its_own_text_reads_as_itself(text: str, zone: str) -> None:
    try:
        schedule = parse_schedule(text, timezone=zone)
    except DeclarationError as problem:
        assume("never fires" not in problem.message)
        raise
    assert parse_schedule(schedule.text, timezone=schedule.timezone) == schedule
    words = format_schedule(schedule)
    assert words
    assert "  " not in words
    if schedule.cron is not None:
        assert parse_schedule(schedule.cron, timezone=zone).cron == schedule.cron
        assert zone in words


@given(strategies.schedules)
def test_every_kind_round_trips(schedule: Schedule) -> None:
    again = parse_schedule(schedule.text, timezone=schedule.timezone, after=schedule.after)
    assert again == schedule
    assert format_schedule(schedule)


@given(strategies.crons)
def test_what_is_accepted_cronsim_can_plan(cron: str) -> None:
    try:
        schedule = parse_schedule(cron)
    except DeclarationError:
        return
    assert schedule.cron is not None
    first = next(CronSim(schedule.cron, datetime(2026, 1, 1, tzinfo=UTC)))
    assert first > datetime(2026, 1, 1, tzinfo=UTC)
    assert cron_in_words(schedule.cron)


def _read_or_refused(text: str, zone: str = "UTC") -> None:
    hint = "read"
    try:
        assert format_schedule(parse_schedule(text, timezone=zone))
    except DeclarationError as problem:
        hint = problem.hint
    assert hint


@given(st.text(max_size=40), strategies.zones)
def test_any_text_is_a_schedule_or_a_declaration_error(text: str, zone: str) -> None:
    _read_or_refused(text, zone)


@given(st.text("0123456789*/-,LW# monfeb?", min_size=9, max_size=24))
def test_texts_like_cron_never_crash(text: str) -> None:
    _read_or_refused(text)


@given(strategies.instants, strategies.zones)
def test_instants_round_trip_through_local_time(at: datetime, zone: str) -> None:
    local = at.astimezone(ZoneInfo(zone))
    assert parse_instant(local.isoformat(), zone) == at


DAILY = Preset(kind=PresetKind.DAILY, time="06:00")
WEEKDAYS = Preset(kind=PresetKind.WEEKDAYS, time="07:30")
SUNDAY = Preset(kind=PresetKind.WEEKLY, time="09:05", weekday="sun")
MONTHLY = Preset(kind=PresetKind.MONTHLY, time="05:00", day=15)


@pytest.mark.parametrize(
    ("words", "preset"),
    [
        ("every 15m", Preset(kind=PresetKind.EVERY_15_MINUTES)),
        ("every 900s", Preset(kind=PresetKind.EVERY_15_MINUTES)),
        ("@hourly", Preset(kind=PresetKind.HOURLY)),
        ("hourly", Preset(kind=PresetKind.HOURLY)),
        ("daily at 06:00", DAILY),
        ("Every day at 6:00", DAILY),
        ("0 6 * * *", DAILY),
        ("weekdays at 07:30", WEEKDAYS),
        ("30 7 * * 1-5", WEEKDAYS),
        ("sun at 09:05", SUNDAY),
        ("5 9 * * 7", SUNDAY),
        ("every thursday at 09:00", Preset(kind=PresetKind.WEEKLY, time="09:00", weekday="thu")),
        ("monthly on 15 at 05:00", MONTHLY),
        ("0 5 15 * *", MONTHLY),
        ("mon,thu at 09:00", None),
        ("0 6 15 * 1", None),
        ("0 6 * 1 *", None),
        ("0 0 L * *", None),
        ("*/5 * * * *", None),
        ("15 * * * *", None),
        ("every 20m", None),
        ("2099-03-01T06:00", None),
        ("after sales.daily", None),
    ],
)
def test_a_schedule_is_a_preset_however_it_is_written(words: str, preset: Preset | None) -> None:
    assert preset_of(parse_schedule(words)) == preset
