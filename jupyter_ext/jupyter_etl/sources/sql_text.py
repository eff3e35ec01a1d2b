"""SQL as text: its single statement, and its ``:name`` placeholders, outside strings and comments."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One SQL statement, cut at its placeholders.

    Args:
        pieces: Text and names of placeholders in turn, text first and last.
        verb: Its first word, lower case.
    """

    pieces: tuple[str, ...]
    verb: str

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders' names, each once, in the order in which they first occur."""
        return tuple(dict.fromkeys(self.pieces[1::2]))

    @property
    def asks(self) -> bool:
        """Whether it is a query that may stand as a subquery."""
        return self.verb in {"select", "with", "values", "table"}

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
    verb = ""
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
        if kind == "word" and not verb:
            verb = text.lower()
        pieces[-1] += text
    if not verb:
        raise DeclarationError("There is no SQL statement.", hint="Write a SELECT.")
    pieces[0] = pieces[0].lstrip()
    pieces[-1] = pieces[-1].rstrip()
    return Statement(pieces=tuple(pieces), verb=verb)


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
