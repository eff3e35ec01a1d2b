"""No surface takes a home that was used for a new one because its ledger is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.store_values import a_run
from jupyter_etl.errors import StoreError
from jupyter_etl.services.clock import SystemClock
from jupyter_etl.services.doctor import Status, diagnose
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.maintenance.backups import backup, restore
from jupyter_etl.services.settings import Settings

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
