"""Publishing queries and functions with ``%%etl publish``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from fakes.shell import Notebook
from jupyter_etl.cli.main import main
from jupyter_etl.services.etl import Etl

SETUP = """import threading
import numpy as np
import pandas as pd
import jupyter_etl as etl
etl.publish("sales.daily", pd.DataFrame({"cust": [1, 2, 2], "amount": [1.5, 2.0, 3.0]}), live=True)
rates = {"a": 2.0}
lock, big, gone = threading.Lock(), np.zeros(13_200_000), object()
"""
QUERY = """%%etl publish query sales.by_customer --key cust --limit 10
-- Amounts of a customer.
select cust, sum(amount) as amount from sales.daily
where cust = {{cust: int}} group by all"""
FUNCTION = """%%etl publish function score --sample '{"age": 40}' --timeout 2s --memory 1GB --workers 2
def score(age: float, kind: str = "a") -> dict[str, float]:
    "Score a passenger."
    rows = etl.lookup("sales.daily", cust=2)
    return {"p": age * rates[kind] + len(rows)}"""
QUERIES = {
    "select * from sales.nothing": "sales.nothing",
    "select 1 +": "syntax",
    "select * from sales.daily; drop table x": "one",
    "delete from sales.daily": "select",
    "select * from sales.daily where cust = {{cust}}": "type",
    "select * from sales.daily where cust = {{cust: nothing}}": "nothing",
    "select * from sales.daily where cust = {{cust: int = 'x'}}": "cust",
    "": "cell",
}
FUNCTIONS = {
    "def bad(x) -> float:\n    return x": "annotation",
    "bad = lambda x: x": "no function",
    "class bad:\n    pass": "no function",
    "def bad(x: float) -> float:\n    yield x": "generator",
    "def bad(x: float) -> float:\n    return lock": "lock",
    "def bad(x: float) -> float:\n    return big[0]": "100 MB",
    "def bad(x: float) -> float:\n    return 1 / 0": "ZeroDivisionError",
    "def bad(x: float) -> float:\n    return": "float",
    "def bad(y: float) -> float:\n    return y": "x",
    "def bad(x: complex) -> float:\n    return 1.0": "complex",
    "def bad(*x: float) -> float:\n    return 1.0": "*x",
    "def bad(:": "not valid Python",
    "": "cell",
}


def test_drafts_list_what_was_captured_and_how_they_are_called(notebook: Notebook) -> None:
    notebook.run(SETUP)
    query = notebook.card(QUERY)
    assert query.text.startswith("✓ sales.by_customer: draft 1\n")
    assert "/drafts/queries/sales.by_customer" in query.text
    function = notebook.card(FUNCTION)
    assert function.text.startswith("✓ score: draft 1\n")
    captured = [line.split()[:2] for line in function.text.splitlines()]
    assert ["score", "function"] in captured
    assert ["rates", "dict"] in captured
    assert '{"age": 40} gives {"p":82.0}' in function.text


def test_what_cannot_be_served_is_refused_in_a_sentence(notebook: Notebook) -> None:
    notebook.run(SETUP)
    seen = []
    for head, cells in (
        ("%%etl publish query bad", QUERIES),
        ("""%%etl publish function bad --sample '{"x": 1}'""", FUNCTIONS),
    ):
        for cell, piece in cells.items():
            _, problem = notebook.fails(f"{head}\n{cell}")
            if piece.lower() not in problem.lower():
                seen.append((cell, problem))
    assert seen == []
    assert notebook.shell.user_ns["etl"].read("sales.daily").shape == (3, 2)


def test_a_known_secret_is_not_captured(notebook: Notebook, etl: Etl) -> None:
    etl.secrets.set("api-key", "hunter2-hunter2")
    notebook.run("key = 'hunter2-hunter2'\ninner = {'k': [key]}")
    for name in ("key", "inner"):
        cell = f"%%etl publish function bad\ndef bad(x: float) -> str:\n    return str({name})"
        _, problem = notebook.fails(cell)
        assert "the value of the secret 'api-key'" in problem
        assert "hunter2-hunter2" not in problem


def test_a_draft_of_a_table_stands_for_a_table_that_no_run_has_published(
    notebook: Notebook,
) -> None:
    notebook.run(SETUP.replace(", live=True", ""))
    assert notebook.card(QUERY).text.startswith("✓ sales.by_customer: draft 1\n")
    assert '{"age": 40} gives {"p":82.0}' in notebook.card(FUNCTION).text
    notebook.run("found = etl.lookup('sales.daily', cust=1)")
    assert notebook.names["found"] == [{"cust": 1, "amount": 1.5}]


@pytest.mark.kernel
def test_a_run_publishes_endpoints_together_with_the_table_that_they_read(
    etl: Etl, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = SETUP.replace(", live=True", "")
    function = FUNCTION.replace("""--sample '{"age": 40}' """, "")
    looked_up = "assert etl.lookup('sales.daily', cust=1) == [{'cust': 1, 'amount': 1.5}]"
    cells = ("%load_ext jupyter_etl", setup, QUERY, function, "score(age=41)", looked_up)
    path = write_notebook(here / "nb.ipynb", *cells)
    assert main(["run", str(path)]) == 0, capsys.readouterr().out
    rows = {one.name: one for one in etl.endpoints.list()}
    assert {name: one.live for name, one in rows.items()} == {"sales.by_customer": 1, "score": 1}
    live = etl.store.load_publication("score").live
    assert live is not None
    assert live.what.endpoint is not None
    assert live.what.endpoint.reads == ("sales.daily",)
    samples = [(json.loads(one.request), one.response) for one in live.what.endpoint.samples]
    assert samples == [({"age": 41}, '{"p":84.0}')]
    narrower = function.replace("age: float", "age: int")
    write_notebook(path, "%load_ext jupyter_etl", setup, QUERY, narrower, "score(age=41)")
    capsys.readouterr()
    assert main(["run", str(path)]) == 3
    assert "'score' is held: its contract changes: the parameter 'age'" in capsys.readouterr().out
    # All or nothing.
    assert {one.name: one.live for one in etl.endpoints.list()} == dict.fromkeys(rows, 1)
    write_notebook(path, "%load_ext jupyter_etl", setup, QUERY, function, "score(age=41)")
    assert main(["run", str(path)]) == 0
    assert {one.name: one.live for one in etl.endpoints.list()} == dict.fromkeys(rows, 2)
