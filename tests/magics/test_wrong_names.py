"""Every command of the magic reports a name that does not exist."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from fakes.shell import Notebook
from fakes.wrong_names import RIGHT, SUGGESTION, WrongName, declare_right_names, wrong_names
from jupyter_etl.errors import NotFound
from jupyter_etl.language.commands.tables import MAGIC_COMMANDS
from jupyter_etl.notebook import kernel_state

CASES = list(wrong_names(MAGIC_COMMANDS))


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case.words))
def test_a_name_that_is_not_there(notebook: Notebook, here: Path, case: WrongName) -> None:
    declare_right_names(kernel_state.open_etl(), here)
    notebook.names["orders_frame"] = pd.DataFrame({"a": [1]})
    line = " ".join(case.words)
    if line == "watermark ordes":
        # Of a pipeline; the notebook of this test is not deployed.
        line += f" --pipeline {RIGHT['pipeline']}"
    source = f"%%etl {line}\nrows > 0" if case.cell else f"%etl {line}"
    notebook.save(source)
    problem, said = notebook.fails(source)
    assert isinstance(problem, NotFound), said
    assert SUGGESTION[case.kind] in said
