from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.errors import DeclarationError, EtlError, NotFound
from jupyter_etl.services import notebooks
from jupyter_etl.services.notebooks import read_notebook


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
