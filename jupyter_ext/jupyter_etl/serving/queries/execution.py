"""A query in a worker: it binds the parameters of a call, and answers with one page of rows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.sql.exact_names import ExactNames, exact_names, inner_columns, shown
from jupyter_etl.language.sql.templates import bind, parse_template
from jupyter_etl.serving.queries.database import Database, Limits, OpenCopy
from jupyter_etl.serving.queries.failures import answered, failures
from jupyter_etl.serving.queries.pages import (
    CopyRef,
    PageToken,
    check_copies,
    check_token,
    digest_of,
    limit_of,
    read_token,
    single,
    split_pairs,
    write_token,
)
from jupyter_etl.serving.queries.parameters import (
    RESERVED,
    parameters_of,
    values_of_json,
    values_of_text,
)
from jupyter_etl.serving.queries.rejection import answer_of, invalid, rejected
from jupyter_etl.serving.queries.results import body_of, exact, media_type
from jupyter_etl.serving.queries.statements import parse_select, placeholders
from jupyter_etl.serving.queries.stored_types import usual_rows
from jupyter_etl.serving.workers.protocol import Answer

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from jupyter_etl.serving.queries.statements import Select


_MOST_KNOWN = 128
"""Forms of a query to remember; each length of a list has its own."""


class QuerySpec(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of a worker: one version of a query.

    Args:
        sql: Template with typed holes.
        limit: Most rows of a page.
        timezone: IANA name of the time zone for days, and for naive times.
        memory_bytes: Memory for the data of a call.
        timeout_s: Longest duration of a call.
    """

    name: str
    version: int
    sql: str
    limit: int = 1000
    timezone: str = "UTC"
    memory_bytes: int = 512 << 20
    threads: int = 1
    timeout_s: float = 30.0


