"""A run, from the click that starts it to what it published."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui


def test_a_run_is_seen_to_finish_and_its_notebook_and_table_open(window, declared, lab) -> None:
    window.open_panel("Pipelines")
    window.act("Run now", "slow")
    window.dialog.get_by_role("button", name="Run", exact=True).wait_for()
    window.page.keyboard.press("Enter")
    window.tab("Runs").click()
    bar = window.panel.get_by_role("progressbar")
    expect(bar).to_be_visible()
    expect(window.panel.locator(".jp-EtlProgress-text")).to_have_text(re.compile(r"\d of 6 cells"))
    expect(window.page.locator(".jp-EtlStatusItem")).to_contain_text("running")
    number = lab.ask("runs?pipeline=slow")["items"][0]["id"]
    row = window.row(number)
    expect(row.get_by_role("img", name="Running")).to_be_visible()
    # Nothing is reloaded and nothing clicked: the row itself changes.
    expect(row.get_by_role("img", name="Succeeded")).to_be_visible()
    expect(bar).to_have_count(0)
    expect(row).to_contain_text(re.compile(r"slow\.trips v\d+ · 3 rows"))

    kernels = window.kernels()
    window.act("Open executed notebook", number)
    executed = window.notebook
    expect(executed.locator(".jp-EtlNotebookChip-label")).to_contain_text(f"run {number}")
    expect(executed.locator(".jp-OutputArea-output").last).to_contain_text("slow.trips")
    expect(executed.locator(".jp-InputPrompt").last).to_have_text("[6]:")
    assert window.kernels() == kernels

    window.open_panel("Published")
    window.act("Preview", "slow.trips")
    preview = window.page.locator(".jp-EtlPreview:visible")
    expect(preview.locator(".jp-EtlData-count")).to_have_text("Showing 3 of 3 rows")


def test_a_failure_shows_whose_it_is_and_where_and_is_tried_again(window, declared, lab) -> None:
    lab.ask("pipelines/fails/trigger", {})
    number = lab.wait_for_run("fails", "failed")["id"]
    window.open_panel("Pipelines")
    expect(window.panel.get_by_text("Needs attention · 1")).to_be_visible()
    expect(window.page.locator(".jp-EtlStatusItem")).to_contain_text("1 failing")
    window.open_panel("Runs")
    card = window.unfold(number).locator(".jp-EtlFailure")
    expect(card).to_contain_text("Notebook error")
    expect(card).to_contain_text("Cell 2")
    expect(card).to_contain_text("the column speed is missing")
    card.get_by_role("button", name="Open at failed cell").click()
    failed = window.notebook.locator(".jp-Cell.jp-mod-active")
    expect(failed).to_contain_text("AssertionError")

    (lab.root / "mended").touch()
    card.get_by_role("button", name="Retry").click()
    expect(window.row(number).get_by_role("img", name="Succeeded")).to_be_visible()
    expect(window.row(number)).to_contain_text("attempt 2")
    expect(card).to_have_count(0)


def test_a_run_is_cancelled(window, declared, lab) -> None:
    lab.ask("pipelines/slow/trigger", {})
    number = lab.wait_for_run("slow", "running")["id"]
    window.open_panel("Runs")
    window.act("Cancel run", number)
    expect(window.row(number).get_by_role("img", name="Cancelled")).to_be_visible()
