"""One attempt: prepare, execute, check, commit, finish.

The guarantees depend on this order. The ledger accepts the attempt before anything is written.
Outputs of cells are committed only after the last cell has succeeded. One call ends the attempt in
the ledger, and makes either all committed outputs visible, or none.
"""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import replace
from pathlib import Path

from jupyter_etl.errors import EtlError
from jupyter_etl.model import AttemptReport, Failure, FailureKind, Outcome, TimeLimit
from jupyter_etl.ports import AttemptPolicy
from jupyter_etl.runner.bundles.placement import Pinned, pin
from jupyter_etl.runner.channel.record import RunRecord
from jupyter_etl.runner.channel.server import ChannelServer
from jupyter_etl.runner.channel.sockets import CHANNEL
from jupyter_etl.runner.checkpoints.checkpoint import Keeper, discard_superseded, keeper_for
from jupyter_etl.runner.checkpoints.resume import NotRestored, Start, from_the_start, start_of
from jupyter_etl.runner.commit import HeldBack, commit_outputs
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.folders import SNAPSHOT, STAGE, home_of
from jupyter_etl.runner.kernel.kernels import ATTEMPT, DEFAULT_KERNEL, kernel_environment
from jupyter_etl.runner.outcome import (
    AttemptOutcome,
    outcome_of_error,
    outcome_of_etl_error,
    outcome_of_execution,
    outcome_of_stop,
)
from jupyter_etl.runner.preparation import Prepared, count_code_cells, prepare
from jupyter_etl.runner.progress import Progress
from jupyter_etl.runner.published_secrets import refuse_secrets
from jupyter_etl.runner.redacted_output import redacted_logs
from jupyter_etl.runner.report import finish, report_of
from jupyter_etl.runner.watchdogs.cancellation import cancel_on_sigterm
from jupyter_etl.runner.watchdogs.memory import MemoryWatch
from jupyter_etl.runner.watchdogs.termination import Guard
from jupyter_etl.system.cgroups import remove_group

_EXIT_S = 5.0
"""Seconds that a kernel may take to free its memory after everything was recorded."""


def run_attempt(context: AttemptContext, policy: AttemptPolicy) -> AttemptReport:
    """Execute the notebook of a claimed run, and record the outcome.

    Args:
        context: The attempt and its resources.
        policy: Decides about retries, verdicts and the publish gate.

    Returns:
        The recorded report; ``lost`` if the ledger refused the end of the attempt.

    Raises:
        Conflict: The attempt was started before, or its token is stale. Nothing was done.
        StoreError: The ledger could not be reached for the start. Nothing was done.
    """
    limit = policy.time_limit(context.claim.run.new)
    snapshot = _start(context, limit)
    with (
        redacted_logs(context.redactor),
        cancel_on_sigterm(context.cancellation),
        context.heartbeats,
    ):
        record = RunRecord(context)
        with MemoryWatch(
            context.cancellation,
            limit_bytes=context.memory_bytes,
            marker=context.marker,
            group=context.group,
        ) as memory:
            outcome = _execute(context, policy, record, memory, snapshot, limit)
            if outcome.failure is None:
                outcome = _commit(context, policy, record, limit)
        report = report_of(context, policy, record, outcome, peak_bytes=memory.peak_bytes)
        report = finish(context, policy, report)
    _clean_up(context, report)
    return report


def _start(context: AttemptContext, limit: TimeLimit) -> str:
    """Start the attempt in the ledger; return its snapshot, "" if that could not be loaded yet."""
    run, attempt = context.claim.run, context.claim.attempt
    try:
        snapshot = context.store.load_snapshot(run.new.content_hash)
    except EtlError:
        snapshot = ""
    context.store.start_attempt(
        run.id,
        attempt.number,
        attempt.token,
        host=socket.gethostname(),
        pid=os.getpid(),
        cells=count_code_cells(snapshot),
        now=context.clock.now(),
        timeout_s=limit.seconds,
    )
    context.events.add("started", run=run.id, attempt=attempt.number, pid=os.getpid())
    return snapshot


def _prepare(context: AttemptContext, snapshot: str) -> tuple[Prepared, Pinned | None]:
    """Run all checks that need no kernel, and write the files of the version."""
    context.ask_ledger(context.lake.check)
    new, store = context.claim.run.new, context.store
    prepared = prepare(snapshot, new, context.folder / SNAPSHOT)
    if prepared.kernel.assumed:
        context.remark(f"the notebook has no kernel; {DEFAULT_KERNEL} is used")
    if prepared.bundle is None:
        return prepared, None
    pinned = pin(
        prepared.bundle,
        Path(new.notebook),
        home=home_of(context.folder),
        attempt=context.folder,
        load=lambda hashes: context.ask_ledger(lambda: store.load_files(hashes)),
    )
    return replace(prepared, folder=pinned.folder), pinned


