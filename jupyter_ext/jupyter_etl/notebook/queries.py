"""``%%etl sql``: one statement in a source, or over the notebook's data."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from jupyter_etl.errors import DeclarationError, LimitExceeded
from jupyter_etl.language.names import nearest
from jupyter_etl.language.sources import LOCAL
from jupyter_etl.language.sql.references import expand, parse_query_name
from jupyter_etl.language.sql.templates import BoundQuery, bind, parse_template
from jupyter_etl.model import ColumnOrigin, Read, RunContext, Source, SourceKind
from jupyter_etl.notebook.caller import in_turn
from jupyter_etl.notebook.frames import as_frame
from jupyter_etl.notebook.memory import Origins, Remembered, whole
from jupyter_etl.notebook.read_limit import ALL, ReadLimit
from jupyter_etl.ports import Access, Channel, ReadRequest
from jupyter_etl.services.reading import open_source
from jupyter_etl.services.targets import Target

if TYPE_CHECKING:
    import pyarrow as pa

_LESS = f"Aggregate or filter in the query, or add a LIMIT. {ALL}"


class Harness(Protocol):
    """The part of a `DataSession` that queries use.

    Args:
        channel: Receives the reads.
        namespace: Variables of the notebook.
        remembered: Named queries, and the origins of frames.
        query_bytes: Expected result size above which a run gets a warning; 0 for no limit.
    """

    channel: Channel
    namespace: Mapping[str, object]
    remembered: Remembered
    query_bytes: int

    @property
    def context(self) -> RunContext:
        """The run, or a draft for the current time."""
        ...

    @property
    def interval(self) -> Mapping[str, object]:
        """Return the times of the run that a query can refer to."""
        ...

    def find(self, name: str) -> Target:
        """Resolve a name; raises `NotFound`."""
        ...

    def table(self, name: str, *, anyway: bool = False) -> pa.Table:
        """Return a variable, source or publication as an Arrow table; raises `LimitExceeded`."""
        ...

    def read_limit(self, what: str, *, anyway: bool = False, hint: str = "") -> ReadLimit:
        """Return the limit of one read; in a run there is none."""
        ...

    def access(self, source: Source) -> Access:
        """Return the services for the connector of a source."""
        ...

    def reporting(self, target: Target) -> AbstractContextManager[None]:
        """Report a source that cannot be read, before the exception reaches the cell."""
        ...


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query.

    Args:
        source: Name of a source, or ``local``.
        text: SQL with ``{{name}}`` for values and ``{{ ref('name') }}`` for named queries.
        parameters: Values that override the notebook's variables.
        name: Name for later references; "" for none.
        anyway: Whether to run it interactively even if it exceeds the memory limit.
    """

    source: str
    text: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    name: str = ""
    anyway: bool = False


def remember(session: Harness, query: Query) -> tuple[str, ...]:
    """Check and store a named query without running it.

    Returns:
        The named queries of that source, in the order of their definition.

    Raises:
        DeclarationError: The name or a template is not valid; or the query contains several
            statements, depends on itself, or refers to an unknown query.
        NotFound: There is no such source.
    """
    from jupyter_etl.sources.sql.statements import parse_statement

    name = parse_query_name(query.name)
    dialect = _dialect(session, query)
    known = session.remembered.named(query.source)
    _refuse_elsewhere(session, query)
    plain = expand(query.text, {**known, name: query.text}, name=name, dialect=dialect)
    parse_template(plain, dialect)
    if not parse_statement(query.text, (), dialect).asks:
        raise DeclarationError(
            f"The query {name!r} cannot be used in another query.",
            hint="Only a SELECT (or WITH ... SELECT) can be used as a table.",
        )
    known[name] = query.text
    return tuple(known)


def answer(session: Harness, query: Query, as_: str) -> object:
    """Run a query.

    Args:
        query: The query; if it has a name, it is stored first.
        as_: ``pandas``, ``arrow`` or ``polars``.

    Raises:
        DeclarationError: The template refers to an unknown name, or the SQL is not valid.
        SourceError: The source rejected it.
        LimitExceeded: Interactively, its data or result takes more memory than the limit, or is
            expected to.
    """
    if query.name:
        remember(session, query)
    _refuse_elsewhere(session, query)
    dialect, named = _dialect(session, query), session.remembered.named(query.source)
    text = expand(query.text, named, name=query.name, dialect=dialect)
    names = in_turn(query.parameters, session.namespace, session.interval)
    bound = bind(parse_template(text, dialect), names)
    if query.source == LOCAL:
        table, origins = _local(session, query, bound)
    else:
        table, origins = _in_source(session, query, bound)
    frame = as_frame(table, as_)
    session.remembered.keep_origins(frame, origins)
    return frame


def _dialect(session: Harness, query: Query) -> str:
    if query.source == LOCAL:
        return "duckdb"
    _, source = _target(session, query.source)
    return source.location.partition(":")[0] if source.kind == SourceKind.SQL else "duckdb"


