"""How names are resolved: a source, then an exact publication, then a table of a source."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from jupyter_etl.errors import Conflict, NotFound
from jupyter_etl.model import (
    AttemptReport,
    CheckStatus,
    NewRun,
    Outcome,
    Partition,
    RunContext,
    RunState,
)
from jupyter_etl.notebook.exploration import profile_data, sample_data
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.services import Etl, Settings
from jupyter_etl.services.targets import shadowing

Read = Callable[[DataSession, str], list[int]]

READS: dict[str, Read] = {
    "load": lambda session, name: session.load(name)["id"].tolist(),  # type: ignore[attr-defined]
    "preview": lambda session, name: session.preview(name).data["id"].to_pylist(),
    "stream": lambda session, name: session.stream(name).read_all()["id"].to_pylist(),
    "local": lambda session, name: session.sql("local", f"select id from {name}")["id"].tolist(),  # type: ignore[index]
    "quoted": lambda session, name: session.sql("local", f'select id from "{name}"')["id"].tolist(),  # type: ignore[index]
    "sample": lambda session, name: sample_data(session, name, "10").data["id"].to_pylist(),
    "profile": lambda session, name: [profile_data(session, name).columns[0].greatest],  # type: ignore[list-item]
}


@pytest.fixture
def session(session: DataSession, here: Path) -> DataSession:
    """A database ``sales`` with the tables daily and weekly, and a publication ``sales.daily``."""
    with closing(sqlite3.connect(here / "sales.db")) as connection, connection:
        for table in ("daily", "weekly"):
            connection.execute(f"create table {table} (id integer)")
            connection.execute(f"insert into {table} values (1)")
    session.declare("sales", "sales.db")
    publish_table(session, "sales.daily", pd.DataFrame({"id": [2]}), live=True)
    return session


@pytest.mark.parametrize("how", READS)
def test_an_exact_publication_precedes_a_table(session: DataSession, how: str) -> None:
    assert READS[how](session, "sales.daily") == [2]
    assert READS[how](session, "sales.weekly") == [1]


@pytest.mark.parametrize("name", ["sales", "sales.daily", "sales.weekly", "df"])
def test_one_name_is_resolved_without_the_list_of_all(
    session: DataSession, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    names["df"] = pd.DataFrame({"id": [2]})
    for listing in ("sources", "publications"):
        monkeypatch.setattr(session.channel, listing, lambda: pytest.fail("all were listed"))
    assert session.find(name).name == name


def test_describe_and_check_and_references(session: DataSession, names: dict[str, Any]) -> None:
    assert session.describe("sales.daily")[0].rows == 1
    assert session.describe("sales.weekly")[0].name == "weekly"
    session.check("sales.daily", "id: in [2]")
    names["df"] = pd.DataFrame({"id": [2]})
    session.check("df", "id: references sales.daily.id")


def test_a_publication_of_drafts_hides_no_table(session: DataSession) -> None:
    publish_table(session, "sales.weekly", pd.DataFrame({"id": [3]}))
    assert READS["load"](session, "sales.weekly") == [1]
    publish_table(session, "crm.users", pd.DataFrame({"id": [3]}))
    with pytest.raises(NotFound, match="draft"):
        session.load("crm.users")


def test_a_source_that_is_one_file_hides_no_publication(session: DataSession, here: Path) -> None:
    (here / "shop.csv").write_text("id\n1\n")
    session.declare("shop", "shop.csv")
    publish_table(session, "shop.daily", pd.DataFrame({"id": [2]}), live=True)
    assert READS["load"](session, "shop.daily") == [2]
    assert READS["load"](session, "shop") == [1]


def test_declaring_a_source_warns_about_hidden_publications(session: DataSession) -> None:
    (note,) = shadowing("sales", session.channel)
    assert note.startswith("sales.daily is a publication")
    publish_table(session, "sales", pd.DataFrame({"id": [4]}), live=True)
    assert any("etl.read('sales')" in note for note in shadowing("sales", session.channel))
    assert READS["load"](session, "sales.weekly") == [1]
    assert shadowing("other", session.channel) == []


def test_lineage_and_watermarks_mean_the_same(session: DataSession, etl: Etl) -> None:
    assert etl.lineage.graph("sales.daily").root.startswith("publication:")
    assert etl.lineage.graph("sales.weekly").root.startswith("source:")


NIGHT = datetime(2026, 3, 3, 20, 0, tzinfo=UTC)


@pytest.fixture
def own_etl(tmp_path: Path) -> Iterator[Etl]:
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


def test_a_run_that_succeeded_is_not_made_once_more(own_etl: Etl) -> None:
    new = NewRun(
        pipeline="p", content_hash=own_etl.store.save_snapshot("{}"), notebook="/p.ipynb",
        logical_key="k", logical_at=NIGHT, interval=Partition(start=NIGHT, end=NIGHT),
        due_at=NIGHT, owner="me",
    )  # fmt: skip
    run = own_etl.store.add_run(new, now=NIGHT)
    (claim,) = own_etl.store.claim("s", now=NIGHT, limit=1)
    token = claim.attempt.token
    own_etl.store.start_attempt(run.id, 1, token, host="h", pid=1, cells=1, now=NIGHT)
    report = AttemptReport(outcome=Outcome.SUCCEEDED)
    own_etl.store.finish_attempt(
        run.id, 1, token, report, state=RunState.SUCCEEDED, not_before=None, now=NIGHT
    )
    with pytest.raises(Conflict, match="succeeded") as refused:
        own_etl.runs.retry(run.id)
    assert "jupyter etl trigger p" in refused.value.hint
