"""A notebook that is renamed in JupyterLab after its deployment."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui


def deploy_new(lab, name: str) -> None:
    """Deploy a notebook of this test alone."""
    lab.root.joinpath(f"{name}.ipynb").write_bytes(lab.root.joinpath("trips.ipynb").read_bytes())
    lab.deploy(f"{name}.ipynb", shared=True)


def test_rename_in_the_file_browser_and_relink(window, lab) -> None:
    deploy_new(lab, "wanders")
    window.open_panel("Pipelines")
    window.page.evaluate(
        "() => window.jupyterapp.serviceManager.contents.rename('wanders.ipynb', 'arrived.ipynb')"
    )
    row = window.row("wanders")
    expect(row).to_contain_text("wanders.ipynb was renamed, moved or deleted")
    expect(row).to_contain_text("Runs still use version 1, as deployed.")
    reported = window.page.locator(".jp-toast-message, .Toastify__toast").filter(
        has_text="is now at arrived.ipynb"
    )
    reported.get_by_role("button", name="Relink").click()
    expect(row.get_by_role("button", name="Relink: wanders")).to_have_count(0)
    view = lab.ask("pipelines/wanders")
    assert (view["notebook_path"], view["missing"], view["version"]) == ("arrived.ipynb", False, 1)


def test_a_missing_notebook_is_reported(window, lab) -> None:
    deploy_new(lab, "leaves")
    window.open_panel("Pipelines")
    row = window.unfold("leaves")
    button = row.get_by_role("button", name="Open notebook: leaves")
    button.wait_for()
    lab.root.joinpath("leaves.ipynb").unlink()
    button.click()
    expect(window.page.locator("body")).to_contain_text(
        "There is no notebook at leaves.ipynb. It was renamed, moved or deleted."
    )
    expect(window.page.locator("body")).not_to_contain_text("Invalid response")
