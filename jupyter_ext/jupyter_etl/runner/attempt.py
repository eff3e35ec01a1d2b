"""From a claim to a report: execute the notebook, look at the checks, commit the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from jupyter_etl.errors import EtlError
from jupyter_etl.model import (
    AttemptReport,
    Committed,
    Outcome,
    PublicationKind,
    TimeLimit,
)
from jupyter_etl.ports import Claim, Clock, Lake, Publisher, SecretResolver, Store
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.bundles.placement import Pinned, pin
from jupyter_etl.runner.channel.client import CHANNEL, ChannelServer
from jupyter_etl.runner.channel.requests import RunRecord
from jupyter_etl.runner.checkpoints.checkpoint import Keeper, PlanResumption
from jupyter_etl.runner.checkpoints.resume import NotRestored, Start, from_the_start, start_of
from jupyter_etl.runner.commit import Gate, HeldBack, commit_outputs, outlast
from jupyter_etl.runner.completion import Judge, with_verdict
from jupyter_etl.runner.events import EventLog
from jupyter_etl.runner.execution.output_limits import OutputCaps
from jupyter_etl.runner.execution.prestarted_kernel import PrestartedKernel
from jupyter_etl.runner.folders import EXECUTED, SNAPSHOT, home_of
from jupyter_etl.runner.kernel.kernels import ATTEMPT, DEFAULT_KERNEL, kernel_environment
from jupyter_etl.runner.limits import Limits, address_space_bytes
from jupyter_etl.runner.outcome import (
    AttemptOutcome,
    outcome_before_start,
    outcome_of_cancellation,
    outcome_of_error,
    outcome_of_etl_error,
    refused_memory,
)
from jupyter_etl.runner.preparation import Prepared, prepare
from jupyter_etl.runner.progress import Progress
from jupyter_etl.runner.published_secrets import refuse_secrets
from jupyter_etl.runner.redacted_output import LogCleanup
from jupyter_etl.runner.watchdogs.cancellation import Cancellation, CancellationReason
from jupyter_etl.runner.watchdogs.heartbeat import Heartbeats
from jupyter_etl.runner.watchdogs.memory import MemoryWatch
from jupyter_etl.runner.watchdogs.termination import Guard
from jupyter_etl.runner.watermarks import noted_reads

_Made = tuple[tuple[Committed, ...], AttemptOutcome, HeldBack | None]


@dataclass(frozen=True, kw_only=True)
class AttemptExecution:
    """An attempt in the making.

    Args:
        claim: What to make.
        folder: Of the attempt.
        store: The ledger.
        publishers: What commits the outputs, by kind.
        clock: For the time of declarations.
        events: Hears what happens.
        cancellation: Says when to stop.
        heartbeats: The heartbeat; they are running.
        lake: Where all outputs lie.
        plan_resumption: Decides whether the attempt can go on from a checkpoint.
        limits: Of memory and outputs.
        snapshot: What is executed; "" where it is still to be loaded.
        early: Becomes the notebook's kernel, where it can; None for a cold start.
        gate: Says what a person has to look at before it is published.
        secret: Resolves the names of secrets; None where there are none.
        redactor: Takes the secrets that are used out of what is shown and recorded.
        log: Takes them out of the runner's log.
        time_limit: How long the attempt may take.
        group: The control group of the kernel's processes; None where they have none.
    """

    claim: Claim
    folder: Path
    store: Store
    publishers: Mapping[PublicationKind, Publisher]
    clock: Clock
    events: EventLog
    cancellation: Cancellation
    heartbeats: Heartbeats
    lake: Lake
    plan_resumption: PlanResumption
    limits: Limits
    redactor: Redactor
    log: LogCleanup
    time_limit: TimeLimit
    group: Path | None = None
    snapshot: str = ""
    early: PrestartedKernel | None = None
    gate: Gate | None = None
    secret: SecretResolver | None = None

    def report(self, judge: Judge) -> AttemptReport:
        """Execute, and where that succeeds commit; whatever happens becomes a report."""
        record = RunRecord(
            store=self.store,
            claim=self.claim,
            folder=self.folder,
            kinds=self.publishers,
            clock=self.clock,
            events=self.events,
            secret=self.secret,
            redactor=self.redactor,
        )
        watch = MemoryWatch(
            self.cancellation, limit_bytes=self._memory_bytes, marker=self._marker, group=self.group
        )
        with watch:
            committed, ending, held = self._make(record, watch)
        ending = replace(ending, error=self.redactor.redact(ending.error))
        why_not = self._why_no_move(record, ending, committed)
        self._say(why_not)
        executed = self.folder / EXECUTED
        report = AttemptReport(
            outcome=ending.outcome,
            error=ending.error,
            failed_cell=ending.failed_cell,
            output=str(executed) if executed.exists() else "",
            peak_rss_bytes=watch.peak_bytes or None,
            committed=committed,
            checks=record.checks,
            reads=noted_reads(record.reads, record.moves, why_not),
            staged=tuple(record.staged) if held else (),
            differences=held.differences if held else (),
            moves=record.moves,
            origins={one.name: one.origins for one in record.staged if one.origins},
            began=ending.began,
        )
        return with_verdict(self._without_secrets(report), ending, judge)

    def _without_secrets(self, report: AttemptReport) -> AttemptReport:
        redact = self.redactor.redact_model
        return replace(
            report,
            reads=tuple(map(redact, report.reads)),
            checks=tuple(map(redact, report.checks)),
            differences=tuple(map(redact, report.differences)),
            origins={name: tuple(map(redact, origins)) for name, origins in report.origins.items()},
        )

    def _why_no_move(
        self, record: RunRecord, ending: AttemptOutcome, committed: tuple[Committed, ...]
    ) -> str:
        """Say why a run that succeeded and loaded by a cursor moves no watermark; "" where it does."""
        if ending.outcome is not Outcome.SUCCEEDED or not record.moves:
            return ""
        if self.claim.run.new.draft:
            return "the watermark stays: the run is a draft"
        return "" if committed else "the watermark stays: the run published nothing"

    @cached_property
    def _memory_bytes(self) -> int | None:
        return self.limits.memory_for(self.claim.run.new.policy.memory_bytes)

    @property
    def _marker(self) -> tuple[str, str]:
        return ATTEMPT, str(self.folder)

    def _make(self, record: RunRecord, watch: MemoryWatch) -> _Made:
        ending = self._execute(record, watch)
        if ending.outcome is Outcome.SUCCEEDED:
            return self._commit(record, ending)
        return (), ending, None

    def _execute(self, record: RunRecord, watch: MemoryWatch) -> AttemptOutcome:
        progress: list[Progress] = []
        keepers: list[Keeper] = []
        problem: Exception | None = None
        sockets = self.early.folder if self.early is not None else None
        try:
            with ExitStack() as stack:
                channel = stack.enter_context(ChannelServer(record, sockets))
                env = kernel_environment({CHANNEL: str(channel.path), ATTEMPT: str(self.folder)})
                guard = Guard(
                    self.cancellation,
                    timeout_s=self.time_limit.seconds,
                    marker=self._marker,
                    group=self.group,
                )
                stack.enter_context(guard)
                self._run_notebook(record, guard, watch, env, progress, keepers)
        except Exception as raised:  # noqa: BLE001 - an attempt ends with a record, whatever happens
            problem = raised
        ending = self._ending(record, watch, problem, progress[0] if progress else None)
        for keeper in keepers:
            self._say(keeper.finish(ending.outcome, ending.failed_cell))
        return ending

    def _ending(
        self,
        record: RunRecord,
        watch: MemoryWatch,
        problem: Exception | None,
        progress: Progress | None,
    ) -> AttemptOutcome:
        cancellation = self.cancellation
        if cancellation.reason is not None:
            at = progress.at if progress else None
            return self._cancelled(at)
        if problem is not None:
            began = progress is not None and progress.began
            unstarted = None if began else outcome_before_start(problem, home_of(self.folder))
            if unstarted is not None:
                return unstarted
            return record.blame(refused_memory(outcome_of_error(problem, progress), watch.verdict))
        return AttemptOutcome(outcome=Outcome.SUCCEEDED)

    def _run_notebook(
        self,
        record: RunRecord,
        guard: Guard,
        watch: MemoryWatch,
        env: Mapping[str, str],
        progress: list[Progress],
        keepers: list[Keeper],
    ) -> None:
        new = self.claim.run.new
        body = self.snapshot or outlast(
            lambda: self.store.load_snapshot(new.content_hash), self.heartbeats
        )
        outlast(self.lake.check, self.heartbeats)
        prepared = prepare(body, new, self.folder / SNAPSHOT)
        pinned = self._pinned(prepared)
        if pinned is not None:
            prepared, env = replace(prepared, folder=pinned.folder), {**env, **pinned.env}
        record.set_notebook(prepared.parameters, prepared.outputs)
        if prepared.kernel.assumed:
            self.events.log(f"the notebook has no kernel; {DEFAULT_KERNEL} is used")
        progress.append(
            Progress(
                events=self.events,
                heartbeats=self.heartbeats,
                cells=prepared.cells,
                of=prepared.code_cells,
            )
        )
        record.follow(progress[0])
        # Imported here: papermill costs half a second, and what is refused above needs none of it.
        from jupyter_etl.runner.execution.engine import Session, execute

        session = Session(
            prepared=prepared,
            env=env,
            cancellation=self.cancellation,
            guard=guard,
            watch=watch,
            caps=OutputCaps(self.limits),
            address_space_bytes=address_space_bytes(self._memory_bytes),
            progress=progress[0],
            events=self.events,
            start=self._start(body, prepared),
            keeper=self._keeper(record, prepared),
            early=self.early,
            redactor=self.redactor,
            log=self.log,
            pinned=pinned,
            group=self.group,
        )
        if session.keeper is not None:
            keepers.append(session.keeper)
        record.take_over(session.start.said)
        try:
            execute(session, self.folder / EXECUTED)
        except NotRestored as problem:
            if self.cancellation.reason is not None:
                raise
            again = from_the_start(problem.message)
            self._say(again.note)
            record.take_over(again.said)
            execute(replace(session, start=again), self.folder / EXECUTED)

    def _pinned(self, prepared: Prepared) -> Pinned | None:
        if prepared.bundle is None:
            return None
        return pin(
            prepared.bundle,
            Path(self.claim.run.new.notebook),
            home=home_of(self.folder),
            attempt=self.folder,
            load=lambda hashes: outlast(lambda: self.store.load_files(hashes), self.heartbeats),
        )

    def _start(self, snapshot: str, prepared: Prepared) -> Start:
        resume_from = self.claim.run.resume_from
        if resume_from is None:
            return Start()
        start = start_of(
            resume_from,
            folder=self.folder,
            snapshot=snapshot,
            prepared=prepared,
            plan=self.plan_resumption,
        )
        self._say(start.note)
        return start

    def _keeper(self, record: RunRecord, prepared: Prepared) -> Keeper | None:
        if not self.claim.run.new.policy.checkpoint or prepared.kernel.language != "python":
            return None
        number = self.claim.attempt.number
        return Keeper(folder=self.folder, attempt=number, record=record, prepared=prepared)

    def _say(self, text: str) -> None:
        """Say something to the person who reads the log of the run."""
        if text:
            self.events.log(text)

    def _commit(self, record: RunRecord, ending: AttemptOutcome) -> _Made:
        if record.staged:
            # A runner that was asleep past its lease learns it here, before it writes to the lake.
            self.heartbeats.heartbeat()
        if self.cancellation.reason is not None:
            return (), self._cancelled(), None
        try:
            refuse_secrets(record.staged, self.redactor, self.folder / EXECUTED)
            committed = commit_outputs(
                record.staged,
                claim=self.claim,
                store=self.store,
                publishers=self.publishers,
                clock=self.clock,
                lake=self.lake,
                executed=self.folder / EXECUTED,
                heartbeats=self.heartbeats,
                cancellation=self.cancellation,
                events=self.events,
                gate=self.gate,
                broken=record.broken,
                moves=record.moves,
            )
        except HeldBack as held:
            self._say(f"held: {held.sentence}. To decide: jupyter etl held {self.claim.run.id}")
            cell = record.broken_cell
            return (
                (),
                AttemptOutcome(outcome=Outcome.HELD, error=held.sentence, failed_cell=cell),
                held,
            )
        except EtlError as problem:
            if self.cancellation.reason is not None:
                return (), self._cancelled(), None
            return (), outcome_of_etl_error(problem), None
        except Exception as problem:  # noqa: BLE001 - an attempt ends with a record
            return (), outcome_of_error(problem, None), None
        return committed, ending, None

    def _cancelled(self, at: int | None = None) -> AttemptOutcome:
        """Return how an attempt ended that was stopped; without a cell after the last one."""
        reason, detail = (
            self.cancellation.reason or CancellationReason.CANCELLED,
            self.cancellation.detail,
        )
        if reason is CancellationReason.TIMED_OUT:
            detail = self.time_limit.why
        return outcome_of_cancellation(reason, at, self.time_limit.seconds, detail)
