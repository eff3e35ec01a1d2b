"""A ledger whose file is deleted, emptied or replaced is noticed at its next use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.store_values import NOW, a_run
from fakes.ledger import new_ledger
from jupyter_etl.errors import StoreError
from jupyter_etl.ledger import inspect_ledger, open_store
from jupyter_etl.ports import Store


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "ledger.sqlite"
    path.parent.mkdir()
    new_ledger(path.parent)
    return path


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = open_store(url_of(path))
    store.add_run(a_run("before"), now=NOW)
    yield store
    store.close()


def another(path: Path) -> Path:
    other = path.with_name("other") / "ledger.sqlite"
    open_store(url_of(other)).close()
    return other


def delete(path: Path) -> None:
    path.unlink()


def delete_with_its_journal(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def move_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))


def unmount(path: Path) -> None:
    move_the_folder(path)
    path.parent.mkdir()


def put_a_file_for_the_folder(path: Path) -> None:
    move_the_folder(path)
    path.parent.write_text("")


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def replace_by_an_empty_file(path: Path) -> None:
    path.unlink()
    path.touch()


def move_another_over_it(path: Path) -> None:
    another(path).replace(path)


def copy_another_over_it(path: Path) -> None:
    path.write_bytes(another(path).read_bytes())


DAMAGES: dict[Callable[[Path], None], str] = {
    delete: "is missing",
    delete_with_its_journal: "is missing",
    move_the_folder: "is missing",
    unmount: "is missing",
    put_a_file_for_the_folder: "is missing",
    truncate: "is empty",
    replace_by_an_empty_file: "is empty",
    move_another_over_it: "was replaced by another",
    copy_another_over_it: "was replaced by another",
}
USES: dict[str, Callable[[Store], object]] = {
    "read": lambda store: store.count_runs(),
    "write": lambda store: store.add_run(a_run("after"), now=NOW),
    "look": lambda store: store.load_outlook(NOW),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_an_open_ledger_that_is_lost_is_noticed(
    store: Store, path: Path, damage: Callable[[Path], None], use: str
) -> None:
    damage(path)
    for _ in range(2):
        with pytest.raises(StoreError, match=DAMAGES[damage]) as caught:
            USES[use](store)
        assert "jupyter etl restore FILE" in caught.value.hint
        assert caught.value.retryable


@pytest.mark.parametrize(
    "damage", [delete, delete_with_its_journal, truncate, replace_by_an_empty_file]
)
def test_a_lost_ledger_is_not_taken_for_a_new_one(
    store: Store, path: Path, damage: Callable[[Path], None]
) -> None:
    store.close()
    damage(path)
    for use in (open_store, inspect_ledger):
        with pytest.raises(StoreError, match=DAMAGES[damage]) as caught:
            use(url_of(path))
        assert "jupyter etl restore FILE" in caught.value.hint
        assert str(path.with_name(".ledger.sqlite.id")) in caught.value.hint
    left = [path.stat().st_size] if path.exists() else []
    assert left == ([0] if damage in (truncate, replace_by_an_empty_file) else [])

    path.with_name(".ledger.sqlite.id").unlink()
    new = open_store(url_of(path))
    assert new.count_runs() == 0
    new.close()


@pytest.mark.parametrize("damage", [delete, truncate, copy_another_over_it, move_another_over_it])
@pytest.mark.parametrize("way", ["moved", "copied"])
def test_a_ledger_that_is_back_is_used_again(
    store: Store, path: Path, tmp_path: Path, damage: Callable[[Path], None], way: str
) -> None:
    kept = tmp_path / "kept.sqlite"
    shutil.copyfile(path, kept)
    damage(path)
    with pytest.raises(StoreError):
        store.count_runs()
    if way == "moved":
        kept.replace(path)
    else:
        shutil.copyfile(kept, path)
    assert store.count_runs() == 1
    store.add_run(a_run("after"), now=NOW)
    other = open_store(url_of(path))
    assert other.count_runs() == 2
    other.close()


def test_a_ledger_of_which_the_identity_cannot_be_noted_is_used_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "touch", refuse)
    store = open_store(url_of(path))
    assert store.count_runs() == 0
    store.close()
