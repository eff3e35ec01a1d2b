"""Papermill's engine of the platform: its notebooks and decisions, our kernel and progress."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook
from papermill.iorw import LocalHandler, papermill_io

from jupyter_etl.errors import ExecutionError
from jupyter_etl.language.durations import format_duration
from jupyter_etl.language.parameters.injection import inject_types
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.bundles.placement import Pinned
from jupyter_etl.runner.cells import say_cell, traceback_of
from jupyter_etl.runner.channel.client import CHANNEL
from jupyter_etl.runner.checkpoints.checkpoint import Keeper
from jupyter_etl.runner.checkpoints.resume import NotRestored, Start
from jupyter_etl.runner.events import EventLog
from jupyter_etl.runner.execution.bounded_client import CappedNotebookClient
from jupyter_etl.runner.execution.executed import NotebookRedactor, distrust
from jupyter_etl.runner.execution.expected_errors import accept_expected_errors
from jupyter_etl.runner.execution.output_limits import OutputCaps
from jupyter_etl.runner.execution.prestarted_kernel import PrestartedKernel
from jupyter_etl.runner.execution.translators import escape_parameters
from jupyter_etl.runner.folders import write_atomically
from jupyter_etl.runner.kernel.kernels import COLD
from jupyter_etl.runner.outcome import KERNEL_EXITED, error_of_cancellation, one_line
from jupyter_etl.runner.preparation import Prepared, write_notebook
from jupyter_etl.runner.progress import Progress
from jupyter_etl.runner.redacted_output import LogCleanup
from jupyter_etl.runner.watchdogs.cancellation import Cancellation
from jupyter_etl.runner.watchdogs.memory import MemoryWatch
from jupyter_etl.runner.watchdogs.termination import Guard

ENGINE = "etl"
START_TIMEOUT_S = 60
# Not %load_ext: the notebook's own would then say that it is loaded already.
_LOAD_MAGICS = "__import__('jupyter_etl').load_ipython_extension(get_ipython())"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Session:
    """What the engine works with besides the notebook.

    Args:
        prepared: The notebook and its kernel.
        env: The kernel's environment.
        cancellation: Looked at before every cell.
        guard, watch: Are told of the kernel's process.
        caps: Count what the cells show.
        address_space_bytes: Of the kernel; None for no limit.
        progress: Is told of every cell.
        events: For remarks.
        start: Where to begin.
        keeper: Keeps the variables when a cell fails; None where nobody asked for it.
        early: Becomes the notebook's kernel, where it can; None for a cold start.
        redactor: Takes secrets out of what the cells show.
        log: Takes them out of the runner's log; None where nothing else writes to it.
        pinned: The files of the version; None where it is the notebook alone.
        group: The control group of the kernel's processes; None where they have none.
    """

    prepared: Prepared
    env: Mapping[str, str]
    cancellation: Cancellation
    guard: Guard
    watch: MemoryWatch
    caps: OutputCaps
    address_space_bytes: int | None
    progress: Progress
    events: EventLog
    start: Start = field(default_factory=Start)
    keeper: Keeper | None = None
    early: PrestartedKernel | None = None
    redactor: Redactor = field(default_factory=Redactor)
    log: LogCleanup | None = None
    pinned: Pinned | None = None
    group: Path | None = None


def execute(session: Session, output: Path) -> None:
    """Execute a prepared notebook to its end; the executed one is kept in any case.

    Args:
        output: Where the executed notebook goes, after every cell.

    Raises:
        PapermillExecutionError: A cell failed without the tag ``raises-exception``, or its kernel died.
        Exception: The kernel did not start, or whatever else papermill raises.
    """
    prepared = session.prepared
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
        )
    except PapermillExecutionError:
        if not accept_expected_errors(output):
            raise


class _WholeFiles(LocalHandler):  # type: ignore[misc]
    """Has papermill replace a file in one step: whoever reads it sees a whole notebook."""

    def write(self, buf: str, path: str) -> None:
        write_atomically(Path(path), buf.encode())


class EtlEngine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    """Executes with `EtlNotebookClient`; found by papermill under the name ``etl``."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **kwargs: Any) -> Any:
        """Execute a parameterised notebook; the arguments are papermill's."""
        session: Session = kwargs["session"]
        prepared = session.prepared
        if prepared.kernel.language == "python":
            at = datetime.now(UTC)
            inject_types(nb.cells, prepared.declared, prepared.parameters, at=at)
        distrust(nb)
        for language in (prepared.kernel.language, prepared.kernel.name):
            escape_parameters(nb.cells, language, prepared.parameters)
        written = NotebookRedactor(session.redactor)
        manager = EtlNotebookManager(nb, kwargs.get("output_path"), session.progress, written)
        first = session.start.place(nb.cells, session.prepared.cells)
        session.progress.begin(nb.cells, done=len(session.start.taken_over))
        manager.notebook_start()
        session.start.show(nb.cells, session.prepared.cells)
        try:
            EtlNotebookClient(
                manager,
                session,
                first=first,
                kernel_name=kernel_name,
                startup_timeout=kwargs.get("start_timeout", START_TIMEOUT_S),
            ).execute()
        except BaseException:
            manager.notebook_complete()
            raise
        # Papermill writes the file next.
        manager.notebook_complete(save=False)
        return written.redacted(manager.nb)


