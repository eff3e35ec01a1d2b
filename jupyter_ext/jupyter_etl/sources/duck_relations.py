"""DuckDB relations of a notebook as Arrow tables, where DuckDB gives their values to Arrow exactly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import EtlError

if TYPE_CHECKING:
    import pyarrow as pa

_GARBLED = re.compile(r"\b(UHUGEINT|TIME WITH TIME ZONE|BIT|BIGNUM|VARINT)\b")
"""Types whose Arrow values are others: numbers that overflow, times without their zone, raw bytes."""


def table_of_relation(name: str, relation: Any, error: type[EtlError]) -> pa.Table:
    """Make an Arrow table of a relation, or of a connection with a result.

    Args:
        name: Of the variable, for messages.
        relation: Anything of DuckDB's with an Arrow stream.
        error: The class of what is raised.

    Raises:
        EtlError: Of that class: it has no rows, or a column has a type that Arrow does not.
    """
    import pyarrow as pa

    columns = getattr(relation, "columns", ()), getattr(relation, "types", ())
    for column, kind in zip(*columns, strict=False):
        if _GARBLED.search(str(kind)):
            raise _no_type(error, name, column, str(kind))
    try:
        table = pa.table(relation)
    except (TypeError, ValueError) as problem:
        raise error(
            f"{name!r} is a {type(relation).__name__} of DuckDB, which cannot be read: {problem}",
            hint="A relation is needed: duckdb.sql('select ...').",
            retryable=False,
        ) from problem
    for field, column in zip(table.schema, table.columns, strict=True):
        try:
            if pa.types.is_decimal(field.type):
                column.validate(full=True)
        except pa.ArrowInvalid as problem:
            raise _no_type(error, name, field.name, "HUGEINT with more than 38 digits") from problem
    return table


def _no_type(error: type[EtlError], name: str, column: str, kind: str) -> EtlError:
    return error(
        f"Column {column!r} of {name!r} is {kind}, which Arrow does not have.",
        hint=f'Make it text in the query: "{column}"::varchar.',
        retryable=False,
        data={"column": column},
    )
