"""Resuming from the failed cell, with real runners and kernels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.cli.main import main
from jupyter_etl.model import Outcome, Run, RunState
from jupyter_etl.services.etl import Etl

pytestmark = pytest.mark.kernel

FIRST = """\
open('first', 'a').write('x')
import random, sqlite3, sys
import pandas as pd
df = pd.DataFrame({'id': [1, 2]})
shared = {'n': 1}
alias = shared
connection = sqlite3.connect(':memory:')
count = lambda: shared['n']
sys.path.append('/somewhere')
random.seed(3)
print('first here')
get_ipython().run_cell_magic('etl', 'sql local --name every', 'select id from df')"""
PUBLISH = "%etl publish table t.first df --mode append\n%etl publish file first.csv df"
FAILS = (
    "%etl publish table t.second df --mode append\nassert not __import__('os').path.exists('flag')"
)
LAST = """\
alias['n'] = 41
shared['n'] += 1
assert count() == 42
assert '/somewhere' in sys.path
open('drawn', 'a').write(f'{random.random():.6f} ')
get_ipython().run_cell_magic('etl', 'sql local again <<', "select * from {{ ref('every') }}")
assert list(again.id) == [1, 2]
%etl publish table t.last df"""


def log_of(etl: Etl, run: Run) -> str:
    reported = [
        str(event["message"]) for event in etl.runs.events(run.id) if event["kind"] == "log"
    ]
    assert all(text in etl.runs.log(run.id) for text in reported)
    return "\n".join(reported)


def test_a_retry_continues_and_publishes_everything_once(
    etl: Etl, here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_notebook(here / "nb.ipynb", FIRST, PUBLISH, FAILS, LAST)
    (here / "flag").touch()
    assert main(["run", str(path), "--checkpoint"]) == 1
    assert "Retry from cell 3: jupyter etl retry 1 --from-failed-cell" in capfd.readouterr().out
    run = etl.runs.get(1)
    assert (run.outcome, run.failed_cell) == (Outcome.FAILED, 2)
    kept = etl.runs.checkpoint(run.id)
    assert kept is not None
    assert {"df", "shared", "alias", "count", "pd"} <= set(kept.names)
    assert not {"In", "Out", "get_ipython", "_"} & set(kept.names)
    assert list(kept.left_out) == ["connection"]
    assert [one.name for one in kept.reported.staged] == ["t.first", "first"]
    folder = Path(run.output).parent
    assert not (folder / "stage").exists()
    modes = {file.stat().st_mode & 0o777 for file in (folder / "checkpoint").glob("*.*")}
    assert modes == {0o600}
    assert (folder / "checkpoint").stat().st_mode & 0o777 == 0o700

    # The notebook is fixed: the cell that failed, and a text before it.
    write_notebook(path, FIRST + "\n", PUBLISH, FAILS.replace("assert not", "assert"), LAST)
    assert main(["retry", "1", "--from-failed-cell"]) == 0
    assert "is queued again and resumes at cell 3." in capfd.readouterr().out
    etl.scheduler(workers=1).run(until_idle=True, stop=lambda: False)
    done = etl.runs.get(run.id)
    assert (done.state, done.error, done.attempts) == (RunState.SUCCEEDED, "", 2)
    assert (here / "first").read_text() == "x"
    assert (here / "drawn").read_text() == "0.237965 "
    assert sorted((v.name, v.number) for v in done.published) == [
        ("first", 1),
        ("t.first", 1),
        ("t.last", 1),
        ("t.second", 1),
    ]
    for name in ("t.first", "t.second", "t.last"):
        assert etl.publications.read(name).num_rows == 2
    assert "resumes here, at cell 3" in log_of(etl, done)
    executed = json.loads(etl.runs.notebook(run.id))["cells"]
    assert [c["cell_type"] for c in executed] == ["code", "code", "markdown", "code", "code"]
    assert "".join(executed[0]["outputs"][0]["text"]) == "first here\n"
    assert executed[0]["metadata"]["papermill"]["taken_over_from"] == 1
    assert "attempt 1" in "".join(executed[2]["source"])
    assert not (folder / "checkpoint").exists()
