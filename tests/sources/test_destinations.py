"""Which servers the secrets of a source may be sent to."""

from __future__ import annotations

import pytest

from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import Source
from jupyter_etl.sources.destinations import place_of, places_of


def places(kind: str, location: str, **options: str) -> list[str]:
    source = Source(name="x", kind=kind, location=location, options=options)
    return [str(place) for place in places_of(source)]


@pytest.mark.parametrize(
    ("kind", "location", "found"),
    [
        ("http", "https://api.example/a?b#c", ["https://api.example"]),
        ("csv", "HTTPS://API.Example.:443/a.csv", ["https://api.example"]),
        ("http", "http://api.example:8080/a", ["http://api.example:8080"]),
        ("http", "https://good.example@evil.example/a", ["https://evil.example"]),
        ("http", "https://good.example:443@evil.example/a", ["https://evil.example"]),
        ("http", "https://evil.example#@good.example/a", ["https://evil.example"]),
        ("http", "https://evil.example/@good.example", ["https://evil.example"]),
        ("http", "https://evil.example?@good.example", ["https://evil.example"]),
        ("http", "https://good.example\\@evil.example/a", ["https://evil.example"]),
        ("http", "https://bücher.example/a", ["https://xn--bcher-kva.example"]),
        ("http", "https://good.example.evil.example/a", ["https://good.example.evil.example"]),
        ("http", "https://[2001:DB8::0:1]:8443/a", ["https://[2001:db8::1]:8443"]),
        ("sql", "postgresql://u@DB.example/d", ["postgresql://db.example"]),
        ("sql", "postgresql+psycopg://u@db.example:5432/d", ["postgresql://db.example"]),
        ("sql", "postgres://u@db.example:6432/d", ["postgresql://db.example:6432"]),
        ("sql", "postgresql://db.example@evil.example/d", ["postgresql://evil.example"]),
        ("sql", "postgresql:///d", ["postgresql://localhost"]),
        ("sql", "postgresql://u@/d?host=/tmp/s", ["postgresql://%2Ftmp%2Fs"]),
        ("sql", "postgresql://a.example/d?host=b.example",
         ["postgresql://a.example", "postgresql://b.example"]),
        ("sql", "postgresql://a.example/d?hostaddr=10.0.0.9",
         ["postgresql://a.example", "postgresql://10.0.0.9"]),
        ("sql", "postgresql:///d?host=a.example,b.example&port=5432,9",
         ["postgresql://a.example", "postgresql://b.example:9"]),
        ("sql", "postgresql:///d?host=a.example:7&host=b.example:8",
         ["postgresql://a.example:7", "postgresql://b.example:8"]),
        ("sql", "postgresql:///d?host=a.example%2Cb.example",
         ["postgresql://a.example", "postgresql://b.example"]),
        ("sql", "mysql+pymysql://u@db.example/d", ["mysql://db.example"]),
        ("sql", "mysql+pymysql://u@db.example/d?charset=utf8", ["mysql://db.example"]),
        ("sql", "mysql+pymysql://u@db.example/d?host=evil", ["mysql://db.example?host=evil"]),
        ("sql", "mssql+pyodbc://u@/?odbc_connect=SERVER%3Devil",
         ["mssql://localhost?odbc_connect=SERVER=evil"]),
        ("sql", "sqlite:////tmp/a.db", []),
        ("csv", "/data/a.csv", []),
        ("parquet", "s3://bucket/a.parquet", ["s3://amazonaws.com"]),
        ("frame", "orders", []),
        ("sheets", "abc/1", ["sheets:abc/1"]),
    ],
)  # fmt: skip
def test_places(kind: str, location: str, found: list[str]) -> None:
    assert places(kind, location) == found
    # What is written down is read back as the same.
    assert [str(place_of(place)) for place in found] == found


def test_an_endpoint_is_the_place_of_an_object_store() -> None:
    assert places("csv", "s3://b/a.csv", endpoint="http://minio:9000") == ["http://minio:9000"]


@pytest.mark.parametrize(
    ("kind", "location"),
    [
        ("http", "https:///a"),
        ("http", "https://good example/a"),
        ("http", "https://{{host}}/a"),
        ("sql", "postgresql://good%2Cevil/d"),
        ("sql", "postgresql:///d?service=evil"),
        ("sql", "postgresql://bücher.example/d"),
        ("sql", "postgresql:///d?host=a.example&port=x"),
        ("sql", "no url"),
    ],
)
def test_what_names_no_server_is_refused(kind: str, location: str) -> None:
    with pytest.raises(DeclarationError):
        places(kind, location)


@pytest.mark.parametrize(
    ("written", "place", "covered"),
    [
        ("db.example", "postgresql://db.example", True),
        ("DB.example.", "https://db.example", True),
        ("db.example", "postgresql://db.example:6432", False),
        ("db.example:6432", "postgresql://db.example:6432", True),
        ("db.example:5432", "postgresql://db.example", True),
        ("db.example:443", "postgresql://db.example", False),
        ("db.example", "http://db.example", False),
        ("http://db.example", "http://db.example", True),
        ("https://db.example/any/path", "https://db.example", True),
        ("https://db.example", "http://db.example", False),
        ("https://db.example", "postgresql://db.example", False),
        ("https://db.example", "https://db.example:8443", False),
        ("example", "https://db.example", False),
        ("db.example", "https://db.example.evil.example", False),
        ("db.example", "mysql://db.example?host=evil", False),
        ("bücher.example", "https://xn--bcher-kva.example", True),
        ("::1", "https://[::1]", True),
        ("localhost", "postgresql://%2Ftmp%2Fs", False),
        ("sheets:abc/1", "sheets:abc/1", True),
        ("sheets:abc/1", "sheets:abc/2", False),
    ],
)
def test_what_is_allowed_covers(written: str, place: str, covered: bool) -> None:
    assert place_of(written).covers(place_of(place)) is covered


@pytest.mark.parametrize("written", ["", "*", "*.example", "a b", "db.example:99999", "https://"])
def test_a_place_that_is_none(written: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        place_of(written)
    assert caught.value.hint
