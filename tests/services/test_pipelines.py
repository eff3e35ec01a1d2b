from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.store_values import claim_one, finish, start
from fakes.notebooks import code, write_notebook
from jupyter_etl.errors import (
    Conflict,
    DeclarationError,
    EtlError,
    NotFound,
    PermissionDenied,
)
from jupyter_etl.language.schedules.timezones import parse_instant
from jupyter_etl.model import Catchup, Cause, NewRun, Overlap, Pipeline, ScheduleKind, TimeLimit
from jupyter_etl.scheduling.time_limits import limit_of_run
from jupyter_etl.services import Settings
from jupyter_etl.services.etl import Etl


@pytest.fixture
def notebook(here: Path) -> Path:
    return write_notebook(
        here / "daily_sales.ipynb", code("n = 1\nwho = 'ann'", "parameters"), "print(n)"
    )


@pytest.fixture
def kim(home: Path) -> Iterator[Etl]:
    opened = Etl.open(Settings.from_env(owner="kim"))
    yield opened
    opened.close()


def fails(kind: type[EtlError], call: Callable[[], object]) -> EtlError:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.message
    return caught.value


def test_the_first_deployment(etl: Etl, notebook: Path) -> None:
    done = etl.pipelines.schedule(
        notebook,
        "daily at 06:00",
        timezone="Europe/Paris",
        parameters={"n": "3"},
        retries=2,
        timeout_s=60,
        catchup="all",
        overlap="queue",
    )
    assert (done.change, done.pipeline.version, done.pipeline.name) == ("new", 1, "daily_sales")
    assert done.words == "every day at 06:00, Europe/Paris"
    assert len(done.next) == 5
    assert done.pipeline.next_due == done.next[0] > datetime.now(UTC)
    policy = done.pipeline.policy
    assert (policy.retries, policy.timeout_s) == (2, 60)
    assert (policy.catchup, policy.overlap) == (Catchup.ALL, Overlap.QUEUE)
    assert done.pipeline.owner == "sam"
    assert etl.pipelines.get("daily_sales") == done.pipeline
    assert etl.pipelines.list() == [done.pipeline]
    assert not etl.pipelines.changed(done.pipeline)
    assert [p.name for p in etl.pipelines.declared(done.pipeline).parameters] == ["n", "who"]


def test_the_same_again_changes_nothing(etl: Etl, notebook: Path) -> None:
    etl.pipelines.schedule(notebook, "daily at 06:00")
    again = etl.pipelines.schedule(notebook, "daily at 06:00")
    assert (again.change, again.pipeline.version) == ("unchanged", 1)
    assert etl.pipelines.schedule(notebook, "daily at 07:00").pipeline.version == 2
    write_notebook(notebook, "print('other')")
    assert etl.pipelines.changed(etl.pipelines.get("daily_sales"))
    changed = etl.pipelines.schedule(notebook, "daily at 07:00")
    assert (changed.change, changed.pipeline.version) == ("changed", 3)
    assert [v.number for v in etl.pipelines.versions("daily_sales")] == [3, 2, 1]
    notebook.unlink()
    assert etl.pipelines.changed(changed.pipeline)


def test_outputs_of_the_notebook_are_no_change(etl: Etl, notebook: Path) -> None:
    write_notebook(notebook, "print(1)")
    etl.pipelines.schedule(notebook, "@daily")
    output = {"output_type": "stream", "name": "stdout", "text": "1\n"}
    write_notebook(notebook, {**code("print(1)"), "outputs": [output], "execution_count": 7})
    assert etl.pipelines.schedule(notebook, "@daily").change == "unchanged"


def test_paused_stays_paused(etl: Etl, notebook: Path) -> None:
    etl.pipelines.schedule(notebook, "@daily")
    assert etl.pipelines.pause("daily_sales").paused
    assert etl.pipelines.schedule(notebook, "@hourly").pipeline.paused
    resumed = etl.pipelines.resume("daily_sales")
    assert not resumed.paused
    assert resumed.next_due is not None
    assert resumed.next_due > datetime.now(UTC)


def test_another_notebook_or_owner_cannot_take_the_name(
    etl: Etl, kim: Etl, notebook: Path, here: Path
) -> None:
    etl.pipelines.schedule(notebook, "@daily")
    other = write_notebook(here / "b" / "daily_sales.ipynb", "1")
    problem = fails(Conflict, lambda: etl.pipelines.schedule(other, "@daily"))
    assert "daily_sales" in problem.message
    assert problem.hint
    denied = fails(PermissionDenied, lambda: kim.pipelines.schedule(notebook, "@hourly"))
    assert "sam" in str(denied)
    assert etl.pipelines.get("daily_sales").version == 1
    named = etl.pipelines.schedule(other, "@daily", name="other.sales")
    assert named.pipeline.name == "other.sales"


