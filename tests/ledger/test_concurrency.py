"""Several processes and threads on one ledger."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.store_values import (
    HOUR,
    NOW,
    a_pipeline,
    a_plan,
    a_run,
    an_output,
    finish,
    start,
    succeeded,
)
from fakes.ledger import new_ledger
from jupyter_etl.ledger import open_store
from jupyter_etl.model import RunState

RUNS = 60
PROCESSES = 4


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty ledger."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_url")
        open_store(url).close()
        return url
    return new_ledger(tmp_path)


def run_in_processes(work: Callable[..., Any], url: str, processes: int = PROCESSES) -> list[Any]:
    context = multiprocessing.get_context("forkserver")
    # Once for all: each process alone would take longer to import them than to work.
    context.set_forkserver_preload(["pytest", "pyarrow", "jupyter_etl.ledger.store"])
    start, results = context.Barrier(processes), context.Queue()
    workers = [
        context.Process(target=_work, args=(work, url, number, start, results))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=100) for _ in workers]
    for worker in workers:
        worker.join()
    return found


def _work(work: Callable[..., Any], url: str, number: int, start: Any, results: Any) -> None:
    store = open_store(url)
    start.wait()
    try:
        results.put(work(store, number))
    finally:
        store.close()


def claim_all(store: Any, number: int) -> list[tuple[int, int]]:
    mine = []
    while claims := store.claim(f"s{number}", now=NOW, limit=3):
        for claim in claims:
            start(store, claim)
            finish(store, claim, succeeded(an_output()))
            mine.append((claim.run.id, claim.attempt.number))
    return mine


def plan_occurrences(store: Any, number: int) -> int:
    won = 0
    while True:
        pipeline = store.load_pipeline("orders")
        if pipeline.next_due >= NOW + 20 * HOUR:
            return won
        tick = pipeline.next_due
        plan = a_plan(pipeline, a_run(str(tick)), next_due=tick + HOUR)
        won += sum(store.plan([plan], now=NOW))


def publish_often(store: Any, number: int) -> list[int]:
    return [
        store.publish(
            an_output(), owner="ada", pipeline="", notebook="", draft=False, now=NOW
        ).number
        for _ in range(15)
    ]


@pytest.mark.slow
def test_every_run_is_claimed_once(url: str) -> None:
    store = open_store(url)
    ids = [store.add_run(a_run(str(i)), now=NOW).id for i in range(RUNS)]
    shares = run_in_processes(claim_all, url)
    assert sorted(pair for share in shares for pair in share) == [(i, 1) for i in sorted(ids)]
    assert store.count_runs(states=(RunState.SUCCEEDED,)) == RUNS
    versions = store.load_publication_versions("sales.daily")
    assert [version.number for version in versions] == list(range(RUNS, 0, -1))
    assert {version.run_id for version in versions} == set(ids)
    store.close()


@pytest.mark.slow
def test_every_occurrence_is_planned_by_one_scheduler(url: str) -> None:
    store = open_store(url)
    store.deploy(a_pipeline(next_due=NOW), now=NOW)
    won = run_in_processes(plan_occurrences, url)
    assert sum(won) == 20
    keys = [run.new.logical_key for run in store.load_runs()]
    assert sorted(keys) == sorted(str(NOW + i * HOUR) for i in range(20))
    assert store.load_pipeline("orders").revision == 21
    store.close()


@pytest.mark.slow
def test_every_version_gets_its_own_number(url: str) -> None:
    numbers = run_in_processes(publish_often, url)
    assert sorted(number for share in numbers for number in share) == list(
        range(1, 15 * PROCESSES + 1)
    )


def test_two_planners_with_the_same_revision_are_one(url: str) -> None:
    one, two = open_store(url), open_store(url)
    pipeline = one.deploy(a_pipeline(next_due=NOW), now=NOW)
    assert two.load_due(NOW) == [pipeline]
    plan = a_plan(pipeline, a_run(), next_due=NOW + HOUR)
    assert [one.plan([plan], now=NOW), two.plan([plan], now=NOW)] == [[True], [False]]
    one.close()
    two.close()


def test_a_heartbeat_thread_and_a_main_thread_share_a_store(url: str) -> None:
    store = open_store(url)
    store.add_run(a_run(), now=NOW)
    (claim,) = store.claim("s", now=NOW, limit=1)
    start(store, claim)
    attempt = claim.attempt
    answers: list[bool] = []

    def heartbeat() -> None:
        answers.extend(
            store.heartbeat(attempt.run_id, attempt.number, attempt.token).valid for _ in range(20)
        )

    threads = [threading.Thread(target=heartbeat) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(10):
        store.add_run(a_run(str(i)), now=NOW)
        store.load_runs()
    for thread in threads:
        thread.join()
    assert answers == [True] * 60
    assert store.load_live_attempts()[0].attempt.heartbeat == 60
    store.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_uses_connections_of_its_own(url: str) -> None:
    store = open_store(url)
    store.add_run(a_run("parent"), now=NOW)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            store.add_run(a_run("child"), now=NOW)
            store.close()
            status = 0
        finally:
            os._exit(status)
    for i in range(20):
        store.add_run(a_run(str(i)), now=NOW)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.count_runs() == 22
    store.close()
