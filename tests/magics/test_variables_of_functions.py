"""Inside a function, its variables take precedence over the notebook's."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.shell import Notebook

SETUP = """
import pandas as pd
import jupyter_etl as etl
from concurrent.futures import ThreadPoolExecutor
day = "notebook"
df = pd.DataFrame({"z": [1]})
later = "notebook"
def ask(query="select {{day}} as d, z from df"):
    return query
def told(frame):
    return frame.to_pylist()[0]
LOCAL = "select {{day}} as d, z from df"
"""

FUNCTION = {"d": "function", "z": 2}
NOTEBOOK = {"d": "notebook", "z": 1}
GIVEN = '("function", pd.DataFrame({"z": [2]}))'

CODE: dict[str, tuple[str, object]] = {
    "magic": (
        f"""
def f(day, df):
    a = %etl sql local "select {{{{day}}}} as d, z from df" --as arrow
    return told(a)
found = f{GIVEN}
""",
        FUNCTION,
    ),
    "call": (
        f"""
def f(day, df):
    return told(etl.sql("local", LOCAL, as_="arrow"))
found = f{GIVEN}
""",
        FUNCTION,
    ),
    "lambda": (
        f'found = (lambda day, df: told(etl.sql("local", LOCAL, as_="arrow"))){GIVEN}',
        FUNCTION,
    ),
    "comprehension": (
        """
def f(df):
    return [told(etl.sql("local", LOCAL, as_="arrow")) for day in ["function"]]
found = f(pd.DataFrame({"z": [2]}))[0]
""",
        FUNCTION,
    ),
    "nested in one that runs": (
        f"""
def f(day, df):
    def inner():
        return told(etl.sql("local", LOCAL, as_="arrow"))
    return inner()
found = f{GIVEN}
""",
        FUNCTION,
    ),
    "nested, and used in it": (
        f"""
def f(day, df):
    def inner():
        day, df
        return told(etl.sql("local", LOCAL, as_="arrow"))
    return inner
found = f{GIVEN}()
""",
        FUNCTION,
    ),
    "a method in a function": (
        f"""
def f(day, df):
    class Made:
        day = "class"
        def ask(self):
            return told(etl.sql("local", LOCAL, as_="arrow"))
    return Made().ask()
found = f{GIVEN}
""",
        FUNCTION,
    ),
    "a body of a class": (
        """
class Made:
    day = "function"
    df = pd.DataFrame({"z": [2]})
    found = told(etl.sql("local", LOCAL, as_="arrow"))
found = Made.found
""",
        FUNCTION,
    ),
    "a thread": (
        f"""
def f(day, df):
    return told(etl.sql("local", LOCAL, as_="arrow"))
with ThreadPoolExecutor() as pool:
    found = pool.submit(f, *{GIVEN}).result()
""",
        FUNCTION,
    ),
    "a call by a thread": (
        """
with ThreadPoolExecutor() as pool:
    found = told(pool.submit(etl.sql, "local", LOCAL, as_="arrow").result())
""",
        NOTEBOOK,
    ),
    "async": (
        f"""
import asyncio
async def f(day, df):
    return told(etl.sql("local", LOCAL, as_="arrow"))
async def both():
    return await asyncio.create_task(f{GIVEN})
with ThreadPoolExecutor() as pool:
    found = pool.submit(lambda: asyncio.run(both())).result()
""",
        FUNCTION,
    ),
    "a generator": (
        f"""
def f(day, df):
    yield told(etl.sql("local", LOCAL, as_="arrow"))
found = next(f{GIVEN})
""",
        FUNCTION,
    ),
    "exec with variables of its own": (
        """
names = {"day": "function", "df": pd.DataFrame({"z": [2]})}
exec('found = told(etl.sql("local", LOCAL, as_="arrow"))', globals(), names)
found = names["found"]
""",
        FUNCTION,
    ),
    "the notebook's where the function has none": (
        """
def f():
    return told(etl.sql("local", LOCAL, as_="arrow"))
found = f()
""",
        NOTEBOOK,
    ),
    "parameters win": (
        f"""
def f(day, df):
    return told(etl.sql("local", LOCAL, as_="arrow", parameters={{"day": "given"}}))
found = f{GIVEN}
""",
        {"d": "given", "z": 2},
    ),
}


def run(notebook: Notebook, code: str) -> Any:
    notebook.run(SETUP)
    notebook.run(code)
    return notebook.names["found"]


@pytest.mark.parametrize("name", CODE)
def test_whose_variables_a_query_sees(notebook: Notebook, name: str) -> None:
    code, expected = CODE[name]
    assert run(notebook, code) == expected


def test_a_function_of_a_module_sees_its_own(
    notebook: Notebook, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "own_module.py").write_text(
        "import jupyter_etl as etl\nday = 'module'\n"
        "def f(z):\n"
        "    return etl.sql('local', 'select {{day}} as d, {{z}} as z, {{later}} as n', as_='arrow')\n"
    )
    monkeypatch.syspath_prepend(here)
    found = run(notebook, "import own_module\nfound = told(own_module.f(3))")
    assert found == {"d": "module", "z": 3, "n": "notebook"}


def test_publish_and_check_take_the_function_s_frame(notebook: Notebook) -> None:
    found = run(
        notebook,
        """
def f(df):
    %etl publish table a.b df
    etl.publish("out/{{day}}.csv", df, kind="file")
    %etl check df --schema rules
    etl.check("df", "z: in [2]")
import pandera.pandas as pa
rules = pa.DataFrameSchema({"z": pa.Column(checks=pa.Check.eq(2))})
f(pd.DataFrame({"z": [2]}))
found = etl.read("a.b", draft=True)["z"].tolist()
""",
    )
    assert found == [2]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            """
def f(day):
    def inner():
        return etl.sql("local", "select {{day}} as d")
    return inner
f("function")()
""",
            "'day' is a variable of the function f",
        ),
        (
            """
def f():
    etl.sql("local", "select {{day}} as d")
    day = 1
f()
""",
            "there is no variable 'day'",
        ),
        (
            """
def f(day):
    %etl sql local day << "select 1 as a"
f(1)
""",
            "'day' is a variable of a function",
        ),
        (
            """
def f():
    %etl param day = x
    return day
    day = 1
f()
""",
            "'day' is a variable of a function",
        ),
    ],
)
def test_what_has_no_value_there_is_not_the_notebook_s(
    notebook: Notebook, code: str, says: str
) -> None:
    notebook.run(SETUP)
    assert says in str(notebook.fails(code)[0])
