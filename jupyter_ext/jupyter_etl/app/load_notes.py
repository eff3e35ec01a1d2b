"""What a cell that loads data prints: the number of rows and notes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_MOST_NOTES = 20


def print_notes(first: str, notes: Sequence[str]) -> None:
    """Print lines into the output of the cell.

    Args:
        first: The line about what was read.
        notes: As `Reading.notes`; a source with thousands of columns may have as many.
    """
    more = [f"and {len(notes) - _MOST_NOTES:,} more notes"] if len(notes) > _MOST_NOTES else []
    sys.stdout.write("".join(f"{line}\n" for line in (first, *notes[:_MOST_NOTES], *more)))
