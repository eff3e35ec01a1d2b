"""Rows of the ledger <-> values of the model, whose fields are named like the columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar, cast

from sqlalchemy import Result, Row, Table

from jupyter_etl.ledger.schema.tables import attempts, runs
from jupyter_etl.model import (
    TERMINAL,
    Attempt,
    HeldBy,
    NewRun,
    Partition,
    PublicationVersion,
    Run,
    RunState,
)

_Value = TypeVar("_Value")


def value_of(kind: Callable[..., _Value], row: Row[Any], **others: object) -> _Value:
    """Return a value of the model from a row.

    Args:
        kind: A dataclass.
        row: Columns that are not fields are ignored; fields that are not columns get their default.
        others: Fields that are not in the row, or differ from it.
    """
    names, places = _columns_of(kind, row._fields)
    found = dict(zip(names, places(row), strict=True))
    found.update(others)
    return kind(**found)


def values_of(kind: type[_Value], rows: Result[Any]) -> Iterator[_Value]:
    """Yield the values of the model in the rows of a result, as `value_of` does for one row.

    Args:
        kind: A dataclass without ``__post_init__`` and ``__slots__``.
    """
    names, places = _columns_of(cast("Any", kind), tuple(rows.keys()))
    first: _Value | None = None
    for row in rows:
        given = dict(zip(names, places(row), strict=True))
        if first is None:
            first = kind(**given)
            yield first
        else:
            # ``__init__`` of a frozen dataclass calls ``object.__setattr__`` for each field, which
            # takes as long as the query.
            value = object.__new__(kind)
            value.__dict__.update(first.__dict__)
            value.__dict__.update(given)
            yield value


def new_run_row(new: NewRun, now: datetime) -> dict[str, object]:
    """Return the row of ``runs`` for a run that is planned at ``now``."""
    return {
        **_columns(runs, NewRun, new),
        "interval_start": new.interval.start,
        "interval_end": new.interval.end,
        "rank": -new.priority,
        "attempts": 0,
        "unstarted": 0,
        "not_before": max(new.due_at, now),
        "cancel_requested": False,
        "created_at": now,
        "finished_at": now if new.state in TERMINAL else None,
        "error": "",
        "output": "",
        "checks": (),
        "reads": (),
    }


def run_of(
    row: Row[Any],
    published: tuple[PublicationVersion, ...] = (),
    held_by: tuple[HeldBy, ...] = (),
) -> Run:
    """Return the run in a row of ``runs``, with the versions it made visible and why it is held."""
    new = value_of(
        NewRun,
        row,
        interval=Partition(start=row.interval_start, end=row.interval_end),
        priority=-row.rank,
        state=RunState.QUEUED,
    )
    return value_of(Run, row, new=new, published=published, held_by=held_by)


def attempt_row(attempt: Attempt) -> dict[str, object]:
    """Return the row of ``attempts`` for an attempt that was just claimed."""
    return _columns(attempts, Attempt, attempt)


@cache
def _columns_of(
    kind: Any, columns: tuple[str, ...]
) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return the columns that are fields, and what takes their values out of a row."""
    found = [place for place, name in enumerate(columns) if name in _names(kind)]
    return tuple(columns[place] for place in found), itemgetter(*found)


@cache
def _names(kind: Any) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind))


def _columns(table: Table, kind: Any, value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in _names(kind) if name in table.c}
