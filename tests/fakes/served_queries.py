"""Serving copies of small tables, and calls of queries and tables in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from jupyter_etl.serving.queries.copies import Copies, CopyOf, write_copy
from jupyter_etl.serving.queries.execution import LoadedQuery, QueryCall, QuerySpec
from jupyter_etl.serving.queries.pages import CopyRef
from jupyter_etl.serving.queries.tables import LoadedTables, Lookups, TableCall
from jupyter_etl.serving.workers.protocol import Answer

SECRET = b"known to the gateways"


class Served:
    """Copies in a folder, and what reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copies = Copies(folder)
        self.builds: list[tuple[str, ...]] = []

    def table(
        self, name: str, rows: pa.Table, *, number: int = 1, keys: tuple[str, ...] = ()
    ) -> CopyRef:
        """Build the copy of a version."""

        def build(target: Path, wanted: tuple[str, ...]) -> None:
            self.builds.append(wanted)
            write_copy(target, rows.to_reader(), wanted, what=f"'{name}' version {number}")

        path = self.copies.ensure(CopyOf(name=name, number=number), keys, build)
        return CopyRef(number, path.name)

    def query(self, sql: str, **fields: Any) -> LoadedQuery:
        """Load a query."""
        spec = QuerySpec(name="q", version=3, sql=sql, **fields)
        return LoadedQuery(spec, folder=self.folder, secret=SECRET)

    def tables(self, limit: int = 1000) -> LoadedTables:
        """Load the tables."""
        return LoadedTables(folder=self.folder, secret=SECRET, limit=limit)

    def lookups(self) -> Lookups:
        """Open copies for lookups."""
        return Lookups(self.folder)


def call_query(
    query: LoadedQuery,
    copies: Mapping[str, CopyRef],
    values: Mapping[str, object] | None = None,
    accept: str = "",
    **pairs: object,
) -> Answer:
    """Call a query by a query string, or by JSON values."""
    call = QueryCall(
        copies=dict(copies),
        pairs=[(name, str(value)) for name, value in pairs.items()],
        values=None
        if values is None
        else {name: msgspec.Raw(json.dumps(value).encode()) for name, value in values.items()},
        accept=accept,
    )
    return query.call(msgspec.json.encode(call), "application/json")


def call_table(
    tables: LoadedTables,
    copy: CopyRef,
    pairs: list[tuple[str, str]],
    name: str = "sales.daily",
    accept: str = "",
) -> Answer:
    """Read a table by a query string."""
    call = TableCall(name=name, copy=copy, pairs=pairs, accept=accept)
    return tables.call(msgspec.json.encode(call), "application/json")


def body(answer: Answer, status: int = 200) -> dict[str, Any]:
    """Return the decoded body of an answer, and check its status."""
    found: dict[str, Any] = json.loads(answer.body)
    assert answer.status == status, found
    return found


SALES = pa.table(
    {
        "cust": pa.array([n % 7 for n in range(50)], pa.int32()),
        "region": ["EU" if n % 3 else "US" for n in range(50)],
        "amount": [n / 4 for n in range(50)],
    }
)
