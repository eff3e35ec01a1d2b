"""The first hour: a new notebook works at once, under each of its names; a reload loses nothing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from ui.window import Window

pytestmark = pytest.mark.ui

LOAD = "%load_ext jupyter_etl"
SCHEDULE = '%etl schedule "daily at 06:00"'
IDLE = (
    "() => window.jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status"
    " === 'idle'"
)


@pytest.fixture
def new_notebook(window: Window) -> Locator:
    """A notebook as the Launcher makes it, with an idle kernel."""
    window.execute("notebook:create-new", kernelName="python3")
    window.page.wait_for_function(IDLE)
    return window.notebook


def write_cells(window: Window, *sources: str) -> None:
    """Make these the cells of the notebook in front."""
    window.page.evaluate(
        "sources => window.jupyterapp.shell.currentWidget.content.model.sharedModel"
        ".transact(() => { const model = window.jupyterapp.shell.currentWidget.content.model"
        ".sharedModel; model.deleteCellRange(0, model.cells.length); model.insertCells(0,"
        " sources.map(source => ({cell_type: 'code', source}))); })",
        list(sources),
    )


def save_as(window: Window, name: str) -> None:
    """Save a new notebook, and give it the name that JupyterLab asks for."""
    with window.page.expect_response(
        lambda answer: answer.url.partition("?")[0].endswith(f"/{name}/checkpoints")
    ):
        window.execute("docmanager:save")
        window.page.locator(".jp-Dialog input[type=text], .jp-Dialog input:not([type])").first.fill(
            name
        )
        window.page.keyboard.press("Enter")
    wait_for_path(window, name)


def rename(window: Window, path: str) -> None:
    """Rename or move the notebook in front, as the file browser does."""
    window.page.evaluate(
        "path => { const app = window.jupyterapp; const from = app.shell.currentWidget.context.path;"
        " return app.serviceManager.contents.rename(from, path); }",
        path,
    )
    wait_for_path(window, path)


def wait_for_path(window: Window, path: str) -> None:
    """Wait until the notebook in front has a path, and its session too."""
    window.page.wait_for_function(
        "path => { const { context } = window.jupyterapp.shell.currentWidget;"
        " return context.path === path && context.sessionContext.session.path === path; }",
        arg=path,
    )


def run_all(window: Window, notebook: Locator) -> Locator:
    """Run all cells; returns the output of the last one."""
    prompt = notebook.locator(".jp-InputPrompt").last
    before = prompt.inner_text()
    window.execute("notebook:run-all-cells")
    expect(prompt).not_to_have_text(before)
    expect(prompt).to_have_text(re.compile(r"\[\d+\]:"))
    return notebook.locator(".jp-Cell").last.locator(".jp-OutputArea-output")


def save(window: Window) -> None:
    """Save the notebook in front."""
    window.page.evaluate("window.jupyterapp.shell.currentWidget.context.save()")


def test_a_new_notebook_is_named_and_scheduled_at_once(window, new_notebook, lab) -> None:
    write_cells(window, LOAD, SCHEDULE)
    save_as(window, "first.ipynb")
    expect(run_all(window, new_notebook)).to_contain_text("first: every day at 06:00")
    assert lab.ask("pipelines/first")["notebook"] == str(lab.root / "first.ipynb")
    chip = new_notebook.locator(".jp-EtlNotebookChip-button")
    # The toolbar follows the cell, without a click.
    expect(chip).to_contain_text("v1")


def test_a_notebook_keeps_working_when_it_is_renamed_and_moved(window, new_notebook, lab) -> None:
    (lab.root / "reports").mkdir()
    write_cells(window, LOAD, SCHEDULE)
    old = "before.ipynb"
    save_as(window, old)
    expect(run_all(window, new_notebook)).to_contain_text("before: every day at 06:00")
    for path, name in (("after.ipynb", "after"), ("reports/moved.ipynb", "moved")):
        rename(window, path)
        # Another notebook takes the old path: it is not the one that is meant.
        (lab.root / old).write_text((lab.root / "empty.ipynb").read_text())
        expect(run_all(window, new_notebook)).to_contain_text(f"{name}: every day at 06:00")
        assert lab.ask(f"pipelines/{name}")["notebook"] == str(lab.root / path)
        old = path


def test_a_report_and_a_run_of_a_renamed_notebook(window, new_notebook, lab) -> None:
    write_cells(window, LOAD, '%etl publish report "First hour"')
    save_as(window, "report_before.ipynb")
    rename(window, "report_after.ipynb")
    expect(run_all(window, new_notebook)).to_contain_text("first-hour: draft 1")
    write_cells(window, LOAD, "%etl run --draft")
    # What is on the screen is not in the file yet.
    expect(run_all(window, new_notebook)).to_contain_text("Save the notebook first")
    save(window)
    expect(run_all(window, new_notebook).last).to_contain_text("succeeded")
    assert lab.ask("runs?pipeline=report_after&limit=1")["items"][0]["state"] == "succeeded"


@pytest.mark.parametrize("query", ["", "?reset"], ids=["reload", "in a new workspace"])
def test_an_executed_notebook_is_there_again_after_a_reload(
    window, declared, lab, query: str
) -> None:
    run = lab.ask("runs?pipeline=trips&limit=1")["items"][0]["id"]
    window.execute("jupyter-etl:open-run", id=run)
    executed = window.notebook
    expect(executed.locator(".jp-OutputArea-output").last).to_contain_text("city.trips")
    # The address that JupyterLab gives to the notebook in front.
    window.load(f"{lab.url}lab/tree/etl-run%3A{run}.ipynb{query}")
    expect(executed.locator(".jp-EtlNotebookChip-label")).to_contain_text(f"run {run}")
    expect(executed.locator(".jp-OutputArea-output").last).to_contain_text("city.trips")
    expect(window.page.locator(".jp-NotebookPanel")).to_have_count(1)
    expect(window.page.locator(".jp-Dialog")).to_have_count(0)
