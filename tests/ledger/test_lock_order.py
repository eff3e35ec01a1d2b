"""An end and a plan of one pipeline lock the same rows, and in the same order."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import Connection, select, text

from contracts.store_ends import FAILED, fail
from contracts.store_values import NOW, a_pipeline, a_run, finish, started
from jupyter_etl.ledger import open_store
from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.ledger.schema.tables import pipelines, runs
from jupyter_etl.model import FAILURES_TO_PAUSE, Cause, RunState

pytestmark = pytest.mark.postgres

PATIENCE_S = 60


def wait_for_a_waiter(connection: Connection) -> None:
    """Return when somebody waits for a lock; the deadline only ends a test that has failed."""
    end = time.monotonic() + PATIENCE_S
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while not connection.execute(waiting).scalar():
        assert time.monotonic() < end, "nobody waits"
        time.sleep(0.01)


def test_an_end_that_pauses_locks_the_pipeline_before_the_run(postgres_url: str) -> None:
    with (
        closing(open_store(postgres_url)) as store,
        closing(Ledger(postgres_url)) as ledger,
        ThreadPoolExecutor(1) as pool,
    ):
        store.deploy(a_pipeline(), now=NOW)
        fail(store, FAILURES_TO_PAUSE - 1)
        claim = started(store, a_run("last", cause=Cause.SCHEDULE))
        with ledger.writing() as planner:
            planner.execute(select(pipelines.c.name).with_for_update())
            ending = pool.submit(finish, store, claim, FAILED, state=RunState.FAILED)
            wait_for_a_waiter(planner)
            # What a plan does next, for a run that it supersedes; it must not wait for the end.
            this = select(runs.c.id).where(runs.c.id == claim.run.id)
            assert planner.execute(this.with_for_update(nowait=True)).scalar() == claim.run.id
        ending.result(PATIENCE_S)
        assert store.load_pipeline("orders").paused
