"""The notebook of a kernel, whatever happened to its file since the kernel started."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.errors import DeclarationError
from jupyter_etl.notebook import location
from jupyter_etl.notebook.location import notebook_path, notebook_record, saved_notebook

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
