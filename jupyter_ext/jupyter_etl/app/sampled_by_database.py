"""Rows that a database draws itself, so that the others do not travel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.app.read_limit import SETTING
from jupyter_etl.errors import LimitExceeded, SourceError
from jupyter_etl.spec.exploring import Amount

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_etl.app.workbench import Workbench

_POSTGRES = ("postgresql:", "postgresql+", "postgres:")


@dataclass(frozen=True, kw_only=True)
class SampledTable:
    """What a database is asked to draw.

    Args:
        name: ``SOURCE.TABLE``.
        amount: How much.
        seed: Of the draw.
        columns: Those that are needed; empty for all.
    """

    name: str
    amount: Amount
    seed: int
    columns: tuple[str, ...] = ()


def sampled_by_database(bench: Workbench, table: SampledTable) -> tuple[pa.Table, int] | None:
    """Let PostgreSQL draw rows of a table, each by itself.

    A number of rows is asked for with so much to spare that too few come once in a million times;
    who asks takes as many of them as it wants.

    Returns:
        The rows, and how many the table has; None where the name is no table of PostgreSQL, or
        where it is so small that it is read whole as cheaply.

    Source:
        TABLESAMPLE BERNOULLI, https://www.postgresql.org/docs/current/sql-select.html
    """
    target = bench.find(table.name)
    source = target.source
    if source is None or source.kind != "sql" or not source.location.startswith(_POSTGRES):
        return None
    if not target.table:
        return None
    place = ".".join(map(_quoted, target.table.split(".", 1)))
    counted = _ask(bench, source.name, f"SELECT count(*) FROM {place}")  # noqa: S608 - quoted
    if counted is None:
        return None
    total = int(counted.column(0)[0].as_py())
    share = table.amount.share
    if table.amount.rows is not None:
        rows = table.amount.rows
        share = (rows + 5 * math.sqrt(rows) + 5) / total if total else 1.0
        if share >= 0.5:
            return None
    columns = ", ".join(map(_quoted, table.columns)) or "*"
    query = (
        f"SELECT {columns} FROM {place} "  # noqa: S608 - quoted
        f"TABLESAMPLE BERNOULLI ({100 * (share or 1.0):.9f}) REPEATABLE ({table.seed})"
    )
    found = _ask(bench, source.name, query)
    return None if found is None else (found, total)


def _ask(bench: Workbench, source: str, query: str) -> pa.Table | None:
    """Return the answer; None where the database refuses, as it does for a view."""
    try:
        answer: pa.Table = bench.sql(source, query, as_="arrow")
    except LimitExceeded as problem:
        raise LimitExceeded(
            problem.message, hint=f"Draw fewer rows. {SETTING}", data=problem.data
        ) from problem
    except SourceError as problem:
        if problem.retryable:
            raise
        return None
    return answer


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
