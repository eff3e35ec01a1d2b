"""Files of a lake in an object store: published and read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from fakes.object_store import KEY, SECRET, object_store, put
from fakes.published_file import committed_file
from jupyter_etl.errors import StorageError
from jupyter_etl.ports import ReadRequest
from jupyter_etl.services.reading import open_version

pytestmark = pytest.mark.slow
ROWS = pa.table({"t": ["01/02/2026", None], "n": [1, 2]})


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with object_store() as url:
        yield url


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a bucket whose credentials come from the environment, as for a lake."""
    put(endpoint, "lake/note.txt", b"")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return "lake"


@pytest.mark.parametrize("path", ["x.csv", "x.csv.gz", "x.json", "x.jsonl", "x.xlsx", "x.parquet"])
def test_a_file(bucket: str, path: str) -> None:
    version = committed_file(path, ROWS, lake=f"s3://{bucket}/etl")
    assert open_version(version, ReadRequest()).batches.read_all().equals(ROWS)
    assert open_version(version, ReadRequest(limit=1)).batches.read_all().num_rows == 1
    gone = replace(version.what, location=f"s3://{bucket}/etl/not-{path}")
    with pytest.raises(StorageError, match="its file is not in the lake"):
        open_version(replace(version, what=gone), ReadRequest()).batches.read_all()


def test_a_file_that_the_notebook_wrote(bucket: str, endpoint: str) -> None:
    version = committed_file("own.csv", ROWS, lake=f"s3://{bucket}/etl")
    put(endpoint, "lake/etl/own.csv", b"zip,n\n01234,1\n00501,2\n")
    own = replace(version.what, location=f"s3://{bucket}/etl/own.csv", layout="", columns=())
    rows = open_version(replace(version, what=own), ReadRequest()).batches.read_all()
    assert rows.to_pydict() == {"zip": ["01234", "00501"], "n": [1, 2]}
