"""SQL text: its single statement, and its ``:name`` placeholders outside strings and comments."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.sql.lexer import Span, code_of, quoted, spans_of

_TOKEN = re.compile(
    r"""
      (?P<cast> :: | := )
    | (?P<placeholder> (?<![\w:]):(?P<name>[A-Za-z_]\w*) )
    | (?P<end> ; )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<space> \s+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)


TEXT = "''"
"""Represents a string in `words_of`."""

_QUERIES = frozenset({"select", "values", "table"})
_CHANGES = frozenset({"insert", "update", "delete", "replace", "merge"})


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One SQL statement, split at its placeholders.

    Args:
        pieces: Alternating text and placeholder names, starting and ending with text.
        verb: Its first word in lower case; after ``WITH``, that of the main statement.
        writes: Whether it is a query that writes: ``SELECT ... INTO``, or a ``WITH`` that
            changes rows.
        dialect: Dialect in which it was parsed, see `spans_of`.
    """

    pieces: tuple[str, ...]
    verb: str
    writes: bool = False
    dialect: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders' names, each once, in order of first occurrence."""
        return tuple(dict.fromkeys(self.pieces[1::2]))

    @property
    def asks(self) -> bool:
        """Whether it is a query that can be used as a subquery."""
        return self.verb in _QUERIES and not self.writes

    @property
    def changes_rows(self) -> bool:
        """Whether it changes rows, which it may return with ``RETURNING``."""
        return self.writes or self.verb in _CHANGES

    def render(self, placeholder: Callable[[str], str]) -> str:
        """Render the statement with the placeholders of a driver.

        Args:
            placeholder: Returns ``$1`` or ``?`` for a name.
        """
        return "".join(
            placeholder(piece) if odd % 2 else piece for odd, piece in enumerate(self.pieces)
        )


def parse_statement(query: str, parameters: Collection[str], dialect: str = "") -> Statement:
    """Parse one statement.

    ``:name`` is a placeholder if ``name`` is a parameter and it is outside strings, quoted names
    and comments; ``::type`` is a cast.

    Args:
        dialect: Dialect of the query, see `spans_of`.

    Raises:
        DeclarationError: There is no statement, or more than one.
    """
    pieces = [""]
    code: list[str] = []
    ended = False
    for kind, text, name in _tokens(query, dialect):
        if kind == "comment" and not text.startswith("/*"):
            # Replace it by a blank: what is wrapped around the statement must not end up inside it.
            pieces[-1] += " "
            continue
        if kind == "end":
            ended = True
            continue
        if ended and kind not in {"space", "comment"}:
            raise DeclarationError(
                "There is more than one SQL statement; one is allowed.",
                hint="Put each one into a separate cell.",
            )
        if kind == "placeholder" and name in parameters:
            pieces += [name, ""]
            continue
        if kind == "word" or text in {"(", ")", ","}:
            code.append(text.lower())
        pieces[-1] += text
    verb, writes = _purpose(code)
    if not verb:
        raise DeclarationError("There is no SQL statement.", hint="Write a SELECT.")
    pieces[0] = pieces[0].lstrip()
    pieces[-1] = pieces[-1].rstrip()
    return Statement(pieces=tuple(pieces), verb=verb, writes=writes, dialect=dialect)


def _tokens(query: str, dialect: str) -> Iterator[tuple[str, str, str]]:
    """Yield kind, text and placeholder name; a span that is not code is a single token."""
    for start, end, span in spans_of(query, dialect):
        if span is not Span.CODE:
            yield str(span), query[start:end], ""
            continue
        for token in _TOKEN.finditer(query, start, end):
            yield token.lastgroup or "", token[0], token["name"] or ""


def words_of(statement: Statement) -> list[str]:
    """Return words in lower case, names and symbols, without strings, comments and blanks.

    A name keeps its quotes; a string is `TEXT`.
    """
    out = []
    for kind, text, _ in _tokens(statement.render(lambda _: "0"), statement.dialect):
        if kind in {"literal", "open"}:
            out.append(TEXT)
        elif kind not in {"space", "comment"}:
            out.append(text.lower() if kind == "word" else text)
    return out


def _purpose(code: Sequence[str]) -> tuple[str, bool]:
    """Return the verb of a statement, and whether it is a query that writes.

    Args:
        code: Its words in lower case, brackets and commas.
    """
    place = next((n for n, text in enumerate(code) if text not in {"(", ")", ","}), None)
    if place is None:
        return "", False
    verb, writes = code[place], False
    outer = [text for depth, text in _at_depths(code[place:]) if depth == 0]
    if verb == "with":
        verb = next(_behind_names(outer), verb)
        inside = zip(code, code[1:], code[2:], strict=False)
        writes = any(
            before in {"as", "materialized"} and sign == "(" and word in _CHANGES
            for before, sign, word in inside
        )
    return verb, writes or (verb == "select" and "into" in outer)


def _behind_names(outer: Sequence[str]) -> Iterator[str]:
    """Yield the words that may be the verb, without the names that ``WITH`` defines."""
    names = {"with", "recursive", ","}
    for before, word in pairwise(outer):
        if before not in names and word in _QUERIES | _CHANGES:
            yield word


def _at_depths(code: Sequence[str]) -> Iterator[tuple[int, str]]:
    depth = 0
    for text in code:
        if text == ")":
            depth -= 1
        yield depth, text
        if text == "(":
            depth += 1


def code_of_statement(statement: Statement) -> str:
    """Return a statement without its strings, quoted names, comments and placeholders."""
    return code_of(statement.render(lambda _: " "), statement.dialect)


def never_texts(sql: str) -> str:
    """Requote names in double quotes with the quotes that SQLite never reads as text."""
    return "".join(
        quoted(text[1:-1].replace('""', '"'), "sqlite") if text[0] == '"' else text
        for _, text, _ in _tokens(sql, "sqlite")
    )
