"""Errors in cells with the tag ``raises-exception``: they do not fail a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from jupyter_etl.runner.preparation import write_notebook

TAG = "raises-exception"
"""The cell may raise an exception. Source: nbclient, "Handling errors and exceptions"."""

_PAPERMILL_ANCHOR = "papermill-error-cell"


def accept_expected_errors(output: Path) -> bool:
    """Remove papermill's failure markers if all errors of a notebook are expected.

    Papermill treats every error in the outputs as a failure.

    Returns:
        False, without a change, if a cell failed that may not raise, or one ended the run with a
        status.
    """
    untyped: Any = nbformat
    notebook = untyped.read(output, as_version=4)
    if any(_failed(cell) for cell in notebook.cells):
        return False
    notebook.cells = [cell for cell in notebook.cells if not _is_added(cell)]
    write_notebook(notebook, output)
    return True


def _failed(cell: Mapping[str, Any]) -> bool:
    metadata = cell["metadata"]
    if metadata.get("papermill", {}).get("exception") is True:
        # Set by the client, which knows the tag: an ``exit(1)`` is a failure in any cell.
        return True
    shown = any(output["output_type"] == "error" for output in cell.get("outputs", ()))
    return shown and TAG not in metadata.get("tags", ())


def _is_added(cell: Mapping[str, Any]) -> bool:
    from papermill.execute import ERROR_MARKER_TAG

    marked = ERROR_MARKER_TAG in cell["metadata"].get("tags", ())
    return marked and _PAPERMILL_ANCHOR in cell["source"]
