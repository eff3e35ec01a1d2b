"""The pages in docs/examples, executed: what they show is what comes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import jupyter_etl
from examples.page import normal, reported, steps_of, with_shown
from examples.worlds import WORLDS
from fakes.shell import Notebook, notebook_shell

PAGES = Path(__file__).parents[2] / "docs" / "examples"
MOST_CELLS = 5

pytestmark = pytest.mark.slow


@pytest.fixture
def notebook(home: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Iterator[Notebook]:
    monkeypatch.setenv("JPY_SESSION_NAME", "example.ipynb")
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.MonkeyPatch.context() as zone:
        zone.setenv("TZ", "UTC")
        time.tzset()
        with notebook_shell(here / "example.ipynb", capsys, loaded=False) as shell:
            yield shell
    time.tzset()


def shown_by(notebook: Notebook, cell: str) -> str:
    """Execute a cell and return what a person sees below it."""
    cards = [card.text for card in notebook.run(cell)]
    printed = re.sub(r"^Out\[\d+\]: ?", "", notebook.capsys.readouterr().out.lstrip())
    return "\n".join([*cards, printed]).strip()


@pytest.mark.parametrize("name", WORLDS)
def test_an_example_does_what_its_page_shows(
    name: str,
    notebook: Notebook,
    home: Path,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    page = PAGES / f"{name}.md"
    text = page.read_text("utf-8")
    steps = steps_of(text)
    assert 0 < len(steps) <= MOST_CELLS
    with WORLDS[name](here) as world:
        for secret, value in world.secrets.items():
            monkeypatch.setenv(f"JUPYTER_ETL_SECRET_{secret.upper()}", value)
        names = {**world.names, "/home/sam/etl": str(home), "/home/sam/work": str(here)}
        shown = []
        for step in steps:
            cell = step.cell
            for page_name, real in world.names.items():
                cell = cell.replace(page_name, real)
            shown.append(reported(shown_by(notebook, cell), names))
        if request.config.getoption("--write", default=False):
            page.write_text(with_shown(text, shown), "utf-8")
        else:
            assert [normal(s) for s in shown] == [normal(step.shown) for step in steps], (
                "the page is out of date: pytest tests/examples --write"
            )
        for publication, rows in world.rows.items():
            assert len(jupyter_etl.read(publication)) == rows, publication


def test_every_page_has_its_data_and_its_place_in_the_index() -> None:
    pages = {page.stem for page in PAGES.glob("*.md")} - {"index"}
    assert pages == set(WORLDS)
    index = (PAGES / "index.md").read_text("utf-8")
    assert set(re.findall(r"\]\((\w+)\.md\)", index)) == pages


def test_what_shows_the_same_stays_and_what_does_not_is_replaced() -> None:
    page = (
        "Say:\n\n```text\n%etl a\n```\n\n```output\nin 0.1 s\n```\n\n```text\n%etl b\n```\n\nEnd.\n"
    )
    assert [(s.cell, s.shown) for s in steps_of(page)] == [("%etl a", "in 0.1 s"), ("%etl b", "")]
    assert with_shown(page, ["in 7.25 s", ""]) == page
    assert "```output\n2 rows in 1 s\n```\n\n```text" in with_shown(page, ["2 rows in 1 s", ""])
    assert "%etl b\n```\n\n```output\nnew\n```\n\nEnd." in with_shown(page, ["in 2 s", "new"])
    assert normal("12 rows") != normal("13 rows")
