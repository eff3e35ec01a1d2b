"""A real run that the publish gate holds, and a person who decides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.cli.main import main
from jupyter_etl.model import RunState, VerdictKind
from jupyter_etl.services.etl import Etl

pytestmark = pytest.mark.kernel

CELL = """\
import pandas as pd
from pathlib import Path
df = pd.DataFrame({'id': range(int(Path('count').read_text()))})
%etl publish table t df --key id --contract freeze
%etl publish table more df --mode append"""


def test_a_run_is_held_and_approved(
    etl: Etl, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_notebook(here / "nb.ipynb", CELL)
    (here / "count").write_text("10")
    assert main(["run", str(path)]) == 0
    (here / "count").write_text("2")
    assert main(["run", str(path)]) == 3
    said = capsys.readouterr().out
    assert "'t' is held: it has 2 rows, and version 1 has 10 (-80%" in said
    run = etl.runs.get(2)
    assert run.state is RunState.HELD
    assert run.verdict is not None
    assert run.verdict.kind is VerdictKind.DATA
    assert etl.publications.read("t").num_rows == etl.publications.read("more").num_rows == 10
    assert main(["approve"]) == 0
    assert "jupyter etl approve 2" in capsys.readouterr().out
    assert main(["approve", "t", "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert {(one["name"], one["version"]) for one in reported["published"]} == {
        ("t", 2),
        ("more", 2),
    }
    assert etl.publications.read("t").num_rows == 2
    # Different rows from those of the first run.
    assert etl.publications.read("more").num_rows == 12
    assert etl.runs.get(2).state is RunState.SUCCEEDED
    assert main(["diff", "t", "1", "2"]) == 0
    assert "Rows by id: 0 added, 8 removed, 0 changed" in capsys.readouterr().out
