"""Check rules: one rule per line, or several for a column."""

from __future__ import annotations

import re

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.durations import parse_duration
from jupyter_etl.language.names import nearest
from jupyter_etl.language.sql.lexer import Span, code_of, spans_of
from jupyter_etl.model import CheckRule, Severity

FORMS = (
    "Write 'id: unique, not null', 'amount >= 0', 'amount between 0 and 10', \"status in ('a', "
    "'b')\", \"code matches '^[A-Z]{3}$'\", 'dest references airports.faa', 'updated_at: fresh "
    "2h' or 'rows > 0.5 * last'; add ': warn' at the end for a warning."
)

_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d]\w*)'
_SEVERITY = re.compile(r"(?<!:):\s*([^\W\d]\w*)\s*$")
_LEVELS = {"warn": Severity.WARN, "warning": Severity.WARN, "error": Severity.ERROR}
_COLUMN = re.compile(rf"({_NAME})\s*:(?!:)\s*(.*)", re.DOTALL)
_IN = re.compile(rf"({_NAME})\s+in\s*\((.*)\)", re.IGNORECASE | re.DOTALL)
_MATCHES = re.compile(rf"({_NAME})\s+matches\s+'((?:[^']|'')*)'", re.IGNORECASE | re.DOTALL)
_REFERENCES = re.compile(
    rf"({_NAME})\s+references\s+([\w.-]+)\.({_NAME})", re.IGNORECASE | re.DOTALL
)
_ROWS = re.compile(r"rows\b\s*(<=|>=|<>|!=|==|=|<|>|between\b)(.*)", re.IGNORECASE | re.DOTALL)
_ROWS_VALUE = re.compile(r"[\d\s.+*/()eE_-]+")
_COMPARISON = re.compile(
    r"<=|>=|<>|!=|==|=|<|>|\b(?:between|is|like|ilike|in|not|and|or)\b|\w\s*\(", re.IGNORECASE
)
_LITERAL = re.compile(
    r"'(?:[^']|'')*'|[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null", re.IGNORECASE
)
_SIMPLE = {
    "unique": "unique",
    "not null": "not_null",
    "notnull": "not_null",
    "not_null": "not_null",
}


def parse_checks(text: str) -> tuple[CheckRule, ...]:
    """Parse rules.

    Args:
        text: One declaration per line; ``#`` starts a comment, ``: warn`` or ``: error`` ends a
            rule.

    Returns:
        The rules in order; a line ``id: unique, not null`` gives two.

    Raises:
        DeclarationError: A line is not valid (the message has its number), or there is none.
    """
    rules: list[CheckRule] = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = _without_comment(line, number).strip()
        if stripped:
            rules += _line(stripped, number)
    if not rules:
        raise DeclarationError("The cell contains no check.", hint=FORMS)
    return tuple(rules)


def _bad(
    line: str, number: int, reason: str, hint: str = FORMS, *, suggestion: str = ""
) -> DeclarationError:
    return DeclarationError(
        f"Line {number} of the checks, '{line}', is invalid: {reason}.{suggestion}",
        hint=hint,
        data={"line": number, "text": line},
    )


def _without_comment(line: str, number: int) -> str:
    spans = spans_of(line, hash_comments=True)
    if any(span is Span.OPEN for _, _, span in spans):
        raise _bad(line.strip(), number, "a quote is not closed", "Close the quote.")
    return "".join(line[start:end] for start, end, span in spans if span is not Span.COMMENT)


def _line(line: str, number: int) -> list[CheckRule]:
    body, severity = _severity(line, number)
    if not body:
        raise _bad(line, number, "the rule before the severity is missing")
    if column := _COLUMN.fullmatch(body):
        return _column_rules(column[1], column[2], severity, line, number)
    return [_rule(body, severity, line, number)]


def _severity(line: str, number: int) -> tuple[str, Severity]:
    found = _SEVERITY.search(code_of(line))
    if found is None:
        return line, Severity.ERROR
    word, body = found[1].lower(), line[: found.start()].rstrip()
    if word in _LEVELS:
        return body, _LEVELS[word]
    if _COLUMN.fullmatch(line):
        # "id: unique": a rule for a column, not a severity.
        return line, Severity.ERROR
    raise _bad(
        line, number, f"'{found[1]}' is not a severity", "End it with ': warn' or ': error'.",
        suggestion=nearest(word, _LEVELS),
    )  # fmt: skip


def _column_rules(
    column: str, rules: str, severity: Severity, line: str, number: int
) -> list[CheckRule]:
    """Parse ``id: unique, not null, >= 0``."""
    parts = _split_commas(rules)
    if not all(parts):
        raise _bad(line, number, f"a rule for {column} is empty")
    return [_column_rule(column, part, severity, line, number) for part in parts]


def _column_rule(column: str, part: str, severity: Severity, line: str, number: int) -> CheckRule:
    words = " ".join(part.lower().split())
    if kind := _SIMPLE.get(words):
        phrase = "unique" if kind == "unique" else "not null"
        return CheckRule(
            text=f"{column}: {phrase}", kind=kind, severity=severity, column=_unquoted(column)
        )
    if words.partition(" ")[0] == "fresh":
        return _fresh(column, part, severity, line, number)
    if re.match(r"(?:in\b|matches\b|references\b|between\b|not\b|is\b|like\b|[<>=!])", part, re.I):
        return _rule(f"{column} {part}", severity, line, number)
    suggestion = nearest(
        words, ("unique", "not null", "in", "matches", "references", "between", "fresh")
    )
    reason = f"'{part}' is not a rule for the column {column}"
    raise _bad(line, number, reason, suggestion=suggestion)