def test_handing_over(etl: Etl, kim: Etl, notebook: Path) -> None:
    etl.pipelines.schedule(notebook, "@daily")
    assert etl.pipelines.hand_over("daily_sales", "kim").owner == "kim"
    assert kim.pipelines.schedule(notebook, "@hourly").pipeline.version == 2


def test_unscheduling_keeps_the_record(etl: Etl, notebook: Path) -> None:
    etl.pipelines.schedule(notebook, "@daily")
    etl.runs.trigger("daily_sales")
    etl.pipelines.unschedule("daily_sales")
    assert etl.pipelines.list() == []
    assert etl.runs.count(pipeline="daily_sales") == 1
    problem = fails(NotFound, lambda: etl.pipelines.unschedule("daily_sales"))
    assert "daily_sales" in problem.message


@pytest.mark.parametrize("when", ["2001-01-01T00:00", "0 0 30 2 *", "0 0 31 4 *"])
def test_a_schedule_that_never_fires(etl: Etl, notebook: Path, when: str) -> None:
    problem = fails(DeclarationError, lambda: etl.pipelines.schedule(notebook, when))
    assert when in problem.message
    assert problem.hint
    assert etl.pipelines.list() == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"when": "sometimes"}, "sometimes"),
        ({"when": "@daily", "timezone": "Mars/Base"}, "Mars/Base"),
        ({"when": "@daily", "retries": -1}, "-1"),
        ({"when": "@daily", "timeout_s": -5}, "-5"),
        ({"when": "@daily", "catchup": "some"}, "latest"),
        ({"when": "@daily", "overlap": "maybe"}, "cancel-previous"),
        ({"when": "@daily", "on_lost": "wait"}, "retry, fail"),
        ({"when": "@daily", "priority": -101}, "-101"),
        ({"when": "@daily", "memory_bytes": 1000}, "1 kB"),
        ({"when": "", "after_all": True}, "needs the names of publications"),
        ({"when": "@daily", "name": "../x"}, "../x"),
        ({"when": "@daily", "after": ["a.b"]}, "after"),
        ({"when": "@daily", "parameters": {"m": 1}}, "'m'"),
        ({"when": "@daily", "parameters": {"n": "three"}}, "three"),
    ],
)
def test_what_is_not_understood_deploys_nothing(
    etl: Etl, notebook: Path, arguments: dict, word: str
) -> None:
    problem = fails(DeclarationError, lambda: etl.pipelines.schedule(notebook, **arguments))
    assert word in str(problem)
    assert etl.pipelines.list() == []


def test_unknown_parameters_list_the_known(etl: Etl, notebook: Path) -> None:
    problem = fails(
        DeclarationError, lambda: etl.pipelines.schedule(notebook, "@daily", parameters={"m": 1})
    )
    assert "n" in problem.message + problem.hint
    assert "who" in problem.message + problem.hint


def test_after_a_publication(etl: Etl, notebook: Path) -> None:
    done = etl.pipelines.schedule(notebook, after=["sales.daily", "sales.weekly"], expect=True)
    assert done.pipeline.schedule is not None
    assert done.pipeline.schedule.kind is ScheduleKind.AFTER
    assert (done.next, done.pipeline.next_due) == ((), None)
    assert "sales.daily" in done.words


def test_what_the_notebook_declares_is_used_when_nothing_is_given(etl: Etl, here: Path) -> None:
    path = write_notebook(
        here / "a.ipynb",
        code("n = 1", "parameters"),
        "%etl schedule @hourly",
        '%etl schedule "weekdays at 06:00" --tz Asia/Tokyo --retries 1 --timeout 2m '
        "--name nice --overlap queue -p n=5",
    )
    done = etl.pipelines.schedule(path)
    pipeline = done.pipeline
    assert pipeline.name == "nice"
    assert done.words == "every weekday at 06:00, Asia/Tokyo"
    assert (pipeline.policy.retries, pipeline.policy.timeout_s) == (1, 120)
    assert pipeline.policy.overlap is Overlap.QUEUE
    assert dict(pipeline.parameters) == {"n": "5"}
    over = etl.pipelines.schedule(path, name="mine", timezone="UTC", retries=0, parameters={"n": 6})
    assert (over.pipeline.name, over.pipeline.policy.retries) == ("mine", 0)
    assert dict(over.pipeline.parameters) == {"n": 6}
    given = etl.pipelines.schedule(path, "@daily", name="third")
    assert given.pipeline.schedule != pipeline.schedule


def test_one_that_declares_nothing_runs_on_demand(etl: Etl, notebook: Path) -> None:
    done = etl.pipelines.schedule(notebook)
    assert (done.words, done.next, done.pipeline.schedule) == ("", (), None)
    assert etl.pipelines.resume("daily_sales").next_due is None


def test_preflight_is_reported(etl: Etl, here: Path) -> None:
    path = write_notebook(here / "ask.ipynb", "name = input('who? ')", kernel=None)
    with pytest.raises(DeclarationError, match=r"calls input\(\)"):
        etl.pipelines.schedule(path, "@daily")
    done = etl.pipelines.schedule(path, "@daily", anyway=True)
    assert any("input" in finding.message for finding in done.findings)
    assert "python3" in done.note
    assert list(done.findings) == etl.pipelines.preflight(path)


