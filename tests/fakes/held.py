"""Notebooks whose second run is held: by a check, by the publish gate, by both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fakes.notebooks import write_notebook
from jupyter_etl.model import RunState
from jupyter_etl.services import Etl

CELLS = (
    "import pandas as pd\n"
    "import jupyter_etl as etl\n"
    "from pathlib import Path\n"
    "df = pd.DataFrame({'id': range(int(Path('count').read_text()))})",
    "%%etl check df\nrows < 12\nid: unique",
    "results = etl.check('df', 'rows < 12')\netl.publish('t', df, key=['id'])",
    "%etl publish table more df --mode append",
    "print('the last cell')",
)
FIRST = 10


@dataclass(frozen=True)
class Kind:
    """A reason for a hold.

    Args:
        held_by: The reason in JSON output.
        rows: Rows of the second run; the first has `FIRST`.
        says: Message about the reasons.
    """

    held_by: tuple[str, ...]
    rows: int
    says: tuple[str, ...]


CHECK, GATE = "rows: rows < 12 is false", "and version 1 has 10"
KINDS = {
    "gate": Kind(("gate",), 2, (GATE,)),
    "check": Kind(("check",), 12, (CHECK,)),
    "both": Kind(("check", "gate"), 99, (CHECK, GATE)),
}


def hold(etl: Etl, folder: Path, kind: Kind) -> int:
    """Run the notebook twice; return the id of the run that is held."""
    path = write_notebook(folder / "nb.ipynb", *CELLS)
    (folder / "count").write_text(str(FIRST))
    assert etl.runs.run(path).state is RunState.SUCCEEDED
    (folder / "count").write_text(str(kind.rows))
    run = etl.runs.run(path)
    assert (run.state, run.held_by) == (RunState.HELD, kind.held_by), run.error
    assert "the last cell" in etl.runs.notebook(run.id)
    return run.id


def counts(etl: Etl) -> tuple[int, int]:
    """Return the numbers of rows of the publications."""
    return etl.publications.read("t").num_rows, etl.publications.read("more").num_rows