def _fresh(column: str, part: str, severity: Severity, line: str, number: int) -> CheckRule:
    age = " ".join(part.split()[1:])
    try:
        parse_duration(age)
    except DeclarationError as problem:
        raise _bad(
            line, number, problem.message.rstrip("."), "Write 'updated_at: fresh 2h'."
        ) from None
    return CheckRule(
        text=f"{column}: fresh {age}", kind="fresh", severity=severity, column=_unquoted(column),
        argument=age,
    )  # fmt: skip


def _rule(body: str, severity: Severity, line: str, number: int) -> CheckRule:
    if rule := _column_condition(body, severity, line, number):
        return rule
    if found := _ROWS.fullmatch(body):
        return _rows(body, found, severity, line, number)
    if _is_more_than_one(body):
        raise _bad(
            line, number, "it is not a single condition", "Write one SQL condition per line."
        )
    if wrong := re.search(r"=[<>]", code_of(body)):
        right = wrong[0][::-1]
        raise _bad(line, number, f"there is no '{wrong[0]}'", f"Write '{right}'.")
    if not _COMPARISON.search(code_of(body)):
        reason = "it contains no comparison"
        if re.fullmatch(rf"{_NAME}\s+(?:unique|not\s+null)", body, re.IGNORECASE):
            reason = "the ':' after the column is missing"
        raise _bad(line, number, reason)
    return CheckRule(text=body, kind="expression", severity=severity, argument=body)


def _column_condition(body: str, severity: Severity, line: str, number: int) -> CheckRule | None:
    """Parse the conditions that have a kind of their own; None for any other."""
    if found := _IN.fullmatch(body):
        return _in(body, found, severity, line, number)
    if found := _MATCHES.fullmatch(body):
        return _matches(body, found, severity, line, number)
    if found := _REFERENCES.fullmatch(body):
        return _references(body, found, severity, line, number)
    for word, example in (
        ("matches", "code matches '^[A-Z]{3}$'"),
        ("references", "dest references airports.faa"),
    ):
        if re.search(rf"\b{word}\b", code_of(body), re.IGNORECASE):
            raise _bad(line, number, f"'{word}' has another form", f"For example: {example}.")
    return None


def _in(body: str, found: re.Match[str], severity: Severity, line: str, number: int) -> CheckRule:
    values = _split_commas(found[2])
    if not all(_LITERAL.fullmatch(value) for value in values):
        reason = "the values must be numbers or text in single quotes"
        raise _bad(line, number, reason, f"For example: {found[1]} in ('a', 'b').")
    return CheckRule(
        text=body, kind="in", severity=severity, column=_unquoted(found[1]),
        argument=", ".join(values),
    )  # fmt: skip


def _references(
    body: str, found: re.Match[str], severity: Severity, line: str, number: int
) -> CheckRule:
    if "." in found[3]:
        raise _bad(line, number, "the name of the referenced column contains a dot")
    return CheckRule(
        text=body, kind="references", severity=severity, column=_unquoted(found[1]),
        argument=f"{found[2]}.{_unquoted(found[3])}",
    )  # fmt: skip


def _matches(
    body: str, found: re.Match[str], severity: Severity, line: str, number: int
) -> CheckRule:
    pattern = found[2].replace("''", "'")
    try:
        re.compile(pattern)
    except re.error as problem:
        raise _bad(
            line,
            number,
            f"the regular expression is invalid, {problem}",
            "Correct the regular expression.",
        ) from None
    return CheckRule(
        text=body, kind="matches", severity=severity, column=_unquoted(found[1]), argument=pattern
    )


def _rows(body: str, found: re.Match[str], severity: Severity, line: str, number: int) -> CheckRule:
    value = re.sub(r"\b(last|and)\b", "", found[2], flags=re.IGNORECASE)
    if not found[2].strip() or not (_ROWS_VALUE.fullmatch(value) or not value.strip()):
        raise _bad(
            line, number, "rows can only be compared with numbers and with last, the number of "
                          "rows of the live version",
            "For example: rows > 0.5 * last.",
        )  # fmt: skip
    return CheckRule(text=body, kind="rows", severity=severity, argument=body)


def _unquoted(column: str) -> str:
    return column[1:-1].replace('""', '"') if column.startswith('"') else column


def _is_more_than_one(body: str) -> bool:
    """Return whether a condition could extend beyond the brackets it is compiled into."""
    stray = any(span in (Span.COMMENT, Span.OPEN) for _, _, span in spans_of(body))
    return stray or ";" in code_of(body) or not _balanced(code_of(body))


def _balanced(code: str) -> bool:
    depth = 0
    for character in code:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


def _split_commas(text: str) -> list[str]:
    """Split at commas outside quotes and brackets."""
    code, parts, depth, start = code_of(text), [], 0, 0
    for index, character in enumerate(code):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()]
