"""Which cell of the deployed notebook a cell of the executed one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_etl.language.text import printable

_MARKER = "papermill-error-cell-tag"
_INJECTED = "injected-parameters"
_MAX_LABEL = 80
_MAX_TRACEBACK = 40_000

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


def cell_label(cell: NotebookCell) -> str:
    """Return what tells a cell from others in a log: its first line of text, else its tags."""
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    label = first or ", ".join(_tags(cell))
    return label if len(label) <= _MAX_LABEL else f"{label[: _MAX_LABEL - 1]}…"


def traceback_of(cell: NotebookCell) -> str:
    """Return the traceback of the error that a cell shows, without colours; "" where it has none.

    Of a very long one the beginning and the end are kept.
    """
    errors = [one for one in cell.get("outputs", ()) if one.get("output_type") == "error"]
    if not errors:
        return ""
    shown = printable("\n".join(errors[-1].get("traceback", ())))
    text = shown or f"{errors[-1].get('ename', '')}: {errors[-1].get('evalue', '')}"
    if len(text) <= _MAX_TRACEBACK:
        return text
    head, tail = _MAX_TRACEBACK // 4, _MAX_TRACEBACK * 3 // 4
    return f"{text[:head]}\n[…]\n{text[-tail:]}"


def _tags(cell: NotebookCell) -> Sequence[str]:
    tags: Sequence[str] = cell.get("metadata", {}).get("tags", ())
    return tags
