"""Papermill's manager of a notebook during its execution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from papermill.engines import NotebookExecutionManager

from jupyter_etl.runner.cells import traceback_of
from jupyter_etl.runner.execution.executed import NotebookRedactor
from jupyter_etl.runner.preparation import write_notebook
from jupyter_etl.runner.progress import Progress


class EtlNotebookManager(NotebookExecutionManager):  # type: ignore[misc]
    """Keeps a complete executed notebook on disk at all times, and reports progress.

    Args:
        output_path: Path of the executed notebook; None to write none.
        progress: Receives the start and the end of every cell.
        redactor: Removes secrets from the written notebook.
    """

    def __init__(
        self, nb: Any, output_path: str | None, progress: Progress, redactor: NotebookRedactor
    ) -> None:
        super().__init__(nb, output_path=output_path, progress_bar=False)
        self._progress = progress
        self._redactor = redactor
        self._holding = False

    def save(self, **kwargs: Any) -> None:
        """Replace the file atomically."""
        if self._holding:
            return
        if self.output_path:
            write_notebook(self._redactor.redacted(self.nb), Path(self.output_path))
        self.last_save_time = self.now()

    def notebook_complete(self, *, save: bool = True, **kwargs: Any) -> None:
        """Finish the metadata, and save the notebook unless the caller does."""
        self._holding = not save
        super().notebook_complete(**kwargs)

    def cell_start(self, cell: Any, cell_index: int = 0, **kwargs: Any) -> None:
        """Mark a cell as running; the file is updated when it ends, or by the autosave."""
        self._holding = True
        super().cell_start(cell, cell_index, **kwargs)
        self._holding = False
        self._progress.cell_started(cell_index, code=cell.cell_type == "code")

    def cell_complete(self, cell: Any, cell_index: int = 0, **kwargs: Any) -> None:
        """Mark a cell as ended and save the notebook."""
        code = cell.cell_type == "code"
        self._holding = not code
        super().cell_complete(cell, cell_index, **kwargs)
        self._holding = False
        ok = cell.metadata.papermill["status"] != self.FAILED
        traceback = "" if ok else traceback_of(cell)
        self._progress.cell_finished(cell_index, code=code, ok=ok, traceback=traceback)
