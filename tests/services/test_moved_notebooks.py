"""Notebooks that were renamed, moved, copied or deleted after their deployment."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.notebooks import code, write_notebook
from jupyter_etl.errors import Conflict, NotFound, PermissionDenied
from jupyter_etl.services import Settings
from jupyter_etl.services.etl import Etl


def cells(*sources: str, ids: str = "3f9a") -> list[dict[str, Any]]:
    """Return code cells with ids as Jupyter gives them."""
    return [{**code(source), "id": f"{ids}{n}"} for n, source in enumerate(sources)]


PUBLISH = "%etl publish table t df"
CELLS = cells("df = 1", PUBLISH, "print(df)")


@pytest.fixture
def old(etl: Etl, here: Path) -> Path:
    path = write_notebook(here / "work" / "old.ipynb", *CELLS)
    etl.pipelines.schedule(path, "every 1h", retries=7)
    etl.runs.trigger("old")
    return path


Move = Callable[[Path], Path]


def renamed(old: Path) -> Path:
    return old.rename(old.with_name("new.ipynb"))


def moved(old: Path) -> Path:
    (old.parent.parent / "other").mkdir()
    return old.rename(old.parent.parent / "other" / old.name)


def folder_renamed(old: Path) -> Path:
    return old.parent.rename(old.parent.with_name("elsewhere")) / old.name


def renamed_and_edited(old: Path) -> Path:
    old.unlink()
    edited = [CELLS[0], *cells("", PUBLISH, "print(df, 2)")[1:], code("print('new')")]
    return write_notebook(old.with_name("edited.ipynb"), *edited)


MOVES = [renamed, moved, folder_renamed, renamed_and_edited]


@pytest.mark.parametrize("move", MOVES)
def test_deploying_at_the_new_place_moves_the_pipeline(etl: Etl, old: Path, move: Move) -> None:
    new = move(old)
    assert etl.pipelines.missing(etl.pipelines.get("old"))
    done = etl.pipelines.schedule(new)
    assert [one.name for one in etl.pipelines.list()] == ["old"]
    pipeline = done.pipeline
    version = 2 if move is renamed_and_edited else 1
    assert (pipeline.name, pipeline.notebook, pipeline.version) == ("old", str(new), version)
    assert done.change == "changed"
    assert done.changes[0] == f"file: {old} -> {new}"
    assert pipeline.policy.retries == 7
    assert done.words == "every 1 h"
    assert etl.runs.count(pipeline="old") == 1
    assert not etl.pipelines.missing(pipeline)
    assert etl.pipelines.schedule(new).change == "unchanged"


@pytest.mark.parametrize("move", MOVES)
def test_relinking_finds_the_notebook(etl: Etl, old: Path, move: Move) -> None:
    new = move(old)
    before = etl.pipelines.get("old")
    after = etl.pipelines.relink("old")
    assert (after.notebook, after.version) == (str(new), before.version)
    assert (after.schedule, after.next_due) == (before.schedule, before.next_due)
    assert etl.pipelines.changed(after) == (move is renamed_and_edited)


def copied(old: Path) -> Path:
    return Path(shutil.copy(old, old.with_name("copy.ipynb")))


def another(old: Path) -> Path:
    old.unlink()
    return write_notebook(old.with_name("another.ipynb"), *cells("x = 1", ids="77"))


@pytest.mark.parametrize("move", [copied, another])
def test_another_notebook_is_another_pipeline(etl: Etl, old: Path, move: Move) -> None:
    new = move(old)
    done = etl.pipelines.schedule(new, shared=True)
    assert (done.change, done.pipeline.name) == ("new", new.stem)
    assert etl.pipelines.get("old").notebook == str(old)
    assert len(etl.pipelines.list()) == 2


def test_a_name_that_is_given_makes_a_pipeline_of_its_own(etl: Etl, old: Path) -> None:
    new = renamed(old)
    with pytest.raises(Conflict):
        etl.pipelines.schedule(new, name="mine")
    assert etl.pipelines.schedule(new, name="mine", shared=True).change == "new"


def test_another_file_of_the_same_name(etl: Etl, old: Path, here: Path) -> None:
    old.unlink()
    other = write_notebook(here / "b" / "old.ipynb", *cells("x = 1", ids="77"))
    with pytest.raises(Conflict) as caught:
        etl.pipelines.schedule(other)
    assert "jupyter etl relink old" in caught.value.hint
    assert etl.pipelines.relink("old", other).notebook == str(other)
    assert etl.pipelines.schedule(other).pipeline.version == 2


def test_it_is_not_guessed(etl: Etl, old: Path, here: Path) -> None:
    with pytest.raises(Conflict, match="has not moved"):
        etl.pipelines.relink("old")
    shutil.copy(old, here / "work" / "a.ipynb")
    shutil.copy(old, here / "work" / "b.ipynb")
    old.unlink()
    with pytest.raises(Conflict, match=r"a\.ipynb and .*b\.ipynb"):
        etl.pipelines.relink("old")
    (here / "work" / "a.ipynb").unlink()
    (here / "work" / "b.ipynb").unlink()
    with pytest.raises(NotFound) as caught:
        etl.pipelines.relink("old")
    assert "jupyter etl relink old NOTEBOOK" in caught.value.hint
    with pytest.raises(NotFound):
        etl.pipelines.relink("old", here / "nothing.ipynb")


def test_two_pipelines_of_one_notebook(etl: Etl, old: Path) -> None:
    etl.pipelines.schedule(old, name="second", shared=True)
    new = renamed(old)
    with pytest.raises(Conflict, match="old and second"):
        etl.pipelines.schedule(new)
    etl.pipelines.relink("second")
    assert etl.pipelines.get("second").notebook == str(new)
    assert etl.pipelines.schedule(new).pipeline.name == "second"


def test_the_pipeline_of_another_owner_stays(etl: Etl, old: Path) -> None:
    etl.pipelines.hand_over("old", "kim")
    new = renamed(old)
    with pytest.raises(PermissionDenied, match="kim"):
        etl.pipelines.relink("old", new)
    with pytest.raises(Conflict):
        etl.pipelines.schedule(new)
    kim = Etl.open(Settings.from_env(owner="kim"))
    assert kim.pipelines.schedule(new).pipeline.name == "old"
    kim.close()


def test_cells_without_ids_are_identified_by_their_content(etl: Etl, here: Path) -> None:
    path = write_notebook(here / "plain.ipynb", "a = 1", "b = 2")
    etl.pipelines.schedule(path)
    other = write_notebook(here / "other.ipynb", "a = 1", "b = 3")
    path.unlink()
    assert etl.pipelines.schedule(other).pipeline.name == "other"
    same = write_notebook(here / "same.ipynb", "a = 1", "b = 2")
    assert etl.pipelines.schedule(same).pipeline.name == "plain"
