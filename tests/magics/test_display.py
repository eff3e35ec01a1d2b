"""How values and failures are shown in cards."""

from __future__ import annotations

import pytest

from fakes.clock import START
from fakes.model_values import a_run
from jupyter_etl.model import Failure, FailureKind, RunState
from jupyter_etl.scheduling.verdicts import judge
from jupyter_etl.services.runs.lookup import failure_lines
from jupyter_etl_magics.display import Card, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (12.3456789, "12.3457"),
        (99_999.96, "100,000"),
        (123_456.7, "123,457"),
        (999_999.7, "1,000,000"),
        (1_234_567.891, "1,234,568"),
        (-1_234_567.891, "-1,234,568"),
        (1e20, "1e+20"),
        (0.0000123456789, "1.23457e-05"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (0.0, "0"),
        (1_234_567, "1,234,567"),
        (True, "yes"),
        (None, "–"),
    ],
)
def test_values(value: object, text: str) -> None:
    assert shown(value) == text


def test_tables_are_aligned_to_the_left_also_in_jupyterlab() -> None:
    html = Card(title="t", rows=[{"a": 1, "b": "x"}]).html()
    assert "<td>1</td><td>x</td>" in html
    # As specific as :not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon td, and one more.
    assert "div.etl-card.etl-card td{padding:2px 10px 2px 0;text-align:left" in html
    assert "text-align:right" not in html


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("AssertionError: the column speed is missing", FailureKind.ERROR),
        ("ZeroDivisionError: division by zero", FailureKind.ERROR),
        ("SourceError: wh did not answer: timeout expired", FailureKind.ERROR),
        ("ValueError: first line\nsecond line", FailureKind.ERROR),
        ("KeyError", FailureKind.ERROR),
        ("CheckFailed: 3 of 100 rows break 'fare >= 0'", FailureKind.HELD),
        ("It took longer than 60 s", FailureKind.TIMED_OUT),
    ],
)
def test_a_failure_is_told_once(error: str, kind: FailureKind) -> None:
    name, _, message = error.partition(": ")
    failure = Failure(kind=kind, error_type=name, message=message)
    run = a_run(
        1,
        "sales",
        START,
        state=RunState.FAILED,
        outcome=failure.outcome,
        error=error,
        failed_cell=1,
        verdict=judge(failure),
    )
    first, second = failure_lines(run)
    assert first == f"Cell 2: {error}"
    assert error.splitlines()[0] not in second
    assert second.startswith(f"{run.verdict.kind}: ")
    assert len(second) > len(f"{run.verdict.kind}: ")


def test_a_run_without_a_failure_shows_none() -> None:
    assert failure_lines(a_run(1, "sales", START)) == []