class QueryCall(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a call, in JSON, which the gateway writes.

    Args:
        copies: The versions to read: the live ones, or those of the token `next`; each copy must
            exist, see `Copies.ensure`.
        pairs: The decoded query string, with ``limit`` and ``next``.
        values: Parameters as a JSON object, in place of those in ``pairs``.
        accept: See `media_type`.
    """

    copies: dict[str, CopyRef]
    pairs: list[tuple[str, str]] = []
    values: dict[str, msgspec.Raw] | None = None
    accept: str = ""


class LoadedQuery:
    """A query that is ready to be called.

    Args:
        folder: Folder of the serving copies.
        secret: Key of the tokens of pages.
    """

    def __init__(self, spec: QuerySpec, *, folder: Path, secret: bytes) -> None:
        self._spec = spec
        self._secret = secret
        self._template = parse_template(spec.sql, typed=True)
        self._parameters = parameters_of(self._template)
        limits = Limits(
            memory_bytes=spec.memory_bytes, threads=spec.threads, seconds=spec.timeout_s
        )
        self._database = Database(folder, limits, timezone=spec.timezone)
        self._parse = lru_cache(maxsize=_MOST_KNOWN)(parse_select)
        self._columns: dict[tuple[str, str], list[str]] = {}

    def call(self, body: bytes, content_type: str) -> Answer:
        """Answer one call.

        Args:
            body: A `QueryCall` in JSON.
        """
        return answered(lambda: self._answer(msgspec.json.decode(body, type=QueryCall)))

    def batch(self, body: bytes, content_type: str) -> Answer:
        """Refuse: a query has a parameter of type ``list`` for that."""
        return refused_batch()

    def rows(self, copies: Mapping[str, CopyRef], values: Mapping[str, object]) -> pa.Table:
        """Return the first page for typed values of all parameters.

        Raises:
            Rejected: The query failed.
        """
        return self._rows(copies, values, self._spec.limit, 0).slice(0, self._spec.limit)

    def _answer(self, call: QueryCall) -> Answer:
        spec = self._spec
        reserved, pairs = split_pairs(call.pairs, RESERVED)
        if pairs and call.values is not None:
            name = pairs[0][0]
            message = f"'{name}' is in the query string; the body has the parameters."
            raise invalid([(name, message)])
        media = media_type(call.accept, single(reserved, "format"))
        limit = limit_of(single(reserved, "limit"), spec.limit)
        given = pairs if call.values is None else list(call.values.items())
        digest = digest_of(sorted(given, key=lambda one: one[0]))
        following = single(reserved, "next")
        if following is None:
            token = PageToken(spec.name, spec.version, call.copies, 0, time.time(), digest)
        else:
            token = read_token(following, self._secret)
            check_token(token, spec.name, spec.version, digest)
            check_copies(token, call.copies)
        at = datetime.fromtimestamp(token.at, ZoneInfo(spec.timezone))
        if call.values is None:
            values = values_of_text(self._parameters, pairs, at=at)
        else:
            values = values_of_json(self._parameters, _decoded(call.values), at=at)
        rows = self._rows(call.copies, values, limit, token.position)
        more = rows.num_rows > limit
        after = msgspec.structs.replace(token, position=token.position + limit)
        text = write_token(after, self._secret) if more else None
        page = rows.slice(0, limit)
        return page_answer(page, media, following=text, version=spec.version)

    def _rows(
        self,
        copies: Mapping[str, CopyRef],
        values: Mapping[str, object],
        limit: int,
        position: int,
    ) -> pa.Table:
        """Return the rows of a page, and one more if there is one."""
        bound = bind(self._template, values)
        sql, parameters = placeholders(bound)
        select = self._parse(sql)
        absent = [name for name in select.tables if name not in copies]
        if absent:
            raise DeclarationError(f"The query reads '{absent[0]}', which is no published table.")
        tables = {name: self._database.open_copy(name, copies[name]) for name in select.tables}
        exact_form = _exact(select, tables)
        catalog = self._database.views(tables, exact_form.tables, exact_form.columns)
        cursor = self._database.cursor()
        with failures(self._database, copies), cursor:
            cursor.execute(f"USE {catalog}")
            known = (catalog, exact_form.sql)
            if known not in self._columns:
                if len(self._columns) >= _MOST_KNOWN:
                    self._columns.clear()
                bare = _relation(cursor, exact_form.sql, parameters, "LIMIT 0")
                self._columns[known] = [shown(name) for name in bare.columns]
            names = self._columns[known]
            stable = self._parse(exact_form.sql).stable(len(names))
            end = f"LIMIT {limit + 1} OFFSET {position}"
            rows = exact(_relation(cursor, stable, parameters, end)).to_arrow_table()
            return usual_rows(rows.rename_columns(names))


def _relation(
    cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, object], end: str
) -> duckdb.DuckDBPyRelation:
    return cursor.sql(f"SELECT * FROM (\n{sql}\n) {end}", params=dict(parameters) or None)  # noqa: S608 - of the owner


def _exact(select: Select, tables: Mapping[str, OpenCopy]) -> ExactNames:
    """Return the query in which no two names differ only in case."""
    sql = select.with_whole_names()
    columns = {name: list(table.schema.names) for name, table in tables.items()}
    if not any(map(inner_columns, columns.values())) and not inner_columns([*tables]):
        return ExactNames(sql=sql)
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse(sql, dialect="duckdb")[0]
    except SqlglotError as problem:
        raise DeclarationError(
            "Names of the tables differ only in case, and the query has a form in which they "
            "cannot be distinguished.",
            hint="Write the query in simpler SQL, or rename the columns.",
        ) from problem
    return exact_names(sql, tree, columns)


def _decoded(values: Mapping[str, msgspec.Raw]) -> dict[str, object]:
    """Decode the values of a JSON object; floats keep the digits that a decimal needs."""
    decoder = msgspec.json.Decoder(float_hook=_Float)
    return {name: decoder.decode(raw) for name, raw in values.items()}


class _Float(float):
    """A number that remembers how it was written."""

    def __new__(cls, text: str) -> _Float:
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str

    def __str__(self) -> str:
        return self.text


def page_answer(rows: pa.Table, media: str, *, following: str | None, version: int) -> Answer:
    """Return one page; in formats other than JSON, the token is the header ``X-Next``."""
    headers = {"X-Next": following} if following else {}
    body = body_of(rows, media, following=following, version=version)
    return Answer(200, body, media, headers=headers)


def refused_batch() -> Answer:
    """Return the answer to a batch, which queries do not have."""
    message = "A query is not called in batches."
    hint = "Declare a parameter as a list: {{ids: list[int]}}."
    return answer_of(rejected(400, "NoBatch", message, hint))


def encode_spec(spec: QuerySpec) -> bytes:
    """Return the payload of `load_query`."""
    return msgspec.json.encode(spec)


def load_query(payload: bytes, *, folder: str, secret: bytes) -> LoadedQuery:
    """Load a query in a worker.

    Args:
        payload: A `QuerySpec` in JSON.
        folder: Folder of the serving copies.
        secret: Key of the tokens of pages.

    Raises:
        EtlError: The query is not valid.
    """
    spec = msgspec.json.decode(payload, type=QuerySpec)
    return LoadedQuery(spec, folder=Path(folder), secret=secret)
