"""Which notebooks preflight refuses: those that cannot run, and no others."""

from __future__ import annotations

import json
import os
import sqlite3
import venv
from pathlib import Path

import pandas as pd
import pytest

from fakes.notebooks import code, write_notebook
from fakes.preflight_notebooks import CAN_RUN, CANNOT_RUN, Case
from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import Outcome
from jupyter_etl.notebook import api
from jupyter_etl.services.etl import Etl

ENDING = [name for name, case in CAN_RUN.items() if "exit()" in case.cells]
GOING_ON = [name for name in CAN_RUN if name not in ENDING]
RUNS = [*(GOING_ON[n::4] for n in range(4)), *([name] for name in ENDING)]
"""Notebooks that are run as one: each costs a kernel. Nothing is executed after an `exit()`."""
HELPER = """
import pandas as pd
frame = pd.DataFrame({"a": [1]})
def double(x): return 2 * x
def write():
    with open("from_helper.txt", "w") as f: f.write("x")
"""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two further kernels: one without the package, one whose program is missing."""
    root = tmp_path_factory.mktemp("jupyter")
    bare = root / "bare"
    venv.create(bare, with_pip=False, symlinks=True)
    for found in bare.glob("lib/python*/site-packages"):
        (found / "ipykernel_launcher.py").write_text("")
    programs = {"bare": bare / "bin" / "python", "no-program": root / "nowhere" / "python"}
    for name, program in programs.items():
        folder = root / "kernels" / name
        folder.mkdir(parents=True)
        argv = [str(program), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": name, "language": "python", "env": {"PYTHONPATH": ""}}
        (folder / "kernel.json").write_text(json.dumps(spec))
    return root


@pytest.fixture
def place(etl: Etl, here: Path, kernels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    known = os.environ.get("JUPYTER_PATH", "")
    monkeypatch.setenv("JUPYTER_PATH", os.pathsep.join(filter(None, (str(kernels), known))))
    (here / "numbers.csv").write_text("id,n\n1,3\n2,4\n")
    (here / "helper.py").write_text(HELPER)
    (here / "package").mkdir()
    (here / "package" / "inner.py").write_text("three = 3\n")
    (here / "lib").mkdir()
    (here / "lib" / "from_lib.py").write_text("x = 1\n")
    with sqlite3.connect(here / "shop.db") as shop:
        shop.executescript("create table orders (id int, n int); insert into orders values (1, 3);")
    shop.close()
    etl.sources.declare("shop", "shop.db", base=here)
    etl.sources.declare("trips", "numbers.csv", base=here)
    etl.sources.declare("gone", "not_there.csv", base=here)
    return here


def publish_sales() -> None:
    api.publish("sales.daily", pd.DataFrame({"id": [1]}), live=True)


def written(place: Path, case: Case) -> Path:
    # Only where it is read: to publish takes as long as all the rest of a test.
    if any("sales." in source for source in case.cells):
        publish_sales()
    cells = [code(source, *case.tags.get(n, ())) for n, source in enumerate(case.cells)]
    return write_notebook(place / "case.ipynb", *cells, kernel=case.kernel)


@pytest.mark.parametrize("name", CANNOT_RUN)
def test_what_cannot_run_is_found_before_it_is_deployed(etl: Etl, place: Path, name: str) -> None:
    case = CANNOT_RUN[name]
    notebook = written(place, case)
    errors = [one for one in etl.pipelines.preflight(notebook) if one.severity == "error"]
    assert case.kind in {one.kind for one in errors}
    said = " ".join(f"{one.message} {one.hint}" for one in errors if one.kind == case.kind)
    assert case.says in said
    with pytest.raises(DeclarationError, match="would fail in a run"):
        etl.pipelines.schedule(notebook, "daily at 06:00")
    assert etl.pipelines.list() == []
    done = etl.pipelines.schedule(notebook, "daily at 06:00", anyway=True)
    assert set(errors) <= set(done.findings)


@pytest.mark.parametrize("name", CAN_RUN)
def test_what_can_run_is_not_refused(etl: Etl, place: Path, name: str) -> None:
    notebook = written(place, CAN_RUN[name])
    errors = [one for one in etl.pipelines.preflight(notebook) if one.severity == "error"]
    assert errors == []
    assert etl.pipelines.schedule(notebook, "daily at 06:00").change == "new"


@pytest.mark.kernel
@pytest.mark.parametrize("names", RUNS, ids=lambda names: names[0])
def test_what_can_run_does_run(etl: Etl, place: Path, names: list[str]) -> None:
    publish_sales()
    cells = []
    for name in names:
        case = CAN_RUN[name]
        # Without the variables and the folder of the notebook before it.
        cells += [f"import os; os.chdir({str(place)!r})\n%reset -f\nprint({name!r})"]
        cells += [code(source, *case.tags.get(n, ())) for n, source in enumerate(case.cells)]
    run = etl.runs.run(write_notebook(place / "case.ipynb", *cells))
    executed = etl.runs.notebook(run.id)
    began = [name for name in names if f'"{name}\\n"' in executed]
    assert (run.outcome, run.error, began) == (Outcome.SUCCEEDED, "", names)


def test_what_the_catalogue_has_is_declared_however_its_path_is_written(
    etl: Etl, place: Path
) -> None:
    shop = f"import sqlite3\nsqlite3.connect({str(place / 'shop.db')!r})"
    reads = ["open('numbers.csv')", "open('./package/../numbers.csv')", shop, "open('helper.py')"]
    notebook = write_notebook(place / "reads.ipynb", *map(code, reads))
    found = [one for one in etl.pipelines.preflight(notebook) if one.kind == "undeclared"]
    assert [one.cell for one in found] == [3]
    assert etl.pipelines.schedule(notebook, "daily at 06:00").change == "new"


def test_the_tables_are_of_some_length() -> None:
    assert min(len(CANNOT_RUN), len(CAN_RUN)) >= 40
