"""Detection of live schedulers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import psutil

from jupyter_etl.ports import SchedulerInfo
from jupyter_etl.services.settings import host_name

_SILENT_AFTER = timedelta(seconds=45)
"""Time without a heartbeat, which schedulers send every 10 s, after which one counts as dead."""


def may_be_running(info: SchedulerInfo) -> bool:
    """Return whether a scheduler's process exists or cannot be checked from this machine."""
    return info.host != host_name() or psutil.pid_exists(info.pid)


def alive_among(schedulers: Sequence[SchedulerInfo], now: datetime) -> list[SchedulerInfo]:
    """Return the live schedulers, as far as this machine can determine."""
    return [
        info for info in schedulers if info.seen_at >= now - _SILENT_AFTER and may_be_running(info)
    ]
