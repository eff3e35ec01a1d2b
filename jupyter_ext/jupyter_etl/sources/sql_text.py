"""SQL as text: its single statement, and its ``:name`` placeholders, outside strings and comments."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jupyter_etl.errors import DeclarationError

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* )
    | (?P<hint> /\*.*?(?:\*/|\Z) )
    | (?P<quoted> [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)    # PostgreSQL's escape string
                | '(?:[^']|'')*(?:'|\Z)
                | "(?:[^"]|"")*(?:"|\Z)
                | `[^`]*(?:`|\Z)
                | \$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z) )
    | (?P<cast> :: | := )
    | (?P<placeholder> (?<![\w:]):(?P<name>[A-Za-z_]\w*) )
    | (?P<end> ; )
    | (?P<word> [A-Za-z_][\w$]* )
    | (?P<space> \s+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)


_QUERIES = frozenset({"select", "values", "table"})
_CHANGES = frozenset({"insert", "update", "delete", "replace", "merge"})


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One SQL statement, cut at its placeholders.

    Args:
        pieces: Text and names of placeholders in turn, text first and last.
        verb: Its first word in lower case; after ``WITH``, that of the statement itself.
        writes: Whether it is a query that writes: ``SELECT ... INTO``, or a ``WITH`` that changes
            rows.
    """

    pieces: tuple[str, ...]
    verb: str
    writes: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders' names, each once, in the order in which they first occur."""
        return tuple(dict.fromkeys(self.pieces[1::2]))

    @property
    def asks(self) -> bool:
        """Whether it is a query that may stand as a subquery."""
        return self.verb in _QUERIES and not self.writes

    @property
    def changes_rows(self) -> bool:
        """Whether it changes rows, and may give them back by ``RETURNING``."""
        return self.writes or self.verb in _CHANGES

    def render(self, placeholder: Callable[[str], str]) -> str:
        """Write it with the placeholders of a driver.

        Args:
            placeholder: Makes ``$1`` or ``?`` of a name.
        """
        return "".join(
            placeholder(piece) if odd % 2 else piece for odd, piece in enumerate(self.pieces)
        )


def parse_statement(query: str, parameters: Collection[str]) -> Statement:
    """Read one statement.

    ``:name`` is a placeholder where ``name`` is a parameter and it stands outside strings, quoted
    names and comments; ``::type`` is a cast.

    Args:
        query: SQL of any dialect.
        parameters: Names that have a value.

    Raises:
        DeclarationError: There is none, or more than one.
    """
    pieces = [""]
    code: list[str] = []
    ended = False
    for token in _TOKEN.finditer(query):
        kind, text = token.lastgroup, token.group()
        if token["comment"] is not None:
            # A blank in its place: what is wrapped around the statement must not end up inside.
            pieces[-1] += " "
            continue
        if token["end"] is not None:
            ended = True
            continue
        if ended and token["space"] is None and token["hint"] is None:
            raise DeclarationError(
                "There is more than one SQL statement; one is allowed.",
                hint="Put each into a cell of its own.",
            )
        if token["placeholder"] is not None and token["name"] in parameters:
            pieces += [token["name"], ""]
            continue
        if kind == "word" or text in {"(", ")", ","}:
            code.append(text.lower())
        pieces[-1] += text
    verb, writes = _purpose(code)
    if not verb:
        raise DeclarationError("There is no SQL statement.", hint="Write a SELECT.")
    pieces[0] = pieces[0].lstrip()
    pieces[-1] = pieces[-1].rstrip()
    return Statement(pieces=tuple(pieces), verb=verb, writes=writes)


def _purpose(code: Sequence[str]) -> tuple[str, bool]:
    """Tell what a statement does, and whether it is a query that writes.

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
    """Return a statement without its texts, quoted names, comments and placeholders."""
    return "".join(
        token.group() if token["quoted"] is None and token["hint"] is None else " "
        for token in _TOKEN.finditer(statement.render(lambda _: " "))
    )


def never_texts(sql: str) -> str:
    """Quote names in double quotes with the marks in which SQLite never reads them as text."""
    return "".join(
        quoted(token.group()[1:-1].replace('""', '"'), "`")
        if token.group()[0] == '"'
        else token.group()
        for token in _TOKEN.finditer(sql)
    )


def quoted(name: str, mark: str = '"') -> str:
    """Quote an identifier.

    Args:
        name: As the database spells it.
        mark: The dialect's quotation mark.

    Raises:
        DeclarationError: It holds a NUL, which no database allows.
    """
    if "\0" in name:
        raise DeclarationError("A name must not hold a NUL character.")
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"
