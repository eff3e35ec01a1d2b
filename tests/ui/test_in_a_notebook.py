"""Declare and publish through real cells."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui


def test_what_cells_declare_and_publish_is_seen_in_the_panel(window) -> None:
    notebook = window.open_notebook("trips.ipynb")
    window.execute("notebook:run-all-cells")
    expect(notebook.locator(".jp-Cell").last).to_contain_text("city.trips")
    expect(notebook.locator(".jp-OutputArea-output").last).to_contain_text("draft")
    expect(notebook.locator(".jp-InputPrompt").last).to_have_text("[5]:")

    window.open_panel("Sources")
    source = window.unfold("trips")
    expect(source).to_contain_text("trips.csv")
    expect(source.locator(".jp-EtlColumns li")).to_have_count(3)

    window.open_panel("Published")
    expect(window.row("city.trips")).to_contain_text("3 rows")


def test_a_file_and_a_table_of_a_source_are_previewed(window, declared) -> None:
    window.open_panel("Sources")
    window.act("Preview", "trips")
    preview = window.page.locator(".jp-EtlPreview:visible")
    expect(preview.locator(".jp-EtlData-count")).to_contain_text("3")
    expect(preview.locator("tbody tr")).to_have_count(3)
