"""The command line, the magics, REST and the alerts agree about the same ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.store_values import a_run, finish, start
from fakes.notebooks import write_notebook
from fakes.shell import notebook_shell
from jupyter_etl.cli.main import main
from jupyter_etl.model import (
    FAILURES_TO_PAUSE,
    AttemptReport,
    Cause,
    HealthState,
    Outcome,
    Run,
    RunState,
)
from jupyter_etl.scheduling.alerts import notify_ended
from jupyter_etl.services import Etl
from jupyter_etl.services.health import STATE_WORDS

GOOD, BAD, HELD = RunState.SUCCEEDED, RunState.FAILED, RunState.HELD
REPORTS = {
    GOOD: AttemptReport(outcome=Outcome.SUCCEEDED),
    BAD: AttemptReport(outcome=Outcome.FAILED, error="KeyError: 'speed'"),
    HELD: AttemptReport(outcome=Outcome.HELD, error="rows > 0"),
    RunState.CANCELLED: AttemptReport(outcome=Outcome.CANCELLED),
}


class Listener:
    """Keeps the last message."""

    def __init__(self) -> None:
        self.last = ("", "")

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        self.last = (severity, title)


@pytest.fixture
def etl(jp_root_dir: Path, home: Path) -> Iterator[Etl]:
    opened = Etl.open()
    opened.pipelines.schedule(write_notebook(jp_root_dir / "sales.ipynb", "n = 1"), "@yearly")
    yield opened
    opened.close()


def happen(etl: Etl, *states: RunState, cause: Cause = Cause.SCHEDULE) -> None:
    for state in states:
        now = etl.clock.now()
        key = f"run {etl.runs.count()}"
        new = replace(a_run(key, pipeline="sales", owner="ada", cause=cause), due_at=now)
        made = etl.store.add_run(new, now=now)
        (claim,) = etl.store.claim("s", now=now, limit=1, run_id=made.id)
        start(etl.store, claim, now=now)
        if state is not RunState.RUNNING:
            finish(etl.store, claim, REPORTS[state], state=state, now=now)


def stop(etl: Etl) -> None:
    happen(etl, *(BAD,) * FAILURES_TO_PAUSE)


def stop_and(act: Callable[[Etl], object]) -> Callable[[Etl], None]:
    def both(etl: Etl) -> None:
        stop(etl)
        act(etl)

    return both


STORIES: dict[str, tuple[Callable[[Etl], Any], str, tuple[str, str]]] = {
    "nothing has run": (lambda etl: None, "never", ("", "")),
    "it works": (lambda etl: happen(etl, GOOD), "ok", ("", "")),
    "it failed": (lambda etl: happen(etl, GOOD, BAD), "failing", ("error", "sales failed")),
    "it works again": (
        lambda etl: happen(etl, BAD, GOOD),
        "ok",
        ("info", "sales works again"),
    ),
    "held": (lambda etl: happen(etl, HELD), "held", ("warning", "sales was held by a check")),
    "running": (lambda etl: happen(etl, GOOD, RunState.RUNNING), "running", ("", "")),
    "paused by a person": (
        lambda etl: (happen(etl, GOOD), etl.pipelines.pause("sales")),
        "paused",
        ("", ""),
    ),
    "paused by a person while it fails": (
        lambda etl: (happen(etl, BAD), etl.pipelines.pause("sales")),
        "failing",
        ("error", "sales failed"),
    ),
    "a backfill failed": (
        lambda etl: (happen(etl, GOOD), happen(etl, BAD, cause=Cause.BACKFILL)),
        "backfill_failed",
        ("error", "sales failed"),
    ),
    "paused by the platform": (
        stop,
        "auto_paused",
        ("critical", "sales is paused: it failed 5 times in a row"),
    ),
    "then one is cancelled": (
        stop_and(lambda etl: happen(etl, RunState.CANCELLED)),
        "auto_paused",
        ("critical", "sales is paused: it failed 5 times in a row"),
    ),
    "then an interactive one works": (
        stop_and(lambda etl: happen(etl, GOOD, cause=Cause.MANUAL)),
        "auto_paused",
        ("warning", "sales succeeded but is still paused"),
    ),
    "then a person pauses it": (
        stop_and(lambda etl: etl.pipelines.pause("sales")),
        "failing",
        ("error", "sales failed"),
    ),
    "then a person resumes it": (
        stop_and(lambda etl: etl.pipelines.resume("sales")),
        "failing",
        ("error", "sales failed"),
    ),
}


@pytest.mark.parametrize("story", STORIES)
async def test_all_surfaces_agree(
    etl: Etl, ask, here: Path, capsys: pytest.CaptureFixture[str], story: str
) -> None:
    tell, expected, alert = STORIES[story]
    tell(etl)
    state = HealthState(expected)
    severity = (await ask("/pipelines/sales")).json["severity"]

    listener = Listener()
    notify_ended(store=etl.store, notifier=listener, scheduler_id="s", alive=frozenset(["s"]))
    assert listener.last == alert

    assert (await ask("/pipelines/sales")).json["health"] == expected
    needy = [item["name"] for item in (await ask("/pipelines?filter=failing")).json["items"]]
    assert needy == (["sales"] if severity else [])
    summary = (await ask("/summary")).json
    failing = expected in ("failing", "auto_paused")
    assert (summary["failing"], summary["attention"]) == (int(failing), len(needy))
    assert [one["name"] for one in summary["auto_paused"]] == (
        ["sales"] if expected == "auto_paused" else []
    )
    assert summary["held"] == int(expected == "held")

    def cli(*words: str) -> str:
        capsys.readouterr()
        main(list(words))
        return capsys.readouterr().out

    (row,) = json.loads(cli("pipelines", "--json"))
    assert row["health"] == expected
    assert STATE_WORDS[state] in cli("pipelines")
    facts = json.loads(cli("status", "--json"))
    assert (facts["well"], summary["well"]) == (False, False)  # No scheduler is alive.
    assert facts["failing"] == (["sales"] if failing else [])
    assert facts["paused_by_platform"] == (["sales"] if expected == "auto_paused" else [])
    assert len(facts["held_runs"]) == summary["held"]
    assert "All is well" not in cli("status")

    with notebook_shell(here / "sales.ipynb", capsys) as shell:
        pipelines = shell.card("%etl pipelines").text
        status = shell.card("%etl status").text
    assert STATE_WORDS[state] in pipelines
    assert pipelines.startswith("✗" if failing else "!" if severity else "✓")
    assert status.startswith("✗ Needs attention" if failing else "! Needs attention")
    assert ("To resume it: %etl resume sales" in status) == bool(severity and row["paused"])
