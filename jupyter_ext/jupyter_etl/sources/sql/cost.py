"""The estimated size of a query's result, from the database's planner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.model import Source
from jupyter_etl.ports import Access, ReadRequest
from jupyter_etl.sources.sql.catalogue import connected
from jupyter_etl.sources.sql.connector import named_parts, select_of
from jupyter_etl.sources.sql.readonly import POSTGRES_READONLY, refuse_writes
from jupyter_etl.sources.sql.statements import Statement, parse_statement
from jupyter_etl.sources.sql.target import SqlTarget, sql_target

_PATIENCE = "SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '3s'"
"""Planning a query may wait for a lock on a table, but no longer than this."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The estimated size of a query's result.

    Args:
        rows: Number of rows.
        width_bytes: Average size of a row.
    """

    rows: int
    width_bytes: int

    @property
    def bytes(self) -> int:
        """Size of the whole result."""
        return self.rows * self.width_bytes


def estimate_query(source: Source, request: ReadRequest, access: Access) -> Estimate | None:
    """Ask PostgreSQL's planner for the size of a result; nothing is executed.

    Args:
        source: A source of kind ``sql``.
        request: A query; or a table, all rows of which are read up to the limit.
        access: Resolves its password.

    Returns:
        The estimate; None for another database, for a statement that is not a query, and if the
        database returns none. Errors in the query are left to its execution.

    Source:
        ``EXPLAIN``: https://www.postgresql.org/docs/current/sql-explain.html
    """
    try:
        target = sql_target(source, access)
        values = dict(request.parameters or {})
        if target.backend != "postgresql":
            return None
        if request.query is None:
            statement = select_of(target, *named_parts(request.table), request)
        else:
            statement = parse_statement(request.query, values, target.backend)
            refuse_writes(target, statement)
        if not (statement.asks or statement.writes):
            return None
        found = _explained(target, statement, values)
        if found is None or request.limit is None:
            return found
        return replace(found, rows=min(found.rows, request.limit))
    except (EtlError, DeclarationError):
        return None


def _explained(
    target: SqlTarget, statement: Statement, values: Mapping[str, object]
) -> Estimate | None:
    # With placeholders, the driver interprets a percent sign as the start of one.
    sql = statement.render(lambda name: f"%({name})s")
    if statement.names:
        pieces = (
            f"%({piece})s" if odd % 2 else piece.replace("%", "%%")
            for odd, piece in enumerate(statement.pieces)
        )
        sql = "".join(pieces)
    asked = f"EXPLAIN (FORMAT JSON) {sql}"
    with connected(target) as connection:
        for setting in POSTGRES_READONLY:
            connection.exec_driver_sql(setting)
        for patience in _PATIENCE.split(";"):
            connection.exec_driver_sql(patience)
        bound = {name: values[name] for name in statement.names}
        plans = connection.exec_driver_sql(asked, bound or None).scalar()
    plan = plans[0]["Plan"] if isinstance(plans, list) and plans else None
    if not isinstance(plan, dict):
        return None
    return Estimate(rows=int(plan["Plan Rows"]), width_bytes=int(plan["Plan Width"]))
