from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.checks import parse_checks
from jupyter_etl.model import CheckRule, Severity

E, W = Severity.ERROR, Severity.WARN


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("id: unique, not null", [("unique", E, "id", ""), ("not_null", E, "id", "")]),
        ("id: unique, not null : warn", [("unique", W, "id", ""), ("not_null", W, "id", "")]),
        ("id : Unique", [("unique", E, "id", "")]),
        ('"my col": not  null', [("not_null", E, "my col", "")]),
        ('"a ""b"": c": unique', [("unique", E, 'a "b": c', "")]),
        ("amount >= 0 : warn", [("expression", W, None, "amount >= 0")]),
        ("amount>=0:error", [("expression", E, None, "amount>=0")]),
        ("rows > 0.5 * last : error", [("rows", E, None, "rows > 0.5 * last")]),
        ("rows between 1 and 2*last", [("rows", E, None, "rows between 1 and 2*last")]),
        ("status in ('a','b')", [("in", E, "status", "'a', 'b'")]),
        ("status: in ('a, b', 'it''s')", [("in", E, "status", "'a, b', 'it''s'")]),
        ("n in (1, -2.5, null)", [("in", E, "n", "1, -2.5, null")]),
        ("code matches '^[A-Z]{3}$'", [("matches", E, "code", "^[A-Z]{3}$")]),
        ("code: matches 'it''s: #1' : warn", [("matches", W, "code", "it's: #1")]),
        ("dest references airports.faa", [("references", E, "dest", "airports.faa")]),
        ("dest references sales.airports.faa", [("references", E, "dest", "sales.airports.faa")]),
        (
            "dep_delay between -60 and 1500",
            [("expression", E, None, "dep_delay between -60 and 1500")],
        ),
        ("delay: between 0 and 9", [("expression", E, None, "delay between 0 and 9")]),
        ("a::int > 0", [("expression", E, None, "a::int > 0")]),
        ("a > '0'::int", [("expression", E, None, "a > '0'::int")]),
        ("a > b::error", [("expression", E, None, "a > b::error")]),
        ("at < '12:30' : warn", [("expression", W, None, "at < '12:30'")]),
        ("note <> 'a : warn'", [("expression", E, None, "note <> 'a : warn'")]),
        ("starts_with(code, 'A')", [("expression", E, None, "starts_with(code, 'A')")]),
        ("regexp_matches(a, '#')  # why", [("expression", E, None, "regexp_matches(a, '#')")]),
        ("a is not null and b = 1", [("expression", E, None, "a is not null and b = 1")]),
    ],
)
def test_lines(line: str, rules: list[tuple[str, Severity, str | None, str]]) -> None:
    found = [(r.kind, r.severity, r.column, r.argument) for r in parse_checks(line)]
    assert found == rules


def test_several_lines_and_comments() -> None:
    rules = parse_checks("# head\n\nid: unique\n  amount >= 0 : warn  # tail\n")
    assert [rule.text for rule in rules] == ["id: unique", "amount >= 0"]
    assert rules[1] == CheckRule(
        text="amount >= 0", kind="expression", severity=W, argument="amount >= 0"
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("id: uniq", ["'uniq'", "column id", "Did you mean 'unique'?"]),
        ("id: unique,", ["a rule for id is empty"]),
        ("id:", ["a rule for id is empty"]),
        ("id unique", ["the ':' after the column is missing", "id: unique"]),
        ("id", ["contains no comparison"]),
        (": warn", ["rule before the severity is missing"]),
        ("amount => 0", ["no '=>'", "Write '>='"]),
        ("x > 0 : fatal", ["'fatal' is not a severity", "': error'"]),
        ("x > 0 : wran", ["Did you mean 'warn'?"]),
        ("rows", ["contains no comparison"]),
        ("rows > half", ["rows can only be compared with numbers", "rows > 0.5 * last"]),
        ("rows >", ["rows can only be compared"]),
        ("status in (a, b)", ["single quotes", "status in ('a', 'b')"]),
        ("code matches [A-Z]", ["'matches'", "code matches '^[A-Z]{3}$'"]),
        ("code matches '['", ["regular expression is invalid"]),
        ("dest references airports", ["'references'", "airports.faa"]),
        ("x > 0; drop table t", ["not a single condition"]),
        ("x > 0 -- y", ["not a single condition"]),
        ("x > (1", ["not a single condition"]),
        ("x = 'a", ["quote is not closed"]),
    ],
)
def test_refused_with_the_line(line: str, says: list[str]) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_checks(f"id: unique\n{line}")
    problem = caught.value
    assert "Line 2" in problem.message
    assert line in problem.message
    assert problem.hint
    assert problem.data["line"] == 2
    for piece in says:
        assert piece in str(problem)


@pytest.mark.parametrize("text", ["", "\n \n", "# only a comment"])
def test_none(text: str) -> None:
    with pytest.raises(DeclarationError, match="The cell contains no check"):
        parse_checks(text)


def _line(rule: CheckRule) -> str:
    return f"{rule.text} : warn" if rule.severity is Severity.WARN else rule.text


@given(st.lists(strategies.check_lines(), min_size=1, max_size=5))
def test_round_trip(lines: list[str]) -> None:
    rules = parse_checks("\n".join(lines))
    assert len(rules) >= len(lines)
    assert parse_checks("\n".join(map(_line, rules))) == rules


@given(st.text(max_size=60))
def test_any_text_is_rules_or_a_declaration_error(text: str) -> None:
    hint = "read"
    try:
        rules = parse_checks(text)
    except DeclarationError as problem:
        hint = problem.hint
    else:
        assert parse_checks("\n".join(map(_line, rules))) == rules
    assert hint
