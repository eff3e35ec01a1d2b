"""Clusters in one process: thousands of steps with all kinds of failures, and the mutants."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

from chaos.mutants import CHANGES, MUTANTS, caught, forget_unique
from chaos.simulation import Cluster
from fakes.ledger import new_ledger
from jupyter_etl.ledger import open_store
from jupyter_etl.ports import Store

pytestmark = pytest.mark.chaos

MakeCluster = Callable[..., Cluster]


def mutate(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for change in CHANGES[name]:
        owner, attribute = change.target(import_module(change.module))
        monkeypatch.setattr(owner, attribute, change.make(getattr(owner, attribute)))


@contextmanager
def opened(url: str) -> Iterator[Store]:
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of crashes cause thousands of warnings; the level is restored afterwards."""
    caplog.set_level(logging.CRITICAL, logger="jupyter_etl.scheduling")


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    mutate("impatient", monkeypatch)
    return new_ledger(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_nothing_is_lost_or_doubled(ledger: str, seed: int) -> None:
    with opened(ledger) as store:
        cluster = Cluster(store, ledger, seed=seed)
        cluster.run_with_faults(200)
        assert cluster.rest(), f"seed {seed}: {cluster.inspect().all()[:9]}"
        assert cluster.inspect().all() == [], f"seed {seed}"
        assert cluster.crashes > 0
        assert cluster.outages > 0


FIRST_SEED = {"no_token": 4, "no_unique": 8}
"""First seeds of the search for a simulation that triggers a rare fault."""

STORIES = 6


@pytest.mark.slow
def test_nothing_is_found_without_a_mutant(ledger: str) -> None:
    assert _inspect(ledger, "", seed=5) == []


# A simulated cluster has no lake that could be unmounted: see `test_platform_faults`.
SIMULATED = [mutant for mutant in MUTANTS if mutant != "no_marker_check"]


@pytest.mark.slow
@pytest.mark.parametrize("mutant", SIMULATED)
def test_each_mutant_is_caught(
    tmp_path: Path, mutant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate("impatient", monkeypatch)
    if mutant not in ("no_unique", "stage_is_publish"):
        mutate(mutant, monkeypatch)
    first = FIRST_SEED.get(mutant, 5)
    for seed in range(first, first + STORIES):
        folder = tmp_path / str(seed)
        folder.mkdir()
        if _inspect(new_ledger(folder), mutant, seed=seed):
            return
    raise AssertionError(f"{STORIES} stories, and none of them shows {mutant}")


def _inspect(ledger: str, mutant: str, *, seed: int) -> list[str]:
    """Run one simulation; return the violations, and with a mutant only those that it causes."""
    if mutant == "no_unique":
        forget_unique(ledger.removeprefix("sqlite:///"))
    with opened(ledger) as store:
        cluster = Cluster(store, ledger, seed=seed, eager=mutant == "stage_is_publish")
        cluster.run_with_faults(300)
        cluster.rest(steps=100 if mutant == "no_reaping" else 1000)
        found = cluster.inspect()
    return caught(mutant, found) if mutant else found.all()


def test_the_same_seed_is_the_same_story(tmp_path: Path) -> None:
    stories = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        url = new_ledger(folder)
        with opened(url) as store:
            cluster = Cluster(store, url, seed=9)
            cluster.run_with_faults(80)
            stories.append((cluster.crashes, cluster.outages, cluster.time.now()))
    assert stories[0] == stories[1]
