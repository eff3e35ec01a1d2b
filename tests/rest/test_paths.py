"""Contents paths and files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_etl.errors import NotFound
from jupyter_etl.rest.paths import relative_path, resolve_path


def test_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    file = tmp_path / "a b" / "ü.ipynb"
    file.write_text("{}")
    assert resolve_path(tmp_path, "a b/ü.ipynb") == file
    assert relative_path(tmp_path, str(file)) == "a b/ü.ipynb"


def test_a_symlink_inside_leads_to_its_target(tmp_path: Path) -> None:
    (tmp_path / "real.ipynb").write_text("{}")
    (tmp_path / "link.ipynb").symlink_to("real.ipynb")
    assert resolve_path(tmp_path, "link.ipynb") == tmp_path / "real.ipynb"


def test_a_root_that_is_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "n.ipynb").write_text("{}")
    (tmp_path / "root").symlink_to("real")
    found = resolve_path(tmp_path / "root", "n.ipynb")
    assert found == tmp_path / "real" / "n.ipynb"
    assert relative_path(tmp_path / "root", str(found)) == "n.ipynb"


def test_hidden_files_only_where_the_server_shows_them(tmp_path: Path) -> None:
    (tmp_path / ".n.ipynb").write_text("{}")
    with pytest.raises(NotFound):
        resolve_path(tmp_path, ".n.ipynb")
    assert resolve_path(tmp_path, ".n.ipynb", allow_hidden=True).name == ".n.ipynb"


def test_the_answer_shows_nothing_of_the_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "is.ipynb").write_text("{}")
    said = []
    for path in ("../is.ipynb", "../not.ipynb"):
        with pytest.raises(NotFound) as refused:
            resolve_path(root, path)
        said.append(str(refused.value).replace(path, ""))
    assert said[0] == said[1]


@settings(deadline=None)
@given(st.text(max_size=60))
def test_whatever_is_asked_stays_inside(tmp_path_factory, path: str) -> None:
    root = tmp_path_factory.getbasetemp()
    try:
        found = resolve_path(root, path)
    except NotFound:
        return
    assert found.is_relative_to(root)


@pytest.mark.parametrize("path", ["", "/elsewhere/n.ipynb", "/root-sibling/n.ipynb", "/root/../n"])
def test_what_is_outside_has_no_path(path: str) -> None:
    assert relative_path(Path("/root"), path) is None
