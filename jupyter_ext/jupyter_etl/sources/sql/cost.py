"""What a query would cost, asked of the database before it is run."""

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
"""To plan a query may wait for whoever changes a table: no longer than this."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How large the result of a query will be, as its database expects.

    Args:
        rows: Of the result.
        width_bytes: Of a row, on average.
    """

    rows: int
    width_bytes: int

    @property
    def bytes(self) -> int:
        """Of the whole result."""
        return self.rows * self.width_bytes


def estimate_query(source: Source, request: ReadRequest, access: Access) -> Estimate | None:
    """Ask PostgreSQL's planner for the size of a result; nothing is executed.

    Args:
        source: Of kind ``sql``.
        request: A query; or a table, all rows of which are read up to the limit.
        access: Gives its password.

    Returns:
        The estimate; None for another database, for what is no query, and where the database does
        not tell: what is wrong with the query is said by who runs it.

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
    # The driver reads a percent sign as the beginning of a placeholder, where there are any.
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
        told = connection.exec_driver_sql(asked, bound or None).scalar()
    plan = told[0]["Plan"] if isinstance(told, list) and told else None
    if not isinstance(plan, dict):
        return None
    return Estimate(rows=int(plan["Plan Rows"]), width_bytes=int(plan["Plan Width"]))
