"""Papermill's engine for direct calls of papermill: kernels and limits, but no ledger."""

from __future__ import annotations

import logging
import shutil
from typing import Any

from papermill.engines import NBClientEngine

from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.channel.sockets import make_folder
from jupyter_etl.runner.execution.bounded_client import CappedNotebookClient
from jupyter_etl.runner.execution.output_limits import OutputCaps
from jupyter_etl.runner.limits import Limits

START_TIMEOUT_S = 60
_log = logging.getLogger(__name__)


class StandaloneEngine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    """Executes with `CappedNotebookClient`; papermill shows progress and saves after each cell.

    The kernel has private sockets and ends with its caller. Its output is limited, and the secrets
    that it received are redacted.
    """

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        limits: Limits,
        redactor: Redactor,
        start_timeout: int = START_TIMEOUT_S,
        execution_timeout: int | None = None,
        **options: Any,
    ) -> None:
        """Execute all cells, until one fails.

        Args:
            kernel_name: Name of the kernelspec.
            start_timeout: Seconds within which a kernel must reply.
            execution_timeout: Seconds for each cell; None for no limit.
            options: Options of papermill's client: ``log_output``, ``stdout_file``,
                ``stderr_file``.
        """
        options.pop("input_path", None)
        folder = make_folder()
        try:
            CappedNotebookClient(
                nb_man,
                caps=OutputCaps(limits),
                address_space_bytes=None,
                socket_folder=folder,
                redactor=redactor,
                kernel_name=kernel_name,
                startup_timeout=start_timeout,
                timeout=execution_timeout,
                log=_log,
                **options,
            ).execute()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
