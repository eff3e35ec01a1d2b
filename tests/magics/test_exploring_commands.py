"""Profiles, samples and estimates as a person types them."""

from __future__ import annotations

import pandas as pd
import pytest

from fakes.shell import Notebook
from jupyter_etl.errors import DeclarationError

FRAME = pd.DataFrame({"id": range(1000), "<b>": ["<i>a</i>", None] * 500})


@pytest.fixture
def filled(notebook: Notebook) -> Notebook:
    notebook.names["df"] = FRAME
    return notebook


def test_a_profile_draws_each_column_and_escapes_it(filled: Notebook) -> None:
    card = filled.card("%etl profile df")
    assert "df: 1,000 rows, 2 columns" in card.text
    assert "500 (50.0%)" in card.text
    assert "█" in card.text
    assert '<svg role="img" aria-label="Histogram of id from 0 to 1024' in card.html
    assert "0 to 64: 64 rows</title>" in card.html
    assert "<i>" not in card.html
    assert "<b>" not in card.html


def test_a_sample_is_assigned_and_shows_how_many(filled: Notebook) -> None:
    card = filled.card("x = %etl sample df 50 --seed 7 --means")
    assert "df: 50 of 1,000 rows (5.00%), drawn row by row, seed 7" in card.text
    assert "95 % from" in card.text
    assert filled.names["x"].shape == (50, 2)
    filled.run("y = %etl sample df 50 --seed 7 --as arrow")
    assert filled.names["y"].column("id").to_pylist() == filled.names["x"]["id"].tolist()
    problem, _ = filled.fails("%etl sample df 5 --by id --means")
    assert isinstance(problem, DeclarationError)


def test_an_estimate_shows_when_it_is_exact(filled: Notebook) -> None:
    card = filled.card("%etl approx quantile(id, .5) of df --error 5%")
    assert "quantile(id, 0.5) ≈ " in card.text
    assert "95 % between" in card.text
    assert "From 738 of 1,000 rows." in card.text
    assert "sum(id) = 499,500" in filled.card("%etl approx sum(id) of df").text


def test_completion_offers_tables_and_columns(filled: Notebook) -> None:
    assert "df" in filled.complete("%etl profile d")
    assert "--seed" in filled.complete("x = %etl sample df 1% --s")
    assert "id" in filled.complete("x = %etl sample df 1% --by i")
