"""Scopes of tokens: globs over the names of publications, and rates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.names import MAX_NAME
from jupyter_etl.language.numbers import Range, read_decimal

RATE = Range(name="rate", least=0.001, most=1_000_000, whole=False, format=lambda n: f"{n:,g}/s")

_ALL, _ANY_PARTS = "*", "**"
_PART = re.compile(r"[\w*-]+")
_FORMS = (
    "Write a name, sales.* for one more part of the name, sales.** for any, or * for all names."
)


def parse_glob(text: str) -> str:
    """Validate a glob over names of publications and return it in Unicode NFC, trimmed.

    ``*`` stands for any characters within one part of a name (the parts are separated by dots),
    ``**`` as a part for one or more parts. ``*`` alone stands for every name. Case matters.

    Raises:
        DeclarationError: It is empty, too long or contains other characters.
    """
    glob = unicodedata.normalize("NFC", text.strip())
    if not glob:
        raise DeclarationError("A glob is empty.", hint=_FORMS)
    if len(glob) > MAX_NAME:
        raise DeclarationError(
            f"The glob '{glob[:20]}...' has {len(glob)} characters; at most {MAX_NAME} are allowed.",
            hint=_FORMS,
        )
    for part in glob.split("."):
        if not _PART.fullmatch(part) or (_ANY_PARTS in part and part != _ANY_PARTS):
            raise DeclarationError(f"'{glob}' is not a valid glob over names.", hint=_FORMS)
    return glob


def covers(globs: Iterable[str], name: str) -> bool:
    """Return whether a name matches one of several globs of `parse_glob`."""
    return any(_matches(glob, name) for glob in globs)


def _matches(glob: str, name: str) -> bool:
    if glob == _ALL:
        return True
    parts = glob.split(".")
    # After each part of the name: how many parts of the glob can have been used.
    used = {0}
    for part in name.split("."):
        used = {after for count in used for after in _used_after(parts, count, part)}
    return len(parts) in used


def _used_after(parts: list[str], used: int, part: str) -> Iterator[int]:
    if used and parts[used - 1] == _ANY_PARTS:
        yield used
    if used < len(parts) and fnmatchcase(part, parts[used]):
        yield used + 1


def parse_rate(text: str) -> float:
    """Parse a rate in requests per second: ``5/s``, ``0.5/s``.

    Raises:
        DeclarationError: It is not valid, or out of its range.
    """
    number, slash, unit = text.strip().partition("/")
    rate = read_decimal(number.strip())
    if rate is None or not slash or unit.strip() != "s":
        raise DeclarationError(
            f"The rate '{text}' is invalid.", hint="Write it in requests per second, like 5/s."
        )
    RATE.check(rate)
    return rate


def format_rate(rate: float) -> str:
    """Format a rate; `parse_rate` accepts the result."""
    return f"{rate:.12g}/s"
