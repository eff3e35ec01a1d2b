"""Notebooks end and show the same, warm and cold: papermill's and nbclient's own, and one of ours.

``EVERY_NOTEBOOK=1`` compares all of them, not only those that differ most from one another.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path
from typing import Any

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.errors import NotFound
from jupyter_etl.services.etl import Etl

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

DATA = Path(__file__).parents[1] / "data"
EVERY = "EVERY_NOTEBOOK" in os.environ
# An error behind cells that showed something, a kernel that dies, and widgets that catch output.
OFTEN = ("papermill/broken1.ipynb", "nbclient/Autokill.ipynb", "nbclient/Output.ipynb")
ALL = sorted(str(path.relative_to(DATA)) for path in DATA.rglob("*.ipynb"))
WAYS = ("warm", "cold")
HELD = "held.ipynb"
CELLS = (
    "%etl param n int = 2",
    "import pandas as pd\ndf = pd.DataFrame({'id': range(n), 'day': 'a'})\ndf",
    "%etl publish table t df",
    "%%etl check df\nid: unique\nrows > 5",
)

# What is of one execution, with what takes its place.
OWN = {
    r"0x[0-9a-f]+": "ADDRESS",
    r"\b[0-9a-f]{32}\b": "ID",
    r"ipykernel_\d+/\d+": "ipykernel_N/N",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+": "TIME",
    # In papermill's note of a failure; the number itself is compared with its cell.
    r"In \[(\d+|None)\]": "In [N]",
}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended, and the cells of its executed notebook, without what is its own.

    Args:
        outcome: Of the run.
        failed_cell: Which; None where none failed.
        error: In the run's words.
        cells: Each with all that it shows; None where no notebook was executed.
        kernels: Whether each kernel that it started was warm.
        why: The reasons of those that were not.
    """

    outcome: str
    failed_cell: int | None
    error: str
    cells: tuple[str, ...] | None
    kernels: tuple[bool, ...]
    why: tuple[str, ...]


def without_its_own(text: str, folder: Path) -> str:
    text = text.replace(str(folder), "FOLDER")
    for pattern, word in OWN.items():
        text = re.sub(pattern, word, text)
    return text


def shown(cell: dict[str, Any]) -> dict[str, Any]:
    marks = cell["metadata"].get("papermill", {})
    reported = {key: marks.get(key) for key in ("status", "exception")}
    kept = {**cell, "id": None, "metadata": {**cell["metadata"], "papermill": reported}}
    if "outputs" in cell:
        kept["outputs"] = in_one_order(cell["outputs"])
        if any(output.get("ename") == "DeadKernelError" for output in cell["outputs"]):
            # It dies while it says that it has begun: whether that arrives is chance.
            kept["execution_count"] = None
            kept["metadata"].pop("execution", None)
    return kept


def in_one_order(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put texts of stderr before those of stdout that they stand beside.

    IPython's kernel sends each by a timer of its own, and which comes first is chance.

    Source: ``ipykernel.iostream.OutStream.flush_interval``.
    """
    ordered: list[dict[str, Any]] = []
    for is_text, group in groupby(outputs, lambda output: output["output_type"] == "stream"):
        some = list(group)
        ordered += sorted(some, key=lambda output: str(output["name"])) if is_text else some
    return ordered


def executed(etl: Etl, folder: Path) -> Callable[[tuple[str, str]], Ended]:
    """Return what executes a notebook, a copy of its own for each way."""

    def execute(task: tuple[str, str]) -> Ended:
        name, way = task
        run = etl.runs.run(folder / way / name, cold=way == "cold")
        try:
            cells = json.loads(etl.runs.notebook(run.id))["cells"]
        except NotFound:
            cells = None
        said = etl.runs.events(run.id)
        texts = [json.dumps(shown(cell), sort_keys=True) for cell in cells or ()]
        return Ended(
            outcome=str(run.outcome),
            failed_cell=run.failed_cell,
            error=without_its_own(run.error, folder / way),
            cells=None if cells is None else tuple(without_its_own(t, folder / way) for t in texts),
            kernels=tuple(event["warm"] for event in said if event["kind"] == "kernel"),
            why=tuple(event["why"] for event in said if event["kind"] == "kernel"),
        )

    return execute


@pytest.mark.timeout(1800 if EVERY else 300)
def test_the_same_outcome_and_outputs_warm_and_cold(etl: Etl, tmp_path: Path) -> None:
    names = [*(ALL if EVERY else OFTEN), HELD]
    for way in WAYS:
        shutil.copytree(DATA, tmp_path / way)
        write_notebook(tmp_path / way / HELD, *CELLS)
    tasks = list(product(names, WAYS))
    with ThreadPoolExecutor(2) as pool:
        ended = dict(zip(tasks, pool.map(executed(etl, tmp_path), tasks), strict=True))
    for name in names:
        warm, cold = ended[name, "warm"], ended[name, "cold"]
        assert (warm.outcome, warm.failed_cell, warm.error) == (
            cold.outcome,
            cold.failed_cell,
            cold.error,
        ), name
        assert warm.cells == cold.cells, name
        # Otherwise it would have been compared with itself.
        assert (set(warm.kernels), set(cold.kernels)) in (
            ({True}, {False}),
            (set(), set()),
        ), f"{name}: {warm.why}"
    assert {one.outcome for one in ended.values()} == {"succeeded", "failed", "held"}
    assert any(one.kernels for one in ended.values())
