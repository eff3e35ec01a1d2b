"""Words and names whose meaning depends on the run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from jupyter_etl.errors import Conflict
from jupyter_etl.model import (
    AttemptReport,
    CheckStatus,
    NewRun,
    Outcome,
    Partition,
    RunContext,
    RunState,
)
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.services import Etl, Settings

NIGHT = datetime(2026, 3, 3, 20, 0, tzinfo=UTC)


@pytest.fixture
def etl(tmp_path: Path) -> Iterator[Etl]:
    opened = Etl.open(Settings.from_env(home=str(tmp_path / "etl")))
    yield opened
    opened.close()


def _context(**changes: Any) -> RunContext:
    given = {
        "id": 1, "pipeline": "p", "attempt": 1, "logical_at": NIGHT, "start": NIGHT, "end": NIGHT,
        "draft": False, "owner": "me", "notebook": "", "folder": "", **changes,
    }  # fmt: skip
    return RunContext(**given)


def _session(context: RunContext, frame: Any = None, rows: int | None = None) -> DataSession:
    reported: list[object] = []
    live = SimpleNamespace(what=SimpleNamespace(rows=rows))
    channel = SimpleNamespace(
        context=context,
        report_checks=lambda results, returned: reported.append(results),
        publication=lambda _name: SimpleNamespace(live=live),
    )
    return DataSession(channel, namespace={"orders": frame}, base=Path(), secret=str)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "expected"), [("UTC", date(2026, 3, 2)), ("Asia/Tokyo", date(2026, 3, 3))]
)
def test_yesterday_is_the_day_before_in_the_zone_of_the_schedule(zone: str, expected: date) -> None:
    assert _session(_context(timezone=zone)).param("day date = yesterday") == ("day", expected)


def test_last_is_the_publication_that_the_frame_becomes() -> None:
    frame = pd.DataFrame({"id": [1, 2, 3]})
    context = _context(outputs={"orders": "sales.daily"})
    session = _session(context, frame, rows=10)
    [broken] = session.check("orders", "rows > 0.5 * last", returned=False)
    [kept] = _session(context, frame, rows=4).check("orders", "rows > 0.5 * last")
    assert (broken.status, kept.status) == (CheckStatus.ERROR, CheckStatus.PASS)


def test_a_run_that_succeeded_is_not_made_once_more(etl: Etl) -> None:
    new = NewRun(
        pipeline="p", content_hash=etl.store.save_snapshot("{}"), notebook="/p.ipynb",
        logical_key="k", logical_at=NIGHT, interval=Partition(start=NIGHT, end=NIGHT),
        due_at=NIGHT, owner="me",
    )  # fmt: skip
    run = etl.store.add_run(new, now=NIGHT)
    (claim,) = etl.store.claim("s", now=NIGHT, limit=1)
    token = claim.attempt.token
    etl.store.start_attempt(run.id, 1, token, host="h", pid=1, cells=1, now=NIGHT)
    report = AttemptReport(outcome=Outcome.SUCCEEDED)
    etl.store.finish_attempt(
        run.id, 1, token, report, state=RunState.SUCCEEDED, not_before=None, now=NIGHT
    )
    with pytest.raises(Conflict, match="succeeded") as refused:
        etl.runs.retry(run.id)
    assert "jupyter etl trigger p" in refused.value.hint
