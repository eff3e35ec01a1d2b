"""The declaration of a query: what it takes, reads and returns, checked before it is published."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.language.names import listed
from jupyter_etl.language.sql.lexer import Span, spans_of
from jupyter_etl.language.sql.templates import bind, parse_template
from jupyter_etl.model import ParameterType
from jupyter_etl.serving.queries.copies import Copies, CopyOf, write_copy
from jupyter_etl.serving.queries.execution import LoadedQuery, QuerySpec
from jupyter_etl.serving.queries.pages import CopyRef
from jupyter_etl.serving.queries.parameters import QueryParameter, parameters_of, schema_of
from jupyter_etl.serving.queries.rejection import Rejected
from jupyter_etl.serving.queries.results import schema_of_type
from jupyter_etl.serving.queries.statements import parse_select, placeholders

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLES: Mapping[ParameterType, object] = {
    ParameterType.STR: "",
    ParameterType.INT: 0,
    ParameterType.FLOAT: 0.5,
    ParameterType.BOOL: True,
    ParameterType.DATE: date(2000, 1, 1),
    ParameterType.DATETIME: datetime(2000, 1, 1, tzinfo=UTC),
    ParameterType.TIME: time(),
    ParameterType.TIMEDELTA: timedelta(hours=1),
    ParameterType.DECIMAL: Decimal("0.5"),
    ParameterType.UUID: UUID(int=0),
}


@dataclass(frozen=True, kw_only=True)
class QueryDefinition:
    """A valid query.

    Args:
        sql: As written, without a final semicolon.
        parameters: In order of their first hole.
        reads: Names of the publications that it reads.
        keys: Columns to index, by publication.
        request_schema: JSON Schema (2020-12) of the parameters as an object, as JSON text.
        response_schema: JSON Schema of a row, as JSON text.
        doc: Its leading comment.
    """

    sql: str
    parameters: tuple[QueryParameter, ...]
    reads: tuple[str, ...]
    keys: Mapping[str, tuple[str, ...]]
    request_schema: str
    response_schema: str
    doc: str


def define_query(
    sql: str,
    schema_of_table: Callable[[str], pa.Schema],
    *,
    key: Sequence[str] = (),
    timezone: str = "UTC",
) -> QueryDefinition:
    """Check a query without reading a row.

    Args:
        sql: One SELECT, WITH or VALUES with holes such as ``{{cust: int}}``.
        schema_of_table: Returns the Arrow schema of a publication's live version; raises
            `NotFound`.
        key: Columns by which it is called.
        timezone: IANA name of the time zone for days.

    Raises:
        DeclarationError: It is not valid; the message says what is.
    """
    template = parse_template(sql, typed=True)
    parameters = parameters_of(template)
    bound, _ = placeholders(bind(template, {one.name: _sample(one) for one in parameters}))
    reads = parse_select(bound).tables
    schemas = {name: _schema(name, schema_of_table) for name in reads}
    keys = _keys(key, schemas)
    row = _planned(QuerySpec(name="", version=0, sql=sql, timezone=timezone), parameters, schemas)
    return QueryDefinition(
        sql=sql,
        parameters=parameters,
        reads=reads,
        keys=keys,
        request_schema=_text(schema_of(parameters)),
        response_schema=_text(row),
        doc=leading_comment(sql),
    )


def _text(schema: object) -> str:
    return msgspec.json.encode(schema).decode()


def _sample(parameter: QueryParameter) -> object:
    value = _SAMPLES[parameter.type]
    return [value] if parameter.is_list else value


def _schema(name: str, schema_of_table: Callable[[str], pa.Schema]) -> pa.Schema:
    try:
        return schema_of_table(name)
    except NotFound as problem:
        raise DeclarationError(
            f"The query reads '{name}', which is no published table: {problem.message}",
            hint=problem.hint or "Publish it first: %etl publish table NAME FRAME.",
            data={"table": name},
        ) from problem


def _keys(key: Sequence[str], schemas: Mapping[str, pa.Schema]) -> dict[str, tuple[str, ...]]:
    columns = [name for schema in schemas.values() for name in schema.names]
    absent = [name for name in key if name not in columns]
    if absent:
        raise DeclarationError(
            f"The key '{absent[0]}' is no column of {listed(schemas) or 'a table'}.",
            hint=f"The columns are {listed(columns)}." if columns else "",
        )
    return {
        table: tuple(name for name in key if name in schema.names)
        for table, schema in schemas.items()
    }


def _planned(
    spec: QuerySpec, parameters: Sequence[QueryParameter], schemas: Mapping[str, pa.Schema]
) -> dict[str, object]:
    """Run the query as a worker does, over empty tables, and return the schema of a row."""
    import pyarrow as pa

    with tempfile.TemporaryDirectory(prefix="jupyter-etl-query-") as place:
        folder = Path(place)
        copies: dict[str, CopyRef] = {}
        for name, schema in schemas.items():
            path = Copies(folder).path(CopyOf(name=name, number=1))
            empty = pa.RecordBatchReader.from_batches(schema, [])
            write_copy(path, empty, (), what=f"'{name}'", threads=1)
            copies[name] = CopyRef(1, path.name)
        loaded = LoadedQuery(spec, folder=folder, secret=b"")
        rows = _tried(loaded, copies, [_samples(parameters), dict.fromkeys(_names(parameters))])
    if rows is None:
        return {"type": "object"}
    properties = {field.name: schema_of_type(field.type) for field in rows.schema}
    return {"type": "object", "properties": properties, "required": rows.schema.names}


def _names(parameters: Sequence[QueryParameter]) -> list[str]:
    return [one.name for one in parameters]


def _samples(parameters: Sequence[QueryParameter]) -> dict[str, object]:
    return {one.name: _sample(one) for one in parameters}


def _tried(
    loaded: LoadedQuery, copies: Mapping[str, CopyRef], values: Sequence[Mapping[str, object]]
) -> pa.Table | None:
    """Return the result for the first values that the query accepts; None if it accepts none."""
    for one in values:
        try:
            return loaded.rows(copies, one)
        except Rejected as problem:
            if "reason" in problem.data:
                reason = problem.data["reason"]
                raise DeclarationError(f"The query is wrong: {reason}") from problem
    return None


def leading_comment(sql: str) -> str:
    """Return the text of the comments before the first word of a query."""
    lines: list[str] = []
    for start, end, span in spans_of(sql):
        text = sql[start:end]
        if span is Span.COMMENT:
            lines += _comment_lines(text)
        elif text.strip():
            break
    return "\n".join(lines).strip()


def _comment_lines(text: str) -> list[str]:
    if text.startswith("--"):
        return [text[2:].strip()]
    inner = text.removeprefix("/*").removesuffix("*/")
    return [line.strip().removeprefix("*").strip() for line in inner.splitlines()]
