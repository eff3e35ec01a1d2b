"""Versions compared, brought back, read as of a time; and rows published piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_etl.cli.main import main
from jupyter_etl.errors import (
    Conflict,
    DeclarationError,
    NotFound,
    PermissionDenied,
    PublishError,
    SourceError,
)
from jupyter_etl.notebook import api, kernel_state
from jupyter_etl.notebook.outputs import publish_file, publish_table
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.publications.publications import Publications


@pytest.fixture
def session(home: Path, here: Path) -> DataSession:
    return kernel_state.data_session({})


def frame(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(columns)


@pytest.fixture
def three(etl: Etl, session: DataSession) -> Etl:
    """Return a facade with three versions of a keyed table."""
    publish_table(session, "t", frame(id=[1, 2, 3], v=["a", "b", "c"]), key=["id"], live=True)
    publish_table(session, "t", frame(id=[2, 3, 4], v=["b", "C", "d"]), key=["id"], live=True)
    publish_table(session, "t", frame(id=[9], v=["z"], w=[1.5]), key=["id"], live=True)
    return etl


def test_two_versions_are_compared_by_the_published_key(three: Etl) -> None:
    found = three.publications.diff("t", 1, 2)
    assert found.changes is not None
    assert (found.changes.added, found.changes.removed, found.changes.changed) == (1, 1, 1)
    assert found.changes.key == ("id",)
    newest = three.publications.diff("t", 1)
    assert newest.after.number == 3
    assert [c.name for c in newest.difference.added] == ["w"]
    assert (newest.difference.rows_before, newest.difference.rows_after) == (3, 1)
    back = three.publications.diff("t", 3, 1)
    assert [c.name for c in back.difference.dropped] == ["w"]
    with pytest.raises(NotFound):
        three.publications.diff("t", 1, 77)


def test_without_a_key_columns_and_numbers_are_compared(etl: Etl, session: DataSession) -> None:
    publish_table(session, "t", frame(id=[1, 2], v=[1, 2]), live=True)
    publish_table(session, "t", frame(id=[1], v=[3]), live=True)
    assert etl.publications.diff("t", 1, 2).changes is None
    keyed = etl.publications.diff("t", 1, 2, key=["id"])
    assert keyed.changes is not None
    assert (keyed.changes.removed, keyed.changes.changed) == (1, 1)
    with pytest.raises(PublishError, match="key column 'nope' does not exist"):
        etl.publications.diff("t", 1, 2, key=["nope"])


def test_a_rollback_is_a_new_version_that_readers_see(three: Etl, session: DataSession) -> None:
    version = three.publications.rollback("t", 1)
    assert (version.number, version.note) == (4, "rolled back to version 1 by sam")
    assert api.read("t")["id"].tolist() == [1, 2, 3]
    assert three.publications.read("t", version=3).num_rows == 1
    assert [v.note for v in three.publications.history("t")[1:]] == ["", "", ""]
    # Whoever reads the table itself sees it as well.
    from deltalake import DeltaTable

    assert DeltaTable(version.what.location).to_pyarrow_table().num_rows == 3
    publish_table(session, "t", frame(id=[5], v=["e"]), mode="append", live=True)
    assert sorted(api.read("t")["id"]) == [1, 2, 3, 5]
    again = three.publications.rollback("t", 4)
    assert three.publications.read("t", version=again.number).num_rows == 3


def test_a_rollback_that_cannot_be_leaves_what_is_live(three: Etl) -> None:
    with pytest.raises(Conflict, match="is already live"):
        three.publications.rollback("t", 3)
    with pytest.raises(NotFound, match="3, 2, 1"):
        three.publications.rollback("t", 9)
    stranger = Publications(three.store, three.clock, replace(three.settings, owner="eve"))
    with pytest.raises(PermissionDenied):
        stranger.rollback("t", 1)
    # Each has released its lock.
    assert three.publications.rollback("t", 2).number == 4


def test_a_file_goes_back_too(etl: Etl, session: DataSession) -> None:
    for value in (1, 2):
        publish_file(session, "x.csv", frame(a=[value]), live=True)
    etl.publications.rollback("x", 1)
    assert etl.publications.file("x").read_text().split() == ['"a"', "1"]
    assert etl.publications.history("x")[0].number == 3


def test_a_version_as_of_a_time(three: Etl) -> None:
    first, second = (v.published_at for v in reversed(three.publications.history("t")[1:]))
    publications = three.publications
    assert publications.read("t", as_of=second).num_rows == 3
    assert publications.read("t", as_of=second)["id"].to_pylist() == [2, 3, 4]
    assert publications.read("t", as_of=second - timedelta(microseconds=1))["id"][0].as_py() == 1
    assert publications.read("t", as_of=datetime.now(UTC).isoformat()).num_rows == 1
    assert api.read("t", as_of=first)["id"].tolist() == [1, 2, 3]
    assert api.read("t", as_of=first.isoformat()).shape == (3, 2)
    with pytest.raises(NotFound, match="had no version at 2001-01-01 00:00:00 UTC; the first is"):
        api.read("t", as_of="2001-01-01T00:00Z")
    with pytest.raises(DeclarationError, match="not by both"):
        api.read("t", version=1, as_of=first)
    with pytest.raises(DeclarationError, match="not a date and time"):
        api.read("t", as_of="yesterday")


def test_the_command_line_shows_the_same(three: Etl, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "t", "1", "2"]) == 0
    said = capsys.readouterr().out
    assert "Rows by id: 1 added, 1 removed, 1 changed." in said
    assert "v: c → C" in said
    assert main(["diff", "t", "1", "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert (reported["before"], reported["after"], reported["rows"]["added"]) == (1, 3, 1)
    assert reported["difference"]["added"][0]["name"] == "w"
    assert main(["rollback", "t", "--to", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["note"] == "rolled back to version 1 by sam"
    assert main(["read", "t", "--as-of", "2001-01-01"]) == 2
    assert "had no version" in capsys.readouterr().err
    assert main(["published", "t"]) == 0
    said = capsys.readouterr().out
    live = three.publications.history("t")[0].what
    assert f"At {live.location}" in said
    assert f"version={live.delta_version})" in said
    assert f"delta_scan('file://{live.location}')" in said
    assert main(["approve"]) == 0
    assert "No runs are held." in capsys.readouterr().out
    assert main(["reject", "t"]) == 2
    assert "held are: nothing" in capsys.readouterr().err


def batches(count: int, *, then: Exception | None = None) -> pa.RecordBatchReader:
    schema = pa.schema([("id", pa.int64()), ("day", pa.int32())])

    def made() -> Iterator[pa.RecordBatch]:
        for n in range(count):
            yield pa.record_batch([[n], pa.array([n % 3], pa.int32())], schema=schema)
        if then is not None:
            raise then

    return pa.RecordBatchReader.from_batches(schema, made())


def test_a_reader_is_published_piece_by_piece(etl: Etl, session: DataSession) -> None:
    done = publish_table(session, "t", batches(7), key=["id"], live=True)
    assert done.staged.rows == 7
    assert sorted(etl.publications.read("t")["id"].to_pylist()) == list(range(7))
    publish_table(session, "parts", batches(7), partition_by=["day"], live=True)
    assert etl.publications.read("parts").num_rows == 7
    publish_file(session, "x.parquet", batches(5), live=True)
    assert pq.read_table(etl.publications.file("x")).num_rows == 5


@pytest.mark.parametrize("by", [[], ["day"]])
def test_a_source_that_breaks_off_publishes_nothing(
    etl: Etl, session: DataSession, by: list[str]
) -> None:
    broken = batches(3, then=SourceError("the line went dead", retryable=True))
    with pytest.raises(SourceError, match="the line went dead") as caught:
        publish_table(session, "t", broken, partition_by=by, live=True)
    assert caught.value.retryable
    assert etl.publications.list() == []


def test_a_source_is_published_without_a_frame(
    etl: Etl, session: DataSession, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "orders.csv").write_text("id,v\n1,a\n2,b\n")
    session.declare("orders", "orders.csv")
    reads: list[Any] = []
    monkeypatch.setattr(session.channel, "report_read", reads.append)
    reader = session.stream("orders")
    assert reads == []
    publish_table(session, "t", reader, live=True)
    assert [(read.source, read.rows) for read in reads] == [("orders", 2)]
    publish_table(session, "copy", session.stream("t"), live=True)
    assert reads[-1].version == "1"
    assert etl.publications.read("copy").to_pydict() == {"id": [1, 2], "v": ["a", "b"]}
    with pytest.raises(NotFound):
        session.stream("nothing")


@pytest.mark.parametrize("change", ["", "-1%", "lots", "nan"])
def test_a_change_that_is_no_percentage(session: DataSession, change: str) -> None:
    with pytest.raises(DeclarationError, match="must be a percentage"):
        publish_table(session, "t", frame(a=[1]), change=change)


def test_a_change_is_kept_with_what_is_staged(session: DataSession) -> None:
    reported = {"50%": {}, "any": {"change": "any"}, "12.5": {"change": "0.125"}}
    for change, options in reported.items():
        assert publish_table(session, "t", frame(a=[1]), change=change).staged.options == options
