"""The events that a runner recorded, as log lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from jupyter_etl.language.durations import rounded_duration
from jupyter_etl.model import CheckResult, CheckStatus, Read
from jupyter_etl.runner.cells import cell_title
from jupyter_etl.services.run_log.line import LineKind, LogLine

_MOST_VERSION = 12
Event = Mapping[str, Any]


def lines_of_event(text: str, attempt: int) -> list[LogLine]:
    """Return the log lines of one line of an event file.

    Args:
        text: A JSON object.

    Returns:
        Empty for an event that the ledger records better, or for an unknown one.
    """
    try:
        event: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        at = datetime.fromisoformat(event["at"])
        said = _LINES[event["kind"]](event)
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError):
        return []
    return [LogLine(kind=kind, text=one, at=at, attempt=attempt) for kind, one in said]


_Said = list[tuple[LineKind, str]]


def _kernel(event: Event) -> _Said:
    how = "cold" if event["why"] else "warm"
    why = f": {event['why']}" if event["why"] else ""
    return [(LineKind.STARTED, f"the kernel is ready, started {how}{why}")]


def _cell_started(event: Event) -> _Said:
    label = f": {event['label']}" if event.get("label") else ""
    return [(LineKind.CELL, f"{cell_title(event['cell'])} started{label}")]


def _cell_finished(event: Event) -> _Said:
    how = "succeeded" if event["ok"] else "failed"
    text = f"{cell_title(event['cell'])} {how} after {rounded_duration(event['seconds'])}"
    if event.get("traceback"):
        return [(LineKind.ERROR, f"{text}\n{event['traceback']}")]
    return [(LineKind.CELL if event["ok"] else LineKind.ERROR, text)]


def _read(event: Event) -> _Said:
    return [(LineKind.READ, read_words(msgspec.convert(event["read"], Read)))]


def _checks(event: Event) -> _Said:
    return [
        (LineKind.CHECK, text)
        for text in check_words(msgspec.convert(event["results"], list[CheckResult]))
    ]


def _staged(event: Event) -> _Said:
    rows = rows_words(event["rows"])
    text = f"staged {event['publication']} {event['name']}{rows}, not visible yet"
    return [(LineKind.PUBLISH, text)]


def _log(event: Event) -> _Said:
    return [(LineKind.NOTE, str(event["message"]))]


_LINES: Mapping[str, Callable[[Event], _Said]] = {
    "kernel": _kernel,
    "cell_started": _cell_started,
    "cell_finished": _cell_finished,
    "read": _read,
    "checks": _checks,
    "staged": _staged,
    "log": _log,
}
"""By kind. Start and end of an attempt are recorded in the ledger, even if no event was written."""


def read_words(read: Read) -> str:
    """Return ``read wh.orders: 1,204 rows in 0.4 s, version 7``."""
    name = f"{read.source}.{read.table}" if read.table else read.source
    rows = "an unknown number of rows" if read.rows is None else f"{read.rows:,} rows"
    took = "" if read.seconds is None else f" in {rounded_duration(read.seconds)}"
    # Fingerprints of files are distinguished by their prefix.
    version = f", version {read.version[:_MOST_VERSION]}" if read.version else ""
    note = f" ({read.note})" if read.note else ""
    return f"read {name}: {rows}{took}{version}{note}"


def check_words(results: Sequence[CheckResult]) -> list[str]:
    """Return a line for each dataset, and one for each failed rule."""
    by_dataset: dict[str, list[CheckResult]] = {}
    for result in results:
        by_dataset.setdefault(result.dataset, []).append(result)
    lines = []
    for dataset, found in by_dataset.items():
        broken = [one for one in found if one.status is not CheckStatus.PASS]
        kept = len(found) - len(broken)
        lines.append(f"checked {dataset}: {kept} of {len(found)} rules passed")
        lines += [f"check {one.status}: {dataset}: {one.message}" for one in broken]
    return lines


def rows_words(rows: int | None) -> str:
    """Return ``, 1,204 rows``; "" if the number is not known."""
    return "" if rows is None else f", {rows:,} rows"
