"""Pause, resume and take away, with a way back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui


@pytest.fixture
def nightly(lab) -> None:
    """A pipeline of which no other test knows."""
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


def test_unscheduling_waits_and_can_be_undone(window, nightly, lab) -> None:
    window.open_panel("Pipelines")
    row = window.unfold("nightly")
    row.get_by_role("button", name="Unschedule: nightly").click()
    row.get_by_role("button", name="Undo: nightly").click()
    expect(row.get_by_role("status")).to_have_count(0)
    row.get_by_role("button", name="Unschedule: nightly").click()
    expect(row).to_contain_text("Will be unscheduled")
    assert lab.ask("pipelines?search=nightly")["total"] == 1
    expect(row).to_have_count(0)
    assert lab.ask("pipelines?search=nightly")["total"] == 0
