"""Whatever is queued, no limit is exceeded, and whoever may start does."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.store_values import NOW, a_run, finish
from fakes.ledger import new_ledger
from jupyter_etl.ledger.queue.heads import LONGEST_HEAD_START
from jupyter_etl.ledger.store import SqlStore
from jupyter_etl.model import Cause, NewRun, Policy, RunState, Source

LIMITS = {"one": 1, "two": 2, "any": None}
QUEUES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(list(Cause)),
        st.sets(st.sampled_from(["one", "two", "any", "unknown"])),
        st.integers(-200, 200),
    ),
    min_size=1,
    max_size=15,
)
STEPS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), min_size=1, max_size=8)


def opened(folder: str) -> SqlStore:
    store = SqlStore(new_ledger(Path(folder)))
    for name, limit in LIMITS.items():
        store.save_source(Source(name=name, kind="csv", location="/data", limit=limit))
    return store


def within_limits(running: list[NewRun]) -> bool:
    planned = Counter(r.pipeline for r in running if r.cause in (Cause.SCHEDULE, Cause.UPSTREAM))
    backfills = Counter(run.pipeline for run in running if run.cause is Cause.BACKFILL)
    readers = Counter(name for run in running for name in run.sources)
    return (
        max(planned.values(), default=0) <= 1
        and max(backfills.values(), default=0) <= 2
        and readers["one"] <= 1
        and readers["two"] <= 2
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(QUEUES, STEPS)
def test_no_limit_is_exceeded_and_everything_is_served(queue, steps) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = opened(folder)
        for key, (name, cause, sources, priority) in enumerate(queue):
            new = a_run(
                str(key),
                pipeline=name,
                cause=cause,
                sources=tuple(sorted(sources)),
                policy=Policy(parallel=2),
                priority=priority,
            )
            store.add_run(new, now=NOW)
        now, in_progress = NOW, []
        for wanted, done in steps:
            now += timedelta(minutes=1)
            claims = store.claim("s", now=now, limit=wanted)
            assert len(claims) <= wanted
            in_progress += claims
            assert within_limits([claim.run.new for claim in in_progress])
            if not in_progress:
                assert store.count_runs(states=(RunState.QUEUED,)) == 0
            for claim in in_progress[:done]:
                finish(store, claim, now=now)
            in_progress = in_progress[done:]
        while store.count_runs(states=(RunState.QUEUED,)) or in_progress:
            now += LONGEST_HEAD_START
            for claim in in_progress:
                finish(store, claim, now=now)
            in_progress = store.claim("s", now=now, limit=9)
            assert within_limits([claim.run.new for claim in in_progress])
            if not in_progress:
                assert store.count_runs(states=(RunState.QUEUED,)) == 0
        assert store.count_runs(states=(RunState.SUCCEEDED,)) == len(queue)
        store.close()
