"""The logs of runs that were executed."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.notebooks import code, text, write_notebook
from jupyter_etl.runner.folders import EVENTS, LOG
from jupyter_etl.services.etl import Etl


@pytest.mark.kernel
def test_the_log_of_a_real_run_is_complete(etl: Etl, here: Path) -> None:
    (here / "o.csv").write_text("a\n1\n2\n")
    notebook = write_notebook(
        here / "good.ipynb",
        text("# Title"),
        "%load_ext jupyter_etl",
        "\n# from the file\n%etl source orders o.csv",
        "orders = %etl load orders",
        "%%etl check orders\na: unique, not null\na > 1 : warn",
        "import os\n_ = os.system('echo \"\\033[31mfrom a process\\033[0m\"')",
        "%etl publish table sales.daily orders",
        code("", "a tag"),
    )
    log = etl.runs.log(etl.runs.run(notebook).id)
    expected = [
        "--- Attempt 1 ---",
        "claimed by the command that started the run",
        "attempt 1 started on ",
        "the kernel is ready, started ",
        "cell 2 started: %load_ext jupyter_etl",
        "cell 2 succeeded after ",
        "cell 3 started: # from the file",
        "cell 4 started: orders = %etl load orders",
        "read orders: 2 rows in 0.",
        "cell 4 succeeded",
        "checked orders: 2 of 3 rules passed",
        "check warn: orders: 1 of 2 rows: a > 1 is false",
        "staged table sales.daily, 2 rows, not visible yet",
        "cell 7 succeeded",
        "published version 1 of sales.daily, 2 rows",
        "attempt 1 succeeded after ",
        "output of the processes",
        "    | from a process",
    ]
    places = [log.find(part) for part in expected]
    assert min(places) > 0, f"{expected[places.index(-1)]!r} is not in:\n{log}"
    assert places == sorted(places)


@pytest.mark.kernel
def test_an_error_has_its_traceback_and_no_colours(etl: Etl, here: Path) -> None:
    cells = "def f(y):\n    return y['\x1b[2J']", "raise_ = 1\nf({})", "'never'"
    run = etl.runs.run(write_notebook(here / "bad.ipynb", *cells))
    log = etl.runs.log(run.id)
    assert "    Cell In[2], line 2\n" in log
    assert "    KeyError: '\\x1b[2J'" in log
    assert "in cell 2: KeyError" in log
    assert "cell 3" not in log
    (folder,) = (etl.settings.home / "runs" / f"{run.id:08}").iterdir()
    for file in (EVENTS, LOG):
        written = (folder / file).read_bytes()
        assert b"\x1b" not in written
        assert b"u001b[3" not in written


@pytest.mark.kernel
def test_a_kernel_that_is_not_there_is_named(etl: Etl, here: Path) -> None:
    run = etl.runs.run(write_notebook(here / "a.ipynb", "1", kernel="no-such-kernel"))
    assert "no-such-kernel" in etl.runs.log(run.id).partition("Attempt 1")[2]
