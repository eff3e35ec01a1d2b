"""Lexical analysis of SQL: code, literals, quoted names and comments."""

from __future__ import annotations

import re
from enum import StrEnum

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.sql.dialects import dialect_of, pieces_of, quotation_marks


class Span(StrEnum):
    """Kind of a span of SQL."""

    CODE = "code"
    LITERAL = "literal"
    NAME = "name"
    COMMENT = "comment"
    OPEN = "open"
    """An unclosed quote or comment."""


_KINDS = {"literal": Span.LITERAL, "name": Span.NAME, "comment": Span.COMMENT, "open": Span.OPEN}
_BOUNDS = re.compile(r"/\*|\*/")


def spans_of(
    sql: str, dialect: str = "", *, hash_comments: bool = False
) -> list[tuple[int, int, Span]]:
    """Split a text into spans.

    Args:
        dialect: The scheme of a database URL: ``sqlite``, ``mysql+pymysql`` ...; "" for DuckDB.
        hash_comments: Whether only ``#`` starts a comment (the lines of checks).

    Returns:
        ``(start, end, span)`` without gaps, in order.
    """
    rules = dialect_of(dialect)
    pieces = pieces_of(rules, lines_of_checks=hash_comments)
    spans: list[tuple[int, int, Span]] = []
    code_start = position = 0
    while found := pieces.search(sql, position):
        if found["comment"] is None and found.groupdict().get("skip") is not None:
            position = found.end()
            continue
        start, end, span = *found.span(), Span.OPEN
        if found.groupdict().get("block") is not None:
            closed = _end_of_comment(sql, end, nested=rules.nested)
            span = Span.OPEN if closed is None else Span.COMMENT
            end = closed or end
        else:
            span = next(kind for name, kind in _KINDS.items() if found[name] is not None)
        if span is Span.OPEN:
            end = len(sql)
        if start > code_start:
            spans.append((code_start, start, Span.CODE))
        spans.append((start, end, span))
        code_start = position = end
    if code_start < len(sql):
        spans.append((code_start, len(sql), Span.CODE))
    return spans


def _end_of_comment(sql: str, start: int, *, nested: bool) -> int | None:
    """Return the end of a comment that started before ``start``; None if it is not closed."""
    depth = 1
    for bound in _BOUNDS.finditer(sql, start):
        if bound[0] == "*/":
            depth -= 1
        elif nested:
            depth += 1
        if depth == 0:
            return bound.end()
    return None


def code_of(sql: str, dialect: str = "") -> str:
    """Replace everything but code by blanks, preserving every index."""
    return "".join(
        sql[start:end] if span is Span.CODE else " " * (end - start)
        for start, end, span in spans_of(sql, dialect)
    )


def quoted_text(text: str) -> str:
    """Return a text as a standard SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str, dialect: str = "") -> str:
    """Quote an identifier.

    Args:
        name: Spelled as in the database.
        dialect: See `spans_of`.

    Raises:
        DeclarationError: It contains a NUL, which no database allows.
    """
    if "\0" in name:
        raise DeclarationError("A name must not contain a NUL character.")
    rules = dialect_of(dialect)
    opening, closing = quotation_marks(rules)
    if rules.name_backslash:
        inner = name.replace("\\", "\\\\").replace(closing, "\\" + closing)
    else:
        inner = name.replace(closing, closing * 2)
    return f"{opening}{inner}{closing}"