class EtlNotebookManager(NotebookExecutionManager):  # type: ignore[misc]
    """Keeps the executed notebook on disk, whole at any moment, and tells of progress.

    Args:
        output_path: Where it is kept; None for nowhere.
        progress: Is told of every cell.
    """

    def __init__(
        self, nb: Any, output_path: str | None, progress: Progress, written: NotebookRedactor
    ) -> None:
        super().__init__(nb, output_path=output_path, progress_bar=False)
        self._progress = progress
        self._written = written
        self._holding = False

    def save(self, **kwargs: Any) -> None:
        """Replace the file in one step."""
        if self._holding:
            return
        if self.output_path:
            write_notebook(self._written.redacted(self.nb), Path(self.output_path))
        self.last_save_time = self.now()

    def notebook_complete(self, *, save: bool = True, **kwargs: Any) -> None:
        """Finish the metadata, and save where nobody else does."""
        self._holding = not save
        super().notebook_complete(**kwargs)

    def cell_start(self, cell: Any, cell_index: int = 0, **kwargs: Any) -> None:
        """Mark a cell as running; the file follows when it ends, or with the autosave."""
        self._holding = True
        super().cell_start(cell, cell_index, **kwargs)
        self._holding = False
        self._progress.cell_started(cell_index, code=cell.cell_type == "code")

    def cell_complete(self, cell: Any, cell_index: int = 0, **kwargs: Any) -> None:
        """Mark a cell as ended and save."""
        code = cell.cell_type == "code"
        self._holding = not code
        super().cell_complete(cell, cell_index, **kwargs)
        self._holding = False
        ok = cell.metadata.papermill["status"] != self.FAILED
        traceback = "" if ok else traceback_of(cell)
        self._progress.cell_finished(cell_index, code=code, ok=ok, traceback=traceback)


