"""Queueing a run so that it goes on from the cell that failed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jupyter_etl.app.notebooks import read_notebook
from jupyter_etl.engine.resuming import plan_resumption
from jupyter_etl.errors import NotFound
from jupyter_etl.execution.checkpoint import load_checkpoint
from jupyter_etl.execution.folders import attempt_folder
from jupyter_etl.execution.preparation import given_parameters
from jupyter_etl.model import Checkpoint, Resumption, Retried, Run
from jupyter_etl.ports import Clock, Store
from jupyter_etl.spec.notebook import parse_notebook, snapshot_of


@dataclass(frozen=True, kw_only=True)
class _Executable:
    """What a run executes: a snapshot, its hash, and its deployed version, if it is one."""

    snapshot: str
    content_hash: str
    version: int | None


def retry_from_failed_cell(store: Store, clock: Clock, home: Path, run: Run) -> Retried:
    """Queue a finished run so that it goes on from the newest checkpoint.

    A run of a deployed pipeline executes the version that is deployed now; a run of a file, the
    file as it is now. The runner decides again where it begins: here is only said what is to be
    expected.

    Args:
        store: The ledger.
        clock: For the time of the request.
        home: The platform's home folder.
        run: Which; it is finished and did not succeed.

    Raises:
        NotFound: The notebook of a run of a file is gone.
        DeclarationError: It is no notebook any more, or does not know a parameter of the run.
    """
    executable = _executable(store, run)
    parameters = given_parameters(parse_notebook(executable.snapshot), run.new)
    number, checkpoint = _newest(home, run)
    if isinstance(checkpoint, Checkpoint):
        planned = plan_resumption(checkpoint, executable.snapshot, parameters)
    else:
        planned = Resumption(why_not=checkpoint)
    queued = store.requeue(
        run.id,
        now=clock.now(),
        resume_from=number or None,
        content_hash=executable.content_hash,
        version=executable.version,
    )
    return Retried(run=queued, cell=planned.cell, why_not=planned.why_not)


def retried_words(retried: Retried) -> str:
    """Say what became of the wish to go on from the failed cell."""
    run = retried.run
    queued = f"Run {run.id} of {run.new.pipeline} is queued again"
    if retried.cell is None:
        return f"{queued}, from its first cell: {retried.why_not}."
    return f"{queued} and goes on from cell {retried.cell + 1}."


def kept_checkpoint(home: Path, run: Run) -> Checkpoint | None:
    """Return the newest checkpoint of a run; None where no attempt kept one, on this machine."""
    checkpoint = _newest(home, run)[1]
    return checkpoint if isinstance(checkpoint, Checkpoint) and not checkpoint.problem else None


def _newest(home: Path, run: Run) -> tuple[int, Checkpoint | str]:
    """Return the newest attempt that kept something, else the last one with what is wrong."""
    why_not = "it was never attempted"
    for number in range(run.attempts, 0, -1):
        try:
            return number, load_checkpoint(attempt_folder(home, run.id, number))
        except NotFound as problem:
            why_not = problem.message if number == run.attempts else why_not
    return run.attempts, why_not


def _executable(store: Store, run: Run) -> _Executable:
    new = run.new
    if new.version is None:
        text = read_notebook(Path(new.notebook))[1]
        snapshot = snapshot_of(text)
        return _Executable(
            snapshot=snapshot, content_hash=store.save_snapshot(snapshot), version=None
        )
    try:
        deployed = store.load_pipeline(new.pipeline)
    except NotFound:
        content_hash, version = new.content_hash, new.version
    else:
        content_hash, version = deployed.content_hash, deployed.version
    return _Executable(
        snapshot=store.load_snapshot(content_hash), content_hash=content_hash, version=version
    )
