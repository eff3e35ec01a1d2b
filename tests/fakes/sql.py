"""Queries through the SQL connector."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contracts.connector_contract import no_access
from jupyter_etl.errors import EtlError
from jupyter_etl.model import Source
from jupyter_etl.ports import Access, ReadRequest
from jupyter_etl.sources.sql.connector import SqlConnector

NAIVE = datetime(2026, 1, 1, 10)  # noqa: DTZ001 - a timestamp without timezone
HOSTILE = "x'; DROP TABLE people--"


def secret_access(value: str) -> Access:
    return replace(no_access(), secret=lambda name: value)


def query(source: Source, sql: str, *, limit: int | None = None, **parameters: object) -> pa.Table:
    request = ReadRequest(query=sql, parameters=parameters, limit=limit)
    return SqlConnector().read(source, request, no_access()).batches.read_all()


def refusal(source: Source, sql: str, **parameters: Any) -> EtlError:
    with pytest.raises(EtlError) as caught:
        query(source, sql, **parameters)
    return caught.value


def execute(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