def test_previews_count_and_say(etl: Etl) -> None:
    preview = etl.pipelines.preview("every 15m", count=3)
    assert len(preview.next) == 3
    assert (preview.next[1] - preview.next[0]).total_seconds() == 900


def test_plan_holds_its_start_and_not_its_end(etl: Etl) -> None:
    start, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 3, tzinfo=UTC)
    for when in ("daily at 00:00", "every 24h"):
        planned = etl.pipelines.plan(when, timezone="UTC", start=start, end=end)
        assert planned.next == (start, datetime(2025, 1, 2, tzinfo=UTC)), when
    five = etl.pipelines.plan("daily at 00:00", timezone="UTC", start=start)
    assert [t.day for t in five.next] == [1, 2, 3, 4, 5]
    past = etl.pipelines.plan("2025-01-02T00:00", timezone="UTC", start=start, end=end)
    assert len(past.next) == 1
    none = etl.pipelines.plan("2024-01-02T00:00", timezone="UTC", start=start, end=end)
    assert none.next == ()


@pytest.mark.parametrize("when", ["daily at 00:00", "every 15m", "0 0 29 2 *"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("9998-12-30", None),
        ("9999-12-31", None),
        ("0001-01-01", None),
        ("2026-01-01", "9999-01-01"),
    ],
)
def test_no_plans_near_the_ends_of_the_calendar(
    etl: Etl, when: str, start: str, end: str | None
) -> None:
    first, last = (None if text is None else parse_instant(text) for text in (start, end))
    assert first is not None
    with pytest.raises(DeclarationError, match="is not within the years 1900 to 2999"):
        etl.pipelines.plan(when, timezone="America/New_York", start=first, end=last)


@pytest.mark.parametrize("start", ["1900-01-02", "2999-12-30"])
def test_plans_far_away(etl: Etl, start: str) -> None:
    planned = etl.pipelines.plan("0 0 29 2 *", timezone="Asia/Tokyo", start=parse_instant(start))
    assert len(planned.next) == 5


def run_of(pipeline: Pipeline, key: str) -> NewRun:
    from contracts.store_values import a_run

    return replace(
        a_run(key),
        pipeline=pipeline.name,
        version=pipeline.version,
        cause=Cause.SCHEDULE,
        policy=pipeline.policy,
        content_hash=pipeline.content_hash,
    )


@pytest.fixture
def deployed(etl: Etl, here: Path) -> Pipeline:
    """A pipeline with ten runs of 10 minutes."""
    path = write_notebook(here / "p.ipynb", code("1"))
    pipeline = etl.pipelines.schedule(path, "every 1 hour").pipeline
    at = etl.clock.now()
    for number in range(10):
        run = etl.store.add_run(run_of(pipeline, f"k{number}"), now=at)
        claim = claim_one(etl.store, now=at, run_id=run.id)
        start(etl.store, claim, now=at)
        finish(etl.store, claim, now=at + timedelta(minutes=10))
    return pipeline


def test_ten_runs_make_a_limit(etl: Etl, deployed: Pipeline) -> None:
    said = "3 times the 95th percentile of the last 10 successful runs"
    derived = TimeLimit(seconds=1800.0, why=said)
    assert etl.pipelines.time_limits([deployed]) == {"p": derived}
    new = run_of(deployed, "next")
    assert limit_of_run(etl.store, new) == derived
    default = TimeLimit(seconds=3600.0, why="the default")
    for other in (
        replace(new, version=None),
        replace(new, draft=True),
        replace(new, cause=Cause.BACKFILL),
    ):
        assert limit_of_run(etl.store, other) == default
    given = etl.pipelines.schedule(Path(deployed.notebook), timeout_s=90).pipeline
    assert etl.pipelines.time_limits([given]) == {"p": TimeLimit(seconds=90.0)}
    assert limit_of_run(etl.store, run_of(given, "next")) == TimeLimit(seconds=90.0)
    back = etl.pipelines.schedule(Path(deployed.notebook), reset=["timeout"])
    assert back.changes == ("timeout: 1 min 30 s -> the platform's",)
    assert etl.pipelines.time_limits([back.pipeline]) == {"p": derived}


def test_a_tight_schedule_is_said_when_it_is_deployed_and_afterwards(
    etl: Etl, deployed: Pipeline
) -> None:
    path = Path(deployed.notebook)
    assert not [one for one in etl.pipelines.preflight(path) if one.kind == "schedule"]
    done = etl.pipelines.schedule(path, "every 5 minutes")
    (found,) = (one for one in done.findings if one.kind == "schedule")
    assert found.severity == "warning"
    assert "fires 5 min apart, and half of the runs of 'p' take 10 min or more" in found.message
    assert found in etl.pipelines.preflight(path)