def _execute(
    context: AttemptContext,
    policy: AttemptPolicy,
    record: RunRecord,
    memory: MemoryWatch,
    snapshot: str,
    limit: TimeLimit,
) -> AttemptOutcome:
    """Execute the notebook in its kernel; every exception becomes an outcome."""
    run = context.claim.run
    progress: Progress | None = None
    keeper: Keeper | None = None
    problem: Exception | None = None
    guard = Guard(
        context.cancellation, timeout_s=limit.seconds, marker=context.marker, group=context.group
    )
    try:
        with ChannelServer(record, context.sockets) as channel, guard:
            body = snapshot or context.ask_ledger(
                lambda: context.store.load_snapshot(run.new.content_hash)
            )
            prepared, pinned = _prepare(context, body)
            record.set_notebook(prepared.parameters, prepared.outputs)
            progress = Progress(
                events=context.events,
                heartbeats=context.heartbeats,
                cells=prepared.cells,
                of=prepared.code_cells,
            )
            record.follow(progress)
            start = start_of(
                run.resume_from,
                folder=context.folder,
                snapshot=body,
                prepared=prepared,
                policy=policy,
            )
            keeper = keeper_for(context, record, prepared)
            # Importing papermill takes half a second, which is saved if the notebook was refused.
            from jupyter_etl.runner.execution.engine import execute
            from jupyter_etl.runner.execution.notebook_client import Session

            env = kernel_environment({CHANNEL: str(channel.path), ATTEMPT: str(context.folder)})
            session = Session(
                context=context,
                prepared=prepared,
                pinned=pinned,
                env={**env, **pinned.env} if pinned else env,
                guard=guard,
                memory=memory,
                progress=progress,
                keeper=keeper,
            )
            try:
                _begin(context, record, start)
                execute(session, start)
            except NotRestored as not_restored:
                if context.cancellation.reason is not None:
                    raise
                start = from_the_start(not_restored.message)
                _begin(context, record, start)
                execute(session, start)
    except Exception as raised:  # noqa: BLE001 - an attempt ends with a record, whatever happens
        problem = raised
    outcome = outcome_of_execution(context, limit, progress, problem, memory=memory.verdict)
    outcome = record.blame(outcome)
    if keeper is not None:
        context.remark(keeper.finish(outcome.outcome, outcome.failed_cell))
    return outcome


def _begin(context: AttemptContext, record: RunRecord, start: Start) -> None:
    context.remark(start.note)
    record.take_over(start.reported)


def _commit(
    context: AttemptContext, policy: AttemptPolicy, record: RunRecord, limit: TimeLimit
) -> AttemptOutcome:
    """Check the staged outputs, and commit them."""
    if record.staged:
        # A runner that was suspended past its lease detects it here, before it writes to the lake.
        context.heartbeats.heartbeat()
    if context.cancellation.reason is not None:
        return outcome_of_stop(context, limit)
    try:
        refuse_secrets(record.staged, context.redactor, context.executed)
        committed = commit_outputs(
            context, policy, record.staged, failed_checks=record.broken, moves=record.moves
        )
    except HeldBack as held:
        context.remark(f"held: {held.sentence}. To decide: jupyter etl held {context.claim.run.id}")
        return AttemptOutcome(
            failure=Failure(kind=FailureKind.HELD, message=held.sentence),
            failed_cell=record.broken_cell,
            staged=tuple(record.staged),
            differences=held.differences,
        )
    except EtlError as problem:
        if context.cancellation.reason is not None:
            return outcome_of_stop(context, limit)
        return outcome_of_etl_error(problem)
    except Exception as problem:  # noqa: BLE001 - an attempt ends with a record
        return outcome_of_error(problem, None)
    return AttemptOutcome(committed=committed)


def _clean_up(context: AttemptContext, report: AttemptReport) -> None:
    context.events.add(
        "finished", outcome=report.outcome, error=report.error, cell=report.failed_cell
    )
    if report.outcome is not Outcome.HELD:
        shutil.rmtree(context.folder / STAGE, ignore_errors=True)
    discard_superseded(context.folder, context.claim, report.outcome)
    context.log.clean_up()
    remove_group(context.group, patience_s=_EXIT_S)
