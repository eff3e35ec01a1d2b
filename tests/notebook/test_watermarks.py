"""Incremental loads from the cell to the ledger: both ends of the channel, without a kernel."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fakes.attempts import AT, AttemptHarness, notebook_text
from fakes.ledger import new_ledger
from jupyter_etl.errors import DeclarationError, EtlError, PublishError, SourceError
from jupyter_etl.ledger import open_store
from jupyter_etl.model import (
    AttemptReport,
    Cause,
    Committed,
    Cursor,
    Outcome,
    PublicationKind,
    RunState,
    Source,
)
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.ports import Claim, Store
from jupyter_etl.runner.channel.client import RunnerChannel
from jupyter_etl.runner.channel.record import RunRecord
from jupyter_etl.runner.channel.server import ChannelServer

ORDERS = Cursor(source="wh", table="orders", column="id")
NOTHING = AttemptReport(outcome=Outcome.SUCCEEDED)
PUBLISHED = replace(
    NOTHING, committed=(Committed(name="out", kind=PublicationKind.TABLE, location="/lake/out"),)
)


@dataclass
class InRun:
    """An active run, and what its cells can do."""

    store: Store
    claim: Claim
    record: RunRecord
    session: DataSession

    def load(self, **options: Any) -> list[int]:
        options.setdefault("since", "id")
        table = self.session.load("wh.orders", as_="arrow", **options)
        assert isinstance(table, pa.Table)
        return table.column(0).to_pylist()  # type: ignore[no-any-return]

    def finish(self, report: AttemptReport = PUBLISHED) -> str | None:
        """End the attempt with what was recorded; return the watermark."""
        attempt = self.claim.attempt
        self.store.finish_attempt(
            attempt.run_id,
            attempt.number,
            attempt.token,
            replace(report, moves=self.record.moves),
            state=RunState(report.outcome),
            not_before=None,
            now=AT,
        )
        found = self.store.load_watermark("nb", ORDERS)
        return None if found is None or found.value is None else found.value.text


class Runs:
    """Makes runs of one pipeline over one source."""

    def __init__(self, folder: Path) -> None:
        url = new_ledger(folder)
        self.store = open_store(url)
        self.harness = AttemptHarness(folder, self.store, url)
        self.path = folder / "wh.db"
        self.servers: list[ChannelServer] = []
        source = Source(name="wh", kind="sql", location=f"sqlite:///{self.path}", owner="sam")
        self.store.save_source(source)
        self.sql("create table orders (id integer, at text, key text)")

    def sql(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute(statement, values)
        connection.close()

    def add(self, *ids: int | None) -> None:
        for number in ids:
            self.sql("insert into orders values (?, ?, ?)", number, f"at {number}", "k")

    def run(self, **options: Any) -> InRun:
        claim = self.harness.claim(notebook_text(["1"]), **options)
        folder = self.harness.folder(claim)
        attempt = claim.attempt
        self.store.start_attempt(
            attempt.run_id, attempt.number, attempt.token, host="h", pid=1, cells=1, now=AT
        )
        record = RunRecord(self.harness.context(claim))
        server = ChannelServer(record)
        server.__enter__()
        self.servers.append(server)
        line = RunnerChannel(server.path)
        session = DataSession(line, namespace={}, base=folder, secret=lambda name: name)
        return InRun(store=self.store, claim=claim, record=record, session=session)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    made = Runs(tmp_path)
    yield made
    for server in made.servers:
        server.__exit__(None, None, None)
    made.store.close()


def test_each_run_reads_what_came_since_the_last_that_published(runs: Runs) -> None:
    runs.add(1, 2, 3)
    first = runs.run()
    assert first.load() == [1, 2, 3]
    assert first.finish() == "3"
    runs.add(4, 5)
    second = runs.run()
    assert second.load() == [4, 5]
    assert second.finish() == "5"
    third = runs.run()
    assert third.load() == []
    assert third.finish() == "5"


@pytest.mark.parametrize(
    "report",
    [
        NOTHING,
        *(AttemptReport(outcome=o) for o in (Outcome.FAILED, Outcome.CANCELLED, Outcome.HELD)),
    ],
)
def test_what_publishes_nothing_leaves_the_rows_to_the_next(
    runs: Runs, report: AttemptReport
) -> None:
    runs.add(1, 2)
    first = runs.run()
    assert first.load() == [1, 2]
    assert first.finish(report) is None
    assert runs.run().load() == [1, 2]


def test_a_draft_leaves_the_rows_to_the_next(runs: Runs) -> None:
    runs.add(1, 2)
    draft = runs.run(draft=True)
    assert draft.load() == [1, 2]
    assert draft.finish() is None


def test_late_rows_come_with_the_lag(runs: Runs) -> None:
    runs.add(1, 5, 9)
    assert runs.run().load() == [1, 5, 9]
    assert (first := runs.run()).load(lag="2") == [1, 5, 9]
    assert first.finish() == "9"
    runs.add(4, 8)
    late = runs.run()
    assert sorted(late.load(lag="4")) == [8, 9]
    # Only the late ones: the watermark does not go back.
    assert late.finish() == "9"
    with pytest.raises(DeclarationError, match="the column contains numbers"):
        runs.run().load(lag="2h")


def test_all_loads_of_a_run_see_the_same_rows(runs: Runs) -> None:
    runs.add(1, 2)
    run = runs.run()
    assert run.load() == [1, 2]
    runs.add(3)
    assert run.load() == [1, 2]
    assert run.finish() == "2"
    later = runs.run()
    assert later.load() == [3]
    assert later.finish() == "3"


def test_a_run_begins_where_the_ledger_was_when_it_first_asked(runs: Runs) -> None:
    runs.add(1)
    one, two = runs.run(), runs.run()
    assert one.load() == two.load() == [1]
    assert one.finish() == "1"
    runs.add(2)
    assert two.load() == [1]
    # Another column is another cursor, which begins with what is there.
    assert len(two.load(since="at")) == 2


def test_rows_without_a_value_are_reported(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    runs.add(1, None, 2, None)
    run = runs.run()
    assert run.load() == [1, 2]
    (read,) = run.record.reads
    assert "2 rows after the start up to 2" in read.note
    assert "2 rows without id skipped" in read.note
    assert read.rows == 2
    said = capsys.readouterr().out
    assert said == f"wh.orders.id: {read.note}\n"


def test_of_each_key_the_newest(runs: Runs) -> None:
    runs.add(1, 2, 3)
    run = runs.run()
    assert run.load(key=["key"]) == [3]
    assert "1 of them the newest of their key" in run.record.reads[0].note
    assert run.finish() == "3"


def test_columns_that_are_chosen(runs: Runs) -> None:
    runs.add(1, 2)
    run = runs.run()
    table = run.session.load("wh.orders", columns=["at"], as_="arrow", since="id")
    assert isinstance(table, pa.Table)
    assert table.column_names == ["at"]
    assert run.finish() == "2"


def test_texts_of_two_forms_are_followed_as_times(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    for n, at in enumerate(["2026-01-01 00:00:00", "2026-01-02T00:00:00Z"]):
        runs.sql("insert into orders values (?, ?, 'k')", n, at)
    first = runs.run()
    assert first.load(since="at") == [0, 1]
    assert "compared as times, those without a zone as UTC" in capsys.readouterr().out
    first.finish()
    runs.sql("insert into orders values (2, '2026-01-02 18:00:00', 'k')")
    second = runs.run()
    assert second.load(since="at") == [2]
    # Another load of the run reads the same.
    assert second.load(since="at", key=["key"]) == [2]
    second.finish()
    found = runs.store.load_watermark("nb", replace(ORDERS, column="at"))
    assert found is not None
    assert found.value is not None
    assert found.value.text == "2026-01-02 18:00:00"
    third = runs.run()
    assert third.load(since="at") == []
    runs.sql("insert into orders values (3, '03.01.2026', 'k')")
    with pytest.raises(SourceError, match="cannot be followed by 'at'"):
        third.load(since="at")


def test_a_planned_run_ends_with_its_interval(runs: Runs) -> None:
    runs.add(1)
    run = runs.run()
    planned = replace(run.claim.run.new, cause=Cause.SCHEDULE)
    run.record._cursors._new = planned
    assert run.session.channel.cursor_start(ORDERS).until == AT
    asked = runs.run()
    assert asked.session.channel.cursor_start(ORDERS).until > AT + timedelta(days=1)


def test_a_later_attempt_continues_with_what_was_read(runs: Runs) -> None:
    runs.add(1, 2)
    first, second = runs.run(), runs.run()
    assert first.load() == [1, 2]
    runs.add(3)
    second.record.take_over(first.record.reported())
    assert second.load() == [1, 2]
    assert second.finish() == "2"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"since": None, "lag": "2h"}, "--since COLUMN"),
        ({"since": None, "key": ["id"]}, "--since COLUMN"),
        ({"since": "id", "limit": 5}, "--limit cannot be combined with --since"),
        ({"since": "nope"}, "no column 'nope'"),
    ],
)
def test_what_cannot_be_meant(runs: Runs, options: dict[str, Any], says: str) -> None:
    with pytest.raises(EtlError, match=says):
        runs.run().load(**options)


def test_a_variable_has_no_watermark(runs: Runs) -> None:
    run = runs.run()
    session = replace_namespace(run.session, {"df": pa.table({"id": [1]})})
    with pytest.raises(DeclarationError, match="df is a variable"):
        session.load("df", since="id")


def test_reals_are_refused(runs: Runs) -> None:
    runs.sql("create table odd (x real)")
    runs.sql("insert into odd values (1.5)")
    with pytest.raises(SourceError, match="its type is double"):
        runs.run().session.load("wh.odd", since="x")


def test_no_kernel_moves_what_it_did_not_ask_for(runs: Runs) -> None:
    runs.add(1)
    run, other = runs.run(), runs.run()
    run.load()
    with pytest.raises(DeclarationError, match="has begun in this run"):
        other.session.channel.report_move(run.record.moves[0])


def test_what_is_published_straight_from_the_source_moves_the_watermark(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.add(1, 2, None, 3)
    first = runs.run()
    done = publish_table(first.session, "orders", "wh.orders", mode="append", since="id")
    assert done.staged.rows == 3
    (read,) = first.record.reads
    assert (read.rows, read.table) == (3, "orders")
    assert "1 rows without id skipped" in read.note
    assert capsys.readouterr().out == f"wh.orders.id: {read.note}\n"
    assert first.finish() == "3"
    runs.add(4)
    second = runs.run()
    options = {"mode": "upsert", "key": ["id"], "since": "id", "lag": "1"}
    assert publish_table(second.session, "orders", "wh.orders", **options).staged.rows == 2
    assert second.finish() == "4"


def test_rows_that_cannot_be_published_leave_the_watermark(runs: Runs) -> None:
    runs.add(1, 1)
    run = runs.run()
    with pytest.raises(PublishError, match=r"not unique|twice|more than once"):
        publish_table(run.session, "o", "wh.orders", mode="upsert", key=["id"], since="id")
    # The notebook has caught the error, and the run has published something else.
    assert run.finish() is None


@pytest.mark.parametrize(
    ("data", "options", "says"),
    [
        ("wh.orders", {"since": "id"}, "--mode replace would delete all others"),
        ("wh.orders", {"lag": "2h", "mode": "append"}, "--since COLUMN"),
        (pa.table({"id": [1]}), {"since": "id", "mode": "append"}, "the name of a source"),
        ("wh.orders", {"since": "nope", "mode": "append"}, "no column 'nope'"),
    ],
)
def test_what_cannot_be_published_since(
    runs: Runs, data: object, options: dict[str, Any], says: str
) -> None:
    run = runs.run()
    with pytest.raises(EtlError, match=says):
        publish_table(run.session, "orders", data, **options)
    assert run.record.moves == ()


def replace_namespace(session: DataSession, names: dict[str, object]) -> DataSession:
    return DataSession(
        session.channel, namespace=names, base=session.base, secret=lambda name: name
    )
