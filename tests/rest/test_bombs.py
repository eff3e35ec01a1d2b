"""Files that unpack to far more than they are: the server answers and stays as it was."""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_etl.runner.limited_calls import CallLimits
from jupyter_etl.services import Etl
from jupyter_etl.services.limited_etl import LimitedEtl
from rest.example import serve

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")

MEGABYTE = b"x" * 1_000_000
MEMORY_BYTES = 80_000_000
UNPACKED = 160
"""Megabytes; the memory of a child is less."""


def zipped(begin: bytes, end: bytes) -> bytes:
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as packed:
        packed.write(begin)
        for _ in range(UNPACKED):
            packed.write(MEGABYTE)
        packed.write(end)
    return file.getvalue()


def pages() -> bytes:
    """Return a column that is one long text, many times: a dictionary of one entry."""
    file = io.BytesIO()
    texts = pa.array([MEGABYTE.decode()] * UNPACKED)
    pq.write_table(pa.table({"a": texts}), file, dictionary_pagesize_limit=10_000_000)
    return file.getvalue()


def workbook() -> bytes:
    import openpyxl

    plain, file = io.BytesIO(), io.BytesIO()
    made = openpyxl.Workbook()
    made.active.append(["a"])
    made.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != "xl/sharedStrings.xml":
                new.writestr(name, old.read(name))
        with new.open("xl/sharedStrings.xml", "w") as texts:
            texts.write(
                b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>'
            )
            for _ in range(UNPACKED):
                texts.write(MEGABYTE)
            texts.write(b"</t></si></sst>")
    return file.getvalue()


BOMBS: dict[str, Callable[[], bytes]] = {
    "value.json.gz": lambda: zipped(b'[{"a":"', b'"}]'),
    "line.jsonl.gz": lambda: zipped(b'{"a":"', b'"}\n'),
    "value.csv.gz": lambda: zipped(b"a,b\n1,", b"\n"),
    "pages.parquet": pages,
    "texts.xlsx": workbook,
    "deep.json": lambda: b"[" * 1_000_000 + b"]" * 1_000_000,
    "objects.json": lambda: b'[{"a":' * 100_000 + b"1" + b"}]" * 100_000,
}


@pytest.fixture
def etl(jp_root_dir: Path, home: Path) -> Iterator[Etl]:
    opened = Etl.open()
    yield opened
    opened.close()


@pytest.fixture
def limited(server, etl: Etl) -> Iterator[None]:
    limits = CallLimits(memory_bytes=MEMORY_BYTES)
    children = LimitedEtl("jupyter_etl.rest.previews", limits=limits)
    serve(server, etl, children=children)
    yield
    children.close()


async def test_a_bomb_is_answered_and_the_server_continues(
    limited: None, etl: Etl, ask, jp_root_dir: Path
) -> None:
    (jp_root_dir / "trips.csv").write_text("id,fare\n1,4.5\n2,\n")
    etl.sources.declare("trips", "trips.csv", base=jp_root_dir)
    assert (await ask("/sources/trips/preview?limit=1")).json["rows"] == [[1, 4.5]]
    for name, make in BOMBS.items():
        (jp_root_dir / name).write_bytes(make())
        etl.sources.declare(name.replace(".", "_"), name, base=jp_root_dir)
    me = psutil.Process()
    before = me.memory_info().rss
    answers = {name: await ask(f"/sources/{name.replace('.', '_')}/preview") for name in BOMBS}
    grown = me.memory_info().rss - before
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(BOMBS, 413)
    for name, answer in answers.items():
        error = answer.error
        assert error["type"] == "LimitExceeded"
        assert error["message"].startswith(f"The preview of '{name.replace('.', '_')}' was stopped")
        assert "notebook" in error["hint"]
    assert grown < 50_000_000
    assert (await ask("/sources/trips")).json["tables"]
    missing = await ask("/sources/nothing/preview")
    assert (missing.status, missing.error["type"]) == (404, "NotFound")
