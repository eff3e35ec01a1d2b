"""The progress of an attempt, recorded in the event log and the ledger."""

from __future__ import annotations

import time
from collections.abc import Sequence

from jupyter_etl.model import FailureKind
from jupyter_etl.runner.cells import NotebookCell, cell_label, deployed_indices
from jupyter_etl.runner.events import EventLog
from jupyter_etl.runner.watchdogs.heartbeat import Heartbeats


class Progress:
    """Records the cells of one execution.

    Args:
        events: Receives the start and the end of every code cell of the deployed notebook.
        heartbeats: Send the number of finished cells to the ledger.
        of: Total number of code cells.
    """

    def __init__(
        self, *, events: EventLog, heartbeats: Heartbeats, cells: Sequence[NotebookCell], of: int
    ) -> None:
        self._events = events
        self._heartbeats = heartbeats
        self._deployed = cells
        self._of = of
        self._indices: list[int | None] = list(range(len(cells)))
        self._done = 0
        self._since = 0.0
        self.at: int | None = None
        self.began = False
        self.failure: tuple[str, str] | None = None
        self.kernel_end: FailureKind | None = None

    def begin(self, executed: Sequence[NotebookCell], *, done: int = 0) -> None:
        """Set the cells of the notebook that papermill executes.

        Args:
            done: Number of code cells of the deployed notebook that were executed before.
        """
        self._indices = deployed_indices(self._deployed, executed)
        self._done = done
        self.at = None
        self.failure = None
        self.kernel_end = None

    def deployed(self, index: int | None) -> int | None:
        """Return the deployed notebook's index of an executed cell; None for an inserted one."""
        return self._indices[index] if index is not None and index < len(self._indices) else None

    def cell_started(self, index: int, *, code: bool) -> None:
        """Record the start of a cell."""
        self.at = self.deployed(index)
        self.began = self.began or self.at is not None
        if code and self.at is not None:
            self._since = time.monotonic()
            label = cell_label(self._deployed[self.at])
            self._events.add(
                "cell_started", cell=self.at, done=self._done, of=self._of, label=label
            )

    def cell_failed(self, name: str, text: str) -> None:
        """Record the error in the kernel's reply, which may not be shown as an output."""
        self.failure = (name, text)

    def kernel_ended(self, kind: FailureKind) -> None:
        """Record that the kernel's process ended during a cell: ``kernel_exited`` or ``kernel_died``."""
        self.kernel_end = kind

    def cell_finished(self, index: int, *, code: bool, ok: bool, traceback: str = "") -> None:
        """Record the end of a cell; a failed cell does not count as done."""
        cell = self.deployed(index)
        if not code or cell is None:
            return
        self._done += ok
        self._events.add(
            "cell_finished",
            cell=cell,
            done=self._done,
            of=self._of,
            ok=ok,
            seconds=round(time.monotonic() - self._since, 3),
            **({"traceback": traceback} if traceback else {}),
        )
        self._heartbeats.progress(self._done)
