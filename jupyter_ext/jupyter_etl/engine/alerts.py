"""What people are told about runs that ended."""

from __future__ import annotations

import logging

from jupyter_etl.errors import EtlError, user_code_boundary
from jupyter_etl.model import Run, RunState
from jupyter_etl.ports import Notifier, Store

_LOG = logging.getLogger(__name__)
_TOLD = (RunState.SUCCEEDED, RunState.FAILED)


def is_watched(run: Run) -> bool:
    """Tell whether people are told about a run: those of a deployed pipeline, live, are."""
    return run.new.version is not None and not run.new.draft


def tell(run: Run, *, store: Store, notifier: Notifier) -> bool:
    """Tell of a final failure, of a publication held back, and of the first success after a failure.

    Returns:
        Whether a message was due. That it could not be sent is logged and harms nothing.

    Raises:
        StoreError: The ledger cannot be reached.
    """
    message = _message(run, store)
    if message is None:
        return False
    severity, title, body = message
    try:
        with user_code_boundary("The notifier"):
            notifier.notify(title, body, severity=severity, run=run)
    except EtlError as problem:
        _LOG.warning("No alert was sent for run %s: %s", run.id, problem)
    return True


def _message(run: Run, store: Store) -> tuple[str, str, str] | None:
    name = run.new.pipeline
    if run.state is RunState.FAILED:
        return "error", f"{name} failed", _body(run)
    if run.state is RunState.HELD:
        return "warning", f"{name} was held by a check", _body(run)
    if run.state is RunState.SUCCEEDED and _previous_failed(run, store):
        return "info", f"{name} works again", _body(run)
    return None


def _previous_failed(run: Run, store: Store) -> bool:
    for other in store.load_runs(pipeline=run.new.pipeline, states=_TOLD, limit=20):
        if other.id < run.id and is_watched(other):
            return other.state is RunState.FAILED
    return False


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
