"""No loss with a read-only home, a clock that is a day off, or a lake that is not mounted."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from chaos import record
from chaos.mutants import CHANGES
from chaos.simulation import Cluster
from fakes.commits import Publishing
from fakes.ledger import new_ledger
from jupyter_etl.errors import StorageError
from jupyter_etl.ledger import open_store
from jupyter_etl.ports import Store

pytestmark = pytest.mark.chaos

DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="jupyter_etl.scheduling")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return new_ledger(tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url)
    yield store
    store.close()


def read_only_home(cluster: Cluster) -> None:
    cluster.run(60)
    cluster.home_is_writable = False
    cluster.run(420, step_s=5.0)
    cluster.home_is_writable = True


def clock_ahead(cluster: Cluster) -> None:
    _wrong_clock(cluster, DAY_S)


def clock_behind(cluster: Cluster) -> None:
    cluster.run(600, step_s=15.0)
    _wrong_clock(cluster, -DAY_S)


def _wrong_clock(cluster: Cluster, by_s: float) -> None:
    cluster.run(60)
    clock = cluster.machines[1].clock
    clock.skew_s = by_s
    cluster.run(12)
    clock.skew_s = 0.0


def inspect(cluster: Cluster, fault: Callable[[Cluster], None]) -> list[str]:
    """Simulate a fault, advance the time, and return the violations."""
    fault(cluster)
    cluster.run(1500, step_s=15.0)
    for _ in range(40):
        if not record.unfinished(cluster.url) and not cluster.runners:
            break
        cluster.run(2)
    return cluster.inspect().all()


@pytest.mark.parametrize("fault", [read_only_home, clock_ahead, clock_behind])
def test_nothing_is_lost_or_doubled(
    store: Store, url: str, fault: Callable[[Cluster], None]
) -> None:
    assert inspect(Cluster(store, url, seed=1, retries=2), fault) == []


def mutate(monkeypatch: pytest.MonkeyPatch, mutant: str) -> None:
    for change in CHANGES[mutant]:
        owner, attribute = change.target(import_module(change.module))
        monkeypatch.setattr(owner, attribute, change.make(getattr(owner, attribute)))


@pytest.mark.parametrize(
    ("mutant", "fault", "finding"),
    [
        ("counts_unstarted", read_only_home, "failed: run"),
        ("trusts_its_clock", clock_ahead, "is still queued"),
    ],
)
def test_the_mutant_is_caught(
    store: Store,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    mutant: str,
    fault: Callable[[Cluster], None],
    finding: str,
) -> None:
    mutate(monkeypatch, mutant)
    found = inspect(Cluster(store, url, seed=1, retries=2), fault)
    assert any(finding in one for one in found), found[:9]


def publish_unmounted(base: Path, store: Store) -> tuple[list[str], list[str]]:
    """Publish while an empty folder is in place of the lake.

    Returns:
        The files written there, and the errors of the table once the lake is mounted again.
    """
    world, lake, aside = Publishing(base, store), base / "lake", base / "aside"
    world.publish(world.run("first"))
    lake.rename(aside)
    lake.mkdir()
    claim = world.run("second")
    staged = [world.stage_file("new", "x"), world.stage(world.rows_of(claim))]
    with suppress(StorageError):
        world.commit(claim, staged)
    written = [str(path.relative_to(lake)) for path in lake.rglob("*") if path.is_file()]
    shutil.rmtree(lake)
    aside.rename(lake)
    world.finish(claim, world.commit(claim, staged))
    return written, world.wrong()


def test_nothing_is_written_where_the_lake_is_not_mounted(store: Store, tmp_path: Path) -> None:
    assert publish_unmounted(tmp_path, store) == ([], [])


def test_without_the_marker_it_would_be(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch, "no_marker_check")
    written, _ = publish_unmounted(tmp_path, store)
    assert "a.txt" in {path.split("/")[-1] for path in written}
