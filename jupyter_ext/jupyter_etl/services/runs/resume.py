"""Retries that resume from the failed cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jupyter_etl.errors import Conflict, DeclarationError, NotFound, PermissionDenied
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.notebooks.notebook import parse_notebook, snapshot_of
from jupyter_etl.model import Checkpoint, Resumption, Retried, Run
from jupyter_etl.ports import Clock, Store
from jupyter_etl.runner.checkpoints.checkpoint import load_checkpoint
from jupyter_etl.runner.folders import attempt_folder
from jupyter_etl.runner.preparation import given_parameters
from jupyter_etl.scheduling.resume import plan_resumption
from jupyter_etl.services.notebooks import read_notebook
from jupyter_etl.services.pipelines.pipelines import Pipelines
from jupyter_etl.services.settings import Settings


@dataclass(frozen=True, kw_only=True)
class _Executable:
    """What a run executes: a snapshot, its hash, and its deployed version if it has one."""

    snapshot: str
    content_hash: str
    version: int | None


def retry_from_failed_cell(
    store: Store, clock: Clock, settings: Settings, pipelines: Pipelines, run: Run
) -> Retried:
    """Queue a finished run to resume from its newest checkpoint.

    A run of a file executes the current file. For a deployed pipeline, a changed notebook is
    deployed first if the run can resume with it; otherwise the deployed version is executed. The
    runner decides again where it resumes; the result of this function is only a prediction.

    Args:
        settings: For the home folder and the current user.
        run: A finished run that did not succeed.

    Raises:
        NotFound: The notebook of a run of a file is missing.
        DeclarationError: The file is no longer a notebook, or does not declare a parameter of
            the run.
    """
    number, checkpoint = _newest(settings.home, run)
    deployed, note = None, ""
    if run.new.version is not None:
        deployed, note = _deploy_saved(store, settings, pipelines, run, checkpoint)
    executable = _executable(store, run)
    planned = _planned(checkpoint, executable.snapshot, run)
    queued = store.requeue(
        run.id,
        now=clock.now(),
        resume_from=number or None,
        content_hash=executable.content_hash,
        version=executable.version,
    )
    return Retried(
        run=queued, cell=planned.cell, why_not=planned.why_not, deployed=deployed, note=note
    )


def _planned(checkpoint: Checkpoint | str, snapshot: str, run: Run) -> Resumption:
    parameters = given_parameters(parse_notebook(snapshot), run.new)
    if isinstance(checkpoint, str):
        return Resumption(why_not=checkpoint)
    return plan_resumption(checkpoint, snapshot, parameters)


def _deploy_saved(
    store: Store,
    settings: Settings,
    pipelines: Pipelines,
    run: Run,
    checkpoint: Checkpoint | str,
) -> tuple[int | None, str]:
    """Deploy the saved notebook if the run can resume with it.

    Returns:
        The deployed version, or None; and why the saved notebook is not used.
    """
    try:
        pipeline = store.load_pipeline(run.new.pipeline)
    except NotFound:
        return None, "the pipeline is unscheduled"
    path = Path(pipeline.notebook)
    try:
        snapshot = snapshot_of(read_notebook(path)[1])
        if not pipelines.files.changed(pipeline):
            return None, ""
        if pipeline.owner != settings.owner:
            return None, f"the pipeline belongs to {pipeline.owner!r}, who can deploy it"
        planned = _planned(checkpoint, snapshot, run)
        if planned.cell is None:
            return None, (
                f"{planned.why_not}, so the saved notebook has to run from the start; deploy and "
                "run it"
            )
        done = pipelines.deploy(path, ScheduleRequest(name=pipeline.name), own_line=False)
    except (Conflict, DeclarationError, NotFound, PermissionDenied) as problem:
        return None, problem.message.removesuffix(".")
    return done.pipeline.version, ""


def retried_words(retried: Retried) -> str:
    """Describe a retry: what was deployed for it, and the cell where the run resumes."""
    run = retried.run
    words = f"Run {run.id} of {run.new.pipeline} is queued again"
    if retried.cell is not None:
        words += f" and resumes at cell {retried.cell + 1}."
    elif retried.why_not:
        words += f", from its first cell: {retried.why_not}."
    else:
        words += "."
    if retried.deployed is not None:
        return f"Version {retried.deployed} was deployed from the saved notebook. {words}"
    if retried.note:
        return f"{words} It executes version {run.new.version}, not the saved notebook: {retried.note}."
    return words


def kept_checkpoint(home: Path, run: Run) -> Checkpoint | None:
    """Return the newest checkpoint of a run; None if there is none on this machine."""
    checkpoint = _newest(home, run)[1]
    return checkpoint if isinstance(checkpoint, Checkpoint) and not checkpoint.problem else None


def _newest(home: Path, run: Run) -> tuple[int, Checkpoint | str]:
    """Return the newest attempt with a checkpoint, else the last one with the reason."""
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
