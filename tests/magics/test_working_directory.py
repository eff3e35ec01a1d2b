"""Relative paths stay relative to the notebook after it changes its working directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from fakes.shell import Notebook
from jupyter_etl.model import RunState
from jupyter_etl.notebook import location
from jupyter_etl.notebook.location import start_folder
from jupyter_etl.services.etl import Etl

DECLARE = [
    "%etl source orders data/orders.csv",
    "import jupyter_etl as etl; etl.source('orders', 'data/orders.csv')",
    "%etl source orders ./data/*.csv",
    "%etl source orders elsewhere/../data",
]


@pytest.fixture
def two_folders(here: Path) -> Path:
    """A notebook's folder with a file, and another with a file of the same name."""
    for folder, who in ((here, "right"), (here / "elsewhere", "wrong")):
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "orders.csv").write_text(f"who\n{who}\n")
    return here


@pytest.mark.parametrize("declare", DECLARE)
@pytest.mark.parametrize("move", ["import os; os.chdir('elsewhere')", "%cd -q elsewhere"])
def test_sources_lie_beside_the_notebook(
    two_folders: Path, notebook: Notebook, declare: str, move: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(two_folders)
    notebook.run(move)
    assert Path.cwd() == two_folders / "elsewhere"
    notebook.run(declare)
    notebook.run("orders = %etl load orders")
    assert list(notebook.names["orders"].who) == ["right"]


def test_a_file_to_publish_lies_beside_the_notebook(two_folders: Path, notebook: Notebook) -> None:
    os.chdir(two_folders / "elsewhere")
    notebook.run("%etl publish file data/orders.csv --live")
    notebook.run("back = %etl load data.orders")
    assert list(notebook.names["back"].who) == ["right"]


def test_the_file_of_a_session_shows_the_folder(
    two_folders: Path, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the kernel was started before its notebook was moved."""
    moved = write_notebook(two_folders / "elsewhere" / "moved.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", str(moved))
    notebook.run("%etl source orders data/orders.csv")
    notebook.run("orders = %etl load orders")
    assert list(notebook.names["orders"].who) == ["wrong"]


def test_without_ipython_it_is_the_working_directory(
    two_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(two_folders / "elsewhere")
    for names in ({}, {"_dh": []}, {"_dh": "/x"}):
        assert start_folder(names) == two_folders / "elsewhere"
    assert start_folder({"_dh": ["/x", "/y"]}) == Path("/x")
    monkeypatch.setattr(location, "main_names", lambda: {"_dh": [str(two_folders)]})
    write_notebook(two_folders / "a.ipynb")
    assert location.notebook_path({"JPY_SESSION_NAME": "a.ipynb"}) == two_folders / "a.ipynb"
    assert location.notebook_path({"JPY_SESSION_NAME": "b.ipynb"}) is None


@pytest.mark.kernel
@pytest.mark.parametrize("cold", [False, True])
def test_a_run_after_a_change_of_directory(etl: Etl, two_folders: Path, cold: bool) -> None:
    path = write_notebook(
        two_folders / "moves.ipynb",
        "import os\nos.chdir('elsewhere')",
        "%load_ext jupyter_etl",
        "%etl source orders data/orders.csv\norders = %etl load orders\n"
        "assert list(orders.who) == ['right'], orders.who\n"
        "assert os.path.basename(os.getcwd()) == 'elsewhere'",
        "%etl publish file data/orders.csv",
    )
    made = etl.runs.run(path, cold=cold)
    assert (made.state, made.error) == (RunState.SUCCEEDED, "")
    [published] = made.published
    assert Path(published.what.location).read_text() == "who\nright\n"
