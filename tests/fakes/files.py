"""Files of every kind with the same rows, and functions that read them."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.connector_contract import EXPECTED, no_access
from jupyter_etl.errors import EtlError
from jupyter_etl.model import Source
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.file_connector import FileConnector

ROWS = EXPECTED.to_pylist()
NAIVE = datetime(2026, 1, 1, 10)  # noqa: DTZ001 - a file has no timezone


def write_csv(path: Path, rows: list[dict[str, object]] = ROWS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path) -> Path:
    pq.write_table(EXPECTED, path)
    return path


def write_json(path: Path) -> Path:
    path.write_text(json.dumps(ROWS))
    return path


def write_jsonl(path: Path) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n")
    return path


def source_of(location: Path | str, kind: str, **options: str) -> Source:
    return Source(name="trips", kind=kind, location=str(location), options=options)


def read(source: Source, **wanted: object) -> pa.Table:
    return opened(source, **wanted).batches.read_all()


def opened(source: Source, **wanted: object) -> Reading:
    return FileConnector().read(source, ReadRequest(**wanted), no_access())  # type: ignore[arg-type]


def refusal(source: Source, **wanted: object) -> EtlError:
    with pytest.raises(EtlError) as caught:
        read(source, **wanted)
    return caught.value
