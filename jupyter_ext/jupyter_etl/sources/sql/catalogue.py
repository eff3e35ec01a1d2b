"""The tables of a database, by SQLAlchemy's inspection."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_etl.model import Column, Source
from jupyter_etl.ports import Access
from jupyter_etl.sources.sql.sqlite import connect_sqlite, sqlite_uri
from jupyter_etl.sources.sql.target import SqlTarget, missing_driver, sql_target

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.interfaces import ReflectedColumn


_SYSTEM = frozenset(
    {
        "information_schema", "pg_catalog", "pg_toast", "mysql", "performance_schema", "sys",
        "INFORMATION_SCHEMA", "SYS", "SYSTEM",
    }
)  # fmt: skip

_TYPES: tuple[tuple[str, str], ...] = (
    ("SmallInteger", "int16"),
    ("BigInteger", "int64"),
    ("Integer", "int32"),
    ("Float", "double"),
    ("Numeric", "decimal128"),
    ("Boolean", "bool"),
    ("DateTime", "timestamp[us]"),
    ("Date", "date32[day]"),
    ("Time", "time64[us]"),
    ("Interval", "month_day_nano_interval"),
    ("LargeBinary", "binary"),
    ("String", "string"),
    ("Uuid", "string"),
    ("JSON", "string"),
)
"""SQLAlchemy's types and the resulting Arrow types, narrower ones first."""

_AFFINITY = {"int16": "int64", "int32": "int64", "bool": "int64", "decimal128": "double"}
_SQLITE_TEXT = ("timestamp", "date", "time")

_RIGHTS = """
SELECT CASE WHEN rolsuper THEN 'superuser' ELSE (
    SELECT min(name) FROM unnest(ARRAY[
        'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'
    ]) AS name JOIN pg_roles ON rolname = name WHERE pg_has_role(current_user, name, 'member')
) END FROM pg_roles WHERE rolname = current_user
"""

PATIENCE_S = 2
"""Timeout in seconds for a server that does not respond."""


@dataclass(frozen=True, kw_only=True)
class CatalogueTable:
    """A table or view.

    Args:
        schema: None for the default schema.
        name: Spelled as in the database.
        columns: Columns with the Arrow types in which they are read.
    """

    schema: str | None
    name: str
    columns: tuple[Column, ...]

    @property
    def label(self) -> str:
        """The table name in ``%etl load SOURCE.LABEL``."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


@contextmanager
def connected(target: SqlTarget, *, patience_s: int = 10) -> Iterator[Connection]:
    """Open a connection with SQLAlchemy, and close it and its engine.

    Args:
        patience_s: Connection timeout for PostgreSQL, seconds.

    Raises:
        SourceError: It cannot be reached, or a statement failed.
        MissingDependency: The driver is not installed.
    """
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

    try:
        engine = _engine(target, patience_s)
    except (ImportError, NoSuchModuleError) as problem:
        raise missing_driver(target, problem) from problem
    try:
        with engine.connect() as connection:
            if target.backend == "postgresql" and target.timezone:
                connection.exec_driver_sql(f"SET TIME ZONE '{target.timezone}'")
            yield connection
    except SQLAlchemyError as problem:
        inner = getattr(problem, "orig", None) or problem
        target.fail(inner, state=getattr(inner, "sqlstate", None))
    finally:
        engine.dispose()


def load_catalogue(target: SqlTarget) -> list[CatalogueTable]:
    """List tables and views with their columns, by label.

    Raises:
        SourceError: The database cannot be reached or inspected.
        MissingDependency: SQLAlchemy's driver is not installed.
    """
    from sqlalchemy import inspect
    from sqlalchemy.engine.reflection import ObjectKind

    tables = []
    with connected(target) as connection, warnings.catch_warnings():
        # SQLAlchemy warns about unknown types; their columns are listed as unknown.
        warnings.simplefilter("ignore")
        inspector = inspect(connection)
        default = inspector.default_schema_name
        for schema in inspector.get_schema_names():
            if schema in _SYSTEM or schema.startswith("pg_"):
                continue
            plain = schema == default or (target.backend == "sqlite" and schema == "main")
            found = inspector.get_multi_columns(schema=schema, kind=ObjectKind.ANY)
            for (_, name), columns in found.items():
                tables.append(
                    CatalogueTable(
                        schema=None if plain else schema,
                        name=name,
                        columns=tuple(_column(target, column) for column in columns),
                    )
                )
    return sorted(tables, key=lambda table: table.label)


def _engine(target: SqlTarget, patience_s: int) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    if target.backend == "sqlite":
        where = sqlite_uri(target)
        return create_engine("sqlite://", creator=lambda: connect_sqlite(where), poolclass=NullPool)
    url = target.url
    arguments: dict[str, Any] = {}
    if target.backend == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
        arguments = {"connect_args": {"connect_timeout": patience_s}}
    return create_engine(url, poolclass=NullPool, hide_parameters=True, **arguments)


def _column(target: SqlTarget, column: ReflectedColumn) -> Column:
    import sqlalchemy.types

    kind = column["type"]
    arrow = next(
        (arrow for name, arrow in _TYPES if isinstance(kind, getattr(sqlalchemy.types, name))),
        "unknown",
    )
    if target.backend == "sqlite":
        # SQLite stores dates as text and booleans as integers, whatever the declared type.
        arrow = "string" if arrow.startswith(_SQLITE_TEXT) else _AFFINITY.get(arrow, arrow)
    elif target.backend == "postgresql" and (arrow == "unknown" or arrow.startswith("time64")):
        arrow = _postgres_arrow(
            str(kind).upper(), arrow, zone=bool(getattr(kind, "timezone", False))
        )
    elif isinstance(kind, sqlalchemy.types.Float) and str(kind).upper() == "REAL":
        arrow = "float"
    elif isinstance(kind, sqlalchemy.types.DateTime) and kind.timezone:
        arrow = "timestamp[us, tz=UTC]"
    elif arrow == "decimal128":
        precision, scale = getattr(kind, "precision", None), getattr(kind, "scale", None)
        arrow = f"decimal128({precision or 38}, {scale or 0})" if precision else "decimal128"
    return Column(name=column["name"], type=arrow, nullable=bool(column["nullable"]))


def _postgres_arrow(written: str, known: str, *, zone: bool) -> str:
    """Return the Arrow type of PostgreSQL's own types: most are cast to text on the server."""
    if known != "unknown":
        return "string" if zone else known
    own = {"INTERVAL": "month_day_nano_interval", "MONEY": "decimal128"}
    return "list" if written.endswith("[]") else own.get(written.split("(")[0].strip(), "string")


def server_rights(source: Source, access: Access) -> str:
    """Return ``superuser`` or a predefined role with access to the server's files and programs.

    Args:
        source: A source of kind ``sql``.
        access: Resolves its password.

    Returns:
        "" for neither, and for databases other than PostgreSQL, which are not opened.

    Raises:
        SourceError: It cannot be reached.
        MissingDependency: Its driver is not installed.
    """
    target = sql_target(source, access)
    if target.backend != "postgresql":
        return ""
    with connected(target, patience_s=PATIENCE_S) as connection:
        return str(connection.exec_driver_sql(_RIGHTS).scalar() or "")
