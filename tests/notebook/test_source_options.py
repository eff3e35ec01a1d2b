"""Unknown options and invalid values are rejected without reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.files import source_of
from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import Source
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.services import reading
from jupyter_etl.services.reading import check_source, connector_for

NOWHERE = {
    "csv": "/nowhere/a.csv",
    "parquet": "/nowhere/a.parquet",
    "json": "/nowhere/a.json",
    "jsonl": "/nowhere/a.jsonl",
    "excel": "/nowhere/a.xlsx",
    "http": "https://data.example/a",
    "sql": "sqlite:////nowhere/wh.db",
    "frame": "orders",
    "publication": "sales.daily",
}


def refused(source: Source) -> DeclarationError:
    with pytest.raises(DeclarationError) as caught:
        check_source(source)
    return caught.value


@pytest.mark.parametrize("kind", NOWHERE)
def test_an_option_that_a_kind_does_not_have(kind: str) -> None:
    check_source(source_of(NOWHERE[kind], kind))
    error = refused(source_of(NOWHERE[kind], kind, frobnicate="1"))
    assert f"Source 'trips': {kind} has no option 'frobnicate'; it has " in error.message


@pytest.mark.parametrize(
    ("kind", "option", "meant"),
    [
        ("csv", "delimeter", "delimiter"),
        ("csv", "Encoding", "encoding"),
        ("csv", "headers", "header"),
        ("csv", "typ.zip", "type.zip"),
        ("parquet", "types.zip", "type.zip"),
        ("json", "paht", "path"),
        ("excel", "shet", "sheet"),
        ("http", "timout", "timeout"),
    ],
)
def test_the_nearest_option_is_named(kind: str, option: str, meant: str) -> None:
    assert meant in refused(source_of(NOWHERE[kind], kind, **{option: "x"})).hint


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("csv", {"encoding": "nope"}, "encoding is 'nope'"),
        ("csv", {"header": "maybe"}, "header is 'maybe'"),
        ("csv", {"skip": "two"}, "skip is 'two'"),
        ("csv", {"delimiter": ";;"}, "delimiter is ';;'"),
        ("csv", {"decimal": "comma"}, "decimal is 'comma'"),
        ("csv", {"type.zip": "strnig"}, "type.zip is 'strnig'"),
        ("csv", {"type.zip": "decimal(99,2)"}, "type.zip is 'decimal(99,2)'"),
        ("csv", {"type.": "text"}, "no option 'type.'"),
        ("csv", {"type.t": "timestamp[us, Europe/Pariss]"}, "type.t is"),
        ("parquet", {"type.zip": "strnig"}, "type.zip is 'strnig'"),
        ("json", {"type.zip": "strnig"}, "type.zip is 'strnig'"),
        ("jsonl", {"type.zip": "strnig"}, "type.zip is 'strnig'"),
        ("excel", {"type.zip": "strnig"}, "type.zip is 'strnig'"),
        ("excel", {"header": "2"}, "header is '2'"),
        ("excel", {"skip": "-1"}, "skip is '-1'"),
        ("excel", {"text": "a", "type.a": "int64"}, "declared as text"),
        ("http", {"pages": "many"}, "pages is 'many'"),
        ("http", {"auth": "magic"}, "auth is 'magic'"),
        ("http", {"timeout": "soon"}, "soon"),
        ("http", {"type.a": "nmuber"}, "type.a is 'nmuber'"),
        ("http", {"page": "p", "offset": "o"}, "cannot be combined"),
    ],
)
def test_a_value_that_is_not_possible(kind: str, options: dict[str, str], says: str) -> None:
    assert says in refused(source_of(NOWHERE[kind], kind, **options)).message


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "parquet", "excel"])
def test_a_file_behind_a_url_has_the_options_of_both(kind: str) -> None:
    place = f"https://data.example/a.{kind}"
    check_source(source_of(place, kind, timeout="10s", **{"type.a": "text"}))
    assert "'x'" in refused(source_of(place, kind, x="1")).message


@pytest.mark.parametrize(
    ("options", "secrets", "says"),
    [
        ({"anonymous": "perhaps"}, (), "anonymous is 'perhaps'"),
        ({"key": "AKIA"}, (), "only one is given"),
        ({}, ("pw",), "only one is given"),
        ({"regoin": "x"}, (), "regoin"),
    ],
)
def test_what_is_reported_about_an_object_store(
    options: dict[str, str], secrets: tuple[str, ...], says: str
) -> None:
    source = Source(
        name="x", kind="csv", location="s3://lake/x.csv", options=options, secrets=secrets
    )
    assert says in refused(source).message


def test_a_kind_without_a_connector_is_refused() -> None:
    assert "mongo" in refused(source_of("x", "mongo")).message


def test_a_source_that_is_refused_is_not_in_the_catalogue(session: DataSession, here: Path) -> None:
    for options in ({"delimeter": ";"}, {"encoding": "nope"}):
        with pytest.raises(DeclarationError):
            session.declare("trips", "trips.csv", options=options)
    assert session.sources() == []


class _Old:
    """A connector of another package that lacks the method."""

    kinds = ("old",)


class _Strict(_Old):
    def check(self, source: Source) -> None:
        if source.options:
            raise DeclarationError("old has no options.")


def test_a_connector_of_a_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "load_block", lambda port, name: _Old)
    check_source(source_of("x", "old", anything="1"))
    monkeypatch.setattr(reading, "load_block", lambda port, name: _Strict)
    check_source(source_of("x", "old"))
    refused(source_of("x", "old", anything="1"))
    assert connector_for("old").kinds == ("old",)
