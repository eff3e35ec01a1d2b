"""Where SQL text is code, and where it is a literal, a quoted name or a comment."""

from __future__ import annotations

import re
from enum import StrEnum


class Span(StrEnum):
    """What a piece of SQL is."""

    CODE = "code"
    LITERAL = "literal"
    NAME = "name"
    COMMENT = "comment"
    OPEN = "open"
    """A quote or comment that is not closed."""


_BACKTICKS = frozenset({"sqlite", "mysql", "mariadb", "bigquery", "databricks", "hive"})

_PIECE = re.compile(
    r"""
    (?P<literal>'(?:[^']|'')*')
  | (?P<dollar>\$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$)
  | (?P<name>"(?:[^"]|"")*")
  | (?P<comment>--[^\n]*|/\*.*?\*/)
  | (?P<hash>\#[^\n]*)
  | (?P<open>['"]|/\*)
    """,
    re.VERBOSE | re.DOTALL,
)


def mark_of(dialect: str) -> str:
    """Return the quotation mark that always denotes identifiers.

    SQLite reads an unknown name in double quotes as text, and MySQL any name.

    Args:
        dialect: As a database URL begins: ``sqlite``, ``mysql+pymysql`` ...
    """
    return "`" if dialect.partition("+")[0] in _BACKTICKS else '"'


def spans_of(sql: str, *, hash_comments: bool = False) -> list[tuple[int, int, Span]]:
    """Divide a text.

    Args:
        sql: Any text.
        hash_comments: Whether ``#`` begins a comment and ``--`` does not (the checks' lines).

    Returns:
        ``(start, end, span)`` without gaps, in order.
    """
    spans: list[tuple[int, int, Span]] = []
    code_start = position = 0
    while found := _PIECE.search(sql, position):
        span = _span(found, hash_comments)
        if span is None:
            position = found.start() + 1
            continue
        if found.start() > code_start:
            spans.append((code_start, found.start(), Span.CODE))
        end = len(sql) if span is Span.OPEN else found.end()
        spans.append((found.start(), end, span))
        code_start = position = end
    if code_start < len(sql):
        spans.append((code_start, len(sql), Span.CODE))
    return spans


def _span(found: re.Match[str], hash_comments: bool) -> Span | None:
    match found.lastgroup:
        case "literal" | "dollar" | "tag":
            return Span.LITERAL
        case "name":
            return Span.NAME
        case "comment":
            return None if hash_comments else Span.COMMENT
        case "hash":
            return Span.COMMENT if hash_comments else None
        case _:
            return None if hash_comments and found[0] == "/*" else Span.OPEN


def code_of(sql: str) -> str:
    """Blank everything but code, keeping every index."""
    return "".join(
        sql[start:end] if span is Span.CODE else " " * (end - start)
        for start, end, span in spans_of(sql)
    )
