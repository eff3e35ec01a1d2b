"""Row-level comparison of two versions of a keyed table, in one join."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.language.sql.lexer import quoted

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True)
class RowChange:
    """A row that differs.

    Args:
        kind: ``added``, ``removed`` or ``changed``.
        key: Its key: column to value, as text.
        values: Columns that changed: name to the value before and after, as text; None for NULL.
    """

    kind: str
    key: Mapping[str, str | None]
    values: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True, kw_only=True)
class RowChanges:
    """The number of rows that differ.

    Args:
        key: The columns that identify rows.
        added, removed, changed: Numbers of rows.
        sample: A few of each.
    """

    key: tuple[str, ...]
    added: int
    removed: int
    changed: int
    sample: tuple[RowChange, ...]


def compare_rows(
    before: pa.RecordBatchReader,
    after: pa.RecordBatchReader,
    *,
    key: Sequence[str],
    sample: int = 5,
) -> RowChanges:
    """Compare rows by their key; columns that only one side has are ignored.

    Args:
        before, after: The rows; both are read to the end.
        key: Columns that identify a row on both sides.
        sample: Maximum number of rows to show of each kind.

    Raises:
        PublishError: A side has no such column, or the key is not unique there.
    """
    import duckdb

    both = [name for name in before.schema.names if name in after.schema.names]
    for name in key:
        if name not in both:
            raise PublishError(
                f"The key column {name!r} does not exist in both versions.",
                hint=f"Both have: {', '.join(both)}.",
            )
    values = [name for name in both if name not in key]
    with (
        tempfile.TemporaryDirectory() as spill,
        duckdb.connect(config={"temp_directory": spill, "memory_limit": "1GB"}) as base,
    ):
        for side, rows in (("old", before), ("new", after)):
            base.register("incoming", rows)
            base.execute(f"create temp table {side}_rows as select * from incoming")  # noqa: S608
            base.unregister("incoming")
            _must_be_unique(base, side, key)
        retyped = {n for n in values if before.schema.field(n).type != after.schema.field(n).type}
        base.execute(_joined(key, values, retyped))
        counts = dict(base.execute("select etl_kind, count(*) from changes group by 1").fetchall())
        shown = [
            _row(kind, found, key, values)
            for kind in ("added", "removed", "changed")
            for found in _sample(base, kind, key, values, sample)
        ]
    return RowChanges(
        key=tuple(key),
        added=counts.get("added", 0),
        removed=counts.get("removed", 0),
        changed=counts.get("changed", 0),
        sample=tuple(shown),
    )


def _must_be_unique(base: duckdb.DuckDBPyConnection, side: str, key: Sequence[str]) -> None:
    names = ", ".join(quoted(name) for name in key)
    doubled = base.execute(
        f"select count(*) from (select 1 from {side}_rows group by {names} having count(*) > 1)"  # noqa: S608
    ).fetchall()[0][0]
    if doubled:
        which = {"old": "earlier", "new": "later"}[side]
        raise PublishError(
            f"{doubled:,} keys ({', '.join(key)}) have several rows in the {which} version, so "
            "the key is not unique.",
            hint="Name the columns that identify a row: --key A,B.",
        )


def _joined(key: Sequence[str], values: Sequence[str], retyped: set[str]) -> str:
    """Return the statement that creates the table of differing rows."""

    def differs(name: str) -> str:
        old, new = f"o.{quoted(name)}", f"n.{quoted(name)}"
        if name in retyped:
            old, new = f"{old}::varchar", f"{new}::varchar"
        return f"{old} is distinct from {new}"

    same_key = " and ".join(f"o.{quoted(k)} is not distinct from n.{quoted(k)}" for k in key)
    any_differs = " or ".join(differs(name) for name in values) or "false"
    columns = [f"coalesce(o.{quoted(k)}::varchar, n.{quoted(k)}::varchar)" for k in key]
    columns += [
        f"case when {differs(v)} then [o.{quoted(v)}::varchar, n.{quoted(v)}::varchar] end"
        for v in values
    ]
    named = ", ".join(f"{column} as etl_{place}" for place, column in enumerate(columns))
    return (
        "create temp table changes as select "  # noqa: S608
        "case when o.etl_there is null then 'added' when n.etl_there is null then 'removed' "
        f"else 'changed' end as etl_kind, {named} "
        "from (select *, true as etl_there from old_rows) o "
        f"full outer join (select *, true as etl_there from new_rows) n on {same_key} "
        f"where o.etl_there is null or n.etl_there is null or {any_differs}"
    )


def _sample(
    base: duckdb.DuckDBPyConnection,
    kind: str,
    key: Sequence[str],
    values: Sequence[str],
    limit: int,
) -> list[tuple[object, ...]]:
    columns = ", ".join(f"etl_{place}" for place in range(len(key) + len(values)))
    order = ", ".join(f"etl_{place}" for place in range(len(key)))
    query = f"select {columns} from changes where etl_kind = ? order by {order} limit {limit}"  # noqa: S608
    found: list[tuple[object, ...]] = base.execute(query, [kind]).fetchall()
    return found


def _row(
    kind: str, found: tuple[object, ...], key: Sequence[str], values: Sequence[str]
) -> RowChange:
    changed = {}
    if kind == "changed":
        for name, pair in zip(values, found[len(key) :], strict=True):
            if isinstance(pair, list):
                changed[name] = (_shown(pair[0]), _shown(pair[1]))
    shown = {name: _shown(value) for name, value in zip(key, found, strict=False)}
    return RowChange(kind=kind, key=shown, values=changed)


def _shown(value: object) -> str | None:
    if value is None:
        return None
    text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
