"""Notebook files, and which notebook a kernel belongs to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.errors import DeclarationError, EtlError, NotFound
from jupyter_etl.notebook import location
from jupyter_etl.notebook.location import notebook_path, notebook_record, saved_notebook
from jupyter_etl.services import notebooks
from jupyter_etl.services.notebooks import read_notebook

VSCODE = "__vsc_ipynb_file__"

# What the server has recorded, what the kernel was started with, the variable of VS Code, the files
# that there are, and the notebook that is found.
CASES = {
    "just created": ("Untitled.ipynb", "Untitled.ipynb", "", ["Untitled.ipynb"], "Untitled.ipynb"),
    "renamed": ("sales.ipynb", "Untitled.ipynb", "", ["sales.ipynb"], "sales.ipynb"),
    "moved": ("a/b/sales.ipynb", "sales.ipynb", "", ["a/b/sales.ipynb"], "a/b/sales.ipynb"),
    "its old name was taken": (
        "sales.ipynb",
        "Untitled.ipynb",
        "",
        ["sales.ipynb", "Untitled.ipynb"],
        "sales.ipynb",
    ),
    "deleted, another has its old name": (
        "sales.ipynb",
        "Untitled.ipynb",
        "",
        ["Untitled.ipynb"],
        None,
    ),
    "letters and blanks": ("Größe 1.ipynb", "", "", ["Größe 1.ipynb"], "Größe 1.ipynb"),
    "no server says": (None, "sales.ipynb", "", ["sales.ipynb"], "sales.ipynb"),
    "no server says, renamed": (None, "Untitled.ipynb", "", ["sales.ipynb"], None),
    "VS Code": (None, "", "sales.ipynb", ["sales.ipynb"], "sales.ipynb"),
    "VS Code on a server": (
        "sales-jvsc-1.ipynb",
        "sales-jvsc-1.ipynb",
        "sales.ipynb",
        ["sales.ipynb"],
        "sales.ipynb",
    ),
    "a console": (None, "console-1-77", "", ["console-1-77"], None),
    "a script's console": ("load.py", "load.py", "", ["load.py"], None),
    "nothing": (None, "", "", [], None),
}


@pytest.fixture
def kernel(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The connection file of this process, as if it were a kernel."""
    connection_file = here.parent / "runtime" / "kernel-5f.json"
    connection_file.parent.mkdir()
    monkeypatch.setattr(location, "kernel_connection_file", lambda: connection_file)
    monkeypatch.setattr(location, "main_names", dict)
    return connection_file


@pytest.mark.parametrize(
    ("recorded", "session", "variable", "files", "found"), CASES.values(), ids=CASES
)
def test_the_notebook_of_a_kernel(
    kernel: Path,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    recorded: str | None,
    session: str,
    variable: str,
    files: list[str],
    found: str | None,
) -> None:
    for name in files:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        write_notebook(here / name)
    if recorded is not None:
        notebook_record(kernel).write_text(str(here / recorded), "utf-8")
    names = {VSCODE: str(here / variable)} if variable else {}
    monkeypatch.setattr(location, "main_names", lambda: names)
    monkeypatch.setenv("JPY_SESSION_NAME", session)

    expected = None if found is None else here / found
    assert notebook_path() == expected
    if expected is None:
        with pytest.raises(DeclarationError) as caught:
            saved_notebook()
        assert "jupyter etl schedule" in caught.value.hint
    else:
        assert saved_notebook() == expected


@pytest.mark.parametrize(
    ("recorded", "session", "message", "hint"),
    [
        ("Untitled.ipynb", "Untitled.ipynb", "There is no file .*Untitled.ipynb", "Save the notebook"),
        (None, "Untitled.ipynb", "was Untitled.ipynb when its kernel started", "Restart the kernel"),
        (None, "", "belongs to no notebook", "in a saved notebook"),
    ],
)  # fmt: skip
def test_why_there_is_none(
    kernel: Path,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    recorded: str | None,
    session: str,
    message: str,
    hint: str,
) -> None:
    if recorded is not None:
        notebook_record(kernel).write_text(str(here / recorded), "utf-8")
    monkeypatch.setenv("JPY_SESSION_NAME", session)
    with pytest.raises(DeclarationError, match=message) as caught:
        saved_notebook()
    assert hint in caught.value.hint


def test_a_record_that_is_no_text_counts_as_none(
    kernel: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook_record(kernel).write_bytes(b"\xff\xfe")
    monkeypatch.setenv("JPY_SESSION_NAME", "sales.ipynb")
    assert notebook_path() is None
    assert notebook_path() != write_notebook(here / "other.ipynb")
    assert notebook_path({"JPY_SESSION_NAME": "other.ipynb"}) == here / "other.ipynb"


def test_no_tool_takes_the_record_for_a_connection_file(kernel: Path) -> None:
    notebook_record(kernel).write_text("x")
    assert list(kernel.parent.glob("kernel-*")) == []
    assert list(kernel.parent.glob("*.json")) == []


def refused(path: Path) -> EtlError:
    with pytest.raises(EtlError) as caught:
        read_notebook(path)
    return caught.value


def test_a_notebook_is_read_with_what_it_declares(here: Path) -> None:
    write_notebook(here / "a b.ipynb", "%etl param n int = 3", '%etl schedule "daily at 06:00"')
    path, text, outline = read_notebook(Path("a b.ipynb"))
    assert path == here / "a b.ipynb"
    assert json.loads(text)["nbformat"] == 4
    assert [p.name for p in outline.parameters] == ["n"]
    assert outline.kernel == "python3"


def test_one_that_is_not_there_names_the_nearest(here: Path) -> None:
    write_notebook(here / "daily_sales.ipynb", "1")
    problem = refused(here / "daily_sale.ipynb")
    assert isinstance(problem, NotFound)
    assert "daily_sales.ipynb" in problem.message
    assert isinstance(refused(here / "no" / "folder.ipynb"), NotFound)
    assert isinstance(refused(here / "daily_sales.ipynb" / "x.ipynb"), NotFound)


def test_a_folder_is_no_notebook(here: Path) -> None:
    assert "folder" in refused(here).message


def test_one_that_is_too_large(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebooks, "MAX_BYTES", 10)
    path = write_notebook(here / "big.ipynb", "x = 1")
    problem = refused(path)
    assert "big.ipynb" in problem.message
    assert "Clear its outputs" in problem.hint


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\xff\xfe\x00", "UTF-8"),
        (b"", "notebook"),
        (b'{"cells": [', "notebook"),
        (b"[]", "notebook"),
        (b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "cells"),
        (b"print('no notebook')", "notebook"),
    ],
)
def test_what_is_no_notebook_is_refused_in_a_sentence(
    here: Path, content: bytes, word: str
) -> None:
    path = here / "cut.ipynb"
    path.write_bytes(content)
    problem = refused(path)
    assert isinstance(problem, DeclarationError)
    assert "cut.ipynb" in str(problem)
    assert word in str(problem)
    assert problem.hint
    assert "Traceback" not in str(problem)
    assert path.read_bytes() == content


def test_a_name_that_no_disk_holds(here: Path) -> None:
    assert refused(here / ("x" * 300 + ".ipynb")).hint


def test_without_a_kernelspec_python3_is_assumed_and_reported(here: Path) -> None:
    _, _, outline = read_notebook(write_notebook(here / "a.ipynb", "1", kernel=None))
    assert outline.kernel in (None, "python3")
    assert any("python3" in note for note in outline.notes)
