"""Which cell of the deployed notebook a cell of the executed one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_MARKER = "papermill-error-cell-tag"
_INJECTED = "injected-parameters"

NotebookCell = Mapping[str, Any]


def deployed_indices(
    deployed: Sequence[NotebookCell], executed: Sequence[NotebookCell]
) -> list[int | None]:
    """Map the cells of a notebook in papermill's hands to those of the deployed one.

    Papermill takes away the error markers of an earlier run, and puts the parameters of this one
    into a cell of their own: in the place of an earlier such cell, behind the cell tagged
    ``parameters``, or at the top. Cells are never taken away or reordered otherwise.

    Args:
        deployed: All cells of the deployed notebook.
        executed: All cells of the notebook that is executed.

    Returns:
        For each executed cell the index of the deployed one, both 0-based and over all cells;
        None for a cell that papermill inserted.
    """
    indices: list[int | None] = [
        index for index, cell in enumerate(deployed) if _MARKER not in _tags(cell)
    ]
    if len(executed) > len(indices):
        inserted = next(
            (at for at, cell in enumerate(executed) if _INJECTED in _tags(cell)), len(indices)
        )
        indices.insert(inserted, None)
    return indices


def count_code(cells: Sequence[NotebookCell]) -> int:
    """Return how many cells hold code."""
    return sum(1 for cell in cells if cell.get("cell_type") == "code")


def say_cell(index: int | None) -> str:
    """Name a cell for people, who count from 1: ``cell 3``."""
    return "the cell of injected parameters" if index is None else f"cell {index + 1}"


def _tags(cell: NotebookCell) -> Sequence[str]:
    tags: Sequence[str] = cell.get("metadata", {}).get("tags", ())
    return tags
