"""Schedulers are woken by changes that others write."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.store_holds import held
from contracts.store_values import NOW, a_run, claim_one, finish, succeeded
from fakes.ledger import new_ledger
from jupyter_etl.errors import StoreError
from jupyter_etl.ledger import open_store
from jupyter_etl.model import Decision
from jupyter_etl.ports import Store, Wakeups

POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
LONG_S = 30.0


@pytest.fixture(params=["sqlite", POSTGRES])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "postgres":
        opened = open_store(request.getfixturevalue("postgres_url"))
    else:
        opened = open_store(new_ledger(tmp_path))
    yield opened
    opened.close()


def is_woken(wakeups: Wakeups) -> bool:
    """Tell whether it is_woken, and let what rang more than once be over."""
    rang = wakeups.wait(LONG_S)
    while wakeups.wait(0.0):
        pass
    return rang


def test_a_run_that_is_made_ended_or_asked_for_again_rings(store: Store) -> None:
    with store.wakeups() as wakeups:
        store.add_run(a_run(), now=NOW)
        assert is_woken(wakeups)
        claim = claim_one(store)
        assert not wakeups.wait(0.0)
        finish(store, claim, succeeded())
        assert is_woken(wakeups)
        store.requeue(claim.run.id, now=NOW)
        assert is_woken(wakeups)


def test_a_decision_about_what_is_held_rings(store: Store) -> None:
    claim = held(store)
    with store.wakeups() as wakeups:
        hold = store.load_hold(claim.run.id)
        store.decide_hold(hold, Decision.REJECTED, by="ada", now=NOW)
        assert is_woken(wakeups)


def test_a_heartbeat_wakes_no_process(store: Store) -> None:
    store.add_run(a_run(), now=NOW)
    claim = claim_one(store)
    with store.wakeups() as wakeups:
        assert store.heartbeat(claim.run.id, 1, claim.attempt.token, cell=1).valid
        assert not wakeups.wait(0.0)


def test_every_wake_up_arrives(store: Store) -> None:
    with store.wakeups() as one, store.wakeups() as two:
        store.add_run(a_run(), now=NOW)
        assert one.wait(LONG_S)
        assert two.wait(LONG_S)


def folder_of(path: Path) -> Path:
    return path / "ledger.sqlite.wakeups"


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[tuple[Store, Path]]:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    opened = open_store(url)
    yield opened, folder_of(tmp_path)
    opened.close()


def test_the_pipes_of_dead_processes_are_cleaned_up(beside: tuple[Store, Path]) -> None:
    store, folder = beside
    with store.wakeups() as wakeups:
        os.mkfifo(folder / "dead.wakeup")
        store.add_run(a_run(), now=NOW)
        assert wakeups.wait(LONG_S)
        assert len(list(folder.iterdir())) == 1
    assert list(folder.iterdir()) == []


def test_a_wake_up_without_a_reader_fills_up_and_blocks_no_writer(
    beside: tuple[Store, Path],
) -> None:
    store, folder = beside
    with store.wakeups() as wakeups:
        (path,) = folder.iterdir()
        writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, bytes(4096))
        os.close(writer)
        store.add_run(a_run(), now=NOW)
        assert is_woken(wakeups)


def test_where_no_pipe_can_be_made_it_is_reported(beside: tuple[Store, Path]) -> None:
    store, folder = beside
    folder.write_text("in the way")
    with pytest.raises(StoreError, match="The wake-up pipe"), store.wakeups():
        pass
    assert store.add_run(a_run(), now=NOW).id == 1
