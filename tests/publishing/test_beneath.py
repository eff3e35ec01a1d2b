"""The lake is never left through a symbolic link, and its permissions are those of its root."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_etl.errors import StorageError
from jupyter_etl.publishing.lake.beneath import (
    copy_beneath,
    folder_beneath,
    open_beneath,
    refuse_links,
    root_and_parts,
)
from jupyter_etl.publishing.tables.delta import open_table


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    made = tmp_path / "lake"
    (made / "files" / "daily" / "1").mkdir(parents=True)
    (made / "files" / "daily" / "1" / "a.csv").write_text("x")
    (tmp_path / "outside" / "daily" / "1").mkdir(parents=True)
    (tmp_path / "outside" / "daily" / "1" / "a.csv").write_text("secret")
    return made


def link(path: Path, target: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("location", "root"),
    [
        ("/lake/files/a/1/x/y.csv", "/lake"),
        ("/lake/files/a/1/files/a/2/x.csv", "/lake"),
        ("/lake/drafts/files/a/12-0123456789ab/x.csv", "/lake"),
        ("/lake/reports/a/1/index.html", "/lake"),
        ("/lake/tables/a", "/lake"),
        ("/lake/drafts/tables/a/_delta_log", "/lake"),
        ("/data/tables/lake/files/a/1/x", "/data/tables/lake"),
        ("/elsewhere/x.csv", "/elsewhere"),
    ],
)
def test_where_the_lake_begins(location: str, root: str) -> None:
    found, parts = root_and_parts(location)
    assert (str(found), str(Path(found, *parts))) == (root, location)


@pytest.mark.parametrize("part", ["files", "files/daily", "files/daily/1", "files/daily/1/a.csv"])
@pytest.mark.parametrize("target", ["{}", "missing", "/proc/self/fd/0"])
def test_no_link_is_followed(lake: Path, tmp_path: Path, part: str, target: str) -> None:
    outside = tmp_path / "outside" / part.removeprefix("files").strip("/")
    link(lake / part, Path(target.format(outside)))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StorageError, match="symbolic link"):
        open_beneath(lake / "files" / "daily" / "1" / "a.csv")
    if not part.endswith("a.csv"):
        with pytest.raises(StorageError, match="symbolic link"):
            copy_beneath(tmp_path / "outside" / "daily" / "1" / "a.csv", lake / "files/daily/1/b")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_in_place_of_the_file_is_replaced_and_not_written_through(
    lake: Path, tmp_path: Path
) -> None:
    kept, target = tmp_path / "kept", lake / "files" / "daily" / "1" / "b.csv"
    kept.write_text("kept")
    target.symlink_to(kept)
    copy_beneath(lake / "files" / "daily" / "1" / "a.csv", target)
    assert (kept.read_text(), target.read_text(), target.is_symlink()) == ("kept", "x", False)


def test_the_root_may_be_a_link(lake: Path, tmp_path: Path) -> None:
    (tmp_path / "name").symlink_to(lake)
    with os.fdopen(open_beneath(tmp_path / "name" / "files" / "daily" / "1" / "a.csv")) as file:
        assert file.read() == "x"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_only_plain_files_are_opened(lake: Path, make: Callable[[Path], None]) -> None:
    odd = lake / "files" / "daily" / "1" / "odd"
    make(odd)
    with pytest.raises(StorageError, match="not a regular file"):
        open_beneath(odd)


@pytest.mark.parametrize("part", ["tables", "tables/daily", "tables/daily/_delta_log"])
def test_tables_are_not_opened_through_a_link(tmp_path: Path, part: str) -> None:
    lake = tmp_path / "lake"
    (lake / "tables" / "daily" / "_delta_log").mkdir(parents=True)
    link(lake / part, (lake / part).with_name("moved"))
    with pytest.raises(StorageError, match="symbolic link"):
        open_table(str(lake / "tables" / "daily"))


def test_a_folder_that_is_not_there_is_no_link(tmp_path: Path) -> None:
    refuse_links(str(tmp_path / "tables" / "daily"))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(params=[0o000, 0o077, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize(
    ("root", "folder", "file"),
    [(0o700, 0o700, 0o600), (0o750, 0o750, 0o640), (0o2770, 0o2770, 0o660), (0o777, 0o775, 0o664)],
)
def test_permissions_are_those_of_the_root(
    tmp_path: Path, umask: int, root: int, folder: int, file: int
) -> None:
    source, lake = tmp_path / "a.csv", tmp_path / "lake"
    source.write_text("x")
    source.chmod(0o600)
    lake.mkdir(0o700)
    lake.chmod(root)
    target = lake / "files" / "daily" / "1" / "a.csv"
    copy_beneath(source, target)
    assert stat.S_IMODE(target.stat().st_mode) == file, oct(umask)
    for made in target.parents[:3]:
        assert stat.S_IMODE(made.stat().st_mode) == folder, oct(umask)


def test_a_new_lake_is_private(tmp_path: Path, umask: int) -> None:
    with folder_beneath(tmp_path / "lake", ["files"], make=True):
        pass
    assert stat.S_IMODE((tmp_path / "lake" / "files").stat().st_mode) & 0o077 == 0, oct(umask)
