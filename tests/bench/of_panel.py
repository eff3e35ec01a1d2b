"""Response times of the panel of a large platform, in a real browser."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from bench.figures import Figure
from bench.living import Platform, platform
from bench.many import deploy_many, queue_many
from bench.sizes import Size
from jupyter_etl.model import RunState
from ui.lab import CHROMIUM, FLAGS, Lab, running_lab

_PAINT, _UPDATE = "panel: first paint", "panel: update after the event"


def paint(folder: Path, size: Size) -> Iterator[Figure]:
    """From opening the panel to its first row, and from an event to the updated row."""
    of = f" with {size.pipelines:,} pipelines and {size.runs:,} runs"
    if not Path(CHROMIUM).exists() or find_spec("playwright") is None:
        for what in (_PAINT, _UPDATE):
            yield Figure(what=what + of, value=None, unit="s", goal=1.0, detail="no browser")
        return
    root, home = folder / "work", folder / "home"
    for place in (root, home):
        place.mkdir()
    with platform(folder) as at:
        now = at.etl.clock.now()
        tomorrow = now + timedelta(days=1)
        names = deploy_many(at, size.pipelines, cron="0 6 * * *", now=now, due=tomorrow)
        queue_many(at, names, size.runs, state=RunState.SUCCEEDED)
        with running_lab(home, root, at.home) as lab:
            paints, updates = _watch(at, lab, names[0], size)
    for what, times in ((_PAINT, paints), (_UPDATE, updates)):
        yield Figure(
            what=what + of,
            value=statistics.median(times),
            unit="s",
            goal=1.0,
            detail=f"median of {len(times)}, the worst {max(times):.3g} s",
        )


def _watch(at: Platform, lab: Lab, name: str, size: Size) -> tuple[list[float], list[float]]:
    """Return the seconds of first paints, each in a fresh window, and of updates in one."""
    from playwright.sync_api import sync_playwright

    from ui.window import Window, new_context

    paints, updates = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = new_context(browser)
        for _ in range(size.starts):
            window = Window(context, lab)
            window.open()
            begun = time.perf_counter()
            window.open_panel("Pipelines")
            window.row(name).wait_for()
            paints.append(time.perf_counter() - begun)
            window.close()
        window = Window(context, lab)
        window.open()
        window.open_panel("Runs")
        for _ in range(size.starts):
            run = at.etl.runs.trigger(name)
            begun = time.perf_counter()
            window.row(run.id).wait_for()
            updates.append(time.perf_counter() - begun)
        browser.close()
    return paints, updates


MEASURES = {"paint": paint}
