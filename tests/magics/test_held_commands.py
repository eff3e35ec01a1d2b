"""Runs that are held, whatever holds them: looked at and decided by `%etl` and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.held import FIRST, KINDS, Kind, counts, hold
from fakes.notebooks import write_notebook
from fakes.shell import Notebook
from jupyter_etl.cli.main import main
from jupyter_etl.model import RunState
from jupyter_etl.services import Etl

pytestmark = pytest.mark.kernel

FRAME = "import pandas as pd\nx = pd.DataFrame({'id': [1]})"

# Each surface meets each kind and each decision; together they meet all pairs.
GATE, CHECK, BOTH = (KINDS[name] for name in ("gate", "check", "both"))


@pytest.mark.parametrize(
    ("kind", "decision"), [(GATE, "approve"), (CHECK, "reject"), (BOTH, "approve")], ids=KINDS
)
def test_on_the_command_line(
    etl: Etl, here: Path, capsys: pytest.CaptureFixture[str], kind: Kind, decision: str
) -> None:
    number = hold(etl, here, kind)
    capsys.readouterr()
    assert main(["held"]) == 0
    every = capsys.readouterr().out
    assert main(["held", "t", "-n", "1"]) == 0
    one = capsys.readouterr().out
    for reported in (every, one):
        assert f"jupyter etl approve {number}" in reported
        assert all(reason in reported for reason in kind.says)
    assert f"t: 1 of {kind.rows} rows\nid\n0\n" in one
    assert main(["held", str(number), "--json", "-n", "2"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert (reported["names"], reported["held_by"]) == (["t", "more"], list(kind.held_by))
    assert reported["rows"] == {name: [{"id": 0}, {"id": 1}] for name in ("t", "more")}
    assert main(["cancel", str(number)]) == 1
    assert f"jupyter etl reject {number}" in capsys.readouterr().err
    assert counts(etl) == (FIRST, FIRST)
    assert main([decision, "t", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["held_by"] == list(kind.held_by)
    approved = decision == "approve"
    assert counts(etl) == ((kind.rows, FIRST + kind.rows) if approved else (FIRST, FIRST))
    ended = RunState.SUCCEEDED if approved else RunState.CANCELLED
    assert etl.runs.get(number).state is ended
    assert main([decision, str(number)]) == 1
    assert "there is nothing to decide" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "decision"), [(GATE, "reject"), (CHECK, "approve"), (BOTH, "reject")], ids=KINDS
)
def test_in_a_notebook(notebook: Notebook, etl: Etl, here: Path, kind: Kind, decision: str) -> None:
    number = hold(etl, here, kind)
    for line in ("%etl held", "%etl approve", f"%etl held {number}", "%etl held t -n 1"):
        (card,) = notebook.run(line)
        assert all(reason in card.text for reason in kind.says)
        assert f"%etl reject {number}" in card.text
    assert f"Showing 1 of {kind.rows} rows." in card.text
    assert "nothing to cancel" in notebook.fails(f"%etl cancel {number}")[1]
    assert counts(etl) == (FIRST, FIRST)
    notebook.run(f"%etl {decision} {number}")
    approved = decision == "approve"
    assert counts(etl) == ((kind.rows, FIRST + kind.rows) if approved else (FIRST, FIRST))
    assert "No runs are held" in notebook.card("%etl held").text


def test_a_check_in_a_run_that_publishes_nothing(
    etl: Etl, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_notebook(here / "watch.ipynb", FRAME, "%%etl check x\nrows > 5")
    assert main(["run", str(path)]) == 3
    assert "a check of 'x' failed" in capsys.readouterr().out
    assert main(["approve", "1"]) == 0
    assert "run 1 counts as succeeded; it publishes nothing" in capsys.readouterr().out
    assert etl.runs.get(1).state is RunState.SUCCEEDED


def test_a_draft_is_held_and_approved_as_a_draft(
    etl: Etl, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = (FRAME, "%%etl check x\nrows > 5", "%etl publish table t x")
    path = write_notebook(here / "nb.ipynb", *cells)
    assert main(["run", str(path), "--draft"]) == 3
    assert main(["approve", "1"]) == 0
    found = etl.publications.get("t")
    assert (found.live, found.draft and found.draft.number) == (None, 1)


def test_what_follows_it_waits_for_the_approval(
    etl: Etl, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = "import pandas as pd\nx = pd.read_csv('rows.csv')"
    cells = (frame, "%%etl check x\nrows > 5", "%etl publish table up.t x")
    write_notebook(here / "up.ipynb", *cells)
    write_notebook(here / "down.ipynb", "print('down')")
    (here / "rows.csv").write_text("id\n" + "1\n" * 6)
    assert main(["run", "up.ipynb"]) == 0
    for words in (["up.ipynb"], ["down.ipynb", "--after", "up.t"]):
        assert main(["schedule", *words]) == 0
    assert main(["up", "--until-idle"]) == 0
    before = len(etl.runs.list(pipeline="down"))
    (here / "rows.csv").write_text("id\n" + "1\n" * 5)
    etl.runs.trigger("up")
    assert main(["up", "--until-idle"]) == 0
    assert etl.runs.list(pipeline="up")[0].state is RunState.HELD
    assert len(etl.runs.list(pipeline="down")) == before
    assert main(["approve", "up.t"]) == 0
    assert main(["up", "--until-idle"]) == 0
    down = etl.runs.list(pipeline="down")
    assert [run.state for run in down] == [RunState.SUCCEEDED] * (before + 1)
