"""Executes the cells of a run in its kernel."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellExecutionError, DeadKernelError

from jupyter_etl.errors import ExecutionError
from jupyter_etl.language.durations import format_duration
from jupyter_etl.model import FailureKind
from jupyter_etl.runner.bundles.placement import Pinned
from jupyter_etl.runner.cells import cell_title
from jupyter_etl.runner.channel.sockets import CHANNEL
from jupyter_etl.runner.checkpoints.checkpoint import Keeper
from jupyter_etl.runner.checkpoints.resume import NotRestored, Start
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.execution.bounded_client import CappedNotebookClient
from jupyter_etl.runner.execution.notebook_manager import EtlNotebookManager
from jupyter_etl.runner.execution.output_limits import OutputCaps
from jupyter_etl.runner.kernel.kernels import COLD
from jupyter_etl.runner.limits import address_space_bytes
from jupyter_etl.runner.outcome import error_of_cancellation, one_line
from jupyter_etl.runner.preparation import Prepared
from jupyter_etl.runner.progress import Progress
from jupyter_etl.runner.watchdogs.memory import MemoryWatch
from jupyter_etl.runner.watchdogs.termination import Guard

# Not %load_ext: the notebook's own call would then print that it is loaded already.
_LOAD_MAGICS = "__import__('jupyter_etl').load_ipython_extension(get_ipython())"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Session:
    """One execution of a notebook.

    Args:
        context: The attempt and its resources.
        prepared: The notebook and its kernel.
        pinned: The files of the version; None if it pins only the notebook.
        env: The kernel's environment.
        guard, memory: Watch the kernel's process.
        progress: Receives the start and the end of every cell.
        keeper: Saves the variables when a cell fails; None if the policy saves no checkpoints.
    """

    context: AttemptContext
    prepared: Prepared
    pinned: Pinned | None
    env: Mapping[str, str]
    guard: Guard
    memory: MemoryWatch
    progress: Progress
    keeper: Keeper | None = None

    @property
    def address_space_bytes(self) -> int | None:
        """The limit of the kernel's address space; None for no limit."""
        return address_space_bytes(self.context.memory_bytes)


