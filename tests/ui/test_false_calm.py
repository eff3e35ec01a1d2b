"""A pipeline that the platform paused after failures is red everywhere until it works again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from contracts.store_values import a_run, finish, start
from jupyter_etl.model import FAILURES_TO_PAUSE, AttemptReport, Cause, Outcome, RunState
from jupyter_etl.services import Etl, Settings
from ui.lab import Lab
from ui.test_panel_accessible import violations

pytestmark = pytest.mark.ui

FAILED = AttemptReport(outcome=Outcome.FAILED, error="KeyError: 'speed'", failed_cell=2)


def cli(lab: Lab, *words: str) -> str:
    """Return what a command writes about the lab's home."""
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_etl.cli", *words],
        env={**os.environ, "JUPYTER_ETL_HOME": str(lab.etl_home), "JUPYTER_ETL_OWNER": "sam"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


@pytest.fixture
def stopped(lab: Lab, declared: None) -> Iterator[str]:
    """The pipeline ``flaky``, whose scheduled runs failed until the platform paused it."""
    lab.deploy("by_menu.ipynb", name="flaky")
    with closing(Etl.open(Settings.from_env({}, home=str(lab.etl_home), owner="sam"))) as etl:
        # Due soon, so that the lab's own scheduler does not start them.
        soon = etl.clock.now() + timedelta(seconds=20)
        for number in range(FAILURES_TO_PAUSE):
            new = a_run(f"tick {number}", pipeline="flaky", owner="sam", cause=Cause.SCHEDULE)
            run = etl.store.add_run(replace(new, due_at=soon), now=etl.clock.now())
            (claim,) = etl.store.claim("test", now=soon, limit=1, run_id=run.id)
            start(etl.store, claim, now=etl.clock.now())
            finish(etl.store, claim, FAILED, state=RunState.FAILED, now=etl.clock.now())
    yield "flaky"
    lab.ask("pipelines/flaky", method="DELETE")


def test_an_automatic_pause_is_no_calm(window, lab, stopped) -> None:
    view = lab.ask(f"pipelines/{stopped}")
    assert (view["health"], view["paused_by"]) == ("auto_paused", "platform")
    failed = lab.ask(f"runs?pipeline={stopped}&state=failed")["total"]
    assert failed >= FAILURES_TO_PAUSE

    bar = window.page.locator(".jp-EtlStatusItem")
    expect(bar).to_contain_text("1 paused after failures")
    expect(bar).to_have_attribute("title", re.compile("To resume: jupyter etl resume flaky"))
    expect(bar.locator(".jp-EtlStatus.jp-mod-stopped")).to_be_visible()

    panel = window.open_panel("Pipelines")
    first = panel.locator(".jp-EtlRow").first
    expect(first).to_have_attribute("data-name", stopped)
    expect(first.get_by_role("img", name="Paused after failures").first).to_be_visible()
    expect(first.get_by_role("note")).to_contain_text("after 5 failures in a row")
    expect(panel.get_by_text("Needs attention ·")).to_be_visible()
    for dark in (False, True):
        window.use_theme(dark=dark)
        assert violations(window, "#jp-etl-sidebar") == []

    runs = window.open_panel("Runs")
    total = lab.ask("runs?limit=1")["total"]
    expect(window.tab("Runs")).to_contain_text(str(total))
    runs.get_by_role("radio", name="Failed", exact=True).check()
    expect(window.tab("Runs")).to_contain_text(str(lab.ask("runs?state=failed")["total"]))

    said = cli(lab, "status")
    assert "1 paused after failures" in said
    assert "jupyter etl resume flaky" in said
    assert "paused after failures" in cli(lab, "pipelines")

    window.open_panel("Pipelines")
    window.row(stopped).get_by_role("button", name="Resume: flaky after its failures").click()
    expect(window.row(stopped).get_by_role("note")).to_have_count(0)
    lab.ask(f"pipelines/{stopped}/pause", {})
    view = lab.ask(f"pipelines/{stopped}")
    assert (view["health"], view["paused_by"]) == ("failing", "person")
    expect(window.row(stopped).get_by_role("img", name="Failing")).to_be_visible()
    expect(bar).not_to_have_attribute("title", re.compile("all is well"))
