"""Schedules as the presets of a form."""

from __future__ import annotations

import pytest

from jupyter_etl.language.schedules.presets import Preset, PresetKind, preset_of
from jupyter_etl.language.schedules.schedule import parse_schedule

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
