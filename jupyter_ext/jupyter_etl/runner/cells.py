"""Maps cells of the executed notebook to those of the deployed one."""

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
    """Map the cells of papermill's copy of a notebook to those of the deployed one.

    Papermill removes the error markers of an earlier run, and inserts a cell with the parameters of
    this one: in place of an earlier such cell, after the cell tagged ``parameters``, or at the top.
    It removes and reorders no other cells. Our own notes look like its markers.

    Args:
        deployed: All cells of the deployed notebook.
        executed: All cells of the executed notebook.

    Returns:
        For each executed cell the index of the deployed one, both 0-based over all cells; None for
        a cell that papermill inserted.
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
    """Return a cell with a note for readers about how a notebook was executed.

    Papermill removes it like its own markers, and reports omit it.
    """
    import nbformat

    untyped: Any = nbformat.v4
    cell: NotebookCell = untyped.new_markdown_cell(text, metadata={"tags": [_MARKER, "hide"]})
    return cell


def count_code(cells: Sequence[NotebookCell]) -> int:
    """Return the number of code cells."""
    return sum(1 for cell in cells if cell.get("cell_type") == "code")


def cell_title(index: int | None) -> str:
    """Return the name of a cell for users, counted from 1: ``cell 3``."""
    return "the cell of injected parameters" if index is None else f"cell {index + 1}"


def cell_label(cell: NotebookCell) -> str:
    """Return a label of a cell for logs: its first line of text, else its tags."""
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    label = first or ", ".join(_tags(cell))
    return label if len(label) <= _MAX_LABEL else f"{label[: _MAX_LABEL - 1]}…"


def traceback_of(cell: NotebookCell) -> str:
    """Return the traceback of the error that a cell shows, without colours; "" if it has none.

    The beginning and the end of a very long one are kept.
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
