from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

import strategies
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.sources import parse_source
from jupyter_etl.model import Freshness, Source


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("a.csv", "csv"),
        ("a.TSV", "csv"),
        ("a.csv.gz", "csv"),
        ("a.parquet", "parquet"),
        ("a.json", "json"),
        ("a.jsonl", "jsonl"),
        ("a.ndjson.zst", "jsonl"),
        ("a.xlsx", "excel"),
        ("a.xls", "excel"),
        ("data/trips/*.parquet", "parquet"),
        ("data/**/part-[0-9].csv", "csv"),
        ("my data/a b.csv", "csv"),
    ],
)
def test_paths(location: str, kind: str, tmp_path: Path) -> None:
    source = parse_source("trips", location, base=tmp_path)
    assert source.kind == kind
    assert source.location == str(tmp_path / location)
    assert source.declared == location


def test_paths_are_relative_to_the_notebook(tmp_path: Path) -> None:
    assert parse_source("a", "../x.csv", base=tmp_path).location == str(tmp_path.parent / "x.csv")
    assert parse_source("a", "/data/x.csv", base=tmp_path).location == "/data/x.csv"
    home = parse_source("a", "~/x.csv", base=tmp_path).location
    assert home == str(Path("~/x.csv").expanduser())


@pytest.mark.parametrize(
    ("location", "kind", "resolved"),
    [
        ("https://x.org/a.csv?raw=1", "csv", "https://x.org/a.csv?raw=1"),
        ("https://x.org/rates", "http", "https://x.org/rates"),
        ("s3://bucket/a/*.parquet", "parquet", "s3://bucket/a/*.parquet"),
        ("postgresql://db.example/sales", "sql", "postgresql://db.example/sales"),
        ("postgresql+psycopg://me@db/sales", "sql", "postgresql+psycopg://me@db/sales"),
        ("sqlite:////data/a.db", "sql", "sqlite:////data/a.db"),
        ("sqlite://", "sql", "sqlite://"),
        ("publication:sales.daily", "publication", "sales.daily"),
        ("frame:orders", "frame", "orders"),
    ],
)
def test_urls_and_prefixes(location: str, kind: str, resolved: str, tmp_path: Path) -> None:
    source = parse_source("x", location, base=tmp_path)
    assert (source.kind, source.location) == (kind, resolved)


def test_sqlite_by_path_or_relative_url(tmp_path: Path) -> None:
    expected = f"sqlite:///{tmp_path}/data/a.db"
    assert parse_source("x", "sqlite:///data/a.db", base=tmp_path).location == expected
    by_path = parse_source("x", "data/a.db", base=tmp_path)
    assert (by_path.kind, by_path.location) == ("sql", expected)


def test_the_kind_may_be_said(tmp_path: Path) -> None:
    assert parse_source("x", "feed", base=tmp_path, kind="CSV").location == str(tmp_path / "feed")
    assert parse_source("x", "sales.daily", base=tmp_path, kind="publication").kind == "publication"
    assert parse_source("x", "df", base=tmp_path, kind="frame").location == "df"
    assert parse_source("x", "https://x.org/feed", base=tmp_path, kind="json").kind == "json"
    own = parse_source("x", "anything at all", base=tmp_path, kind="sap")
    assert (own.kind, own.location) == ("sap", "anything at all")


def test_a_folder_or_glob_shows_its_kind(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "_SUCCESS").touch()
    (folder / ".hidden.csv").touch()
    (folder / "sub" / "a.parquet").touch()
    assert parse_source("x", "in", base=tmp_path).kind == "parquet"
    assert parse_source("x", "in/*/*", base=tmp_path).kind == "parquet"
    (folder / "b.csv").touch()
    with pytest.raises(DeclarationError, match=r"several kinds \(1 csv and 1 parquet\)") as caught:
        parse_source("x", "in", base=tmp_path)
    assert "--kind" in caught.value.hint
    assert parse_source("x", "in", base=tmp_path, kind="csv").kind == "csv"


