"""Scopes of tokens: globs and rates."""

from __future__ import annotations

import pytest

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.general import TokenRequest
from jupyter_etl.language.commands.parser import parse_command, parse_line
from jupyter_etl.language.scopes import covers, format_rate, parse_glob, parse_rate


@pytest.mark.parametrize(
    ("glob", "covered", "others"),
    [
        ("sales", ["sales"], ["Sales", "sales.daily", "sales2", ""]),
        ("sales.*", ["sales.daily", "sales.a-b"], ["sales", "sales.daily.eu", "presales.daily"]),
        ("*.daily", ["sales.daily"], ["daily", "eu.sales.daily"]),
        ("sales.d*y", ["sales.daily", "sales.dy"], ["sales.daily.eu", "sales.days"]),
        ("*-*", ["a-b", "a-b-c"], ["ab", "a-b.c"]),
        ("sales.**", ["sales.daily", "sales.daily.eu"], ["sales", "salesx.daily"]),
        ("**.eu", ["sales.eu", "sales.daily.eu"], ["eu", "sales.eu.old"]),
        ("a.**.z", ["a.b.z", "a.b.c.z", "a.z.z"], ["a.z", "a.b.z.y", "b.a.b.z"]),
        ("**", ["sales", "sales.daily.eu"], []),
        ("*", ["sales", "sales.daily.eu"], []),
        ("größe.*", ["größe.a"], ["grosse.a"]),
        (".".join(["**"] * 25 + ["z"]), ["a." * 49 + "z"], ["a." * 49 + "y"]),
        ("*a" * 40, ["a" * 99], ["a" * 99 + "b"]),
    ],
)
def test_what_a_glob_covers(glob: str, covered: list[str], others: list[str]) -> None:
    assert parse_glob(f" {glob} ") == glob
    assert [name for name in covered if not covers([glob], name)] == []
    assert [name for name in others if covers([glob], name)] == []


def test_one_of_several_globs_is_enough() -> None:
    assert covers(["a", "b.*"], "b.c")
    assert not covers([], "b.c")


@pytest.mark.parametrize(
    "glob",
    ["", " ", ".", "a.", ".a", "a..b", "a?", "[ab]", "a/b", "../x", "a b", "***", "a**", "a.b**c",
     "a\0", "a\nb", "a,b", "{a}", "!a", "a" * 101, "\u202ea", "%2a"],
)  # fmt: skip
def test_what_is_no_glob(glob: str) -> None:
    with pytest.raises(DeclarationError, match="glob") as caught:
        parse_glob(glob)
    assert "sales.*" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "rate"), [("5/s", 5.0), (" 0.5 / s ", 0.5), ("1000000/s", 1e6), ("0.001/s", 0.001)]
)
def test_rates(text: str, rate: float) -> None:
    assert parse_rate(text) == rate
    assert parse_rate(format_rate(rate)) == rate


@pytest.mark.parametrize(
    "text", ["", "5", "/s", "5/", "5/m", "x/s", "-1/s", "0/s", "NaN/s", "1e400/s", "1_0/s", "2000000/s"]
)  # fmt: skip
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(DeclarationError, match="rate"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("line", "read", "call"),
    [
        ("--read a", ("a",), ()),
        ("--read a b.* --call c", ("a", "b.*"), ("c",)),
        ("--read a --read b,c --call d e", ("a", "b", "c"), ("d", "e")),
        ("--read=a --call=b", ("a",), ("b",)),
    ],
)
def test_several_globs_follow_one_option(
    line: str, read: tuple[str, ...], call: tuple[str, ...]
) -> None:
    expected = TokenRequest(verb="create", name="shop", read=read, call=call)
    assert parse_line(f"token create shop {line}") == expected
    assert parse_command(["token", "create", "shop", *line.split()]) == expected
    assert parse_command(["token", "create", *line.split(), "--", "shop"]) == expected


def test_several_globs_end_at_the_next_option() -> None:
    request = parse_line("token create shop --read a b --expires 90d --rate 5/s")
    assert request == TokenRequest(
        verb="create", name="shop", read=("a", "b"), expires_s=90 * 86_400.0, rate="5/s"
    )
    with pytest.raises(DeclarationError, match="needs a value"):
        parse_line("token create shop --read --call a")
    with pytest.raises(DeclarationError, match="unexpected argument 'b'"):
        parse_line("token create shop --read=a b")
