"""One attempt from its claim to its record: execute, check, commit, tell the ledger.

The order is what the promises rest on. The ledger is asked for the attempt before anything is
written; nothing that a cell published is committed before the last cell has succeeded; everything
that was committed becomes visible, or nothing, by the one call that ends the attempt.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from jupyter_etl.errors import EtlError
from jupyter_etl.model import (
    DEFAULT_TIMEOUT_S,
    AttemptReport,
    NewRun,
    Outcome,
    PublicationKind,
    TimeLimit,
)
from jupyter_etl.ports import Claim, Clock, Decide, Lake, Publisher, SecretResolver, Store
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.attempt import AttemptExecution
from jupyter_etl.runner.checkpoints.checkpoint import PlanResumption, discard_superseded
from jupyter_etl.runner.commit import Gate
from jupyter_etl.runner.completion import Judge, finish
from jupyter_etl.runner.events import EventLog
from jupyter_etl.runner.execution.prestarted_kernel import PrestartedKernel
from jupyter_etl.runner.folders import EVENTS, LOG, STAGE, load_claim
from jupyter_etl.runner.kernel.cgroups import group_of, remove_group
from jupyter_etl.runner.limits import Limits
from jupyter_etl.runner.preparation import count_code_cells
from jupyter_etl.runner.redacted_output import LogCleanup, redacted_logs
from jupyter_etl.runner.watchdogs.cancellation import Cancellation, CancellationReason
from jupyter_etl.runner.watchdogs.heartbeat import Heartbeats

_EXIT_S = 5.0
"""How long a kernel may take to give its memory back, once everything is on record."""


def run_attempt(
    folder: Path,
    *,
    store: Store,
    publishers: Mapping[PublicationKind, Publisher],
    clock: Clock,
    decide: Decide,
    judge: Judge,
    plan_resumption: PlanResumption,
    lake: Lake,
    heartbeat_s: float,
    lease_s: float,
    limits: Limits | None = None,
    early: PrestartedKernel | None = None,
    gate: Gate | None = None,
    secret: SecretResolver | None = None,
    known: Callable[[], Iterable[tuple[str, str]]] = tuple,
    time_limit: Callable[[NewRun], TimeLimit] | None = None,
) -> AttemptReport:
    """Make the attempt whose claim lies in a folder.

    Args:
        folder: Of the attempt; see `folders.attempt_folder`.
        publishers: What commits the outputs, by kind.
        clock: For the instants on record and the lease.
        decide: What becomes of the run afterwards.
        judge: Whose fault a failure is: ``judge(error_type, message, outcome=...)``.
        plan_resumption: Decides whether the attempt can go on from a checkpoint.
        heartbeat_s: Seconds between heartbeats.
        lease_s: Seconds without a heartbeat after which the attempt gives itself up.
        limits: Of memory and outputs; None for the defaults.
        early: Becomes the notebook's kernel, where it can; None for a cold start.
        gate: Says what a person has to look at before it is published; None for nothing.
        secret: Resolves the names of secrets; None where there are none.
        known: Returns names and values of the secrets that no record may hold.
        time_limit: Decides how long the attempt may take; None for what the run's policy says.

    Returns:
        What the ledger was told; ``lost`` where the ledger did not want to hear it any more.

    Raises:
        Conflict: The attempt has been started before, or its token is stale. Nothing was done.
        StoreError: The ledger could not be reached for the start. Nothing was done.
        ExecutionError: The folder holds no claim.
    """
    claim = load_claim(folder)
    limit = time_limit(claim.run.new) if time_limit else _given(claim.run.new)
    snapshot = _start(claim, store, clock, limit)
    redactor = Redactor(known)
    events = EventLog(folder / EVENTS, clock, redactor)
    events.add("started", run=claim.run.id, attempt=claim.attempt.number, pid=os.getpid())
    cancellation = Cancellation()
    heartbeats = Heartbeats(
        store=store,
        claim=claim,
        clock=clock,
        cancellation=cancellation,
        events=events,
        heartbeat_s=heartbeat_s,
        lease_s=lease_s,
    )
    making = AttemptExecution(
        claim=claim,
        folder=folder,
        store=store,
        publishers=publishers,
        clock=clock,
        events=events,
        cancellation=cancellation,
        heartbeats=heartbeats,
        lake=lake,
        plan_resumption=plan_resumption,
        snapshot=snapshot,
        time_limit=limit,
        limits=limits or Limits(),
        early=early,
        gate=gate,
        secret=secret,
        redactor=redactor,
        log=LogCleanup(redactor, folder / LOG),
        group=group_of(folder),
    )
    with redacted_logs(redactor), _cancel_on_sigterm(cancellation), heartbeats:
        report = finish(
            making.report(judge),
            claim=claim,
            store=store,
            clock=clock,
            events=events,
            heartbeats=heartbeats,
            decide=decide,
            judge=judge,
        )
    events.add("finished", outcome=report.outcome, error=report.error, cell=report.failed_cell)
    if report.outcome is not Outcome.HELD:
        # Committed or not, nobody needs what was staged any more.
        shutil.rmtree(folder / STAGE, ignore_errors=True)
    discard_superseded(folder, claim, report.outcome)
    making.log.clean_up()
    remove_group(making.group, patience_s=_EXIT_S)
    return report


def _given(new: NewRun) -> TimeLimit:
    return TimeLimit(seconds=new.policy.timeout_s or DEFAULT_TIMEOUT_S)


def _start(claim: Claim, store: Store, clock: Clock, limit: TimeLimit) -> str:
    """Begin the attempt in the ledger, and say how many code cells it has.

    Returns:
        The snapshot; "" where it could not be loaded so far.
    """
    run, attempt = claim.run, claim.attempt
    try:
        snapshot = store.load_snapshot(run.new.content_hash)
    except EtlError:
        snapshot = ""
    store.start_attempt(
        run.id,
        attempt.number,
        attempt.token,
        host=socket.gethostname(),
        pid=os.getpid(),
        cells=count_code_cells(snapshot),
        now=clock.now(),
        timeout_s=limit.seconds,
    )
    return snapshot


@contextmanager
def _cancel_on_sigterm(cancellation: Cancellation) -> Iterator[None]:
    """Take SIGTERM as a request to cancel, where signals can be caught: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: object) -> None:
        # From a thread: the handler may have interrupted the holder of the flag's lock.
        threading.Thread(
            target=cancellation.ask, args=(CancellationReason.CANCELLED,), daemon=True
        ).start()

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
