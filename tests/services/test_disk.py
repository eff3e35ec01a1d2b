"""A disk that runs full, and a scheduler that leaves it its reserve."""

from __future__ import annotations

import errno
import logging
import os
import resource
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from contracts.store_values import a_run
from fakes.clock import FakeClock
from fakes.executor import FakeExecutor
from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import RunState
from jupyter_etl.scheduling.scheduler import Scheduler
from jupyter_etl.services.disk import disk_guard, shortage, space_of, start_guard, unwritable
from jupyter_etl.services.doctor import Status
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.settings import Settings, host_name


@dataclass
class Disk:
    """A disk of 1,000 blocks, 50 of which are root's."""

    f_frsize: int = 1_000_000
    f_blocks: int = 1000
    f_bfree: int = 550
    f_bavail: int = 500

    def holds(self, free: int) -> None:
        self.f_bavail, self.f_bfree = free, free + 50

    def __call__(self, path: Path) -> Disk:
        assert path.exists()
        return self


def test_the_space_is_what_a_user_may_have(tmp_path: Path) -> None:
    space = space_of(tmp_path / "not" / "made" / "yet", Disk())
    assert space.free_bytes == 500_000_000
    assert space.share == pytest.approx(500 / 950)
    assert space_of(tmp_path, Disk(f_blocks=0, f_bfree=0, f_bavail=0)).share == 1.0


@pytest.mark.parametrize(
    ("free", "reserve", "short"),
    [(48, 5, False), (47, 5, True), (0, 0, False), (0, 0.1, True), (100, 20, True)],
)
def test_a_disk_below_its_reserve_is_reported(
    tmp_path: Path, free: int, reserve: float, short: bool
) -> None:
    disk = Disk()
    disk.holds(free)
    said = shortage([tmp_path], reserve, disk)
    assert (said != "", str(tmp_path) in said) == (short, short)


def test_a_disk_that_cannot_be_asked_stops_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> Disk:
        raise OSError("stale file handle")

    assert shortage([tmp_path], 5, fail) == ""


def test_the_home_and_a_local_lake_are_looked_at(tmp_path: Path) -> None:
    asked: list[Path] = []

    class Asked(Disk):
        def __call__(self, path: Path) -> Disk:
            asked.append(path)
            return self

    (tmp_path / "lake").mkdir()
    local = Settings.from_env({}, home=str(tmp_path), lake=str(tmp_path / "lake"))
    assert disk_guard(local, Asked())() == ""
    assert asked == [tmp_path, tmp_path / "lake"]
    asked.clear()
    remote = Settings.from_env({}, home=str(tmp_path), lake="s3://bucket/lake")
    assert disk_guard(remote, Asked())() == ""
    assert asked == [tmp_path]


def test_a_scheduler_starts_nothing_until_there_is_room(
    etl: Etl, caplog: pytest.LogCaptureFixture
) -> None:
    clock, disk = FakeClock(), Disk()
    executor = FakeExecutor(etl.store, clock, finish_at_once=True)
    scheduler = Scheduler(
        store=etl.store, executor=executor, clock=clock, notifier=None,  # type: ignore[arg-type]
        id="one", host="here", pid=1, workers=2, lease_s=30.0, poll_s=1.0,
        pause=disk_guard(replace(etl.settings, disk_reserve=5.0), disk),
    )  # fmt: skip
    run = etl.store.add_run(a_run(due_at=clock.now()), now=clock.now())
    disk.holds(10)
    with caplog.at_level(logging.WARNING):
        scheduler.poll()
        scheduler.poll()
        assert executor.started == []
        assert etl.store.load_run(run.id).state is RunState.QUEUED
        disk.holds(500)
        scheduler.poll()
    assert etl.store.load_run(run.id).state is RunState.SUCCEEDED
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "No runs start now" in said[0]
    assert "reserve" in said[0]
    assert said[1] == "Runs are started again"


@pytest.mark.parametrize(("text", "value"), [("", 5.0), ("0", 0.0), ("12.5", 12.5), ("7%", 7.0)])
def test_the_reserve_is_a_setting(text: str, value: float) -> None:
    settings = Settings.from_env({"JUPYTER_ETL_DISK_RESERVE": text}, home="/nowhere")
    assert settings.disk_reserve == value
    assert Settings.from_env(settings.environ()).disk_reserve == value


@pytest.mark.parametrize("text", ["-1", "100", "much", "nan"])
def test_a_reserve_that_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(DeclarationError, match="DISK_RESERVE"):
        Settings.from_env({"JUPYTER_ETL_DISK_RESERVE": text}, home="/nowhere")


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EIO])
def test_a_home_that_cannot_be_written_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    settings = Settings.from_env({}, home=str(tmp_path / "home"), lake="s3://bucket/lake")
    guard = start_guard(settings, Disk())
    assert guard() == ""
    assert list(tmp_path.iterdir()) == []

    def refuse(**options: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert guard() == f"{settings.home} cannot be written: {os.strerror(code)}"


def test_a_disk_on_which_files_can_be_made_and_not_filled_is_reported(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        assert unwritable([tmp_path]) == f"{tmp_path} cannot be written: its disk is full"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_every_surface_shows_why_a_scheduler_starts_nothing(etl: Etl) -> None:
    clock, why = FakeClock(etl.clock.now()), ["the home cannot be written: Read-only file system"]
    scheduler = Scheduler(
        store=etl.store, executor=FakeExecutor(etl.store, clock), clock=clock,
        notifier=None, id="one", host=host_name(), pid=os.getpid(),  # type: ignore[arg-type]
        workers=2, lease_s=30.0, poll_s=1.0, pause=lambda: why[0],
    )  # fmt: skip
    etl.store.add_run(a_run(due_at=clock.now()), now=clock.now())
    scheduler.poll()
    scheduler.poll()
    name = f"{host_name()}:{os.getpid()}"
    overview = etl.health.overview()
    assert overview.waiting == {name: why[0]}
    assert "1 schedulers that start no runs" in overview.problems
    found = {one.what: one for one in etl.doctor()}
    assert found["scheduler"].status is Status.ERROR
    assert why[0] in found["scheduler"].message

    why[0] = ""
    scheduler.poll()
    scheduler.poll()
    assert etl.health.overview().waiting == {}
