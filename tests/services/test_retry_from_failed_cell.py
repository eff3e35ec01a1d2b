"""Retries from the failed cell: what is executed, and the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from fakes.notebooks import code, write_notebook
from jupyter_etl.errors import Conflict, DeclarationError, NotFound
from jupyter_etl.language.notebooks.notebook import snapshot_of
from jupyter_etl.model import AttemptReport, Checkpoint, NewRun, Outcome, Run, RunState
from jupyter_etl.runner.folders import CHECKPOINT, save_claim
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.runs.resume import retried_words

CELLS = ("a = 1", "b = 1 / 0", "c = 3")
KEPT = Checkpoint(attempt=1, failed_cell=1, before=("a = 1",), kernel="python3", names=("a",))

Fail = Callable[..., Run]


@pytest.fixture
def fail(etl: Etl) -> Fail:
    """Ends a queued run as failed, as its runner would; saves what the test requests."""

    def end(run: Run, kept: Checkpoint | None = KEPT) -> Run:
        now = etl.clock.now()
        (claim,) = etl.store.claim("s", now=now, limit=1, run_id=run.id)
        folder = save_claim(etl.settings.home, claim)
        number, token = claim.attempt.number, claim.attempt.token
        if kept is not None:
            (folder / CHECKPOINT).mkdir()
            made = msgspec.json.encode(replace(kept, attempt=number))
            (folder / CHECKPOINT / "checkpoint.json").write_bytes(made)
        etl.store.start_attempt(run.id, number, token, host="h", pid=1, cells=3, now=now)
        report = AttemptReport(outcome=Outcome.FAILED, error="ZeroDivisionError", failed_cell=1)
        failed = RunState.FAILED
        etl.store.finish_attempt(
            run.id, number, token, report, state=failed, not_before=None, now=now
        )
        return etl.runs.get(run.id)

    return end


def deployed(etl: Etl, here: Path, *cells: object) -> Run:
    etl.pipelines.schedule(write_notebook(here / "nb.ipynb", *(cells or CELLS)))
    return etl.runs.trigger("nb")


def interactive(etl: Etl, path: Path) -> Run:
    """Queue what ``jupyter etl run`` would."""
    of_deployed = etl.runs.trigger("nb").new
    new: NewRun = replace(of_deployed, version=None, notebook=str(path), logical_key="manual:1")
    return etl.store.add_run(new, now=etl.clock.now())


def test_the_version_deployed_now_is_executed(etl: Etl, here: Path, fail: Fail) -> None:
    run = fail(deployed(etl, here))
    with_repair = write_notebook(here / "nb.ipynb", "a = 1", "b = 1", "c = 3")
    repaired = etl.pipelines.schedule(with_repair).pipeline
    write_notebook(here / "nb.ipynb", "edited = 1")
    assert etl.runs.checkpoint(run.id) == KEPT
    retried = etl.runs.retry_from_failed_cell(run.id)
    assert (retried.cell, retried.why_not) == (1, "")
    assert retried_words(retried) == (
        f"Run {run.id} of nb is queued again and resumes at cell 2. It executes version 2, not the "
        "saved notebook: cell 1 is not as attempt 1 executed it, so the saved notebook has to run "
        "from the start; deploy and run it."
    )
    assert (retried.run.state, retried.run.resume_from) == (RunState.QUEUED, 1)
    assert (retried.run.new.version, retried.run.new.content_hash) == (2, repaired.content_hash)

    # Again, after an attempt that kept nothing: from what the first one kept.
    fail(retried.run, None)
    again = etl.runs.retry_from_failed_cell(run.id)
    assert (again.cell, again.run.resume_from) == (1, 1)
    # And from the newest that was kept.
    fail(again.run)
    assert etl.runs.retry_from_failed_cell(run.id).run.resume_from == 3
    fail(etl.runs.get(run.id))
    assert etl.runs.retry(run.id).resume_from is None


def test_a_run_of_a_file_executes_the_file_as_it_is_now(etl: Etl, here: Path, fail: Fail) -> None:
    deployed(etl, here)
    path = write_notebook(here / "by_hand.ipynb", *CELLS)
    run = fail(interactive(etl, path))
    write_notebook(path, "a = 1", "b = 'mended'")
    retried = etl.runs.retry_from_failed_cell(run.id)
    assert (retried.cell, retried.run.new.version) == (1, None)
    snapshot = etl.store.load_snapshot(retried.run.new.content_hash)
    assert snapshot == snapshot_of(path.read_text())

    fail(retried.run)
    write_notebook(path, "a = 2", "b = 'mended'")
    changed = etl.runs.retry_from_failed_cell(run.id)
    assert changed.cell is None
    assert retried_words(changed) == (
        f"Run {run.id} of nb is queued again, from its first cell: cell 1 is not as attempt 2 "
        "executed it."
    )
    # The runner finds the same, and says it where the run is read.
    assert changed.run.resume_from == 2

    fail(changed.run)
    path.unlink()
    with pytest.raises(NotFound, match="by_hand"):
        etl.runs.retry_from_failed_cell(run.id)


def test_a_removed_pipeline_leaves_its_version(etl: Etl, here: Path, fail: Fail) -> None:
    run = fail(deployed(etl, here))
    etl.pipelines.unschedule("nb")
    retried = etl.runs.retry_from_failed_cell(run.id)
    assert (retried.cell, retried.run.new) == (1, run.new)


def test_why_it_starts_from_the_first_cell(etl: Etl, here: Path, fail: Fail) -> None:
    run = deployed(etl, here)
    etl.runs.cancel(run.id)
    never = etl.runs.retry_from_failed_cell(run.id)
    assert (never.why_not, never.run.resume_from) == ("it was never attempted", None)

    fail(never.run, None)
    nothing = etl.runs.retry_from_failed_cell(run.id)
    assert nothing.why_not.startswith("attempt 1 saved no variables; ")
    assert "--checkpoint" in nothing.why_not
    assert etl.runs.checkpoint(run.id) is None

    fail(nothing.run, replace(KEPT, problem="it took longer than 30 s"))
    assert etl.runs.checkpoint(run.id) is None
    slow = etl.runs.retry_from_failed_cell(run.id)
    assert slow.why_not == "it took longer than 30 s"

    fail(slow.run, replace(KEPT, left_out={"c": "it is an open file"}, uses={"a": ("c",)}))
    write_notebook(here / "nb.ipynb", "a = 1", "print(a)")
    etl.pipelines.schedule(here / "nb.ipynb")
    assert etl.runs.retry_from_failed_cell(run.id).why_not == (
        "the remaining cells use variables that could not be saved: c (it is an open file)"
    )
    folder = etl.settings.home / "runs" / f"{run.id:08d}"
    fail(etl.runs.get(run.id))
    folder.rename(folder.with_name("elsewhere"))
    gone = etl.runs.retry_from_failed_cell(run.id)
    assert gone.why_not == "the folder of attempt 4 is missing, or on another machine"


def test_what_is_refused(etl: Etl, here: Path, fail: Fail) -> None:
    with_parameter = code("n = 1", "parameters")
    run = deployed(etl, here, with_parameter, "a = 1", "a")
    with pytest.raises(Conflict, match="is queued"):
        etl.runs.retry_from_failed_cell(run.id)
    etl.runs.cancel(run.id)
    given = fail(etl.runs.trigger("nb", parameters={"n": 5}))
    write_notebook(here / "nb.ipynb", "a = 1")
    etl.pipelines.schedule(here / "nb.ipynb")
    with pytest.raises(DeclarationError, match="'n'"):
        etl.runs.retry_from_failed_cell(given.id)
    assert etl.runs.get(given.id).state is RunState.FAILED


@pytest.mark.parametrize(
    ("cells", "version", "words"),
    [
        (CELLS, 1, "Run 1 of nb is queued again and resumes at cell 2."),
        (
            ("a = 1", "b = 1", "c = 3"),
            2,
            "Version 2 was deployed from the saved notebook. "
            "Run 1 of nb is queued again and resumes at cell 2.",
        ),
        (
            ("a = 1", "b = 1", "c = 4", "d = 5"),
            2,
            "Version 2 was deployed from the saved notebook. "
            "Run 1 of nb is queued again and resumes at cell 2.",
        ),
        (("a = 2", "b = 1"), 1, "cell 1 is not as attempt 1 executed it, so the saved notebook"),
        ((), 1, "the notebook has 0 code cells now"),
    ],
)
def test_a_corrected_notebook_is_deployed_first(
    etl: Etl, here: Path, fail: Fail, cells: tuple[str, ...], version: int, words: str
) -> None:
    etl.pipelines.schedule(write_notebook(here / "nb.ipynb", *CELLS), "every 1h", retries=1)
    run = fail(etl.runs.trigger("nb"))
    write_notebook(here / "nb.ipynb", *cells)
    retried = etl.runs.retry_from_failed_cell(run.id)
    assert words in retried_words(retried)
    assert retried.deployed == (2 if version == 2 else None)
    assert (retried.cell, retried.run.new.version) == (1, version)
    pipeline = etl.pipelines.get("nb")
    assert (pipeline.version, pipeline.content_hash) == (version, retried.run.new.content_hash)
    assert pipeline.schedule is not None
    assert (pipeline.policy.retries, pipeline.schedule.text) == (1, "every 1h")


def test_the_line_of_the_notebook_does_not_change_the_schedule(
    etl: Etl, here: Path, fail: Fail
) -> None:
    line = '%etl schedule "daily at 05:00"'
    etl.pipelines.schedule(write_notebook(here / "nb.ipynb", *CELLS, line), "every 1h")
    run = fail(etl.runs.trigger("nb"))
    write_notebook(here / "nb.ipynb", "a = 1", "b = 1", line)
    assert etl.runs.retry_from_failed_cell(run.id).deployed == 2
    schedule = etl.pipelines.get("nb").schedule
    assert schedule is not None
    assert schedule.text == "every 1h"


@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        (lambda path: path.unlink(), "There is no notebook at"),
        (lambda path: path.write_text("{"), "is not valid JSON"),
        (
            lambda path: write_notebook(
                path, "a = 1", "import jupyter_etl as etl\netl.publish('taken', a)"
            ),
            "The pipeline 'other' already publishes 'taken'",
        ),
    ],
)
def test_why_the_old_cell_runs(
    etl: Etl, here: Path, fail: Fail, spoil: Callable[[Path], object], note: str
) -> None:
    other = write_notebook(
        here / "other.ipynb", "import jupyter_etl as etl\netl.publish('taken', 1)"
    )
    etl.pipelines.schedule(other)
    run = fail(deployed(etl, here))
    spoil(here / "nb.ipynb")
    retried = etl.runs.retry_from_failed_cell(run.id)
    assert (retried.deployed, retried.run.new.version) == (None, 1)
    assert note in retried.note
    assert "It executes version 1, not the saved notebook" in retried_words(retried)


def test_another_owner_does_not_deploy(etl: Etl, here: Path, fail: Fail) -> None:
    run = fail(deployed(etl, here))
    etl.pipelines.hand_over("nb", "kim")
    write_notebook(here / "nb.ipynb", "a = 1", "b = 1")
    retried = etl.runs.retry_from_failed_cell(run.id)
    assert retried.note == "the pipeline belongs to 'kim', who can deploy it"
    assert etl.pipelines.get("nb").version == 1
