"""Pause, resume and take away, with a way back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui


@pytest.fixture
def nightly(lab) -> None:
    """A pipeline of this test alone."""
    lab.deploy("by_menu.ipynb", name="nightly")


def test_pause_and_resume(window, nightly, lab) -> None:
    window.open_panel("Pipelines")
    row = window.row("nightly")
    window.act("Pause", "nightly")
    expect(row.get_by_role("img", name="Paused")).to_be_visible()
    assert lab.ask("pipelines/nightly")["paused"] is True
    window.act("Resume", "nightly")
    expect(row.get_by_role("img", name="Paused")).to_have_count(0)
    assert lab.ask("pipelines/nightly")["next_due"] is not None


def test_a_run_is_given_parameters_and_publishes_drafts(window, lab) -> None:
    lab.deploy("gated.ipynb", name="numbers", parameters={"n": 12}, shared=True)
    window.open_panel("Pipelines")
    window.act("Run now", "numbers")
    field = window.dialog.get_by_label("Value of n")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("placeholder", "deployed: 12")
    field.fill("many")
    window.page.keyboard.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(window.dialog.locator("td").get_by_role("alert")).to_contain_text("'many'")
    field.fill("3")
    window.dialog.get_by_label("Draft").check()
    line = window.dialog.locator(".jp-EtlLine code")
    expect(line).to_have_text("jupyter etl trigger numbers -p n=3 --draft")
    window.dialog.get_by_role("button", name="Run", exact=True).click()
    window.dialog.wait_for(state="detached")
    toast = window.page.locator(".Toastify__toast").filter(has_text="of numbers is queued")
    toast.get_by_role("button", name="Show").click()
    number = lab.wait_for_run("numbers", "succeeded")["id"]
    expect(window.row(number)).to_contain_text("draft")
    found = lab.ask(f"runs/{number}")
    assert (found["draft"], found["parameters"]) == (True, {"n": "3"})
    lab.ask("pipelines/numbers", method="DELETE")


def test_unscheduling_waits_and_can_be_undone(window, nightly, lab) -> None:
    window.open_panel("Pipelines")
    row = window.unfold("nightly")
    row.get_by_role("button", name="Unschedule: nightly").click()
    row.get_by_role("button", name="Undo: nightly").click()
    expect(row.get_by_role("status")).to_have_count(0)
    row.get_by_role("button", name="Unschedule: nightly").click()
    expect(row).to_contain_text("Unscheduling in")
    assert lab.ask("pipelines?search=nightly")["total"] == 1
    expect(row).to_have_count(0)
    assert lab.ask("pipelines?search=nightly")["total"] == 0
