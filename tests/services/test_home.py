"""The home of a user: who may read and write it, and a home whose ledger is lost."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.store_values import a_run
from jupyter_etl.errors import PermissionDenied, StoreError
from jupyter_etl.services import Etl, Settings
from jupyter_etl.services.clock import SystemClock
from jupyter_etl.services.doctor import Status, diagnose
from jupyter_etl.services.maintenance.backups import backup, restore

NOW = datetime(2026, 1, 5, tzinfo=UTC)

LOSSES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "emptied": lambda path: os.truncate(path, 0),
}
TRACES: dict[str, Callable[[Settings], object]] = {
    "runs": lambda settings: (settings.home / "runs" / "00000001").mkdir(parents=True),
    "lake": lambda settings: lake_marker(settings).write_text("0" * 32),
    "identity": lambda settings: id_file(settings).write_text("0" * 32),
}


def id_file(settings: Settings) -> Path:
    return settings.home / ".ledger.sqlite.id"


def lake_marker(settings: Settings) -> Path:
    Path(settings.lake).mkdir(exist_ok=True)
    return Path(settings.lake) / ".jupyter-etl-lake"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings.from_env({}, home=str(tmp_path / "home"), owner="ada")
    Etl.open(settings).close()
    id_file(settings).unlink()
    return settings


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_used_home_gets_no_new_ledger(settings: Settings, loss: str, trace: str) -> None:
    TRACES[trace](settings)
    LOSSES[loss](settings.home / "ledger.sqlite")
    with pytest.raises(StoreError, match=r"is missing|is empty") as caught:
        Etl.open(settings)
    assert "jupyter etl restore FILE" in caught.value.hint
    found = {one.what: one for one in diagnose(settings, SystemClock(), repair=True)}
    assert found["ledger"].status is Status.ERROR
    assert "jupyter etl restore FILE" in found["ledger"].hint


@pytest.mark.parametrize("loss", LOSSES)
def test_a_home_without_traces_gets_a_new_ledger(settings: Settings, loss: str) -> None:
    LOSSES[loss](settings.home / "ledger.sqlite")
    etl = Etl.open(settings)
    assert etl.runs.count() == 0
    etl.store.add_run(a_run("first"), now=NOW)
    etl.close()
    assert (settings.home / "ledger.sqlite").stat().st_size > 0


@pytest.mark.parametrize("loss", LOSSES)
def test_a_restored_ledger_is_used_by_who_has_it_open(settings: Settings, loss: str) -> None:
    etl = Etl.open(settings)
    etl.store.add_run(a_run("before"), now=NOW)
    copy = backup(settings, None, now=NOW).path
    LOSSES[loss](settings.home / "ledger.sqlite")
    with pytest.raises(StoreError, match=r"is missing|is empty"):
        etl.store.count_runs()
    restore(settings, copy, now=NOW)
    assert etl.store.count_runs() == 1
    etl.close()


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
