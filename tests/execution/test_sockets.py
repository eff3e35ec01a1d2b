"""Where an attempt has its sockets, and how they are found when its runner was killed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from jupyter_etl.execution.leftovers import sweep_attempt
from jupyter_etl.execution.sockets import make_folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_sweep_deletes_the_sockets_of_its_attempt_only() -> None:
    mine, too, other = (make_folder(Path("/home/runs") / name) for name in ("1", "1", "2"))
    (mine / "channel").touch()
    sweep_attempt(Path("/home/runs/1"), pid=None, command=("no-such-runner",))
    assert [folder.exists() for folder in (mine, too, other)] == [False, False, True]


def test_a_link_is_not_followed(temporary: Path) -> None:
    kept, made = temporary / "kept", make_folder(Path("/home/runs/1"))
    kept.mkdir()
    (kept / "file").touch()
    made.rmdir()
    made.symlink_to(kept)
    sweep_attempt(Path("/home/runs/1"), pid=None, command=("no-such-runner",))
    assert (kept / "file").exists()


def test_it_is_private_and_its_path_is_short(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = temporary / ("x" * 120)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    made = make_folder(Path("/home/runs/1"))
    try:
        assert made.stat().st_mode & 0o777 == 0o700
        assert len(os.fsencode(made / "kernel-5")) < 107
    finally:
        sweep_attempt(Path("/home/runs/1"), pid=None, command=("no-such-runner",))
    assert not made.exists()
