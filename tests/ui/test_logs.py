"""The log of a run, while it goes on and after."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui


def test_a_log_follows_its_run_and_its_tab_shows_whose_it_is(window, declared, lab) -> None:
    lab.ask("pipelines/slow/trigger", {})
    number = lab.wait_for_run("slow", "running")["id"]
    window.open_panel("Runs")
    window.unfold(number).get_by_role("button", name=f"Open log: #{number}").click()
    page = window.page.locator(".jp-EtlLogPage")
    expect(page.get_by_role("heading", name=f"slow #{number}")).to_be_visible()
    log = page.get_by_role("log")
    expect(log).to_contain_text(f"run {number} of slow (version 1) queued on request")
    # Nothing is clicked: the text grows by itself.
    expect(log).to_contain_text("cell 3 started: import time; time.sleep(0.7)")
    expect(log).to_contain_text("published version")
    expect(log).to_contain_text("attempt 1 succeeded after")
    expect(page.get_by_role("img", name="Succeeded")).to_be_visible()
    tab = window.page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")
    expect(tab).to_contain_text(f"Log: slow #{number}")


def test_the_log_of_a_failure_begins_at_its_error(window, declared, lab) -> None:
    lab.ask("pipelines/fails/trigger", {})
    number = lab.wait_for_run("fails", "failed")["id"]
    window.execute("jupyter-etl:open-log", id=number)
    log = window.page.locator(".jp-EtlLogPage").get_by_role("log")
    expect(log).to_contain_text("AssertionError: the column speed is missing")
    expect(log).to_contain_text("Traceback (most recent call last)")
    window.execute("jupyter-etl:open-run", id=number)
    tab = window.page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")
    expect(tab).to_contain_text(f"fails #{number}")
