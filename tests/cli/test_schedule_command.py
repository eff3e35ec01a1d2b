"""``jupyter etl schedule`` a second time."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Command
from fakes.notebooks import code, write_notebook

OPTIONS = ("--retries", "7", "-p", "n=3", "--checkpoint")


@pytest.fixture
def notebook(here: Path) -> Path:
    return write_notebook(here / "a.ipynb", code("n = 1", "parameters"), "print(n)")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ((), ("a: every 1 h (version 1, unchanged)", "nothing changed")),
        (("daily at 06:00", "--tz", "UTC"), ("schedule: every 1 h -> every day at 06:00, UTC",)),
        (("--on-demand",), ("runs on demand", "schedule: every 1 h -> on demand")),
        (("--reset", "retries,param.n"), ("retries: 7 -> 3", "parameter n: 3 -> ")),
        (("--priority", "4"), ("priority: 0 -> 4",)),
    ],
)
def test_what_is_not_given_stays(
    command: Command, notebook: Path, words: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    assert command("schedule", notebook, "every 1h", *OPTIONS).code == 0
    again = command("schedule", notebook, *words)
    assert again.code == 0
    for text in shown:
        assert text in again.out


def test_relinking(command: Command, notebook: Path) -> None:
    assert command("schedule", notebook, "every 1h").code == 0
    notebook.rename(notebook.with_name("b.ipynb"))
    listed = command("pipelines")
    assert "The notebook of a is missing; version 1 still runs." in listed.err
    assert "jupyter etl relink a" in listed.err
    assert '"missing": true' in command("pipelines", "--json").out
    stands = command("status")
    assert "The notebook of a is missing; version 1 still runs." in stands.err
    assert command("status", "--json").json["notebook_gone"] == ["a"]
    done = command("relink", "a")
    assert (done.code, "b.ipynb" in done.out) == (0, True)
    assert command("pipelines").err == ""
    assert command("status", "--json").json["notebook_gone"] == []
    (notebook.parent / "b.ipynb").rename(notebook.with_name("c.ipynb"))
    assert "b.ipynb -> " in command("schedule", "c.ipynb").out
    assert command("relink", "a", "nothing.ipynb").code == 2
