"""Which schedulers are alive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import psutil

from jupyter_etl.ports import SchedulerInfo
from jupyter_etl.services.settings import host_name

_SILENT_AFTER = timedelta(seconds=45)
"""A scheduler says every 10 s that it is alive."""


def may_be_running(info: SchedulerInfo) -> bool:
    """Tell whether the process of a scheduler is there, or cannot be looked for from here."""
    return info.host != host_name() or psutil.pid_exists(info.pid)


def alive_among(schedulers: Sequence[SchedulerInfo], now: datetime) -> list[SchedulerInfo]:
    """Return those that are alive, as far as can be told from here."""
    return [
        info for info in schedulers if info.seen_at >= now - _SILENT_AFTER and may_be_running(info)
    ]
