"""Samples of failing rows, collected in one pass for all rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.checks.rules_sql import DATA, CompiledChecks, CompiledRule, cell_of
from jupyter_etl.checks.scan import Rows, opened, scanned
from jupyter_etl.language.sql.lexer import quoted
from jupyter_etl.model import CheckRule

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

SAMPLE_ROWS = 20
SAMPLE_COLUMNS = 30
SAMPLE_CHARACTERS = 200
SAMPLE_BYTES = 16_000
"""Maximum size of the failing rows that are recorded."""

Sample = tuple[dict[str, str], ...]

_TWICE = "_etl_twice"
_BATCH_ROWS = 2048


@dataclass(frozen=True, kw_only=True)
class _Broken:
    """A failed rule.

    Args:
        number: Position among all rules.
        condition: True for failing rows.
        columns: Columns to show.
    """

    number: int
    condition: str
    columns: tuple[str, ...]


def failing_rows(
    connection: duckdb.DuckDBPyConnection,
    rows: Rows,
    checks: CompiledChecks,
    numbers: Sequence[int],
) -> dict[int, Sample]:
    """Collect some failing rows, in their original order.

    For a rule about unique values, a first pass finds some duplicated values: a single row does not
    show whether it fails.

    Args:
        connection: A connection with the publications that the checks refer to.
        numbers: Positions of the failed rules.

    Returns:
        Up to `SAMPLE_ROWS` rows per rule, by position.
    """
    if not numbers:
        return {}
    rules = {number: checks.rules[number] for number in numbers}
    unique = list(dict.fromkeys(r.columns[0] for r in rules.values() if r.rule.kind == "unique"))
    if unique:
        with opened(rows) as stream, scanned(connection, stream):
            connection.execute(_find_twice([checks.inner.get(name, name) for name in unique]))
    joins = checks.joins + "".join(
        _join(cell_of(name, checks.inner), place, len(unique)) for place, name in enumerate(unique)
    )
    with opened(rows) as stream, scanned(connection, stream):
        every = stream.schema.names
        broken = [_broken(number, rule, unique, every) for number, rule in rules.items()]
        shown = list(dict.fromkeys(name for one in broken for name in one.columns))
        found = _collected(
            connection,
            _query(broken, [cell_of(name, checks.inner) for name in shown], joins),
            broken,
            shown,
        )
    return {number: bounded(sample) for number, sample in found.items()}


def bounded(rows: Iterable[dict[str, str]]) -> Sample:
    """Return as many rows as a record can store, at least the first."""
    kept: list[dict[str, str]] = []
    room = SAMPLE_BYTES
    for row in rows:
        room -= sum(len(name.encode()) + len(cell.encode()) for name, cell in row.items())
        if kept and (room < 0 or len(kept) == SAMPLE_ROWS):
            break
        kept.append(row)
    return tuple(kept)


def mentioned(rule: CheckRule, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns whose names occur in a condition; only their order depends on this."""
    words = {word.lower() for word in re.findall(r"\w+", rule.argument)}
    return tuple(name for name in columns if name.lower() in words or quoted(name) in rule.argument)


def _find_twice(columns: Sequence[str]) -> str:
    """Return a query that finds, for each column, some values that occur twice."""
    keys = [quoted(name) for name in columns]
    cells = "".join(f"{key} AS {_TWICE}_{place}, " for place, key in enumerate(keys))
    sets = ", ".join(f"({key})" for key in keys)
    # One more than are shown: NULL may be among them, which does not violate the rule.
    return (
        f"CREATE TEMP TABLE {_TWICE} AS SELECT {cells}grouping_id({', '.join(keys)}) AS {_TWICE}_set "  # noqa: S608 - quoted
        f"FROM {DATA} GROUP BY GROUPING SETS ({sets}) HAVING count(*) > 1 "
        f"QUALIFY row_number() OVER (PARTITION BY {_TWICE}_set) <= {SAMPLE_ROWS + 1:d}"
    )


def _join(cell: str, place: int, columns: int) -> str:
    # grouping_id has a bit for each column, the first the highest; it is 0 in the column's own set.
    own = 2**columns - 1 - 2 ** (columns - 1 - place)
    twice = f"{_TWICE}_of_{place}"
    return (
        f"\nLEFT JOIN {_TWICE} AS {twice} ON {twice}.{_TWICE}_set = {own:d} "
        f"AND {twice}.{_TWICE}_{place} = {cell}"
    )


def _broken(
    number: int, rule: CompiledRule, unique: Sequence[str], every: Sequence[str]
) -> _Broken:
    said = rule.columns or mentioned(rule.rule, every)
    condition = rule.breaking
    if rule.rule.kind == "unique":
        place = unique.index(rule.columns[0])
        condition = f"{_TWICE}_of_{place}.{_TWICE}_{place} IS NOT NULL"
    columns = [*said, *(name for name in every if name not in said)][:SAMPLE_COLUMNS]
    return _Broken(number=number, condition=condition, columns=tuple(columns))


def _query(broken: Sequence[_Broken], shown: Sequence[str], joins: str) -> str:
    cells = [f"left(CAST({cell} AS VARCHAR), {SAMPLE_CHARACTERS})" for cell in shown]
    conditions = [f"({one.condition}\n)" for one in broken]
    selected = ",\n  ".join(f"{text} AS c{n}" for n, text in enumerate([*cells, *conditions]))
    where = "\n  OR ".join(conditions)
    return f"SELECT {selected}\nFROM {DATA}{joins}\nWHERE {where}"


def _collected(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    broken: Sequence[_Broken],
    shown: Sequence[str],
) -> Mapping[int, list[dict[str, str]]]:
    """Read until there are enough rows for each rule."""
    import pyarrow.compute as pc

    found: dict[int, list[dict[str, str]]] = {one.number: [] for one in broken}
    with connection.sql(query).to_arrow_reader(_BATCH_ROWS) as batches:
        for batch in batches:
            for place, one in enumerate(broken, len(shown)):
                wanted = SAMPLE_ROWS - len(found[one.number])
                breaks = pc.indices_nonzero(batch.column(place).fill_null(False))[:wanted]
                found[one.number] += _texts(batch.take(breaks), one.columns, shown)
            if all(len(rows) == SAMPLE_ROWS for rows in found.values()):
                break
    return found


def _texts(
    rows: pa.RecordBatch, columns: Sequence[str], shown: Sequence[str]
) -> list[dict[str, str]]:
    cells = {name: rows.column(shown.index(name)).to_pylist() for name in columns}
    return [
        {name: "NULL" if cells[name][n] is None else cells[name][n] for name in columns}
        for n in range(rows.num_rows)
    ]
