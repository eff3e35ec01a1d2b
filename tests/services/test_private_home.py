"""Who may read and write the home."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jupyter_etl.errors import PermissionDenied
from jupyter_etl.services import Etl, Settings


def opened(home: Path) -> None:
    Etl.open(Settings.from_env({}, home=str(home), owner="sam")).close()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_home_and_its_ledger_are_private(tmp_path: Path, umask: int) -> None:
    home, before = tmp_path / "new" / "home", os.umask(umask)
    try:
        opened(home)
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "ledger.sqlite").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o2755])
def test_a_home_that_others_may_read_is_narrowed(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    opened(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o770, 0o702, 0o1777])
def test_a_home_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(PermissionDenied) as caught:
        opened(tmp_path)
    assert f"chmod 700 {tmp_path}" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
    assert stat.S_IMODE(tmp_path.stat().st_mode) == mode
