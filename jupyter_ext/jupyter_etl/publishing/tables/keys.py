"""Checks of an upsert's key: present, unique and without missing values in the staged rows."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.language.sql.lexer import quoted
from jupyter_etl.publishing.tables.staging import Written, require_column, shown, staged_rows

if TYPE_CHECKING:
    import duckdb

_SHOWN, _SAID, _SHOWN_COLUMNS = 5, 3, 6


def check_key(folder: Path, written: Written, key: Sequence[str], by: Sequence[str]) -> None:
    """Check that the declared key is present, unique and not NULL; NaN counts as NULL.

    Raises:
        PublishError: With the number of offending rows and a sample of them.
    """
    import duckdb
    import pyarrow as pa

    for name in key:
        require_column(name, written.schema.names, "key column")
    absent = " or ".join(
        f"{quoted(name)} is null"
        + (f" or isnan({quoted(name)})" if pa.types.is_floating(kind) else "")
        for name, kind in ((name, written.schema.field(name).type) for name in key)
    )
    with (
        tempfile.TemporaryDirectory() as spill,
        duckdb.connect(config={"temp_directory": spill, "memory_limit": "1GB"}) as base,
    ):
        base.register("staged_rows", staged_rows(folder, written.files, by))
        _refuse_absent(base, written, key, absent)
        _refuse_doubled(base, written, key)


def _refuse_absent(
    base: duckdb.DuckDBPyConnection, written: Written, key: Sequence[str], absent: str
) -> None:
    nulls = base.execute(f"select count(*) from staged_rows where {absent}").fetchall()[0][0]  # noqa: S608
    if not nulls:
        return
    found = base.execute(f"select * from staged_rows where {absent} limit {_SHOWN}").fetchall()  # noqa: S608
    rows = [dict(zip(written.schema.names, map(shown, row), strict=True)) for row in found]
    raise PublishError(
        f"{nulls:,} of {written.rows:,} rows have no value in the key ({', '.join(key)}), for "
        f"example: {_sample(rows)}.",
        hint="Drop or fill these rows, or choose another key.",
        data={"null_keys": nulls, "rows": rows},
    )


def _refuse_doubled(base: duckdb.DuckDBPyConnection, written: Written, key: Sequence[str]) -> None:
    names = ", ".join(quoted(name) for name in key)
    base.execute(
        f"create temp table doubled as select {names}, count(*) as etl_times from staged_rows "  # noqa: S608
        f"group by {names} having count(*) > 1"
    )
    count, rows = base.execute(
        "select count(*), coalesce(sum(etl_times), 0)::bigint from doubled"
    ).fetchall()[0]
    if not count:
        return
    twice = base.execute(f"select * from doubled order by {names} limit {_SHOWN}").fetchall()  # noqa: S608
    sample = "; ".join(f"{_key_text(row[:-1])} ({row[-1]} times)" for row in twice)
    raise PublishError(
        f"The key ({', '.join(key)}) is not unique, for example: {sample}. In total, {rows:,} of "
        f"{written.rows:,} rows share {count:,} {'key' if count == 1 else 'keys'}.",
        hint="Keep one row a key: df = df.drop_duplicates(subset=[...], keep='last').",
        data={
            "keys": [[str(value) for value in row[:-1]] for row in twice],
            "doubled_keys": count,
            "rows": rows,
        },
    )


def _sample(rows: Sequence[Mapping[str, str]]) -> str:
    """Format a few rows, each with its first columns."""
    shown_rows = (list(row.items())[:_SHOWN_COLUMNS] for row in rows[:_SAID])
    return "; ".join(", ".join(f"{name}={value}" for name, value in row) for row in shown_rows)


def _key_text(values: tuple[object, ...]) -> str:
    return ", ".join(shown(value) for value in values)
