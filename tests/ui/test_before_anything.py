"""Before anything is declared, and that looking changes nothing."""

from __future__ import annotations

import re
import sqlite3

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui

CELLS = {
    "Sources": "%etl source rides rides.csv",
    "Pipelines": '%etl schedule "weekdays at 06:00" --tz UTC',
    "Runs": "%etl run --draft",
    "Published": "%etl publish table demo.rides rides",
}


def contents(lab) -> dict[str, list[tuple]]:
    """Return all rows of the ledger except the heartbeats of the scheduler."""
    with sqlite3.connect(f"file:{lab.etl_home / 'ledger.sqlite'}?mode=ro", uri=True) as ledger:
        names = ledger.execute("select name from sqlite_master where type = 'table'").fetchall()
        return {
            name: ledger.execute(f'select * from "{name}"').fetchall()
            for (name,) in names
            if name != "schedulers"
        }


@pytest.fixture
def nothing(window) -> None:
    """The server's lists are empty, whatever the tests before this one have made."""
    lists = re.compile(r"/etl/v1/(sources|pipelines|runs|publications|holds)(\?.*)?$")
    window.page.route(lists, lambda route: route.fulfill(json={"items": [], "total": 0}))


def test_each_empty_tab_inserts_a_cell_that_is_not_run(window, nothing) -> None:
    notebook = window.open_notebook("empty.ipynb")
    for tab, line in CELLS.items():
        panel = window.open_panel(tab)
        panel.get_by_role("button", name="Insert this cell").click()
        expect(notebook.locator(".jp-Cell.jp-mod-active")).to_contain_text(line)
    expect(notebook.locator(".jp-CodeCell")).to_have_count(len(CELLS))
    expect(notebook.locator(".jp-OutputArea-child")).to_have_count(0)


def test_looking_at_everything_changes_nothing(window, lab, declared) -> None:
    window.page.request.get(f"{lab.url}etl/v1/summary")
    before = contents(lab)
    assert before["runs"]
    window.open_notebook("trips.ipynb")
    window.open_panel("Sources")
    expect(window.unfold("trips").locator(".jp-EtlColumns li")).to_have_count(3)
    window.open_panel("Pipelines")
    window.unfold("trips")
    window.open_panel("Runs")
    window.unfold(1)
    window.open_panel("Published")
    window.unfold("city.trips")
    window.execute("jupyter-etl:schedule", path="trips.ipynb")
    window.dialog.locator(".jp-EtlNext-times").wait_for()
    window.dialog.get_by_role("button", name="Cancel").click()
    assert contents(lab) == before
