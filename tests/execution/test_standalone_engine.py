"""Papermill's own functions with the engine of the platform."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.engines import papermill_engines

from fakes.notebooks import write_notebook
from jupyter_etl.execution.output_caps import ERROR_BYTES
from jupyter_etl.execution.papermill_entry import PapermillEntry


def test_papermill_finds_the_engine_by_its_name() -> None:
    (found,) = entry_points(group="papermill.engine", name="jupyter_etl")
    assert found.load() is PapermillEntry
    assert papermill_engines.get_engine("jupyter_etl") is PapermillEntry


@pytest.mark.parametrize(("said", "asked"), [("python3", None), ("other", "other")])
def test_it_reads_the_notebook_as_papermill_does(said: str, asked: str | None) -> None:
    spec = {"name": "python3", "language": "python", "display_name": "Python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": spec})
    assert PapermillEntry.nb_kernel_name(notebook, asked) == said
    assert PapermillEntry.nb_language(notebook) == "python"


@pytest.mark.kernel
def test_a_notebook_is_saved_with_all_that_fits(tmp_path: Path) -> None:
    source = write_notebook(
        tmp_path / "in.ipynb",
        "seen = open(output).read()\nprint(number + 1, 'status\": \"running' in seen)",
        "print('x' * 3_000_000)",
        "1 / 0",
        "print('never')",
    )
    out = tmp_path / "out.ipynb"
    with pytest.raises(papermill.PapermillExecutionError, match="division by zero"):
        papermill.execute_notebook(
            str(source),
            str(out),
            parameters={"number": 41, "output": str(out)},
            engine_name="jupyter_etl",
            kernel_name="python3",
            language="python",
            progress_bar=False,
        )
    cells = [cell for cell in nbformat.read(out, as_version=4).cells if cell.cell_type == "code"]
    texts = ["".join(one.get("text", "") for one in cell.get("outputs", [])) for cell in cells]
    assert "42 True\n" in texts
    (long,) = [text for text in texts if text.startswith("xxx")]
    assert ERROR_BYTES < len(long) < 1_100_000
    assert "[etl]" in long
    assert "never\n" not in texts
