"""From a claim to a report: execute the notebook, look at the checks, commit the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from jupyter_etl.errors import EtlError
from jupyter_etl.execution.beat import Beats
from jupyter_etl.execution.channel import CHANNEL, ChannelServer
from jupyter_etl.execution.committing import commit_outputs, outlast
from jupyter_etl.execution.ending import (
    Ending,
    ending_of_error,
    ending_of_etl_error,
    ending_of_halt,
)
from jupyter_etl.execution.events import EventLog
from jupyter_etl.execution.finishing import Judge, with_verdict
from jupyter_etl.execution.folders import EXECUTED, SNAPSHOT
from jupyter_etl.execution.guard import Guard
from jupyter_etl.execution.halt import Halt
from jupyter_etl.execution.kernels import DEFAULT_KERNEL, kernel_environment
from jupyter_etl.execution.preparation import prepare
from jupyter_etl.execution.progress import Progress
from jupyter_etl.execution.record import RunRecord
from jupyter_etl.model import AttemptReport, CheckStatus, Committed, Outcome, PublicationKind
from jupyter_etl.ports import Claim, Clock, Publisher, Store


@dataclass(frozen=True, kw_only=True)
class Making:
    """An attempt in the making.

    Args:
        claim: What to make.
        folder: Of the attempt.
        store: The ledger.
        publishers: What commits the outputs, by kind.
        clock: For the time of declarations.
        events: Hears what happens.
        halt: Says when to stop.
        beats: The sign of life; they are running.
        lake: Folder or URL under which all outputs lie.
    """

    claim: Claim
    folder: Path
    store: Store
    publishers: Mapping[PublicationKind, Publisher]
    clock: Clock
    events: EventLog
    halt: Halt
    beats: Beats
    lake: str

    def report(self, judge: Judge) -> AttemptReport:
        """Execute, and where that succeeds commit; whatever happens becomes a report."""
        record = RunRecord(
            store=self.store,
            claim=self.claim,
            folder=self.folder,
            kinds=self.publishers,
            clock=self.clock,
            events=self.events,
        )
        ending = self._execute(record)
        committed: tuple[Committed, ...] = ()
        if ending.outcome is Outcome.SUCCEEDED:
            ending = _held_by_checks(record) or ending
        if ending.outcome is Outcome.SUCCEEDED:
            committed, ending = self._commit(record, ending)
        executed = self.folder / EXECUTED
        report = AttemptReport(
            outcome=ending.outcome,
            error=ending.error,
            failed_cell=ending.failed_cell,
            output=str(executed) if executed.exists() else "",
            peak_rss_bytes=self.beats.peak_rss_bytes or None,
            committed=committed,
            checks=record.checks,
            reads=record.reads,
        )
        return with_verdict(report, ending.error_type, judge)

    def _execute(self, record: RunRecord) -> Ending:
        policy = self.claim.run.new.policy
        progress: list[Progress] = []
        problem: Exception | None = None
        try:
            with ExitStack() as stack:
                channel = stack.enter_context(ChannelServer(record))
                marker = (CHANNEL, str(channel.path))
                guard = Guard(self.halt, timeout_s=policy.timeout_s, marker=marker)
                stack.enter_context(guard)
                self._run_notebook(record, guard, marker, progress)
        except Exception as raised:  # noqa: BLE001 - an attempt ends with a record, whatever happens
            problem = raised
        if self.halt.reason is not None:
            at = progress[0].at if progress else None
            return ending_of_halt(self.halt.reason, at, policy.timeout_s)
        if problem is not None:
            return ending_of_error(problem, progress[0] if progress else None)
        return Ending(outcome=Outcome.SUCCEEDED)

    def _run_notebook(
        self, record: RunRecord, guard: Guard, marker: tuple[str, str], progress: list[Progress]
    ) -> None:
        new = self.claim.run.new
        body = outlast(lambda: self.store.load_snapshot(new.content_hash), self.beats)
        prepared = prepare(body, new, self.folder / SNAPSHOT)
        record.set_notebook(prepared.parameters, prepared.outputs)
        if prepared.kernel.assumed:
            self.events.log(f"the notebook names no kernel; {DEFAULT_KERNEL} is assumed")
        progress.append(
            Progress(
                events=self.events,
                beats=self.beats,
                cells=prepared.cells,
                of=prepared.code_cells,
            )
        )
        # Imported here: papermill costs half a second, and what is refused above needs none of it.
        from jupyter_etl.execution.papermill_engine import Session, execute

        session = Session(
            prepared=prepared,
            env=kernel_environment(marker),
            halt=self.halt,
            guard=guard,
            progress=progress[0],
            events=self.events,
        )
        execute(session, self.folder / EXECUTED)

    def _commit(self, record: RunRecord, ending: Ending) -> tuple[tuple[Committed, ...], Ending]:
        # A runner that was asleep past its lease learns it here, before it writes to the lake.
        self.beats.beat()
        policy = self.claim.run.new.policy
        if self.halt.reason is not None:
            return (), ending_of_halt(self.halt.reason, None, policy.timeout_s)
        try:
            committed = commit_outputs(
                record.staged,
                claim=self.claim,
                store=self.store,
                publishers=self.publishers,
                lake=self.lake,
                executed=self.folder / EXECUTED,
                beats=self.beats,
            )
        except EtlError as problem:
            return (), ending_of_etl_error(problem)
        except Exception as problem:  # noqa: BLE001 - an attempt ends with a record
            return (), ending_of_error(problem, None)
        return committed, ending


def _held_by_checks(record: RunRecord) -> Ending | None:
    """A check that failed holds the run's outputs, even where the notebook went on."""
    broken = [result.message for result in record.checks if result.status is CheckStatus.ERROR]
    if not broken:
        return None
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    return Ending(
        outcome=Outcome.HELD, error_type="CheckFailed", error=f"CheckFailed: {broken[0]}{more}"
    )
