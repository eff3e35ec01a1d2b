"""What runs a pipeline gets that follows publications."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from jupyter_etl.model import Cause, Overlap, Pipeline, Policy, RunState
from jupyter_etl.scheduling.planner import plan_upstream
from scheduling.examples import NOW, after, pipeline, run, version

HOUR = timedelta(hours=1)
BRIEF = pipeline("brief", schedule=after("delays", "weather"))
BOTH = replace(BRIEF, schedule=replace(after("delays", "weather"), after_all=True))


def with_seen(of: Pipeline, **seen: int) -> Pipeline:
    return replace(of, seen=seen)


def test_a_new_version_is_one_run() -> None:
    live = {"delays": version("delays", 7), "other": version("other", 3)}
    brief = replace(with_seen(BRIEF, delays=6), sources=("wh",), policy=Policy(priority=4))
    plan = plan_upstream(brief, live, active=[], now=NOW + HOUR)
    (made,) = plan.runs
    assert made.logical_key == "delays@7"
    assert made.upstream == {"delays": 7}
    assert made.cause is Cause.UPSTREAM
    assert made.logical_at == NOW
    assert made.due_at == NOW + HOUR
    assert (made.priority, made.sources) == (4, ("wh",))
    assert made.interval.end - made.interval.start == timedelta(days=1)
    assert made.interval.start <= NOW < made.interval.end


def test_a_version_that_was_seen_starts_nothing() -> None:
    live = {"delays": version("delays", 7)}
    assert plan_upstream(with_seen(BRIEF, delays=7), live, active=[], now=NOW).runs == ()
    assert plan_upstream(BRIEF, {}, active=[], now=NOW).runs == ()
    paused = replace(BRIEF, paused=True)
    assert plan_upstream(paused, live, active=[], now=NOW).runs == ()


def test_versions_of_several_publications_are_one_run_named_by_the_newest() -> None:
    live = {"delays": version("delays", 7), "weather": version("weather", 2, NOW + HOUR)}
    (made,) = plan_upstream(BRIEF, live, active=[], now=NOW + 2 * HOUR).runs
    assert made.logical_key == "weather@2"
    assert made.upstream == {"delays": 7, "weather": 2}


def test_all_waits_until_each_has_a_new_version() -> None:
    live = {"delays": version("delays", 7)}
    assert plan_upstream(BOTH, live, active=[], now=NOW).runs == ()
    live["weather"] = version("weather", 2)
    (made,) = plan_upstream(BOTH, live, active=[], now=NOW).runs
    assert made.upstream == {"delays": 7, "weather": 2}
    ran = with_seen(BOTH, **made.upstream)
    live["delays"] = version("delays", 9, NOW + HOUR)
    assert plan_upstream(ran, live, active=[], now=NOW).runs == ()
    live["weather"] = version("weather", 3)
    (second,) = plan_upstream(ran, live, active=[], now=NOW).runs
    assert (second.logical_key, second.upstream) == ("delays@9", {"delays": 9, "weather": 3})


@given(st.lists(st.tuples(st.sampled_from(["delays", "weather"]), st.booleans())), st.booleans())
def test_no_version_starts_two_runs(steps: list[tuple[str, bool]], every: bool) -> None:
    follower = BOTH if every else BRIEF
    numbers: dict[str, int] = {}
    keys: list[str] = []
    started: list[tuple[str, int]] = []
    for moment, (name, looks) in enumerate(steps):
        numbers[name] = numbers.get(name, 0) + 1
        if not looks:
            continue
        live = {one: version(one, n, NOW + moment * HOUR) for one, n in numbers.items()}
        for made in plan_upstream(follower, live, active=[], now=NOW + moment * HOUR).runs:
            keys.append(made.logical_key)
            started += made.upstream.items()
            if every:
                assert set(made.upstream) == {"delays", "weather"}
            follower = replace(follower, seen={**follower.seen, **made.upstream})
    assert len(set(keys)) == len(keys)
    assert len(set(started)) == len(started)


def test_a_waiting_run_is_replaced_and_a_running_one_is_left() -> None:
    waiting = run(5, cause=Cause.UPSTREAM, upstream={"weather": 2, "delays": 6})
    running = run(4, cause=Cause.UPSTREAM, state=RunState.RUNNING, upstream={"delays": 5})
    manual = run(6, cause=Cause.MANUAL)
    live = {"delays": version("delays", 7), "weather": version("weather", 2)}
    active = [manual, waiting, running]
    brief = with_seen(BRIEF, delays=6, weather=2)
    plan = plan_upstream(brief, live, active=active, now=NOW)
    assert plan.cancel == (5,)
    assert plan.runs[0].upstream == {"weather": 2, "delays": 7}
    hasty = replace(brief, policy=Policy(overlap=Overlap.CANCEL_PREVIOUS))
    assert plan_upstream(hasty, live, active=active, now=NOW).cancel == (5, 4)