class EtlNotebookClient(CappedNotebookClient):
    """Executes cells in a kernel that has its own environment and working directory.

    Args:
        session: What to work with.
        first: Index of the first cell to execute.
        kernel_name: Of the kernelspec.
        startup_timeout: Seconds until a kernel must have answered.
    """

    def __init__(
        self,
        manager: EtlNotebookManager,
        session: Session,
        *,
        first: int,
        kernel_name: str,
        startup_timeout: int,
    ) -> None:
        super().__init__(
            manager,
            caps=session.caps,
            address_space_bytes=session.address_space_bytes,
            group=session.group,
            socket_folder=Path(session.env[CHANNEL]).parent,
            redactor=session.redactor,
            kernel_name=kernel_name,
            startup_timeout=startup_timeout,
            timeout=None,
            shell_timeout_interval=1,
            log=_log,
        )
        self._session = session
        self._first = first

    def start_new_kernel(self, **kwargs: Any) -> None:
        """Start the kernel and say at once which process it is."""
        super().start_new_kernel(**kwargs)
        self._say_process()

    def execute(self, **kwargs: Any) -> Any:
        """Execute all cells, until one fails."""
        self.reset_execution_trackers()
        session = self._session
        env, folder = dict(session.env), str(session.prepared.folder)
        why_cold = self._take_prestarted_kernel(env, folder)
        with self.setup_kernel(env=env, cwd=folder, **kwargs):
            session.events.add("kernel", warm=not why_cold, why=why_cold)
            self.nb.metadata["language_info"] = self.kc.info["language_info"]
            if why_cold:
                self.prepare_kernel()
            if session.pinned is not None:
                self._import_pinned(session.pinned.code)
            if session.prepared.speaks_etl:
                self._load_magics()
            if session.start.code:
                self._restore_variables()
            self.papermill_execute_cells()
            self.set_widgets_metadata()
        if not why_cold:
            session.guard.kernel_left()
        return self.nb

    def _take_prestarted_kernel(self, env: Mapping[str, str], cwd: str) -> str:
        """Execute in the kernel that runs already; say why that cannot be, "" where it can."""
        early = self._session.early
        if early is None:
            return os.environ.get(COLD, "its runner was started cold")
        spec = self._session.prepared.kernel.spec
        why_cold = early.why_cold(spec, env, cwd)
        if not why_cold and self._session.pinned is not None:
            why_cold = self._session.pinned.why_cold
        if why_cold:
            # It may have the sockets that another kernel is about to make.
            early.forked_kernel.dismiss()
            return why_cold
        self.km, self.kc = early.manager, early.client
        self._say_process()
        early.become(
            spec,
            env,
            cwd,
            address_space_bytes=self._session.address_space_bytes,
            gate=self.admits,
        )
        return ""

    def _say_process(self) -> None:
        pid = self.km.provisioner.pid
        if pid is not None:
            self._session.guard.kernel_started(pid, ask=self.km.ask_to_interrupt)
            self._session.watch.kernel_started(pid)

    def papermill_execute_cells(self) -> None:
        """Execute each cell as papermill does; the death of a kernel is an error of its cell."""
        for index, cell in list(enumerate(self.nb.cells))[self._first :]:
            if self._session.cancellation.reason is not None:
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
                if self._session.log is not None:
                    self._session.log.clean_up()
                self.nb_man.cell_complete(cell, cell_index=index)
            if failed:
                self._keep_variables()
                return
            if self.ended is not None:
                at = say_cell(self._session.progress.deployed(index))
                self._session.events.log(self.ended.say(at))
                return

    def _keep_variables(self) -> None:
        keeper = self._session.keeper
        if keeper is None or self._session.cancellation.reason is not None:
            return
        try:
            code = keeper.code()
        except OSError as problem:
            keeper.written(f"its folder could not be made: {problem}")
        else:
            keeper.written(self._ask(code, timeout_s=keeper.seconds))

    def _restore_variables(self) -> None:
        problem = self._ask(self._session.start.code, timeout_s=None)
        if problem:
            raise NotRestored(f"the variables could not be restored: {problem}")

    def _ask(self, code: str, *, timeout_s: float | None) -> str:
        """Have the kernel execute code of ours; return why it could not, "" where it did."""
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
            self._session.events.log(
                f"%etl could not be loaded: {content.get('ename')}: {content.get('evalue')}"
            )

    def _mark_dead(self, cell: Any, index: int) -> None:
        process = self.km.provisioner.process
        cell_name = self._session.progress.deployed(index)
        code = process.poll() if process else None
        died = f"the kernel died in {say_cell(cell_name)}: {_how(code)}"
        # Where it was ended on purpose, the purpose says more.
        purpose = error_of_cancellation(self._session.cancellation, cell_name)
        text = purpose or died
        exited = code is not None and code >= 0 and not purpose
        name = KERNEL_EXITED if exited else "DeadKernelError"
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


def _literal(path: Path) -> str:
    """Write a path so that papermill, which formats paths with the parameters, leaves it alone."""
    return str(path).replace("{", "{{").replace("}", "}}")