class EtlNotebookClient(CappedNotebookClient):
    """Executes cells in a kernel that has its own environment and working directory.

    Args:
        session: The execution.
        start: The first cell, and the state of an earlier attempt.
        first: Index of the first cell to execute.
        kernel_name: Name of the kernelspec.
        startup_timeout: Seconds within which a kernel must reply.
    """

    def __init__(
        self,
        manager: EtlNotebookManager,
        session: Session,
        start: Start,
        *,
        first: int,
        kernel_name: str,
        startup_timeout: int,
    ) -> None:
        super().__init__(
            manager,
            caps=OutputCaps(session.context.limits),
            address_space_bytes=session.address_space_bytes,
            group=session.context.group,
            socket_folder=Path(session.env[CHANNEL]).parent,
            redactor=session.context.redactor,
            kernel_name=kernel_name,
            startup_timeout=startup_timeout,
            timeout=None,
            shell_timeout_interval=1,
            log=_log,
        )
        self._session = session
        self._context = session.context
        self._start = start
        self._first = first

    def start_new_kernel(self, **kwargs: Any) -> None:
        """Start the kernel, and watch its process from the beginning."""
        super().start_new_kernel(**kwargs)
        self._watch_process()

    def execute(self, **kwargs: Any) -> Any:
        """Execute all cells, until one fails."""
        self.reset_execution_trackers()
        session = self._session
        env, folder = dict(session.env), str(session.prepared.folder)
        why_cold = self._take_prestarted_kernel(env, folder)
        with self.setup_kernel(env=env, cwd=folder, **kwargs):
            self._context.events.add("kernel", warm=not why_cold, why=why_cold)
            self.nb.metadata["language_info"] = self.kc.info["language_info"]
            if why_cold:
                self.prepare_kernel()
            if session.pinned is not None:
                self._import_pinned(session.pinned.code)
            if session.prepared.speaks_etl:
                self._load_magics()
            if self._start.code:
                self._restore_variables()
            self.papermill_execute_cells()
            self.set_widgets_metadata()
        if not why_cold:
            session.guard.kernel_left()
        return self.nb

    def _take_prestarted_kernel(self, env: Mapping[str, str], cwd: str) -> str:
        """Use the prestarted kernel; return why that is not possible, "" if it is."""
        kernel = self._context.kernel
        if kernel is None:
            return os.environ.get(COLD, "its runner was started cold")
        spec = self._session.prepared.kernel.spec
        why_cold = kernel.why_cold(spec, env, cwd)
        if not why_cold and self._session.pinned is not None:
            why_cold = self._session.pinned.why_cold
        if why_cold:
            # Its sockets may be where another kernel is about to create its own.
            kernel.stop()
            return why_cold
        self.km, self.kc = kernel.manager, kernel.client
        self._watch_process()
        kernel.become(
            spec,
            env,
            cwd,
            address_space_bytes=self._session.address_space_bytes,
            gate=self.admits,
        )
        return ""

    def _watch_process(self) -> None:
        pid = self.km.provisioner.pid
        if pid is not None:
            self._session.guard.kernel_started(pid, ask=self.km.ask_to_interrupt)
            self._session.memory.kernel_started(pid)

    def papermill_execute_cells(self) -> None:
        """Execute each cell as papermill does; the death of a kernel is an error of its cell."""
        for index, cell in list(enumerate(self.nb.cells))[self._first :]:
            if self._context.cancellation.reason is not None:
                # Marked as papermill marks a failure, so that the notebook shows where it stopped.
                self.nb_man.cell_exception(cell, cell_index=index)
                return
            if self._session.keeper is not None:
                self._session.keeper.cell_starts()
            failed = False
            try:
                self.nb_man.cell_start(cell, index)
                self.execute_cell(cell, index)
            except CellExecutionError as problem:
                self._session.progress.cell_failed(problem.ename, problem.evalue)
                self.nb_man.cell_exception(cell, cell_index=index, exception=problem)
                failed = True
            except DeadKernelError as problem:
                self._mark_dead(cell, index)
                self.nb_man.cell_exception(cell, cell_index=index, exception=problem)
                return
            finally:
                self._context.log.clean_up()
                self.nb_man.cell_complete(cell, cell_index=index)
            if failed:
                self._keep_variables()
                return
            if self.ended is not None:
                at = cell_title(self._session.progress.deployed(index))
                self._context.events.log(self.ended.message(at))
                return

    def _keep_variables(self) -> None:
        keeper = self._session.keeper
        if keeper is None or self._context.cancellation.reason is not None:
            return
        try:
            code = keeper.code()
        except OSError as problem:
            keeper.written(f"its folder could not be made: {problem}")
        else:
            keeper.written(self._ask(code, timeout_s=keeper.seconds))

    def _restore_variables(self) -> None:
        problem = self._ask(self._start.code, timeout_s=None)
        if problem:
            raise NotRestored(f"the variables could not be restored: {problem}")

    def _ask(self, code: str, *, timeout_s: float | None) -> str:
        """Execute code of the platform in the kernel; return why that failed, "" if it did not."""
        try:
            content = run_sync(self._answer)(code, timeout_s)
        except TimeoutError:
            run_sync(self.km.interrupt_kernel)()
            return f"it took longer than {format_duration(timeout_s or 0)}"
        except DeadKernelError:
            return "the kernel died"
        if content["status"] == "error":
            return one_line(content.get("ename", ""), content.get("evalue", ""))
        return ""

    async def _answer(self, code: str, timeout_s: float | None) -> dict[str, Any]:
        sent = self.kc.execute(code, silent=True, store_history=False)
        reply = await asyncio.wait_for(self.async_wait_for_reply(sent), timeout_s)
        content: dict[str, Any] = reply["content"]
        return content

    def _import_pinned(self, code: str) -> None:
        problem = self._ask(code, timeout_s=None) if code else ""
        if problem:
            raise ExecutionError(f"The pinned modules of the version cannot be used: {problem}.")

    def _load_magics(self) -> None:
        reply = self.wait_for_reply(self.kc.execute(_LOAD_MAGICS, silent=True, store_history=False))
        content = reply["content"]
        if content["status"] == "error":
            self._context.events.log(
                f"%etl could not be loaded: {content.get('ename')}: {content.get('evalue')}"
            )

    def _mark_dead(self, cell: Any, index: int) -> None:
        process = self.km.provisioner.process
        deployed = self._session.progress.deployed(index)
        code = process.poll() if process else None
        died = f"the kernel died in {cell_title(deployed)}: {_how(code)}"
        # If it was ended deliberately, the reason is the better message.
        purpose = error_of_cancellation(self._context.cancellation, deployed)
        text = purpose or died
        exited = code is not None and code >= 0 and not purpose
        self._session.progress.kernel_ended(
            FailureKind.KERNEL_EXITED if exited else FailureKind.KERNEL_DIED
        )
        name = "KernelExited" if exited else "DeadKernelError"
        error = {"ename": name, "evalue": text, "traceback": [text]}
        node: Any = nbformat.NotebookNode
        cell.outputs.append(node(output_type="error", **error))


def _how(code: int | None) -> str:
    if code is None:
        return "it is gone"
    if code >= 0:
        return f"it ended with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    memory = "; the machine may have run out of memory" if code == -signal.SIGKILL else ""
    return f"killed by {name}{memory}"
