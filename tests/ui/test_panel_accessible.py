"""Everybody can use it: axe finds nothing, in the light and in the dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

pytestmark = pytest.mark.ui


def violations(window, *selectors: str) -> list[str]:
    """Return what axe finds below the selectors, a line each."""
    found = axe.Axe().run(window.page, context={"include": [[s] for s in selectors]})
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_panel_and_the_dialog(window, declared, lab, dark: bool) -> None:
    window.use_theme(dark=dark)
    rows = {"Sources": "trips", "Pipelines": "trips", "Runs": "1", "Published": "city.trips"}
    for tab, name in rows.items():
        window.open_panel(tab)
        expect(window.unfold(name).locator(".jp-EtlWaiting")).to_have_count(0)
        assert violations(window, "#jp-etl-sidebar", ".jp-EtlStatusItem") == []
    window.execute("jupyter-etl:schedule", path="by_dialog.ipynb")
    window.dialog.locator(".jp-EtlNext-times").wait_for()
    assert violations(window, ".jp-EtlDialog") == []
    window.dialog.get_by_label("Schedule in words or cron").fill("every blue moon")
    expect(window.dialog.locator(".jp-mod-invalid")).to_be_visible()
    assert violations(window, ".jp-EtlDialog") == []


@pytest.fixture(scope="module")
def shows(lab, declared) -> int:
    """The number of a run with a watermark, checks, an image and a report."""
    lab.deploy("shows.ipynb")
    lab.ask("pipelines/shows/trigger", {})
    return int(lab.wait_for_run("shows", "succeeded")["id"])


def test_what_a_run_left_behind(window, shows: int) -> None:
    for dark in (False, True):
        window.use_theme(dark=dark)
        window.open_panel("Pipelines")
        expect(window.unfold("shows").locator(".jp-EtlWatermarks")).to_contain_text("up to 131")
        assert violations(window, "#jp-etl-sidebar") == []
        window.open_panel("Runs")
        checks = window.unfold(shows).locator(".jp-EtlChecks")
        expect(checks.get_by_text("warning only")).to_be_visible()
        checks.locator("summary").click()
        expect(checks.get_by_role("region", name="Failing rows")).to_be_visible()
        assert violations(window, "#jp-etl-sidebar") == []
        window.open_panel("Published")
        expect(window.unfold("dot").locator(".jp-EtlImage")).to_be_visible()
        assert violations(window, "#jp-etl-sidebar") == []
        for name, shown in {"dot": ".jp-EtlImage", "city-numbers": ".jp-EtlPage-report"}.items():
            window.execute("jupyter-etl:open-publication", name=name)
            expect(window.page.locator(f".jp-EtlPage:visible {shown}")).to_be_visible()
            assert violations(window, ".jp-EtlPage:not(.lm-mod-hidden *)") == []


def test_a_watermark_is_reset_after_a_question(window, shows: int) -> None:
    window.open_panel("Pipelines")
    row = window.unfold("shows")
    row.get_by_role("button", name="Reset: trips trips").click()
    sure = window.page.locator(".jp-Dialog")
    expect(sure).to_contain_text("Reset the watermark of trips?")
    assert violations(window, ".jp-Dialog") == []
    sure.get_by_role("button", name="Reset").click()
    expect(row.locator(".jp-EtlWatermarks")).to_contain_text("starts at the first row")
    expect(row.locator(".jp-EtlWatermarks")).to_contain_text("set by sam")
