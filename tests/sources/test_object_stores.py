from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.connector_contract import EXPECTED, ConnectorContract, no_access
from fakes.files import write_csv, write_json, write_jsonl, write_parquet
from fakes.object_store import KEY, SECRET, object_store, put
from jupyter_etl.errors import DeclarationError, EtlError, MissingDependency, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Access, Connector, ReadRequest
from jupyter_etl.sources.file_connector import FileConnector

pytestmark = pytest.mark.slow
WRITERS = {"csv": write_csv, "parquet": write_parquet, "json": write_json, "jsonl": write_jsonl}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with object_store() as url:
        yield url


def with_secret() -> Access:
    return replace(no_access(), secret=lambda name: SECRET)


def source_at(endpoint: str, path: str, kind: str = "parquet", **options: str) -> Source:
    return Source(
        name="lake",
        kind=kind,
        location=f"s3://{path}",
        secrets=("lake_secret",),
        options={"key": KEY, "endpoint": endpoint, "region": "us-east-1", **options},
    )


def refusal(source: Source, access: Access | None = None) -> EtlError:
    with pytest.raises(EtlError) as caught:
        FileConnector().read(source, ReadRequest(), access or with_secret()).batches.read_all()
    assert SECRET not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", WRITERS)
class TestS3(ConnectorContract):
    @pytest.fixture
    def connector(self) -> Connector:
        return FileConnector()

    @pytest.fixture
    def access(self) -> Access:
        return with_secret()

    @pytest.fixture
    def source(self, endpoint: str, tmp_path: Path, kind: str) -> Source:
        body = WRITERS[kind](tmp_path / "file").read_bytes()
        put(endpoint, f"contract-{kind}/2026/part.{kind}", body)
        return source_at(endpoint, f"contract-{kind}/2026/*.{kind}", kind)


def test_files_that_came_since_are_seen(endpoint: str, tmp_path: Path) -> None:
    source = source_at(endpoint, "growing/day/*.parquet")
    body = write_parquet(tmp_path / "file").read_bytes()
    rows, versions = [], []
    for name in ("a", "b"):
        put(endpoint, f"growing/day/{name}.parquet", body)
        reading = FileConnector().read(source, ReadRequest(), with_secret())
        rows.append(reading.batches.read_all().num_rows)
        versions.append(reading.version)
    assert rows == [EXPECTED.num_rows, 2 * EXPECTED.num_rows]
    assert versions[0] != versions[1]


def test_a_name_that_is_a_file_and_a_folder_means_the_file(endpoint: str) -> None:
    put(endpoint, "both/orders.csv", b"id\n1\n2\n")
    put(endpoint, "both/orders.csv/part-0.csv", b"id\n9\n")
    found = FileConnector().read(
        source_at(endpoint, "both/orders.csv", "csv"), ReadRequest(), with_secret()
    )
    assert found.batches.read_all()["id"].to_pylist() == [1, 2]
    assert found.notes == ("Skipped 1 folder: orders.csv/.",)
    folder = source_at(endpoint, "both/orders.csv/", "csv")
    rows = FileConnector().read(folder, ReadRequest(), with_secret()).batches.read_all()
    assert rows["id"].to_pylist() == [9]


@pytest.mark.parametrize("place", ["junk", "junk/**/*.csv"])
def test_what_is_never_data_is_left_out(endpoint: str, place: str) -> None:
    for name in ("a.csv", ".ipynb_checkpoints/a.csv", "_temporary/0/a.csv", "zip=01234/b.csv"):
        put(endpoint, f"junk/{name}", b"id\n1\n")
    put(endpoint, "junk/zip=01234_$folder$", b"")
    found = FileConnector().read(source_at(endpoint, place, "csv"), ReadRequest(), with_secret())
    assert found.batches.read_all().to_pylist() == [
        {"id": 1, "zip": None},
        {"id": 1, "zip": "01234"},
    ]
    assert ".ipynb_checkpoints/" in found.notes[0]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_compressed_content_is_detected_without_a_suffix(endpoint: str, kind: str) -> None:
    body = {"csv": b"id\n1\n", "jsonl": b'{"id": 1}\n'}[kind]
    put(endpoint, f"packed/a.{kind}", gzip.compress(body))
    source = source_at(endpoint, f"packed/a.{kind}", kind)
    for limit in (None, 1):
        request = ReadRequest(limit=limit)
        rows = FileConnector().read(source, request, with_secret()).batches.read_all()
        assert rows.to_pylist() == [{"id": 1}]


def test_a_folder_is_read_with_the_partitions_in_its_names(endpoint: str, tmp_path: Path) -> None:
    body = write_parquet(tmp_path / "file").read_bytes()
    for day in (1, 2):
        put(endpoint, f"parts/t/day={day}/a.parquet", body)
    reading = FileConnector().read(source_at(endpoint, "parts/t"), ReadRequest(), with_secret())
    assert set(reading.batches.read_all()["day"].to_pylist()) == {1, 2}


def test_credentials_come_from_the_environment_where_none_are_declared(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(endpoint, "by-env/a.parquet", write_parquet(tmp_path / "file").read_bytes())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    source = Source(name="lake", kind="parquet", location="s3://by-env/a.parquet")
    found = FileConnector().read(source, ReadRequest(), no_access()).batches.read_all()
    assert found.num_rows == EXPECTED.num_rows


def test_an_absent_bucket_is_reported(endpoint: str) -> None:
    problem = refusal(source_at(endpoint, "no-such-bucket/a.parquet"))
    assert "no-such-bucket/a.parquet" in problem.message
    assert not problem.retryable


def test_a_server_that_is_not_there_is_an_error_for_later() -> None:
    with object_store() as gone:
        pass
    problem = refusal(source_at(gone, "b/a.parquet"))
    assert isinstance(problem, SourceError)
    assert problem.retryable
    assert "a.parquet cannot be read" in problem.message


@pytest.mark.parametrize(
    ("options", "secrets"),
    [
        ({"key": KEY}, ()),
        ({}, ("s",)),
        ({"anonymous": "maybe"}, ()),
        ({"endpiont": "http://x"}, ()),
    ],
)
def test_half_a_key_is_refused(options: dict[str, str], secrets: tuple[str, ...]) -> None:
    source = Source(name="x", kind="csv", location="s3://b/a.csv", options=options, secrets=secrets)
    assert isinstance(refusal(source), DeclarationError)


def test_a_filesystem_without_a_place_for_secrets_is_reported() -> None:
    source = Source(name="x", kind="csv", location="memory://a.csv", secrets=("k",))
    assert "environment" in refusal(source).message


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    # fsspec's own list of what was loaded; its public name is a view that cannot be changed.
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    problem = refusal(Source(name="x", kind="csv", location="s3://b/a.csv"))
    assert isinstance(problem, MissingDependency)
    assert "jupyter-etl[s3]" in problem.hint
