"""Tokens of pages: opaque, not forgeable, for one endpoint with its parameters and versions."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_etl.serving.queries.pages import (
    TOKEN_S,
    CopyRef,
    PageToken,
    check_copies,
    check_token,
    digest_of,
    limit_of,
    read_token,
    write_token,
)
from jupyter_etl.serving.queries.rejection import Rejected

SECRET = b"secret"
TOKEN = PageToken("q", 3, {"t": CopyRef(2, "2-x.duckdb")}, 40, 1000.0, digest_of([("a", "1")]))
TEXT = write_token(TOKEN, SECRET)


def test_a_token_is_read_as_written() -> None:
    assert read_token(TEXT, SECRET, now=1000.0) == TOKEN
    assert TEXT.isascii()
    check_token(TOKEN, "q", 3, digest_of([("a", "1")]))
    check_copies(TOKEN, {"t": CopyRef(2, "2-x.duckdb")})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "%%%",
        "é",
        TEXT[:-1],
        TEXT + "A",
        TEXT + "=",
        "A" + TEXT[1:],
        TEXT[:-1] + ("A" if TEXT[-1] != "A" else "B"),
        TEXT.swapcase(),
        write_token(TOKEN, b"another secret"),
        base64.urlsafe_b64encode(b"0" * 60).decode(),
        "a" * 100_000,
    ],
)
def test_a_forged_token(text: str) -> None:
    with pytest.raises(Rejected, match="not issued by this service") as raised:
        read_token(text, SECRET, now=1000.0)
    assert raised.value.data["status"] == 400


@given(st.integers(0, len(TEXT) - 1), st.sampled_from("ABCabc019-_"))
@settings(max_examples=60)
def test_no_other_text_is_a_token(place: int, letter: str) -> None:
    changed = TEXT[:place] + letter + TEXT[place + 1 :]
    if changed != TEXT:
        with pytest.raises(Rejected):
            read_token(changed, SECRET, now=1000.0)


def test_an_old_token_is_gone() -> None:
    with pytest.raises(Rejected, match="more than a day") as raised:
        read_token(TEXT, SECRET, now=1000.0 + TOKEN_S + 1)
    assert raised.value.data["status"] == 410


@pytest.mark.parametrize(
    ("endpoint", "version", "parameters", "message"),
    [
        ("r", 3, [("a", "1")], "belongs to 'q'"),
        ("q", 4, [("a", "1")], "belongs to 'q', not to this version"),
        ("q", 3, [("a", "2")], "other parameters"),
    ],
)
def test_a_token_of_another_request(
    endpoint: str, version: int, parameters: list[tuple[str, str]], message: str
) -> None:
    with pytest.raises(Rejected, match=message) as raised:
        check_token(TOKEN, endpoint, version, digest_of(parameters))
    assert raised.value.data["status"] == 400


def test_a_token_of_versions_that_are_gone() -> None:
    with pytest.raises(Rejected, match="not available any more") as raised:
        check_copies(TOKEN, {"t": CopyRef(3, "3-y.duckdb")})
    assert raised.value.data["status"] == 410


@pytest.mark.parametrize("text", ["0", "-1", "101", "1.5", "", "x", "1e2", " 5", "9" * 50])
def test_a_limit_that_is_not_allowed(text: str) -> None:
    with pytest.raises(Rejected, match="from 1 to 100"):
        limit_of(text, 100)


def test_limits() -> None:
    assert [limit_of(text, 100) for text in (None, "1", "100")] == [100, 1, 100]
