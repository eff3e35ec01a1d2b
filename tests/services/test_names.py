"""How names are resolved: a source, then an exact publication, then a table of a source."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_etl.errors import NotFound
from jupyter_etl.notebook.exploration import profile_data, sample_data
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.session import Workbench
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.targets import shadowing

Read = Callable[[Workbench, str], list[int]]

READS: dict[str, Read] = {
    "load": lambda bench, name: bench.load(name)["id"].tolist(),  # type: ignore[attr-defined]
    "preview": lambda bench, name: bench.preview(name).data["id"].to_pylist(),
    "stream": lambda bench, name: bench.stream(name).read_all()["id"].to_pylist(),
    "local": lambda bench, name: bench.sql("local", f"select id from {name}")["id"].tolist(),  # type: ignore[index]
    "quoted": lambda bench, name: bench.sql("local", f'select id from "{name}"')["id"].tolist(),  # type: ignore[index]
    "sample": lambda bench, name: sample_data(bench, name, "10").data["id"].to_pylist(),
    "profile": lambda bench, name: [profile_data(bench, name).columns[0].greatest],  # type: ignore[list-item]
}


@pytest.fixture
def bench(bench: Workbench, here: Path) -> Workbench:
    """A database ``sales`` with the tables daily and weekly, and a publication ``sales.daily``."""
    with closing(sqlite3.connect(here / "sales.db")) as connection, connection:
        for table in ("daily", "weekly"):
            connection.execute(f"create table {table} (id integer)")
            connection.execute(f"insert into {table} values (1)")
    bench.declare("sales", "sales.db")
    publish_table(bench, "sales.daily", pd.DataFrame({"id": [2]}), live=True)
    return bench


@pytest.mark.parametrize("how", READS)
def test_an_exact_publication_comes_before_a_table(bench: Workbench, how: str) -> None:
    assert READS[how](bench, "sales.daily") == [2]
    assert READS[how](bench, "sales.weekly") == [1]


@pytest.mark.parametrize("name", ["sales", "sales.daily", "sales.weekly", "df"])
def test_one_name_is_resolved_without_the_list_of_all(
    bench: Workbench, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    names["df"] = pd.DataFrame({"id": [2]})
    for listing in ("sources", "publications"):
        monkeypatch.setattr(bench.channel, listing, lambda: pytest.fail("all were listed"))
    assert bench.find(name).name == name


def test_describe_and_check_and_references(bench: Workbench, names: dict[str, Any]) -> None:
    assert bench.describe("sales.daily")[0].rows == 1
    assert bench.describe("sales.weekly")[0].name == "weekly"
    bench.check("sales.daily", "id: in [2]")
    names["df"] = pd.DataFrame({"id": [2]})
    bench.check("df", "id: references sales.daily.id")


def test_a_publication_of_drafts_hides_no_table(bench: Workbench) -> None:
    publish_table(bench, "sales.weekly", pd.DataFrame({"id": [3]}))
    assert READS["load"](bench, "sales.weekly") == [1]
    publish_table(bench, "crm.users", pd.DataFrame({"id": [3]}))
    with pytest.raises(NotFound, match="draft"):
        bench.load("crm.users")


def test_a_source_that_is_one_file_hides_no_publication(bench: Workbench, here: Path) -> None:
    (here / "shop.csv").write_text("id\n1\n")
    bench.declare("shop", "shop.csv")
    publish_table(bench, "shop.daily", pd.DataFrame({"id": [2]}), live=True)
    assert READS["load"](bench, "shop.daily") == [2]
    assert READS["load"](bench, "shop") == [1]


def test_who_declares_a_source_is_told_what_it_would_hide(bench: Workbench) -> None:
    (note,) = shadowing("sales", bench.channel)
    assert note.startswith("sales.daily is a publication")
    publish_table(bench, "sales", pd.DataFrame({"id": [4]}), live=True)
    assert any("etl.read('sales')" in note for note in shadowing("sales", bench.channel))
    assert READS["load"](bench, "sales.weekly") == [1]
    assert shadowing("other", bench.channel) == []


def test_lineage_and_watermarks_mean_the_same(bench: Workbench, etl: Etl) -> None:
    assert etl.lineage.graph("sales.daily").root.startswith("publication:")
    assert etl.lineage.graph("sales.weekly").root.startswith("source:")
