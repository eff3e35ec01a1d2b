"""Splitting a command line into words as in a shell, without expansions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jupyter_etl.errors import DeclarationError

_PLAIN = re.compile(r"[\w.][\w@%+=:,./-]*")


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word of a command line.

    Args:
        text: The word without its quotes.
        start: Index of its first character in the line.
        end: Index after its last character, including quotes.
        quoted: Whether it begins with a quote, and is therefore neither an option nor a marker.
    """

    text: str
    start: int
    end: int
    quoted: bool = False


def split_words(line: str, *, lenient: bool = False) -> list[Word]:
    r"""Split a line at blanks.

    Single and double quotes hold a word together, anywhere in it; within double quotes ``\"`` and
    ``\\`` are a quote and a backslash. Elsewhere a backslash is itself. A ``#`` that begins a word
    starts a comment.

    Args:
        line: The line without the name of the magic.
        lenient: Close a quote that is open at the end (for completion while typing).

    Returns:
        The words.

    Raises:
        DeclarationError: A quote is not closed.
    """
    words: list[Word] = []
    position = 0
    while position < len(line):
        if line[position].isspace():
            position += 1
        elif line[position] == "#":
            break
        else:
            word = _read_word(line, position, lenient=lenient)
            words.append(word)
            position = word.end
    return words


def _read_word(line: str, start: int, *, lenient: bool) -> Word:
    text: list[str] = []
    position = start
    while position < len(line) and not line[position].isspace():
        character = line[position]
        if character in "'\"":
            inner, position = _read_quoted(line, position, lenient=lenient)
            text.append(inner)
        else:
            text.append(character)
            position += 1
    return Word(text="".join(text), start=start, end=position, quoted=line[start] in "'\"")


def _read_quoted(line: str, start: int, *, lenient: bool) -> tuple[str, int]:
    quote, position = line[start], start + 1
    text: list[str] = []
    while position < len(line):
        character = line[position]
        if character == quote:
            return "".join(text), position + 1
        if quote == '"' and character == "\\" and line[position + 1 : position + 2] in ('"', "\\"):
            position += 1
            character = line[position]
        text.append(character)
        position += 1
    if lenient:
        return "".join(text), position
    raise DeclarationError(
        f"The quote {quote} that opens at {line[start : start + 20]!r} is not closed.",
        hint=f"Add a {quote} at the end of the text.",
    )


def quote_word(text: str) -> str:
    """Quote a word so that `split_words` returns it unchanged, anywhere in an ``%etl`` line.

    IPython interprets a backslash or a question mark at the end of a line itself, so such words are
    quoted as well.
    """
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
