"""Types that the views of all nouns share."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

_T = TypeVar("_T")


class View(msgspec.Struct, frozen=True):
    """A JSON object of a response."""


class Items(View, Generic[_T], frozen=True):
    """A complete list."""

    items: tuple[_T, ...]


class Page(View, Generic[_T], frozen=True):
    """A list, or a page of it.

    Args:
        total: Number of entries on all pages together.
    """

    items: tuple[_T, ...]
    total: int


class Lines(View, frozen=True):
    """Command lines that do the same as a request.

    Args:
        magic: An `%etl` line; empty if a value contains a line break.
        shell: A `jupyter etl` line for a POSIX shell; empty if a value contains a null character.
    """

    magic: str
    shell: str
