"""``python -m fakes.outcomes papermill|ours FOLDER OUT NOTEBOOK...``: outcomes of notebooks.

A process of its own, so that papermill and the platform each execute a whole list at once.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_etl.services.etl import Etl

PATIENCE_S = 60
CELL_S = 15
MARK = "papermill-error-cell-tag"


def by_papermill(notebook: Path, output: Path) -> dict[str, Any]:
    """Return the outcome of papermill."""
    import nbformat
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    named = json.loads(notebook.read_text("utf-8"))["metadata"].get("kernelspec", {}).get("name")
    try:
        execute_notebook(
            notebook,
            output,
            # Papermill refuses a notebook that names no kernel; the platform assumes python3.
            kernel_name=None if named else "python3",
            cwd=notebook.parent,
            progress_bar=False,
            # Without a limit papermill may wait forever for the reply to a cell that prints into an
            # output widget; see jupyter_etl.runner.execution.client.
            execution_timeout=CELL_S,
        )
    except PapermillExecutionError as problem:
        executed = nbformat.read(output, as_version=4)  # type: ignore[no-untyped-call]
        cells = executed.cells
        own = [cell for cell in cells if MARK not in cell.metadata.get("tags", [])]
        return failed(problem.ename, own[problem.cell_index].source)
    except Exception as problem:  # noqa: BLE001 - whatever papermill raises is its outcome
        return failed(type(problem).__name__, None)
    return {"outcome": "succeeded", "error": None, "source": None}


def by_the_platform(etl: Etl, notebook: Path) -> dict[str, Any]:
    """Return the outcome of `jupyter etl run`."""
    run = etl.runs.run(notebook)
    if run.outcome == "succeeded":
        return {"outcome": "succeeded", "error": None, "source": None}
    if run.failed_cell is None:
        return failed(run.error, None) | {"outcome": str(run.outcome)}
    source = cell_source(notebook, run.failed_cell)
    executed = json.loads(etl.runs.notebook(run.id))
    errors = [
        output["ename"]
        for cell in executed["cells"]
        if "".join(cell["source"]) == source
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    ]
    # IPython leaves no error in the notebook for an unknown magic.
    name = errors[-1] if errors else run.error.partition(":")[0]
    return failed(name, source) | {"outcome": str(run.outcome)}


def cell_source(notebook: Path, index: int) -> str:
    return "".join(json.loads(notebook.read_text("utf-8"))["cells"][index]["source"])


def failed(error: str, source: str | None) -> dict[str, Any]:
    return {"outcome": "failed", "error": error, "source": source}


def in_a_child(notebook: Path, output: Path) -> dict[str, Any]:
    """Execute a notebook by papermill in a child that may be killed.

    A kernel that died, or that ignores its shutdown, can make papermill wait forever; then a new
    child continues.
    """
    answer = output.with_suffix(".json")
    for _ in range(3):
        child = multiprocessing.get_context("fork").Process(
            target=_answer, args=(notebook, output, answer)
        )
        child.start()
        child.join(PATIENCE_S)
        if child.is_alive() and child.pid is not None:
            os.killpg(child.pid, signal.SIGKILL)
            child.join()
        if answer.exists():
            found: dict[str, Any] = json.loads(answer.read_text())
            answer.unlink()
            return found
    raise TimeoutError(notebook)


def _answer(notebook: Path, output: Path, answer: Path) -> None:
    os.setsid()
    found = by_papermill(notebook, output)
    answer.with_suffix(".part").write_text(json.dumps(found))
    answer.with_suffix(".part").rename(answer)


def main(who: str, folder: Path, out: Path, names: list[str]) -> None:
    if who == "papermill":
        import papermill  # noqa: F401 - once for all children

        ended = {name: in_a_child(folder / name, out.parent / "executed.ipynb") for name in names}
    else:
        from jupyter_etl.services.etl import Etl

        with closing(Etl.open()) as etl, ThreadPoolExecutor(2) as pool:
            done = pool.map(lambda name: by_the_platform(etl, folder / name), names)
            ended = dict(zip(names, done, strict=True))
    out.write_text(json.dumps(ended))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
