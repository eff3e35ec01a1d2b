"""The platform's papermill engine, which executes the notebook of a run in its kernel."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook
from papermill.iorw import LocalHandler, papermill_io

from jupyter_etl.language.parameters.injection import inject_types
from jupyter_etl.runner.checkpoints.resume import Start
from jupyter_etl.runner.execution.executed import NotebookRedactor, distrust
from jupyter_etl.runner.execution.expected_errors import accept_expected_errors
from jupyter_etl.runner.execution.notebook_client import EtlNotebookClient, Session
from jupyter_etl.runner.execution.notebook_manager import EtlNotebookManager
from jupyter_etl.runner.execution.translators import escape_parameters
from jupyter_etl.runner.folders import write_atomically

ENGINE = "etl"
START_TIMEOUT_S = 60


def execute(session: Session, start: Start) -> None:
    """Execute a prepared notebook; the executed notebook is written after every cell.

    Args:
        start: The first cell, and the state of an earlier attempt.

    Raises:
        PapermillExecutionError: A cell failed without the tag ``raises-exception``, or its kernel
            died.
        NotRestored: The kernel could not load the variables of an earlier attempt.
        Exception: The kernel did not start, or another error of papermill.
    """
    prepared, output = session.prepared, session.context.executed
    papermill_engines.register(ENGINE, EtlEngine)
    papermill_io.register(os.sep, _WholeFiles())
    try:
        execute_notebook(
            _literal(prepared.path),
            _literal(output),
            parameters=dict(prepared.parameters),
            engine_name=ENGINE,
            kernel_name=prepared.kernel.name,
            progress_bar=False,
            start_timeout=START_TIMEOUT_S,
            session=session,
            start=start,
        )
    except PapermillExecutionError:
        if not accept_expected_errors(output):
            raise


class _WholeFiles(LocalHandler):  # type: ignore[misc]
    """Makes papermill replace files atomically, so that readers see a complete notebook."""

    def write(self, buf: str, path: str) -> None:
        write_atomically(Path(path), buf.encode())


class EtlEngine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    """Executes with `EtlNotebookClient`; registered with papermill as ``etl``."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **kwargs: Any) -> Any:
        """Execute a parameterised notebook; the arguments are papermill's."""
        session: Session = kwargs["session"]
        start: Start = kwargs["start"]
        prepared = session.prepared
        if prepared.kernel.language == "python":
            at = datetime.now(UTC)
            inject_types(nb.cells, prepared.declared, prepared.parameters, at=at)
        distrust(nb)
        for language in (prepared.kernel.language, prepared.kernel.name):
            escape_parameters(nb.cells, language, prepared.parameters)
        redactor = NotebookRedactor(session.context.redactor)
        manager = EtlNotebookManager(nb, kwargs.get("output_path"), session.progress, redactor)
        first = start.place(nb.cells, prepared.cells)
        session.progress.begin(nb.cells, done=len(start.taken_over))
        manager.notebook_start()
        start.show(nb.cells, prepared.cells)
        try:
            EtlNotebookClient(
                manager,
                session,
                start,
                first=first,
                kernel_name=kernel_name,
                startup_timeout=kwargs.get("start_timeout", START_TIMEOUT_S),
            ).execute()
        except BaseException:
            manager.notebook_complete()
            raise
        # Papermill writes the file next.
        manager.notebook_complete(save=False)
        return redactor.redacted(manager.nb)


def _literal(path: Path) -> str:
    """Escape a path for papermill, which formats paths with the parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")
