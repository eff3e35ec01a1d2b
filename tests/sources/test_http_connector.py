from __future__ import annotations

import gzip
import io
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.connector_contract import EXPECTED, ConnectorContract, no_access
from fakes.http_api import Api, ReceivedRequest, Reply, json_reply
from jupyter_etl.errors import DeclarationError, EtlError, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Connector, ReadRequest
from jupyter_etl.sources.file_connector import FileConnector
from jupyter_etl.sources.http.connector import HttpConnector

ROWS = EXPECTED.to_pylist()
CSV = b"id,name\n1,Ann\n2,Ben\n"


def source_of(api: Api, path: str = "/rates", *, kind: str = "http", **options: str) -> Source:
    return Source(name="rates", kind=kind, location=api.url + path, options=options)


def read(source: Source, **wanted: object) -> pa.Table:
    connector = HttpConnector(wait=lambda seconds: None)
    return connector.read(source, ReadRequest(**wanted), no_access()).batches.read_all()  # type: ignore[arg-type]


def refusal(source: Source, **wanted: object) -> EtlError:
    with pytest.raises(EtlError) as caught:
        read(source, **wanted)
    return caught.value


class TestJson(ConnectorContract):
    @pytest.fixture
    def connector(self) -> Connector:
        return HttpConnector()

    @pytest.fixture
    def source(self, api: Api) -> Source:
        pages = {"0": ROWS[:2], "2": ROWS[2:]}

        def answer(asked: ReceivedRequest) -> Reply:
            if asked.path != "/rates":
                return Reply(status=404)
            return json_reply({"data": {"rates": pages.get(asked.query.get("offset", "0"), [])}})

        api.answer = answer
        return Source(
            name="rates",
            kind="http",
            location=f"{api.url}/rates",
            options={"path": "data.rates", "offset": "offset"},
        )

    @pytest.fixture
    def absent(self, source: Source) -> Source:
        return replace(source, location=source.location + "/not-there")


class TestCsv(ConnectorContract):
    @pytest.fixture
    def connector(self) -> Connector:
        return FileConnector()

    @pytest.fixture
    def source(self, api: Api) -> Source:
        text = EXPECTED.to_pandas(types_mapper=pd.ArrowDtype).to_csv(index=False).encode()
        api.answer = lambda asked: (
            Reply(body=text, headers={"Content-Type": "text/csv"})
            if asked.path == "/rates.csv"
            else Reply(status=404)
        )
        return source_of(api, "/rates.csv", kind="csv")


def parquet_bytes() -> bytes:
    sink = io.BytesIO()
    pq.write_table(EXPECTED, sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("body", "media", "path"),
    [
        (json.dumps(ROWS).encode(), "application/vnd.api+json; charset=utf-8", "/r"),
        (json.dumps(ROWS).encode(), "application/octet-stream", "/r"),
        ("\n".join(json.dumps(row) for row in ROWS).encode(), "application/x-ndjson", "/r"),
        (parquet_bytes(), "application/vnd.apache.parquet", "/r"),
    ],
)
def test_the_form_is_known_by_the_answer(api: Api, body: bytes, media: str, path: str) -> None:
    api.answer = lambda asked: Reply(body=body, headers={"Content-Type": media})
    table = read(source_of(api, path))
    assert table.schema.types == EXPECTED.schema.types
    assert table.to_pylist() == ROWS


def test_a_kind_that_is_said_holds_against_the_content_type(api: Api) -> None:
    api.answer = lambda asked: Reply(body=CSV, headers={"Content-Type": "text/plain"})
    assert read(source_of(api, kind="csv")).to_pylist()[1] == {"id": 2, "name": "Ben"}
    unclear = refusal(source_of(api))
    assert "text/plain" in unclear.message
    assert "--kind" in unclear.hint


@pytest.mark.parametrize("encoded", [{}, {"Content-Encoding": "gzip"}])
def test_a_gzipped_file_is_unpacked_once(api: Api, encoded: dict[str, str]) -> None:
    api.answer = lambda asked: Reply(body=gzip.compress(CSV), headers=encoded)
    assert read(source_of(api, "/a.csv.gz", kind="csv")).num_rows == 2


def test_a_web_page_is_no_data(api: Api) -> None:
    api.answer = lambda asked: Reply(body=b"<!DOCTYPE html><p>Log in", headers={})
    problem = refusal(source_of(api, kind="json"))
    assert "web page" in problem.message
    assert not problem.retryable