def test_everything_else_is_kept(tmp_path: Path) -> None:
    source = parse_source(
        "wh",
        "postgresql://db/sales",
        base=tmp_path,
        secrets=("wh_pw",),
        readonly=True,
        options={"schema": "s"},
        freshness=Freshness(error_s=1),
        limit=2,
        owner="sam",
        notebook="n.ipynb",
    )
    assert source == Source(
        name="wh",
        kind="sql",
        location="postgresql://db/sales",
        declared="postgresql://db/sales",
        secrets=("wh_pw",),
        readonly=True,
        options={"schema": "s"},
        freshness=Freshness(error_s=1),
        limit=2,
        owner="sam",
        notebook="n.ipynb",
    )
    assert source.runs_at_once == 2


def test_a_limit_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="limit is 0; it must be"):
        parse_source("x", "a.csv", base=tmp_path, limit=0)


@pytest.mark.parametrize(
    ("name", "location", "says"),
    [
        ("a b", "x.csv", ["'a b'", "source name"]),
        ("local", "x.csv", ["'local'", "DuckDB"]),
        ("x", " ", ["no location"]),
        ("x", "orders", ["'orders'", "frame:orders", "publication:orders"]),
        ("x", "a.docx", ["'a.docx'", "extension is unknown", "--kind"]),
        ("x", "*.foo", ["--kind"]),
        ("x", "ftp://x.org/feed", ["'ftp://x.org/feed'", "--kind"]),
        ("x", "frame:a.b", ["'a.b'", "frame:orders"]),
        ("x", "publication:a b", ["'a b'", "publication"]),
    ],
)
def test_refused(name: str, location: str, says: list[str], tmp_path: Path) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_source(name, location, base=tmp_path)
    assert caught.value.hint
    for piece in says:
        assert piece in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@db/sales",
        "postgresql+psycopg://:hunter2@db/sales",
        "postgresql://me:hun/ter2@db/sales",
        "postgresql://me:hun@ter2@db/sales",
        "postgresql://db/sales?user=me&password=hunter2",
        "https://me:hunter2@x.org/a.csv",
        "https://x.org/a.csv?token=hunter2",
        "https://x.org/a.csv?x=1&api_key=hunter2",
        "https://x.org/a.csv?client_secret=hunter2",
        "https://bucket.example/a.csv?X-Amz-Credential=a&X-Amz-Signature=hunter2",
        "https://x.org/a.csv?%70assword=hunter2",
        "postgresql://me@db/sales?sslpassword=hunter2",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BODBC%7D%3BUID%3Dme%3BPWD%3Dhunter2",
        "postgresql://me:hun?ter2@db/sales",
    ],
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str, tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="contains a password") as caught:
        parse_source("wh", url, base=tmp_path)
    assert "ter2" not in str(caught.value)
    assert "--secret wh_pw" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "https://x.org:8080/a@b.csv",
        "https://x.org/a:b@c.csv",
        "postgresql://db:5432/sales?application_name=me@x",
        "postgresql://me@db:5432/sales",
        "https://x.org/a.csv?bypass=1&compass=n&signal=2",
    ],
)
def test_a_url_without_a_password_is_none(url: str, tmp_path: Path) -> None:
    assert parse_source("x", url, base=tmp_path).location == url


def test_a_secret_as_an_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="'db_password'") as caught:
        parse_source("x", "a.csv", base=tmp_path, options={"db_password": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert "--secret x_pw" in caught.value.hint


def test_options_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="--sheet is for excel") as caught:
        parse_source("x", "a.csv", base=tmp_path, options={"sheet": "S1"})
    assert "--kind excel" in caught.value.hint
    with pytest.raises(DeclarationError, match="Did you mean 'parquet'"):
        parse_source("x", "a.csv", base=tmp_path, kind="parket")


@settings(max_examples=50)
@given(strategies.names.filter(lambda name: name != "local"))
def test_a_declaration_reads_as_itself(name: str) -> None:
    base = Path("/somewhere")
    source = parse_source(name, "in/a.csv", base=base)
    again = parse_source(source.name, source.location, base=Path("/elsewhere"), kind=source.kind)
    assert (again.kind, again.location) == (source.kind, source.location)
