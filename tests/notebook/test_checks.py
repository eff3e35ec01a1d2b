"""Freshness checks, schemas and samples of failing rows in a notebook."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pytest

from fakes.shell import Notebook, notebook_shell
from jupyter_etl.errors import CheckFailed, DeclarationError
from jupyter_etl.notebook.session import DataSession

NOW = dt.datetime.now(dt.UTC)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([NOW - dt.timedelta(days=9), NOW - dt.timedelta(hours=30)], pa.timestamp("us", "UTC")),
        pa.array([(NOW - dt.timedelta(hours=30)).replace(tzinfo=None)], pa.timestamp("us")),
        pa.array([str((NOW - dt.timedelta(hours=30)).replace(tzinfo=None))]),
    ],
    ids=["zone", "no zone", "text"],
)  # fmt: skip
def test_the_greatest_value_is_as_recent_as_it_should_be(
    session: DataSession, names: dict[str, Any], values: pa.Array
) -> None:
    names["t"] = pa.table({"at": values})
    (result,) = session.check("t", "at: fresh 2d")
    assert "the greatest at is" in result.message
    with pytest.raises(CheckFailed, match="at: fresh 24h is false"):
        session.check("t", "at: fresh 24h")
    (late,) = session.check("t", "at: fresh 24h : warn")
    assert (late.status.value, late.failed_rows) == ("warn", None)


def test_dates_count_from_their_midnight_and_nothing_is_never_fresh(
    session: DataSession, names: dict[str, Any]
) -> None:
    names["t"] = pa.table(
        {"day": [NOW.date()], "none": pa.array([None], pa.timestamp("us", "UTC"))}
    )
    assert session.check("t", "day: fresh 2d")[0].status.value == "pass"
    (result,) = session.check("t", "none: fresh 2d : warn")
    assert result.status.value == "warn"
    assert "no row has a value" in result.message
    names["n"] = pa.table({"x": [1]})
    with pytest.raises(DeclarationError, match="x: fresh 1h"):
        session.check("n", "x: fresh 1h")


@pytest.fixture
def notebook(
    home: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    monkeypatch.setenv("JPY_SESSION_NAME", "sales.ipynb")
    with notebook_shell(here / "sales.ipynb", capsys) as opened:
        yield opened


def test_the_card_shows_the_breaking_rows(notebook: Notebook) -> None:
    notebook.names["df"] = pd.DataFrame({"id": range(90), "note": ["<b>"] * 90})
    shown = notebook.card("%%etl check df\nid < 60 : warn\nid: unique")
    assert "id < 60: 20 of 30 rows that fail" in shown.text
    assert "&lt;b&gt;" in shown.html
    assert "<b>" not in shown.html
    assert shown.html.count("<style>") == 1


def test_a_schema_of_pandera_is_a_variable(notebook: Notebook) -> None:
    notebook.names["df"] = pd.DataFrame({"id": [1, 1]})
    notebook.names["rules"] = pandera.DataFrameSchema({"id": pandera.Column(int, unique=True)})
    problem, _ = notebook.fails("%etl check df --schema rules")
    assert isinstance(problem, CheckFailed)
    assert "id: field_uniqueness" in problem.message
    notebook.names["df"] = pd.DataFrame({"id": [1, 2]})
    assert "1 pass over 2 rows" in notebook.card("%etl check df --schema rules").text
    with pytest.raises(DeclarationError, match="both the schema"):
        raise notebook.fails("%%etl check df --schema rules\nid: unique")[0]
    with pytest.raises(DeclarationError, match="needs lines below"):
        raise notebook.fails("%etl check df")[0]
