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
    ``parameters``, or at the top. Cells are never taken away or reordered otherwise. A note of ours
    looks like one of its markers.

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
    own = [cell for cell in executed if _MARKER not in _tags(cell)]
    if len(own) > len(indices):
        inserted = next(
            (at for at, cell in enumerate(own) if _INJECTED in _tags(cell)), len(indices)
        )
        indices.insert(inserted, None)
    found = iter(indices)
    return [None if _MARKER in _tags(cell) else next(found, None) for cell in executed]


def note_cell(text: str) -> NotebookCell:
    """Return a cell that tells a person how a notebook was executed.

    Papermill takes it away as it does with its markers, and reports leave it out.
    """
    import nbformat

    untyped: Any = nbformat.v4
    cell: NotebookCell = untyped.new_markdown_cell(text, metadata={"tags": [_MARKER, "hide"]})
    return cell


def count_code(cells: Sequence[NotebookCell]) -> int:
    """Return how many cells hold code."""
    return sum(1 for cell in cells if cell.get("cell_type") == "code")


def say_cell(index: int | None) -> str:
    """Name a cell for people, who count from 1: ``cell 3``."""
    return "the cell of injected parameters" if index is None else f"cell {index + 1}"


def _tags(cell: NotebookCell) -> Sequence[str]:
    tags: Sequence[str] = cell.get("metadata", {}).get("tags", ())
    return tags
