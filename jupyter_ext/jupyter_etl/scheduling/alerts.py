"""Notifications about runs that have ended."""

from __future__ import annotations

import logging

from jupyter_etl.errors import EtlError, NotFound, user_code_boundary
from jupyter_etl.model import (
    ACTIVE,
    FAILURES_TO_PAUSE,
    STARTS_TO_ALERT,
    HealthState,
    PipelineHealth,
    Run,
    RunState,
    held_by_phrase,
)
from jupyter_etl.ports import Notifier, Store
from jupyter_etl.scheduling.health import load_health, why_unstarted
from jupyter_etl.scheduling.lost_attempts import is_orphan

_LOG = logging.getLogger(__name__)


def notify_ended(
    *, store: Store, notifier: Notifier, scheduler_id: str, alive: frozenset[str]
) -> int:
    """Send the notifications that are still due for ended runs.

    Each scheduler notifies for the attempts that it claimed. The first of the live schedulers also
    notifies for the attempts of schedulers that have died. A run is marked as notified after the
    message is sent: if the scheduler dies in between, the message is sent twice rather than never.

    Args:
        notifier: Sends the messages. A message that cannot be sent is logged and otherwise ignored.
        alive: Identities of the live schedulers.

    Returns:
        The number of messages that were due.

    Raises:
        StoreError: The ledger cannot be reached.
    """
    leads = scheduler_id == min(alive)
    own = [
        claim.run
        for claim in store.load_unnotified()
        if claim.attempt.claimed_by == scheduler_id or (leads and is_orphan(claim, alive))
    ]
    for run in own:
        _notify(run, store, notifier)
    if own:
        store.save_notified([run.id for run in own])
    return len(own)


def _notify(run: Run, store: Store, notifier: Notifier) -> None:
    message = _message(run, store)
    if message is None:
        return
    severity, title, body = message
    try:
        with user_code_boundary("The notifier"):
            notifier.notify(title, body, severity=severity, run=run)
    except EtlError as problem:
        _LOG.warning("No alert was sent for run %s: %s", run.id, problem)


def _message(run: Run, store: Store) -> tuple[str, str, str] | None:
    name, body = run.new.pipeline, _body(run)
    health = _health(run, store)
    stopped = health is not None and health.state is HealthState.AUTO_PAUSED
    why = f"\n{health.why}\nTo resume: jupyter etl resume {name}" if health and stopped else ""
    if run.state is RunState.FAILED:
        if health and stopped and health.run_id == run.id:
            return (
                "critical",
                f"{name} is paused: it failed {FAILURES_TO_PAUSE} times in a row",
                body + why,
            )
        return "error", f"{name} failed", body + why
    if run.state is RunState.HELD:
        by = held_by_phrase(run.held_by)
        body = f"{body}\nTo review: jupyter etl held {run.id}"
        return "warning", f"{name} was held by {by}", body
    if run.state is RunState.SUCCEEDED:
        if stopped:
            return "warning", f"{name} succeeded but is still paused", body + why
        if health and health.failing:
            return "warning", f"{name} is still failing", f"{body}\n{health.why}"
        return "info", f"{name} works again", body
    if run.state in ACTIVE and run.unstarted >= STARTS_TO_ALERT:
        reason = (
            f"{why_unstarted(run)}\nIt starts automatically once that is fixed. "
            f"To see more: jupyter etl logs {run.id}"
        )
        return "error", f"{name} cannot be started", f"{body}\n{reason}"
    # The run was queued again before the notification was sent.
    return None


def _health(run: Run, store: Store) -> PipelineHealth | None:
    """Return the health of the run's pipeline; None if it is no longer deployed."""
    try:
        pipeline = store.load_pipeline(run.new.pipeline)
    except NotFound:
        return None
    return load_health(store, [pipeline], run.finished_at or run.created_at)[pipeline.name]


def _body(run: Run) -> str:
    lines = [f"Run {run.id} of {run.new.pipeline} ({run.new.logical_key}): {run.state}"]
    if run.failed_cell is not None:
        lines.append(f"Cell: {run.failed_cell + 1}")
    if run.error:
        lines.append(f"Error: {run.error}")
    if run.verdict is not None and run.state is not RunState.SUCCEEDED:
        lines.append(f"Fault: {run.verdict.kind}. {run.verdict.evidence}")
    lines.append(f"Attempts: {run.attempts}")
    lines.append(f"Owner: {run.new.owner}")
    lines.append(f"Notebook: {run.new.notebook}")
    if run.output:
        lines.append(f"Executed notebook: {run.output}")
    return "\n".join(lines)
