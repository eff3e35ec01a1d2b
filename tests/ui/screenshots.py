"""Take the pictures of docs/images/ on the demo's data.

Run manually, from the root of the checkout, after what is to be seen has changed, on a demo of its
own, to which it adds runs of which one is held by a check::

    JUPYTER_ETL_OWNER=sam python notebooks/demo.py /home/sam/nyc
    PYTHONPATH=tests python -m ui.screenshots /home/sam/nyc docs/images

It opens a real JupyterLab on the demo's notebooks, shows each tab, the dialog and the whole window
in the light and the dark theme, and ends what it started.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, sync_playwright

from ui.lab import CHROMIUM, FLAGS, Lab, running_lab
from ui.window import SIZE, Window, new_context

UNFOLDED = {"Sources": "raw_planes", "Published": "nyc.daily_delays"}
"""What is unfolded on a tab."""

HEIGHT = 660
"""Of the pictures of a tab, CSS pixels: what is below is empty or goes on alike."""

EMPTY_DAY = "2014-01-01"
"""A day without flights, which a check holds back."""


def shoot_list(window: Window, out: Path, tab: str, theme: str) -> None:
    """Take a tab with one of its rows unfolded, cropped to the panel."""
    panel = window.open_panel(tab)
    row = window.unfold(UNFOLDED[tab])
    row.locator(".jp-EtlColumns li").first.wait_for()
    settle(window)
    crop(panel, out / f"{tab.lower()}-{theme}.png")


def shoot_runs(window: Window, out: Path, theme: str) -> None:
    """Take pipelines and runs while one is at work and one is held by a check."""
    held = window.lab.wait_for_run("daily_delays", "held")["id"]
    window.lab.ask("pipelines/ingest/trigger", {})
    panel = window.open_panel("Pipelines")
    bar = panel.get_by_role("progressbar")
    window.row("ingest").get_by_role("img", name="Running").wait_for()
    settle(window)
    crop(panel, out / f"pipelines-{theme}.png")
    window.open_panel("Runs")
    window.unfold(held).locator(".jp-EtlFailure").wait_for()
    panel.locator(".jp-EtlProgress-text", has_text=re.compile(r"[3-9] of \d+ cells")).wait_for()
    settle(window)
    bar.wait_for()
    crop(panel, out / f"runs-{theme}.png")
    window.unfold(held).locator(".jp-EtlRow-head").click()
    window.lab.wait_for_run("ingest", "succeeded")


def shoot_dialog(window: Window, out: Path, theme: str) -> None:
    """Take the schedule dialog of the notebook with a parameter."""
    window.page.set_viewport_size({**SIZE, "height": 940})
    window.execute("jupyter-etl:schedule", path="daily_delays.ipynb")
    window.dialog.locator(".jp-EtlNext-times").wait_for()
    settle(window)
    content = window.dialog.locator(".jp-Dialog-content")
    content.screenshot(path=out / f"schedule-dialog-{theme}.png")
    window.dialog.get_by_role("button", name="Cancel").click()
    window.dialog.wait_for(state="detached")
    window.page.set_viewport_size(SIZE)


def shoot_window(window: Window, out: Path, theme: str) -> None:
    """Take the whole window: the panel, and the brief as a run executed it."""
    brief = window.lab.ask("runs?pipeline=morning_brief&state=succeeded&limit=1")["items"][0]
    window.execute("jupyter-etl:open-run", id=brief["id"])
    chart = window.notebook.locator(".jp-RenderedImage img").first
    chart.wait_for()
    window.open_panel("Pipelines")
    heading = window.notebook.get_by_role("heading", name=re.compile("February"))
    heading.evaluate("node => node.scrollIntoView()")
    settle(window)
    window.page.screenshot(path=out / f"lab-{theme}.png")


def crop(panel: Locator, picture: Path) -> None:
    """Take the upper part of the panel."""
    box = panel.bounding_box()
    assert box is not None
    clip = {"x": box["x"], "y": box["y"], "width": box["width"], "height": HEIGHT}
    panel.page.screenshot(path=picture, clip=clip)


def settle(window: Window) -> None:
    """Let what is under the pointer and in motion come to rest."""
    window.page.mouse.move(SIZE["width"] - 5, SIZE["height"] // 2)
    window.page.evaluate("document.activeElement?.blur()")
    window.page.wait_for_timeout(600)


def shrink(picture: Path) -> None:
    """Reduce a picture to 256 colours, of which a user interface has fewer."""
    with Image.open(picture) as full:
        small = full.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(picture, optimize=True)


def shoot(browser: Browser, lab: Lab, out: Path) -> list[str]:
    """Take all pictures; returns the errors that the page raised."""
    lab.ask("pipelines/daily_delays/trigger", {"parameters": {"day": EMPTY_DAY}})
    window = Window(new_context(browser, scale=2, timezone="America/New_York"), lab)
    window.open()
    for dark in (False, True):
        theme = "dark" if dark else "light"
        window.use_theme(dark=dark)
        for tab in UNFOLDED:
            shoot_list(window, out, tab, theme)
        shoot_runs(window, out, theme)
        shoot_dialog(window, out, theme)
        shoot_window(window, out, theme)
    window.close()
    return window.problems


def main(demo: Path, out: Path) -> int:
    """Take all pictures on a demo's folder."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        notebooks, etl = (demo / "notebooks").absolute(), (demo / "etl").absolute()
        with running_lab(Path(folder), notebooks, etl) as lab:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            problems = shoot(browser, lab, out)
            browser.close()
    for picture in out.glob("*.png"):
        shrink(picture)
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return len(problems)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
