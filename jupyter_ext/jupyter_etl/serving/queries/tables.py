"""Tables in a worker: filtered rows of a version, page by page, and rows by their key."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.parameters.plain_values import plain_value
from jupyter_etl.serving.queries.database import Database, Limits, OpenCopy
from jupyter_etl.serving.queries.execution import page_answer, refused_batch
from jupyter_etl.serving.queries.failures import answered, failures
from jupyter_etl.serving.queries.filters import Filters, parse_filters
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
from jupyter_etl.serving.queries.results import media_type
from jupyter_etl.serving.queries.stored_types import original_rows
from jupyter_etl.serving.workers.protocol import Answer

if TYPE_CHECKING:
    import pyarrow as pa

MOST_LOOKED_UP = 10_000
"""Most rows that `lookup` returns."""


class TableCall(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a call, in JSON, which the gateway writes.

    Args:
        name: Name of the publication.
        copy: The version to read: the live one, or that of the token ``next``.
        pairs: The decoded query string.
        accept: See `media_type`.
    """

    name: str
    copy: CopyRef
    pairs: list[tuple[str, str]] = []
    accept: str = ""


class LoadedTables:
    """All tables of a ledger, ready to be read.

    Args:
        folder: Folder of the serving copies.
        secret: Key of the tokens of pages.
        limit: Most rows of a page.
        timezone: IANA name of the time zone for days, and for naive times.
    """

    def __init__(
        self,
        *,
        folder: Path,
        secret: bytes,
        limit: int,
        limits: Limits | None = None,
        timezone: str = "UTC",
    ) -> None:
        self._secret = secret
        self._limit = limit
        self._timezone = ZoneInfo(timezone)
        self._database = Database(folder, limits or Limits(), timezone=timezone)

    def call(self, body: bytes, content_type: str) -> Answer:
        """Answer one call; the body is a `TableCall` in JSON."""
        return answered(lambda: self._answer(msgspec.json.decode(body, type=TableCall)))

    def batch(self, body: bytes, content_type: str) -> Answer:
        """Refuse: a table has filters for that."""
        return refused_batch()

    def _answer(self, call: TableCall) -> Answer:
        reserved, others = split_pairs(call.pairs, ("limit", "next", "format", "version"))
        media = media_type(call.accept, single(reserved, "format"))
        digest = digest_of(sorted(others, key=lambda one: one[0]))
        copies = {call.name: call.copy}
        token = PageToken(call.name, 0, copies, 0, time.time(), digest)
        if (following := single(reserved, "next")) is not None:
            token = read_token(following, self._secret)
            check_token(token, call.name, 0, digest)
            check_copies(token, copies)
        table = self._database.open_copy(call.name, call.copy)
        at = datetime.fromtimestamp(token.at, self._timezone)
        filters = parse_filters(call.pairs, table.schema, at=at)
        limit = limit_of(filters.limit, self._limit)
        with failures(self._database, copies):
            rows, ids = self._rows(table, filters, limit + 1, token.position)
        text = None
        if len(ids) > limit:
            after = msgspec.structs.replace(token, position=ids[limit])
            text = write_token(after, self._secret)
        page = rows.slice(0, limit)
        return page_answer(page, media, following=text, version=call.copy.number)

    def _rows(
        self, table: OpenCopy, filters: Filters, count: int, position: int
    ) -> tuple[pa.Table, list[int]]:
        """Return rows from a row id on, in the order of the table, and their row ids."""
        conditions = " AND ".join((*filters.conditions, f"rowid >= {position}"))
        cells = ", ".join(f"c{place}" for place in filters.columns)
        with self._database.cursor() as cursor:
            found = cursor.sql(
                f"SELECT {cells}, rowid FROM {table.alias}.main.data "  # noqa: S608 - no value in it
                f"WHERE {conditions} ORDER BY rowid LIMIT {count}",
                params=filters.values or None,
            ).to_arrow_table()
        fields = [table.schema.field(place) for place in filters.columns]
        ids: list[int] = found.column(found.num_columns - 1).to_pylist()
        return original_rows(found.select(range(len(fields))), fields), ids


def load_tables(
    payload: bytes, *, folder: str, secret: bytes, limit: int = 10_000, timezone: str = "UTC"
) -> LoadedTables:
    """Load the tables in a worker; see `LoadedTables`.

    Args:
        payload: Not used.
    """
    return LoadedTables(folder=Path(folder), secret=secret, limit=limit, timezone=timezone)


class Lookups:
    """Reads rows by key from serving copies, in the process that needs them.

    Args:
        folder: Folder of the serving copies.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self._database = Database(folder, limits or Limits())

    def lookup(
        self,
        name: str,
        copy: CopyRef,
        key: Mapping[str, object],
        *,
        columns: Sequence[str] | None = None,
    ) -> list[dict[str, object]]:
        """Return the rows with these values, in the order of the table.

        Args:
            name: Name of the publication.
            copy: The version to read.
            key: Values by column; fast if the first one has an index in the copy.
            columns: Columns to return; None for all.

        Raises:
            DeclarationError: There is no such column, a value cannot be bound, or more than
                `MOST_LOOKED_UP` rows have the key.
            Rejected: The copy does not exist.
        """
        table = self._database.open_copy(name, copy)
        known = table.schema.names
        for column in (*key, *(columns or ())):
            if column not in known:
                raise DeclarationError(
                    f"'{name}' has no column '{column}'.{nearest(column, known)}",
                    hint=f"It has {listed(known)}.",
                )
        if not key:
            raise DeclarationError(
                f"A lookup in '{name}' needs a key.", hint=f"Give one: {known[0]}=..."
            )
        fields = [table.schema.field(column) for column in columns or known]
        cells = ", ".join(f"c{known.index(field.name)}" for field in fields)
        equal = " AND ".join(f"c{known.index(column)} = $p{n}" for n, column in enumerate(key))
        values = {
            f"p{n}": plain_value(value, name=column)
            for n, (column, value) in enumerate(key.items())
        }
        with failures(self._database, {name: copy}), self._database.cursor() as cursor:
            found = cursor.sql(
                f"SELECT {cells} FROM {table.alias}.main.data WHERE {equal} "  # noqa: S608 - no value in it
                f"ORDER BY rowid LIMIT {MOST_LOOKED_UP + 1}",
                params=values,
            ).to_arrow_table()
        if found.num_rows > MOST_LOOKED_UP:
            raise DeclarationError(
                f"More than {MOST_LOOKED_UP:,} rows of '{name}' have this key.",
                hint="Add a column to the key, or read the table: etl.read.",
            )
        rows: list[dict[str, object]] = original_rows(found, fields).to_pylist()
        return rows
