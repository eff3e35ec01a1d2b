"""Why the values of a column have no common Arrow type."""

from __future__ import annotations

from collections.abc import Callable

_SHOWN_CHARACTERS = 60


class Unfit(Exception):
    """Values that no Arrow type holds exactly.

    Args:
        reason: A clause about the value.
        row: Row of the value, from 0; None if the whole column is affected.
        other: A row with an incompatible value.
        fix: Code that fixes the column, to append to ``df['x']``.
    """

    def __init__(
        self,
        reason: str,
        *,
        row: int | None = None,
        other: int | None = None,
        fix: str = ".astype('string')",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.row = row
        self.other = other
        self.fix = fix

    def moved(self, row_of: Callable[[int], int]) -> Unfit:
        """Return the same error for other rows: those of the lists around the values."""
        row, other = (None if one is None else row_of(one) for one in (self.row, self.other))
        return Unfit(self.reason, row=row, other=other, fix=self.fix)

    def __str__(self) -> str:
        """Return the reason and both rows, counted from 1."""
        row = "" if self.row is None else f"row {self.row + 1:,}: "
        return f"{row}{self.reason}" + ("" if self.other is None else f" of row {self.other + 1:,}")


def shown(value: object) -> str:
    """Format a value and its type for a message."""
    text = repr(value)
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
    name = type(value).__name__
    return cut if name in cut else f"{cut} ({name})"
