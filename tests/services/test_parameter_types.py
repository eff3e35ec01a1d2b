"""Parameters arrive with the types that the notebook declares, whatever form they are given in."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import papermill
import pytest

from fakes.notebooks import code, write_notebook
from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import RunState
from jupyter_etl.services.etl import Etl

PARAMETERS = """
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
day: date = date(2026, 1, 1)
at = datetime(2026, 1, 1)
shift: time | None = None
lag = timedelta(hours=1)
rate: "Decimal" = Decimal("1.10")
where = Path("data")
kept = date(2026, 1, 1)
"""
EXPECT = """
assert (type(day), day) == (date, date(2026, 2, 3)), repr(day)
assert at == datetime(2026, 2, 3, 4, 5) and at.tzinfo is None, repr(at)
assert shift == time(6, 30), repr(shift)
assert lag == timedelta(minutes=90), repr(lag)
assert str(rate) == "19.90" and rate + Decimal("0.10") == 20, repr(rate)
assert where / "a" == Path("out/a"), repr(where)
assert kept == date(2026, 1, 1), repr(kept)
"""
COMMANDS = """
%etl param since date = yesterday
share = etl.param("share decimal = 0.10")
assert since == date(2026, 2, 2), repr(since)
assert str(share) == "0.25", repr(share)
"""
TEXTS = {
    "day": "2026-02-03",
    "at": "2026-02-03T04:05",
    "shift": "06:30",
    "lag": "90m",
    "rate": "19.90",
    "where": "out",
    "since": "2026-02-02",
    "share": "0.25",
}


def notebook(path: Path) -> Path:
    load = "%load_ext jupyter_etl\nimport jupyter_etl as etl"
    return write_notebook(path, load, code(PARAMETERS, "parameters"), EXPECT, COMMANDS)


@pytest.mark.kernel
@pytest.mark.parametrize(
    "given",
    [
        TEXTS,
        TEXTS
        | {
            "day": dt.date(2026, 2, 3),
            "at": dt.datetime(2026, 2, 3, 4, 5),  # noqa: DTZ001
            "lag": dt.timedelta(minutes=90),
            "rate": Decimal("19.90"),
        },
    ],
)
def test_in_a_run(etl: Etl, here: Path, given: dict[str, object]) -> None:
    made = etl.runs.run(notebook(here / "typed.ipynb"), parameters=given, draft=True)
    assert (made.state, made.error) == (RunState.SUCCEEDED, "")
    executed = etl.runs.notebook(made.id)
    assert '.date.fromisoformat(\\"2026-02-03\\")' in executed


@pytest.mark.kernel
def test_with_papermill_itself(tmp_path: Path, isolation: Path) -> None:
    path = write_notebook(tmp_path / "in.ipynb", code(PARAMETERS, "parameters"), EXPECT)
    given = {name: text for name, text in TEXTS.items() if name not in ("since", "share")}
    options = {"engine_name": "jupyter_etl", "kernel_name": "python3", "language": "python"}
    options["progress_bar"] = False
    out = tmp_path / "out.ipynb"
    papermill.execute_notebook(str(path), str(out), parameters=given, **options)
    with pytest.raises(DeclarationError, match="'rate' takes decimal, but got '1,5'"):
        papermill.execute_notebook(
            str(path), str(out), parameters={**given, "rate": "1,5"}, **options
        )


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("day", "03.02.2026", "'day' takes date, but got '03.02.2026'"),
        ("rate", "1,5", "'rate' takes decimal, but got '1,5'"),
        ("lag", "soon", "'lag' takes timedelta, but got 'soon'"),
        ("shift", "25:00", "'shift' takes time, but got '25:00'"),
    ],
)
def test_a_wrong_text_is_refused_before_anything_runs(
    etl: Etl, here: Path, name: str, value: str, says: str
) -> None:
    path = notebook(here / "typed.ipynb")
    with pytest.raises(DeclarationError, match=says) as caught:
        etl.runs.run(path, parameters={name: value})
    assert f"For example: {name}=" in caught.value.hint
    with pytest.raises(DeclarationError, match=says):
        etl.pipelines.schedule(path, "daily at 06:00", parameters={name: value})
