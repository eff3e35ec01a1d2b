"""One JupyterLab and one browser for all tests, and a fresh window for each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from ui.lab import CHROMIUM, FLAGS, Lab, running_lab  # noqa: E402
from ui.window import Window, new_context  # noqa: E402

CSV = "city,day,trips\nOslo,2026-01-01,120\nLima,2026-01-01,98\nOslo,2026-01-02,131\n"
TRIPS = [
    "%load_ext jupyter_etl",
    "%etl source trips trips.csv",
    "trips = %etl load trips",
    "%%etl check trips\ncity: not null\nrows > 0",
    "%etl publish table city.trips trips",
]
DOT = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'><circle r='30'/></svg>"
PAUSE = "import time; time.sleep(0.7)"
# Patience with a busy machine; nothing that passes waits for it.
sync_api.expect.set_options(timeout=60_000)

NOTEBOOKS = {
    "trips": TRIPS,
    "slow": [TRIPS[0], *TRIPS[2:3], PAUSE, PAUSE, PAUSE, "%etl publish table slow.trips trips"],
    "fails": [
        "from pathlib import Path",
        "assert Path('mended').exists(), 'the column speed is missing'",
    ],
    "by_dialog": ["%load_ext jupyter_etl", "%etl param day date = 2026-01-01  # the day to count"],
    "by_menu": ["1 + 1"],
    "gated": [
        TRIPS[0],
        "%etl param n int = 10",
        "import pandas as pd\nnumbers = pd.DataFrame({'id': range(n)})",
        "%etl publish table gated.numbers numbers",
    ],
    "checked": [
        TRIPS[0],
        "%etl param n int = 10",
        "import pandas as pd\nlevels = pd.DataFrame({'id': range(n)})",
        "%%etl check levels\nrows >= 10",
        "%etl publish table checked.levels levels",
    ],
    "shows": [
        TRIPS[0],
        "new = %etl load trips --since trips",
        "%%etl check new\ncity: not null\ntrips >= 100 : warn",
        "%etl publish table shows.trips new --mode append",
        f"from pathlib import Path; _ = Path('dot.svg').write_text({DOT!r})",
        "%etl publish file dot.svg",
        '%etl publish report "City numbers" --hide-code',
    ],
    "empty": [""],
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a folder of small notebooks, with the scheduler it starts by itself."""
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed")
    home = tmp_path_factory.mktemp("lab")
    root = home / "work"
    root.mkdir()
    (root / "trips.csv").write_text(CSV)
    for name, sources in NOTEBOOKS.items():
        (root / f"{name}.ipynb").write_text(notebook(sources))
    with running_lab(home, root, home / "etl") as running:
        yield running


@pytest.fixture(scope="session")
def browser(lab: Lab) -> Iterator[sync_api.Browser]:
    """One browser process."""
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def context(browser: sync_api.Browser) -> Iterator[sync_api.BrowserContext]:
    """One context, whose cache all windows share.

    With UI_TRACE set to a file, what goes on is kept for ``playwright show-trace``; it takes long.
    """
    shared, trace = new_context(browser), os.environ.get("UI_TRACE")
    if trace:
        shared.tracing.start(screenshots=True, snapshots=True)
    yield shared
    if trace:
        shared.tracing.stop(path=trace)
    shared.close()


@pytest.fixture
def window(context: sync_api.BrowserContext, lab: Lab) -> Iterator[Window]:
    """A window on an empty workspace; no error may reach the page."""
    opened = Window(context, lab)
    opened.open()
    yield opened
    opened.close()
    assert not opened.problems, opened.problems


@pytest.fixture(scope="session")
def declared(lab: Lab) -> None:
    """The pipelines ``trips``, which has run once, ``slow`` and ``fails``."""
    lab.deploy("trips.ipynb")
    lab.deploy("slow.ipynb")
    lab.deploy("fails.ipynb", retries=0)
    lab.ask("pipelines/trips/trigger", {})
    lab.wait_for_run("trips", "succeeded")


def notebook(sources: list[str]) -> str:
    """Make the text of a notebook with one code cell a source."""
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "source": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
