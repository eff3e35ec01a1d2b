"""Every reason why a run does not resume from its checkpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.attempts import notebook_text
from jupyter_etl.model import Checkpoint
from jupyter_etl.scheduling.resume import plan_resumption

FIRST, SECOND = "df = load()", "total = df.sum()"
FAILED = "print(total / 0)"
KEPT = Checkpoint(
    attempt=1,
    failed_cell=3,
    before=(FIRST, SECOND),
    kernel="python3",
    parameters={"day": "2026-01-01"},
    names=("df", "total", "ask", "ask_all"),
    left_out={"connection": "cannot be pickled", "sum": "cannot be pickled"},
    uses={"ask": ("connection",), "ask_all": ("ask",)},
)
TEXT = ("markdown", "what it is about")
GIVEN = {"day": "2026-01-01"}


def test_it_resumes_with_a_fixed_cell_and_new_texts() -> None:
    for cells, start in (
        ([FIRST, SECOND, FAILED], 2),
        ([TEXT, FIRST + "\n", TEXT, f"  \n{SECOND}", "print('mended')"], 4),
        ([FIRST, SECOND, "new = 1", FAILED, "more = 2"], 2),
        ([FIRST, SECOND], 2),
        ([FIRST, SECOND, TEXT], 3),
    ):
        planned = plan_resumption(KEPT, notebook_text(cells), GIVEN)
        assert (planned.cell, planned.why_not) == (start, ""), cells


@pytest.mark.parametrize(
    ("cells", "why_not"),
    [
        (["df = other()", SECOND, FAILED], "cell 1 is not as attempt 1 executed it"),
        ([TEXT, FIRST, "total = 1", FAILED], "cell 3 is not as attempt 1 executed it"),
        ([SECOND, FIRST, FAILED], "cells 1, 2 are not as attempt 1 executed them"),
        ([FIRST], "the notebook has 1 code cells now, and attempt 1 had executed 2 before"),
    ],
)
def test_the_cells_before_must_be_the_same(cells: list[str], why_not: str) -> None:
    planned = plan_resumption(KEPT, notebook_text(cells), GIVEN)
    assert planned.cell is None
    assert planned.why_not.startswith(why_not)


def test_kernel_parameters_and_checkpoint_must_be_good() -> None:
    same = notebook_text([FIRST, SECOND, FAILED])
    other = plan_resumption(KEPT, notebook_text([FIRST, SECOND, FAILED], kernel="ir"), GIVEN)
    assert other.why_not == "the notebook's kernel is ir now, and was python3 in attempt 1"
    nameless = plan_resumption(KEPT, notebook_text([FIRST, SECOND], kernel=None), GIVEN)
    assert "not named now" in nameless.why_not
    for given in ({}, {"day": "2026-01-02"}, {**GIVEN, "n": 1}):
        planned = plan_resumption(KEPT, same, given)
        name = "n" if "n" in given else "day"
        assert planned.why_not == f"parameters are not those of attempt 1: {name}"
    failed = replace(KEPT, problem="it took longer than 30 s")
    assert plan_resumption(failed, same, GIVEN).why_not == "it took longer than 30 s"


@pytest.mark.parametrize(
    "cell",
    [
        "connection.execute('x')",
        "def later(): return connection\nlater()",
        "print([ask(n) for n in range(3)])",
        "class Sub(Base):\n    def go(self): return ask_all()",
        "%etl publish table t connection",
        "%%etl sql local\nselect * from connection",
        "!echo {connection}",
        "exec('connection.close()')",
        "x = 1\nconnection = open_again(connection)",
        "not python, connection",
    ],
)
def test_what_was_left_out_must_not_be_used(cell: str) -> None:
    planned = plan_resumption(KEPT, notebook_text([FIRST, SECOND, FAILED, cell]), GIVEN)
    assert planned.why_not == (
        "the remaining cells use variables that could not be saved: connection (cannot be pickled)"
    )


def test_a_name_of_pythons_own_that_was_left_out() -> None:
    planned = plan_resumption(KEPT, notebook_text([FIRST, SECOND, "print(sum)"]), GIVEN)
    assert "use variables that could not be saved: sum" in planned.why_not


@pytest.mark.parametrize(
    "cell",
    [
        "connection = connect()\nconnection.execute('x')",
        "for connection in pool: pass",
        "def own(connection): return connection",
        "%etl publish table t df",
        "self.connection = 1\nprint('connection')",
    ],
)
def test_what_was_left_out_may_be_defined_anew(cell: str) -> None:
    planned = plan_resumption(KEPT, notebook_text([FIRST, SECOND, cell, "df"]), GIVEN)
    assert planned.cell == 2, planned.why_not
