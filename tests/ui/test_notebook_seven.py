"""The platform in Notebook 7, where each document has a page of its own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import pytest

# Not by an import: the folder tests/notebook is importable under that name too.
try:
    version("notebook")
except PackageNotFoundError:
    pytest.skip("Notebook 7 is not installed", allow_module_level=True)

from playwright.sync_api import BrowserContext, Page, expect

from ui.conftest import CSV, TRIPS, notebook
from ui.lab import TOKEN, Lab, running_lab

pytestmark = pytest.mark.ui


@pytest.fixture(scope="module")
def seven(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Notebook 7 on a folder with one notebook."""
    home = tmp_path_factory.mktemp("seven")
    root = home / "work"
    root.mkdir()
    (root / "trips.csv").write_text(CSV)
    (root / "trips.ipynb").write_text(notebook(TRIPS))
    with running_lab(home, root, home / "etl", application="notebook") as running:
        yield running


@pytest.fixture
def page(context: BrowserContext, seven: Lab) -> Iterator[Page]:
    """The notebook's page; no error may reach it."""
    opened, problems = context.new_page(), []
    opened.set_default_timeout(60_000)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto(f"{seven.url}notebooks/trips.ipynb?token={TOKEN}")
    opened.locator(".jp-Cell").first.wait_for()
    yield opened
    opened.close()
    assert problems == []


def execute(page: Page, command: str, **args: object) -> None:
    page.evaluate(
        "([id, args]) => { void window.jupyterapp.commands.execute(id, args); }", [command, args]
    )


def test_a_notebook_is_scheduled_and_what_its_run_left_opens(page: Page, seven: Lab) -> None:
    page.locator(".jp-EtlNotebookChip-button").click()
    dialog = page.locator(".jp-EtlDialog")
    dialog.get_by_label("Schedule in words or cron").fill("weekdays at 06:00")
    expect(dialog.locator(".jp-EtlNext-words")).to_contain_text("every weekday at 06:00")
    dialog.get_by_role("button", name="Deploy").click()
    dialog.wait_for(state="detached")
    expect(page.locator(".jp-EtlNotebookChip-button")).to_contain_text("v1")
    toast = page.locator(".Toastify__toast").filter(has_text="trips v1 runs")
    expect(toast).to_be_visible()

    seven.ask("pipelines/trips/trigger", {})
    number = seven.wait_for_run("trips", "succeeded")["id"]
    execute(page, "jupyter-etl:open-log", id=number)
    expect(page.get_by_role("log")).to_contain_text("published version 1 of city.trips")
    execute(page, "jupyter-etl:open-publication", name="city.trips")
    expect(page.get_by_role("heading", name="city.trips")).to_be_visible()
    with page.context.expect_page() as opened:
        execute(page, "jupyter-etl:open-run", id=number)
    expect(opened.value.locator(".jp-OutputArea-output").last).to_contain_text("city.trips")
    opened.value.close()


def test_the_panel_opens_beside_the_notebook(page: Page, seven: Lab) -> None:
    execute(page, "jupyter-etl:open", tab="pipelines")
    expect(page.locator("#jp-etl-sidebar")).to_be_visible()
