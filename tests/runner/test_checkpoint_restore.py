"""Variables that cannot be saved in time, or not be restored, with real kernels."""

from __future__ import annotations

from functools import partial

import pytest

from fakes.attempts import AT, AttemptHarness, notebook_text
from jupyter_etl.model import Outcome
from jupyter_etl.runner.checkpoints import checkpoint
from jupyter_etl.runner.checkpoints.checkpoint import Keeper, load_checkpoint

pytestmark = pytest.mark.kernel

FIRST = """\
import io, os, time
io.open('started', 'a').write('x')
io.open('needed', 'w').close()
class Held:
    def __reduce__(self):
        return io.open, ('needed',)
held = Held()"""
FAILS = "assert os.path.exists('mended'), 'not yet'"
SLOW = """\
class Slow:
    def __reduce__(self):
        time.sleep(600)
slow = Slow()
1 / 0"""


def test_an_attempt_starts_anew_where_it_cannot_go_on(
    harness: AttemptHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [FIRST, FAILS, SLOW]
    first = harness.claim(notebook_text(cells), checkpoint=True)
    assert harness.run(first).error == "AssertionError: not yet"
    assert set(load_checkpoint(harness.folder(first)).names) >= {"Held", "held", "os"}
    (harness.notebooks / "needed").unlink()
    (harness.notebooks / "mended").touch()

    harness.store.requeue(first.run.id, now=AT, resume_from=1)
    (second,) = harness.store.claim("test", now=AT, limit=1, run_id=first.run.id)
    monkeypatch.setattr(checkpoint, "Keeper", partial(Keeper, seconds=1.0))
    report = harness.run(second)
    assert (report.outcome, report.failed_cell) == (Outcome.FAILED, 2)
    assert report.error == "ZeroDivisionError: division by zero", "not that of the checkpoint"
    assert (harness.notebooks / "started").read_text() == "xx"
    finished = [event["done"] for event in harness.events(second, "cell_finished")]
    assert finished == [1, 2, 2]
    why = "the variables could not be restored: FileNotFoundError"
    logged = [str(event["message"]) for event in harness.events(second, "log")]
    assert any(why in text for text in logged)
    note = harness.executed(second).cells[1]
    assert note.cell_type == "markdown", "behind papermill's mark"
    assert why in note.source
    # And this attempt has kept nothing, since it took too long.
    assert logged[-1] == "no variables were saved: it took longer than 1 s"
    assert load_checkpoint(harness.folder(second)).problem == logged[-1]