def _target(session: Harness, name: str) -> tuple[Target, Source]:
    target = session.find(name)
    if target.source is None:
        raise DeclarationError(
            f"The source {name!r} does not support SQL.",
            hint=f"Use %%etl sql {LOCAL}, with {name} as a table.",
        )
    return target, target.source


def _refuse_elsewhere(session: Harness, query: Query) -> None:
    """Raise an error with the right source if a named query belongs to another one."""
    from jupyter_etl.language.sql.references import references_of

    here = {*session.remembered.named(query.source), query.name}
    for name in references_of(query.text, _dialect(session, query)):
        others = [s for s, named in session.remembered.queries.items() if name in named]
        if name not in here and others:
            raise DeclarationError(
                f"The query {name!r} belongs to the source {others[0]!r} and cannot be used in "
                f"{query.source!r}.{nearest(name, here)}",
                hint=f"Store its result with '{name} <<' and use %%etl sql {LOCAL}.",
            )


def _in_source(session: Harness, query: Query, bound: BoundQuery) -> tuple[pa.Table, Origins]:
    target, source = _target(session, query.source)
    request = ReadRequest(query=bound.sql, parameters=bound.parameters)
    _guard(session, source, request, anyway=query.anyway)
    with session.reporting(target):
        reading = open_source(source, request, session.access(source))
        reading = _result_limit(session, anyway=query.anyway).applied(reading, request)
        table = reading.batches.read_all()
    seconds = reading.seconds
    tables, origins = _lineage(source, bound, table)
    # The row count is that of the result; how many rows of each table were read is not known.
    alone = len(tables) == 1
    for name in tables or ("",):
        read = Read(
            source=source.name,
            table=name,
            version=reading.version,
            rows=table.num_rows if alone or not tables else None,
            bytes=table.nbytes if alone or not tables else None,
            seconds=seconds,
        )
        session.channel.report_read(read)
    return table, origins


def _lineage(source: Source, bound: BoundQuery, table: pa.Table) -> tuple[tuple[str, ...], Origins]:
    from jupyter_etl.sources.sql.lineage import lineage_of

    if source.kind != "sql":
        return (), {}
    found = lineage_of(
        bound.sql,
        dialect=source.location.partition(":")[0].partition("+")[0],
        parameters=bound.parameters,
        columns=table.column_names,
    )
    origins = {
        column: tuple(
            ColumnOrigin(column=column, source=source.name, table=name, source_column=inner)
            for name, inner in leaves
        )
        for column, leaves in found.origins.items()
    }
    return found.tables, origins


def _local(session: Harness, query: Query, bound: BoundQuery) -> tuple[pa.Table, Origins]:
    from jupyter_etl.sources.local_sql import run_local, table_names
    from jupyter_etl.sources.sql.lineage import lineage_of

    tables = {name: session.table(name, anyway=query.anyway) for name in table_names(bound.sql)}
    most = _result_limit(session, anyway=query.anyway)
    result = run_local(
        bound.sql,
        bound.parameters,
        tables,
        timezone=session.context.timezone,
        collect=most.collect if most.most_bytes else None,
    )
    found = lineage_of(
        bound.sql,
        dialect="duckdb",
        parameters=bound.parameters,
        columns=result.column_names,
        known={name: table.column_names for name, table in tables.items()},
    )
    inner = {name: _of_table(session, name, table) for name, table in tables.items()}
    origins: dict[str, tuple[ColumnOrigin, ...]] = {}
    for column, leaves in found.origins.items():
        parts = [inner.get(name, {}).get(leaf, ()) for name, leaf in leaves]
        if all(parts):
            flat = dict.fromkeys((o.source, o.table, o.source_column) for p in parts for o in p)
            origins[column] = tuple(
                ColumnOrigin(column=column, source=s, table=t, source_column=c) for s, t, c in flat
            )
    return result, origins


def _of_table(session: Harness, name: str, table: pa.Table) -> Origins:
    """Return the origins of the data that a local query reads under a name."""
    frame = session.namespace.get(name)
    if frame is not None:
        return session.remembered.origins_of(frame)
    target = session.find(name)
    origin = target.source or target.publication
    return {} if origin is None else whole(origin.name, target.table, table.column_names)


def _result_limit(session: Harness, *, anyway: bool) -> ReadLimit:
    return session.read_limit("The result of the query", anyway=anyway, hint=_LESS)


def _guard(session: Harness, source: Source, request: ReadRequest, *, anyway: bool) -> None:
    """If the result is expected to be too large, fail interactively and warn in a run."""
    most = 0 if anyway else session.query_bytes
    limit = ReadLimit(what="The result of the query", most_bytes=most, hint=_LESS)
    try:
        limit.expect(source, request, session.access(source))
    except LimitExceeded as problem:
        if session.context.id is None:
            raise
        sys.stderr.write(f"Warning: {problem.message}\n")
