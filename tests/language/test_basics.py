from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.tokenizer import quote_word, split_words
from jupyter_etl.language.durations import format_duration, parse_duration
from jupyter_etl.language.freshness import parse_freshness
from jupyter_etl.language.names import listed, nearest, parse_name, pipeline_name, slug
from jupyter_etl.model import Freshness


@pytest.mark.parametrize(
    "name", ["wh", "sales.daily", "01_ingest", "_x", "a-b.c_d", "données", "7"]
)
def test_valid_names(name: str) -> None:
    assert parse_name(f" {name} ") == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "is empty"),
        ("a b", "like 'a-b'"),
        ("a..b", "like 'a.b'"),
        (".a", "like 'a'"),
        ("a.", "like 'a'"),
        ("../etc", "letters"),
        ("a/b", "like 'a-b'"),
        ("-a", "like 'a'"),
        ("x\x00y", "letters"),
        ("x" * 101, "101 characters"),
        ("$%", "like 'sales.daily'"),
    ],
)
def test_invalid_names(name: str, says: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_name(name, what="publication")
    assert says in str(caught.value)
    assert "publication" in caught.value.message
    assert caught.value.hint


def test_names_have_one_spelling() -> None:
    assert parse_name("donne\u0301es") == parse_name("donn\u00e9es")


@given(strategies.names)
def test_names_round_trip(name: str) -> None:
    assert parse_name(parse_name(name)) == name


@given(st.text(max_size=150))
def test_a_slug_is_a_name(title: str) -> None:
    assert parse_name(slug(title)) == slug(title)
    assert parse_name(pipeline_name(title)) == pipeline_name(title)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Daily sales, Q1", "daily-sales-q1"),
        ("Größe", "grosse"),
        ("!!", "untitled"),
        ("a_b C", "a_b-c"),
    ],
)
def test_slugs(title: str, name: str) -> None:
    assert slug(title).replace("ß", "ss") == name


def test_a_pipeline_is_called_like_its_notebook() -> None:
    assert pipeline_name("Morning_Brief") == "Morning_Brief"
    assert pipeline_name("Morning Brief (2)") == "morning-brief-2"


def test_nearest() -> None:
    assert nearest("ordres", ["orders", "trips"]) == " Did you mean 'orders'?"
    assert nearest("ORDERS", ["orders"]) == " Did you mean 'orders'?"
    assert nearest("zzz", ["orders"]) == ""
    assert nearest("a", []) == ""


def test_listed() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([str(n) for n in range(9)], limit=2) == "0, 1 and 7 more"


@pytest.mark.parametrize(
    ("text", "seconds", "said"),
    [
        ("90s", 90, "1 min 30 s"),
        ("15m", 900, "15 min"),
        ("1h30m", 5400, "1 h 30 min"),
        ("1.5h", 5400, "1 h 30 min"),
        ("2d", 172_800, "2 d"),
        ("1w", 604_800, "7 d"),
        ("1 h 30 min", 5400, "1 h 30 min"),
        ("250ms", 0.25, "0.25 s"),
        ("0.1s", 0.1, "0.1 s"),
    ],
)
def test_durations(text: str, seconds: float, said: str) -> None:
    assert parse_duration(text) == seconds
    assert format_duration(seconds) == said


@given(strategies.seconds)
def test_durations_round_trip(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    "text", ["", "15", "m", "-5m", "1h30", "5x", "0s", "1e3s", "99999999d", "1 2h", "٣m"]
)
def test_bad_durations(text: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_duration(text)
    assert text in caught.value.message
    assert "1h30m" in caught.value.hint


def test_bare_seconds_where_asked_for() -> None:
    assert parse_duration("1.5", bare_seconds=True) == 1.5
    with pytest.raises(DeclarationError):
        parse_duration("0", bare_seconds=True)


@pytest.mark.parametrize(
    ("text", "freshness"),
    [
        ("warn 6h error 24h", Freshness(warn_s=21_600, error_s=86_400)),
        ("error 24h, warn 6h", Freshness(warn_s=21_600, error_s=86_400)),
        ("2h", Freshness(error_s=7200)),
        ("WARN 1h30m", Freshness(warn_s=5400)),
    ],
)
def test_freshness(text: str, freshness: Freshness) -> None:
    assert parse_freshness(text) == freshness


@given(strategies.freshnesses)
def test_freshness_round_trips(freshness: Freshness) -> None:
    levels = [("warn", freshness.warn_s), ("error", freshness.error_s)]
    text = " ".join(f"{level} {format_duration(age)}" for level, age in levels if age is not None)
    assert parse_freshness(text) == freshness


@pytest.mark.parametrize(
    "text", ["", "warn", "warn 24h error 6h", "soon", "warn 1h warn 2h", "x warn 1h"]
)
def test_bad_freshness(text: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_freshness(text)
    assert f"'{text}'" in caught.value.message
    assert caught.value.hint


def test_words() -> None:
    line = "a  'b c' --x=\"d \\\"e\\\"\" C:\\d 'it' # comment"
    assert [word.text for word in split_words(line)] == ["a", "b c", '--x=d "e"', "C:\\d", "it"]
    assert split_words(line)[1].quoted
    assert [w.text for w in split_words("http://x/#part a#b")] == ["http://x/#part", "a#b"]
    assert split_words('""')[0].text == ""


def test_an_open_quote_is_named() -> None:
    with pytest.raises(
        DeclarationError, match=r"quote ' that opens at .*'x y.* is not closed"
    ) as caught:
        split_words("a 'x y")
    assert "Add a '" in caught.value.hint
    assert [w.text for w in split_words("a 'x y", lenient=True)] == ["a", "x y"]


@given(st.lists(strategies.words))
def test_quoted_words_round_trip(words: list[str]) -> None:
    line = " ".join(map(quote_word, words))
    assert [word.text for word in split_words(line)] == words
