"""Publishing queries and functions with ``%%etl publish``."""

from __future__ import annotations

from fakes.shell import Notebook

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
