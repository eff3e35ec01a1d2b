"""The schedule dialog, from every place it opens from."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from fakes.notebooks import write_notebook

pytestmark = pytest.mark.ui


def test_a_notebook_is_scheduled_from_its_toolbar(window, lab) -> None:
    notebook = window.open_notebook("by_dialog.ipynb")
    chip = notebook.locator(".jp-EtlNotebookChip-button")
    expect(chip).to_contain_text("Schedule")
    chip.click()
    dialog = window.dialog
    times = dialog.locator(".jp-EtlNext-times li")
    expect(times).to_have_count(5)
    dialog.get_by_label("Repeat").select_option("daily")
    dialog.get_by_label("At", exact=True).fill("07:30")
    dialog.get_by_label("Timezone").fill("Europe/Paris")
    expect(dialog.locator(".jp-EtlNext-words")).to_have_text("every day at 07:30, Europe/Paris")
    expect(times).to_have_count(5)
    expect(times.first).to_contain_text("07:30")

    words = dialog.get_by_label("Schedule in words or cron")
    words.fill("every blue moon")
    expect(words).to_have_attribute("aria-invalid", "true")
    expect(dialog.locator(".jp-EtlField-note.jp-mod-invalid")).to_contain_text("every blue moon")
    deploy = dialog.get_by_role("button", name="Deploy")
    expect(deploy).to_be_disabled()
    words.fill("weekdays at 06:00")
    expect(dialog.locator(".jp-EtlNext-words")).to_contain_text("every weekday at 06:00")

    dialog.get_by_label("Value of day").fill("2026-02-30")
    expect(deploy).to_be_enabled()
    deploy.click()
    expect(dialog.get_by_role("alert")).to_contain_text("2026-02-30")
    dialog.get_by_label("Value of day").fill("2026-02-28")
    line = dialog.locator(".jp-EtlLine code")
    expect(line).to_contain_text("-p day=2026-02-28")
    expect(deploy).to_be_enabled()
    deploy.click()
    dialog.wait_for(state="detached")

    expect(chip).to_contain_text("v1")
    toast = window.page.locator(".Toastify__toast").filter(has_text="by_dialog v1 runs")
    toast.get_by_role("button", name="Show").click()
    expect(window.row("by_dialog")).to_contain_text("every weekday at 06:00, Europe/Paris")
    (found,) = lab.ask("pipelines?search=by_dialog")["items"]
    assert found["parameters"] == {"day": "2026-02-28"}


def test_it_opens_from_the_file_browser_and_the_palette(window) -> None:
    page = window.page
    window.execute("filebrowser:activate")
    page.locator(".jp-DirListing-item", has_text="by_menu.ipynb").click(button="right")
    page.get_by_role("menuitem", name="Schedule…").click()
    expect(window.dialog.locator(".jp-Dialog-header")).to_contain_text("by_menu.ipynb")
    # Nothing was clicked in it: it has the focus by itself, so that keys reach it.
    page.wait_for_function("document.activeElement.closest('.jp-EtlDialog') !== null")
    page.keyboard.press("Escape")
    window.dialog.wait_for(state="detached")

    window.open_notebook("by_menu.ipynb")
    window.execute("apputils:activate-command-palette")
    page.locator(".lm-CommandPalette-input:visible").fill("Schedule This Notebook")
    page.locator(".lm-CommandPalette-item:visible", has_text="Schedule This Notebook").first.click()
    expect(window.dialog.locator(".jp-Dialog-header")).to_contain_text("by_menu.ipynb")


def test_a_name_that_another_owner_holds_is_refused_and_nothing_is_lost(window, lab) -> None:
    write_notebook(lab.root / "theirs.ipynb", "theirs = 1")
    lab.deploy("theirs.ipynb", owner="alex")
    window.execute("jupyter-etl:schedule", path="by_menu.ipynb")
    name = window.dialog.get_by_label("Name", exact=True)
    name.fill("theirs")
    window.dialog.get_by_label("Schedule in words or cron").fill("hourly")
    window.dialog.locator(".jp-EtlNext-times").wait_for()
    window.dialog.get_by_role("button", name="Deploy").click()
    expect(window.dialog.get_by_role("alert")).to_contain_text("alex")
    expect(name).to_have_value("theirs")


def test_a_publication_is_shared_where_the_conflict_is_shown(window, lab, declared) -> None:
    (lab.root / "second.ipynb").write_text((lab.root / "trips.ipynb").read_text())
    window.execute("jupyter-etl:schedule", path="second.ipynb")
    dialog = window.dialog
    dialog.locator(".jp-EtlNext-times").wait_for()
    dialog.get_by_role("button", name="Deploy").click()
    expect(dialog.get_by_role("alert")).to_contain_text("already publishes 'city.trips'")
    dialog.get_by_role("checkbox").check()
    expect(dialog.locator(".jp-EtlLine code")).to_contain_text("--shared")
    dialog.get_by_role("button", name="Deploy").click()
    dialog.wait_for(state="detached")
    assert lab.ask("pipelines/second")["policy"]["shared"] is True
    lab.ask("pipelines/second", method="DELETE")


def test_included_files_are_pinned_with_the_version(window, lab) -> None:
    (lab.root / "rates.yaml").write_text("usd: 1.1")
    window.execute("jupyter-etl:schedule", path="by_menu.ipynb")
    dialog = window.dialog
    dialog.locator(".jp-EtlNext-times").wait_for()
    dialog.get_by_label("Name", exact=True).fill("pinned")
    dialog.get_by_label("Also include").fill("rates.*")
    dialog.get_by_role("button", name="Deploy").click()
    dialog.wait_for(state="detached")
    window.execute("jupyter-etl:schedule", path="by_menu.ipynb")
    expect(dialog.locator(".jp-EtlFiles li")).to_contain_text("rates.yaml")
    expect(dialog.get_by_label("Also include")).to_have_value("rates.*")
    dialog.get_by_role("button", name="Cancel").click()
    lab.ask("pipelines/pinned", method="DELETE")
