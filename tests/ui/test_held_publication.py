"""What is held back by the publish gate or a check: seen, previewed, decided, taken back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ui.test_panel_accessible import violations

pytestmark = pytest.mark.ui


def test_a_held_version_is_approved_and_taken_back(window, lab) -> None:
    lab.deploy("gated.ipynb")
    lab.ask("pipelines/gated/trigger", {})
    first = lab.wait_for_run("gated", "succeeded")["id"]
    lab.ask("pipelines/gated/trigger", {"parameters": {"n": 1000}})
    number = lab.wait_for_run("gated", "held")["id"]
    assert number > first

    bar = window.page.locator(".jp-EtlStatusItem")
    expect(bar).to_contain_text("1 held")
    window.open_panel("Pipelines")
    waits = window.row("gated").get_by_role("img", name="Pending approval")
    expect(waits).to_be_visible()
    window.open_panel("Published")
    card = window.panel.get_by_role("region", name=f"Held: run {number}")
    expect(card).to_contain_text("gated.numbers")
    expect(card).to_contain_text("1,000")
    assert violations(window, "#jp-etl-sidebar") == []
    card.get_by_role("button", name=f"Approve: #{number}").click()
    sure = window.page.locator(".jp-Dialog")
    expect(sure).to_contain_text("recorded as approved by sam")
    sure.get_by_role("button", name="Approve").click()
    expect(card).to_have_count(0)
    expect(bar).not_to_contain_text("held")
    expect(window.row("gated.numbers")).to_contain_text("v2")

    window.execute("jupyter-etl:open-publication", name="gated.numbers")
    page = window.page.locator(".jp-EtlPage:visible")
    expect(page.locator(".jp-EtlData-count")).to_have_text("Showing 20 of 1,000 rows")
    page.get_by_role("button", name="Compare: gated.numbers v2 with the previous version").click()
    expect(page.get_by_role("region", name="Compare")).to_contain_text("1,000 (+9,900%)")
    for dark in (False, True):
        window.use_theme(dark=dark)
        assert violations(window, ".jp-EtlPage") == []
    page.get_by_role("button", name="Roll back: gated.numbers v1").click()
    window.page.locator(".jp-Dialog").get_by_role("button", name="Roll back").click()
    expect(page.locator(".jp-EtlData-count")).to_have_text("Showing 10 of 10 rows")
    assert lab.ask("publications/gated.numbers")["live"]["number"] == 3


@pytest.mark.parametrize("decision", ["Approve", "Reject"])
def test_what_a_check_holds_is_previewed_and_decided(window, lab, decision: str) -> None:
    lab.deploy("checked.ipynb")
    lab.ask("pipelines/checked/trigger", {"parameters": {"n": 9}})
    number = lab.wait_for_run("checked", "held")["id"]

    window.open_panel("Runs")
    label = window.row(number).get_by_role("img", name="Held by a check")
    expect(label).to_be_visible()
    window.open_panel("Published")
    card = window.panel.get_by_role("region", name=f"Held: run {number}")
    expect(card).to_contain_text("Held by a check")
    expect(card).to_contain_text("9 rows: rows >= 10 is false")
    assert violations(window, "#jp-etl-sidebar") == []
    card.get_by_role("button", name="Preview 9 rows: checked.levels").click()
    preview = window.page.locator(".jp-EtlPreview:visible")
    expect(preview.get_by_role("heading")).to_have_text(f"checked.levels #{number}")
    expect(preview.locator(".jp-EtlData-count")).to_have_text("Showing 9 of 9 rows")
    card.get_by_role("button", name=f"{decision}: #{number}").click()
    window.page.locator(".jp-Dialog").get_by_role("button", name=decision).click()
    expect(card).to_have_count(0)
    ended = "succeeded" if decision == "Approve" else "cancelled"
    assert lab.ask(f"runs/{number}")["state"] == ended
