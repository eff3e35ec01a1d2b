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
    window.dialog.get_by_label("In words or cron").fill("every blue moon")
    expect(window.dialog.locator(".jp-mod-invalid")).to_be_visible()
    assert violations(window, ".jp-EtlDialog") == []