def test_numbers_arrive_exact(api: Api) -> None:
    text = (
        b'[{"i": 9007199254740993, "f": 0.1, "d": 0.12345678901234567890, "u": 18446744073709551615,'
        b' "n": {"a": 1, "b": [1, null]}},'
        b' {"i": null, "f": 2, "d": 1.5, "u": 1, "n": {"a": null, "c": "x"}}]'
    )
    api.answer = lambda asked: Reply(body=text, headers={"Content-Type": "application/json"})
    table = read(source_of(api))
    assert [str(kind) for kind in table.schema.types] == [
        "int64",
        "double",
        "decimal128(21, 20)",
        "decimal128(20, 0)",
        "struct<a: int64, b: list<item: int64>, c: string>",
    ]
    assert table["i"].to_pylist() == [9007199254740993, None]
    assert table["d"].to_pylist() == [Decimal("0.12345678901234567890"), Decimal("1.5")]
    assert table["u"].to_pylist() == [2**64 - 1, 1]
    assert table["n"].to_pylist()[1] == {"a": None, "b": None, "c": "x"}


@pytest.mark.parametrize(
    "rows",
    [
        b'[{"odd": 1}, {"odd": "x"}]',
        b'[{"odd": 1.5}, {"odd": true}]',
        b'[{"odd": [1.5]}, {"odd": [true]}]',
        b'[{"odd": {"a": 1.5}}, {"odd": {"a": false}}]',
        b'[{"odd": 1.0e-30}, {"odd": 12345678901234567890.5}]',
    ],
)
def test_a_mix_of_types_names_the_column(api: Api, rows: bytes) -> None:
    api.answer = lambda asked: Reply(body=rows, headers={"Content-Type": "application/json"})
    problem = refusal(source_of(api))
    assert "column 'odd'" in problem.message
    assert problem.data["column"] == "odd"
    assert not problem.retryable


def test_pages_with_other_columns_and_narrower_types_are_united(api: Api) -> None:
    api.answer = lambda asked: json_reply(
        [{"a": 1, "x": None}] if "page" not in asked.query else [{"a": 2.5, "x": "y", "b": 1}],
        **({} if "page" in asked.query else {"Link": '</rates?page=2>; rel="next"'}),
    )
    assert read(source_of(api)).to_pylist() == [
        {"a": 1.0, "x": None, "b": None},
        {"a": 2.5, "x": "y", "b": 1},
    ]


def pages_of(api: Api, *bodies: bytes, media: str = "application/json") -> None:
    """Answer one page after another, with a Link header."""

    def answer(asked: ReceivedRequest) -> Reply:
        number = int(asked.query.get("page", "1"))
        more = {"Link": f'</rates?page={number + 1}>; rel="next"'} if number < len(bodies) else {}
        return Reply(body=bodies[number - 1], headers={"Content-Type": media, **more})

    api.answer = answer


def test_types_are_those_of_all_pages(api: Api) -> None:
    pages_of(
        api,
        b'[{"v": 1.5, "n": {"i": 1}, "z": null}]',
        b'[{"v": 0.12345678901234567890, "n": {"i": 18446744073709551615}, "z": "x"}]',
        b'[{"v": 2, "n": {"j": [1.5]}}]',
    )
    table = read(source_of(api))
    assert [str(kind) for kind in table.schema.types] == [
        "decimal128(21, 20)",
        "struct<i: decimal128(20, 0), j: list<item: double>>",
        "string",
    ]
    assert table["v"].to_pylist() == [Decimal("1.5"), Decimal("0.12345678901234567890"), 2]


def test_pages_that_disagree_are_named(api: Api) -> None:
    pages_of(api, b'[{"v": 1}]', b'[{"v": null}, {"v": "x"}]')
    problem = refusal(source_of(api))
    assert "column 'v' is string in page-000002 and int64 in page-000001" in problem.message
    assert "record 2" in problem.message
    assert "type.v=text" in problem.hint
    assert read(source_of(api, **{"type.v": "text"}))["v"].to_pylist() == ["1", None, "x"]


def test_declared_types_of_other_kinds(api: Api) -> None:
    pages_of(api, b'{"v": 1.50}\n', b'{"v": "x"}\n', media="application/x-ndjson")
    table = read(source_of(api, kind="jsonl", **{"type.v": "text"}))
    assert table["v"].to_pylist() == ["1.50", "x"]


def test_no_content_is_no_rows(api: Api) -> None:
    api.answer = lambda asked: Reply(status=204)
    assert read(source_of(api)).num_rows == 0


@pytest.mark.parametrize("location", ["ftp://api.example/x", "https://", "/data/x"])
def test_only_http(location: str) -> None:
    with pytest.raises(DeclarationError, match="http or https"):
        read(Source(name="rates", kind="http", location=location))


def test_sql_and_unknown_options_are_refused(api: Api) -> None:
    assert "sql local" in refusal(source_of(api), query="select 1").hint
    assert "offset" in refusal(source_of(api, ofset="x")).hint
    assert "'sheet'" in refusal(source_of(api, sheet="x")).message
    assert not api.asked


def test_a_half_read_answer_leaves_no_file(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    api.answer = lambda asked: Reply(body=CSV, headers={"Content-Type": "text/csv"})
    reading = HttpConnector().read(source_of(api), ReadRequest(), no_access())
    del reading
    with pytest.raises(SourceError):
        read(source_of(api), columns=("nope",))
    assert not list(tmp_path.iterdir())
