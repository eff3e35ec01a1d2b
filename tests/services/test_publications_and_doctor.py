from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from jupyter_etl.errors import NotFound, PublishError, StorageError, StoreError
from jupyter_etl.notebook import kernel_state
from jupyter_etl.notebook.outputs import publish_file, publish_table
from jupyter_etl.ports import SchedulerInfo
from jupyter_etl.services import Settings
from jupyter_etl.services.doctor import Diagnosis
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.settings import host_name


@pytest.fixture
def published(etl: Etl, here: Path) -> Etl:
    session = kernel_state.data_session({})
    for rows in (1, 2):
        publish_table(session, "t", pd.DataFrame({"a": range(rows), "b": "x"}), live=True)
    publish_table(session, "t", pd.DataFrame({"a": range(5), "b": "x"}))
    publish_table(session, "only.draft", pd.DataFrame({"a": [1]}))
    (here / "page.txt").write_text("hi")
    publish_file(session, "page.txt")
    return etl


def test_the_live_version_by_default(published: Etl) -> None:
    publications = published.publications
    assert publications.read("t").num_rows == 2
    assert publications.read("t", version=1).num_rows == 1
    assert publications.read("t", draft=True).num_rows == 5
    assert publications.read("t", draft=True, version=1).num_rows == 5
    assert publications.read("t", columns=["b"], limit=1).to_pydict() == {"b": ["x"]}
    assert publications.preview("t", limit=1).total_rows == 2
    assert [p.name for p in publications.list()] == ["only.draft", "page", "t"]


def test_versions_that_are_not_there(published: Etl) -> None:
    publications = published.publications
    with pytest.raises(NotFound) as caught:
        publications.read("t", version=7)
    assert "2, 1" in caught.value.message
    assert "jupyter etl history t" in caught.value.hint
    with pytest.raises(NotFound) as drafts:
        publications.read("only.draft")
    assert "draft" in drafts.value.message
    with pytest.raises(NotFound) as nearest:
        publications.get("only.drift")
    assert "only.draft" in str(nearest.value)


def test_a_table_is_no_file_and_the_other_way_round(published: Etl) -> None:
    with pytest.raises(PublishError) as caught:
        published.publications.file("t")
    assert "--format" in caught.value.hint
    assert published.publications.file("page", draft=True).read_text() == "hi"
    published.publications.file("page", draft=True).unlink()
    with pytest.raises(StorageError, match="is not in the lake"):
        published.publications.file("page", draft=True)


def found(etl: Etl) -> dict[str, Diagnosis]:
    return {item.what: item for item in etl.doctor()}


def test_the_doctor_of_a_fresh_home(etl: Etl) -> None:
    items = found(etl)
    assert {name for name, item in items.items() if not item.ok} <= {"scheduler", "disk"}
    assert "python3" in items["kernels"].message
    assert items["scheduler"].hint == "Run: jupyter etl up"


def test_a_living_scheduler_is_seen(etl: Etl) -> None:
    now = datetime.now(UTC)

    def info(id: str, pid: int, seen: datetime) -> SchedulerInfo:
        return SchedulerInfo(id=id, host=host_name(), pid=pid, workers=1, seen_at=seen)

    etl.store.save_scheduler(info("me", os.getpid(), now))
    etl.store.save_scheduler(info("dead", 2**22 - 1, now))
    etl.store.save_scheduler(info("silent", os.getpid(), now - timedelta(minutes=5)))
    assert [s.id for s in etl.schedulers()] == ["me"]
    assert found(etl)["scheduler"].ok
    assert etl.start_scheduler() is False


def test_a_home_or_lake_that_cannot_be_made(home: Path, here: Path) -> None:
    (here / "file").write_text("x")
    etl = Etl.open(Settings.from_env(lake=str(here / "file" / "lake")))
    item = found(etl)["lake"]
    assert (item.ok, str(here / "file") in item.message) == (False, True)
    assert item.hint
    etl.close()
    remote = Etl.open(Settings.from_env(lake="s3://bucket/lake"))
    assert found(remote)["lake"].message == "s3://bucket/lake (not checked)"
    remote.close()


def test_a_ledger_that_cannot_be_opened(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "some other file\n" * 100
    (here / "file").write_text(content)
    for ledger in (f"sqlite:///{here / 'file'}", f"sqlite:///{here / 'file' / 'l.sqlite'}"):
        monkeypatch.setenv("JUPYTER_ETL_LEDGER", ledger)
        with pytest.raises(StoreError) as caught:
            Etl.open()
        assert str(here / "file") in str(caught.value)
        assert caught.value.hint
    assert (here / "file").read_text() == content
