"""The last runs of many pipelines in few calls."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.etl import FakeEtl
from fakes.etl_values import a_pipeline, a_run
from jupyter_etl.model import RunState
from jupyter_etl.server.history import (
    failing_names,
    last_bad,
    last_runs,
    late_names,
    waiting_runs,
)

STATES = [
    RunState.SUCCEEDED,
    RunState.FAILED,
    RunState.HELD,
    RunState.CANCELLED,
    RunState.SKIPPED,
    RunState.QUEUED,
]
HISTORY = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(STATES)), max_size=40)


def filled(history) -> FakeEtl:
    etl = FakeEtl(Path("/root"))
    etl.runs.held = {
        number: a_run(number, name, etl.clock.now() + timedelta(minutes=number), state=state)
        for number, (name, state) in enumerate(history, 1)
    }
    return etl


@settings(deadline=None)
@given(HISTORY)
def test_they_are_those_of_each_pipeline_by_itself(history) -> None:
    etl = filled(history)
    found = last_runs(etl, list("abc"))
    assert set(found) == set("abc")
    for name, runs in found.items():
        own = [n for n, (other, _) in enumerate(history, 1) if other == name]
        assert [run.id for run in runs] == own[-14:]


@settings(deadline=None)
@given(HISTORY, st.booleans())
def test_failing_is_what_failed_last(history, paused: bool) -> None:
    etl = filled(history)
    pipelines = [a_pipeline(name, Path(f"/{name}.ipynb")) for name in "abc"]
    pipelines.append(a_pipeline("d", Path("/d.ipynb"), paused=paused))
    expected = set()
    for pipeline in pipelines:
        results = [s for n, s in history if n == pipeline.name and s in STATES[:3]]
        if results and results[-1] is not RunState.SUCCEEDED and not pipeline.paused:
            expected.add(pipeline.name)
    assert last_bad(etl, pipelines).keys() == expected
    (hold,) = etl.holds.list()
    last = {name: max(n for n, (p, s) in enumerate(history, 1) if p == name and s in STATES[:3])
            for name in expected}  # fmt: skip
    waits = {name for name, number in last.items() if number == hold.run_id
             and history[number - 1][1] is RunState.HELD}  # fmt: skip
    assert failing_names(etl, pipelines) == expected - waits


def test_a_run_that_a_gate_holds_waits_and_one_that_a_check_holds_does_not() -> None:
    etl = filled([("a", RunState.HELD), ("b", RunState.HELD), ("c", RunState.FAILED)])
    assert waiting_runs(etl, etl.runs.held.values()) == {2}
    pipelines = [a_pipeline(name, Path(f"/{name}.ipynb")) for name in "abc"]
    assert failing_names(etl, pipelines) == {"a", "c"}
    etl.calls.clear()
    assert waiting_runs(etl, [etl.runs.held[3]]) == frozenset()
    assert etl.calls == []


def test_a_hundred_pipelines_take_one_call() -> None:
    names = [f"p{n}" for n in range(100)]
    etl = filled([(name, RunState.SUCCEEDED) for name in names for _ in range(4)])
    last_runs(etl, names)
    assert etl.calls == ["runs.last"]
    etl.calls.clear()
    failing_names(etl, [a_pipeline(name, Path("/n.ipynb")) for name in names])
    assert etl.calls == ["runs.last"]


def test_late_is_what_is_due_and_nobody_starts() -> None:
    etl = filled(
        [("waits", RunState.QUEUED), ("busy", RunState.QUEUED), ("busy", RunState.RUNNING)]
    )
    now = etl.clock.now() + timedelta(hours=1)
    due = {"due": now - timedelta(minutes=2), "soon": now - timedelta(seconds=2), "waits": None}
    due |= {"busy": now - timedelta(minutes=2), "never": None}
    pipelines = [
        a_pipeline(name, Path(f"/{name}.ipynb"), next_due=instant) for name, instant in due.items()
    ]
    pipelines.append(a_pipeline("rests", Path("/r.ipynb"), next_due=due["due"], paused=True))
    assert late_names(etl, pipelines, now) == {"due", "waits"}
