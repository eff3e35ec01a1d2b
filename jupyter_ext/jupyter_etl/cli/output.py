"""Output of commands: JSON or columns to standard output, remarks to standard error."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from jupyter_etl.language.text import UNSAFE, aligned, printable
from jupyter_etl.model import TERMINAL, Run

_UNSAFE_IN_JSON = re.compile(f"(?!\\n)[{UNSAFE}]")


def print_message(text: str) -> None:
    """Write a remark to standard error, with control characters escaped."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def write(text: str) -> None:
    """Write a line to standard output, with control characters escaped."""
    sys.stdout.write(printable(text) + "\n")


def write_json(value: object) -> None:
    """Write a value as JSON to standard output; instants are ISO 8601, UTC."""
    data = msgspec.json.encode(value)
    sys.stdout.write(printable_json(msgspec.json.format(data, indent=2).decode()) + "\n")


def printable_json(text: str) -> str:
    """Return equivalent JSON in which all control characters are escaped."""
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class PrintableFormatter(logging.Formatter):
    """Formats log records with control characters escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text."""
        return printable(super().format(record))


def write_table(rows: Sequence[Mapping[str, object]], empty: str) -> None:
    """Write rows as aligned columns.

    Args:
        rows: All with the same keys, which are the headings.
        empty: Text for an empty table.
    """
    if not rows:
        write(empty)
        return
    head = list(rows[0])
    cells = [[_in_a_cell(shown(row[name])) for name in head] for row in rows]
    for line in aligned([head, *cells]):
        write(line)


def _in_a_cell(text: str) -> str:
    """Replace characters that would start a new line or shift the following columns."""
    return " ".join(printable(text).split("\n")).replace("\t", " ")


def shown(value: object) -> str:
    """Return a value as text for users; an instant in local time with its zone."""
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def outcome_of(run: Run) -> str | None:
    """Return the outcome of a run, including ``skipped`` and ``cancelled``; None before its end."""
    if run.state not in TERMINAL:
        return None
    return (run.outcome or run.state).value


def published_by(run: Run) -> list[dict[str, object]]:
    """Return the versions that a run made visible."""
    return [{"name": v.name, "version": v.number, "rows": v.what.rows} for v in run.published]
