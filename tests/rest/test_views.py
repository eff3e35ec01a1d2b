"""Model to JSON, without a server."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from fakes.model_values import a_pipeline, a_run, a_schedule, summary_of
from jupyter_etl.model import (
    Breaker,
    Freshness,
    HealthState,
    Outcome,
    PausedBy,
    Pipeline,
    PipelineHealth,
    RunState,
    RunSummary,
    TimeLimit,
)
from jupyter_etl.rest.cells import cell_value, preview_of
from jupyter_etl.rest.views.pipelines import PipelineView, pipeline_view, schedule_view
from jupyter_etl.rest.views.publications import publication_view
from jupyter_etl.rest.views.runs import attempt_view, run_detail_view, run_view, tail_of
from jupyter_etl.rest.views.sources import source_view
from jupyter_etl.services import Etl
from rest.example import FILE, HELD, REPORT, SUCCEEDED, TABLE

NOW = datetime(2025, 3, 3, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
AGO = NOW - timedelta(hours=1)


HEALTH = PipelineHealth(
    state=HealthState.FAILING, why="Run 4 failed.", paused_by=PausedBy.PERSON, run_id=4
)


def shown(view: object) -> Any:
    """Return a view as JSON has it."""
    return json.loads(msgspec.json.encode(view))


def view_of(pipeline: Pipeline, runs: list[RunSummary], root: str) -> PipelineView:
    return pipeline_view(
        pipeline,
        runs,
        HEALTH,
        now=NOW,
        locate=lambda path: path.removeprefix(root) if path.startswith(root) else None,
        cold_start="Its runs start cold.",
        missing=False,
        time_limit=TimeLimit(seconds=60.0, why="the default"),
    )


def test_a_pipeline_shows_its_last_14_runs_oldest_first() -> None:
    made = [summary_of(a_run(n, "p", AGO)) for n in range(1, 31)]
    pipeline = a_pipeline("p", Path("/root/p.ipynb"), next_due=LATER)
    view = shown(view_of(pipeline, made, "/root/"))
    assert [run["id"] for run in view["last_runs"]] == list(range(17, 31))
    assert view["words"] == "every day at 07:00, Europe/Paris"
    assert view["time_limit"] == {"seconds": 60.0, "why": "the default"}
    assert view["notebook_path"] == "p.ipynb"
    assert view["cold_start"] == "Its runs start cold."
    assert (view["health"], view["health_note"], view["health_run"]) == ("failing", HEALTH.why, 4)
    assert (view["severity"] > 0, view["paused_by"], view["running"]) == (True, "person", False)
    assert view["next_due"] == "2025-03-03T07:00:00Z"


def test_a_pipeline_without_a_schedule_says_so() -> None:
    view = view_of(a_pipeline("p", Path("/p.ipynb"), schedule=None), [], "/root/")
    assert (view.words, view.notebook_path, view.last_runs) == ("on demand", None, ())


def test_a_run_records_why_it_was_skipped() -> None:
    run = a_run(1, "p", AGO, state=RunState.SKIPPED, outcome=None)
    run = replace(run, new=replace(run.new, note="the one before was not finished"))
    assert run_view(run, now=NOW).error == "the one before was not finished"


def test_a_run_has_what_it_published(etl: Etl) -> None:
    view = shown(run_view(etl.runs.get(SUCCEEDED), now=NOW))
    assert sorted(view["published"], key=lambda one: one["name"]) == [
        {"name": FILE, "version": 1, "rows": None, "draft": False},
        {"name": REPORT, "version": 1, "rows": None, "draft": False},
        {"name": TABLE, "version": 2, "rows": 10, "draft": False},
    ]
    assert view["outcome"] == "succeeded"
    assert view["has_notebook"] is True


def test_no_token_of_an_attempt_leaves(etl: Etl) -> None:
    (attempt,) = etl.runs.attempts(HELD)
    assert len(attempt.token) == 32
    assert "token" not in shown(attempt_view(attempt))
    detail = shown(run_detail_view(etl.runs.get(HELD), [attempt], "log", now=NOW))
    assert attempt.token not in json.dumps(detail)
    assert list(detail["checks"][0]["sample"]) == [{"fare": "-1"}]
    assert detail["verdict"]["kind"] == "data"
    assert detail["outcome"] == Outcome.HELD


def test_the_tail_begins_with_a_line() -> None:
    assert tail_of("short") == "short"
    lines = "\n".join(f"line {n:06}" for n in range(10_000))
    tail = tail_of(lines)
    assert len(tail) <= 20_000
    assert tail.startswith("line ")
    assert tail.endswith("line 009999")
    assert len(tail_of("x" * 30_000)) == 20_000


def test_a_publication_has_the_age_of_its_live_version(etl: Etl) -> None:
    promised = Freshness(warn_s=3_600.0, error_s=86_400.0)
    publication = replace(etl.publications.get(TABLE), freshness=promised)
    assert publication.live is not None
    now = publication.live.published_at + timedelta(hours=2)
    view = publication_view(publication, now=now)
    assert (view.age_s, view.fresh) == (7200.0, "warn")
    drafts_only = publication_view(replace(publication, live=None), now=now)
    assert (drafts_only.age_s, drafts_only.fresh) == (None, "none")


def test_times_of_a_schedule_are_local_too() -> None:
    occurrences = [datetime(2025, 3, 29, 6, tzinfo=UTC), datetime(2025, 3, 30, 5, tzinfo=UTC)]
    view = shown(schedule_view(a_schedule(), "daily", occurrences, "note"))
    assert view["next"] == [
        {"utc": "2025-03-29T06:00:00Z", "local": "2025-03-29T07:00:00+01:00"},
        {"utc": "2025-03-30T05:00:00Z", "local": "2025-03-30T07:00:00+02:00"},
    ]
    assert view["cron"] == "0 7 * * *"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (-(2**60), "-1152921504606846976"),
        (1.5, 1.5),
        (float("nan"), None),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (Decimal("1.10"), "1.10"),
        (date(2025, 3, 3), "2025-03-03"),
        (NOW, "2025-03-03T06:00:00+00:00"),
        (timedelta(hours=25), "1 day, 1:00:00"),
        (b"\x00\xff", "00ff"),
        ({"a": float("nan"), "b": [b"\x01"]}, {"a": None, "b": ["01"]}),
        ([("k", 1)], [["k", 1]]),
        ("text", "text"),
    ],
)
def test_cells(value, shown) -> None:
    assert cell_value(value) == shown
    json.dumps(cell_value(value), allow_nan=False)


def test_a_cut_cell_is_reported() -> None:
    assert str(cell_value("x" * 10_001)).endswith("x… (10,001 characters)")
    assert str(cell_value(b"x" * 10_001)).endswith("… (20,002 characters)")


def test_a_preview_of_every_kind_of_column() -> None:
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int64()),
            "ns": pa.array([1, 2], pa.timestamp("ns")),
            "far": pa.array([10**18, None], pa.timestamp("s")),
            "dec": pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)),
            "bin": pa.array([b"\x01", None], pa.binary()),
            "cat": pa.array(["a", None]).dictionary_encode(),
            "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
            "obj": pa.array([{"x": float("nan")}, None], pa.struct([("x", pa.float64())])),
            "dur": pa.array([1, None], pa.duration("ns")),
        }
    )
    view = shown(preview_of(table, 2, "line"))
    assert (view["total_rows"], view["line"]) == (2, "line")
    assert view["columns"][0] == {"name": "i", "type": "int64"}
    first, second = view["rows"]
    assert first[0] == 1
    assert first[1].startswith("1970-01-01T00:00:00")
    assert isinstance(first[2], str)
    assert first[3:8] == ["1.50", "01", "a", [["k", 1]], {"x": None}]
    assert second[0] is None
    assert second[2:] == [None] * 7


def test_a_preview_without_rows_or_columns() -> None:
    assert preview_of(pa.table({"a": pa.array([], pa.int8())}), 0, "").rows == []
    nothing = preview_of(pa.table({}), None, "")
    assert (nothing.columns, nothing.rows, nothing.total_rows) == ((), [], None)
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"])
    assert preview_of(twice, 1, "").rows == [[1, 2]]


def test_a_source_that_is_silent_shows_when_it_is_tried_again(etl: Etl) -> None:
    source = etl.sources.get("trips")
    retry_at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    silent = source_view(source, Breaker(source="trips", failures=3, retry_at=retry_at))
    assert shown(silent)["next_try_at"] == "2026-01-01T12:00:00Z"
    assert source_view(source, None) == replace(silent, next_try_at=None)
