"""Where a runner has its sockets, and how they are found when it was killed."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest

from jupyter_etl.runner.channel.sockets import clean_up_sockets, make_folder
from jupyter_etl.runner.orphans import clean_up_attempt


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # Not the folders of others who run at this moment.
    monkeypatch.setattr("jupyter_etl.runner.channel.sockets._SHARED", str(tmp_path))
    return tmp_path


def bound(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def aged(folder: Path) -> Path:
    """Have a folder be an hour old."""
    at = folder.stat().st_mtime - 3600
    os.utime(folder, (at, at))
    return folder


def test_a_cleanup_deletes_sockets_without_a_listener() -> None:
    dead, alive, young = make_folder(), make_folder(), make_folder()
    bound(dead / "channel").close()
    with bound(alive / "kernel-1"):
        aged(dead), aged(alive)
        clean_up_attempt(Path("/home/runs/1"), pid=None, command=("no-such-runner",))
        assert [folder.exists() for folder in (dead, alive, young)] == [False, True, True]


def test_a_folder_whose_owner_has_not_come_so_far_is_left_alone_for_a_minute() -> None:
    made = make_folder()
    clean_up_sockets()
    assert made.exists()
    aged(made)
    clean_up_sockets()
    assert not made.exists()


def test_a_link_is_not_followed(temporary: Path) -> None:
    kept, made = temporary / "kept", make_folder()
    kept.mkdir()
    (kept / "file").touch()
    made.rmdir()
    made.symlink_to(kept)
    clean_up_sockets(older_s=0.0)
    assert (kept / "file").exists()


def test_it_is_private_and_its_path_is_short(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = temporary / ("x" * 120)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    monkeypatch.setattr("jupyter_etl.runner.channel.sockets._SHARED", tempfile.mkdtemp(dir="/tmp"))
    made = make_folder()
    try:
        assert made.stat().st_mode & 0o777 == 0o700
        assert len(os.fsencode(made / "kernel-5")) < 107
    finally:
        clean_up_sockets(older_s=0.0)
    assert not made.exists()
    made.parent.rmdir()
