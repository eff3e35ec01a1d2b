"""Papermill's own functions with the engine of the platform."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.engines import papermill_engines

from fakes.notebooks import write_notebook
from jupyter_etl.errors import DeclarationError
from jupyter_etl.services.processes.papermill_entry import PapermillEntry


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


def test_a_setting_that_cannot_be_is_reported_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JUPYTER_ETL_CELL_OUTPUT", "much")
    with pytest.raises(DeclarationError, match="JUPYTER_ETL_CELL_OUTPUT: "):
        PapermillEntry.execute_notebook(nbformat.v4.new_notebook(), "python3")


@pytest.mark.kernel
def test_a_notebook_is_saved_with_all_that_fits_and_without_secrets(
    tmp_path: Path, isolation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_ETL_CELL_OUTPUT", "10KB")
    monkeypatch.setenv("JUPYTER_ETL_RUN_OUTPUT", "14KB")
    monkeypatch.setenv("JUPYTER_ETL_SECRET_WH_PW", "from-the-environment")
    (isolation / "secrets").mkdir(parents=True)
    (isolation / "secrets" / "token").write_text("from-a-file\n")
    source = write_notebook(
        tmp_path / "in.ipynb",
        "seen = open(output).read()\nprint(number + 1, 'status\": \"running' in seen)",
        "import os, sys, time\npw = os.environ['JUPYTER_ETL_SECRET_WH_PW']\n"
        "token = 'from-' + 'a-file'",
        "sys.stdout.write('cut ' + pw[:9])\nsys.stdout.flush()\ntime.sleep(0.05)\n"
        "print(pw[9:])\nprint(token, file=sys.stderr)\n{'deep': [token]}",
        "print('x' * 30_000)",
        "print('y' * 30_000)",
        "raise ValueError(pw)",
        "print('never')",
    )
    out, reported = tmp_path / "out.ipynb", tmp_path / "told"
    with (
        reported.open("w") as file,
        pytest.raises(papermill.PapermillExecutionError, match=r"\[secret wh_pw\]") as caught,
    ):
        papermill.execute_notebook(
            str(source),
            str(out),
            parameters={"number": 41, "output": str(out)},
            engine_name="jupyter_etl",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            stdout_file=file,
        )
    cells = [cell for cell in nbformat.read(out, as_version=4).cells if cell.cell_type == "code"]
    texts = ["".join(one.get("text", "") for one in cell.get("outputs", [])) for cell in cells]
    assert "42 True\n" in texts
    assert "never\n" not in texts
    by_cell, by_run = (text for text in texts if "[etl]" in text)
    assert by_cell.startswith("x" * 10_000 + "[etl]")
    assert "CELL_OUTPUT" in by_cell
    assert 3_000 < by_run.count("y") < 4_000
    assert "RUN_OUTPUT" in by_run
    assert "cut [secret wh_pw]\n" in reported.read_text()
    assert reported.read_text().count("cut ") == 1
    for shown in (out.read_text(), reported.read_text(), str(caught.value)):
        assert "from-the-environment" not in shown
        assert "from-a-file" not in shown
    assert out.read_text().count("[secret token]") == 2
