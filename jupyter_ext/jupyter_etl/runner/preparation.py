"""Converts the deployed snapshot to the notebook that papermill executes."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jupyter_etl.errors import DeclarationError, ExecutionError, first_line
from jupyter_etl.language.notebooks.bundle import without_bundle
from jupyter_etl.language.notebooks.notebook import Outline, parse_notebook
from jupyter_etl.language.parameters.parameter import resolve_parameters
from jupyter_etl.model import Bundle, NewRun, Parameter
from jupyter_etl.runner.cells import NotebookCell, count_code
from jupyter_etl.runner.folders import write_atomically
from jupyter_etl.runner.kernel.kernels import Kernel, kernel_of

_SPEAKS_ETL = re.compile(r"\betl\b|jupyter_etl")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A notebook that is ready to be executed.

    Args:
        path: The file for papermill.
        folder: The kernel's working directory: the folder of the deployed notebook.
        cells: The deployed notebook's cells.
        code_cells: Number of code cells among them.
        kernel: The kernel that executes it.
        parameters: The typed parameters of this run, as JSON values.
        speaks_etl: Whether a Python notebook mentions ``etl``, so that the magics are loaded.
        outputs: Frames that are published as tables: variable to publication.
        declared: The notebook's declarations.
        asked_kernel: The kernel that the notebook names; None if it names none.
        bundle: The files that the version pins; None if it pins only the notebook.
    """

    path: Path
    folder: Path
    cells: tuple[NotebookCell, ...]
    code_cells: int
    kernel: Kernel
    parameters: Mapping[str, object]
    speaks_etl: bool
    outputs: Mapping[str, str]
    declared: tuple[Parameter, ...] = ()
    asked_kernel: str | None = None
    bundle: Bundle | None = None


def prepare(body: str, new: NewRun, path: Path) -> Prepared:
    """Run all checks that need no kernel, and write papermill's input.

    Raises:
        DeclarationError: The snapshot is not a notebook, or a parameter is unknown or has a wrong
            type.
        ExecutionError: The kernel is not installed, or the notebook's folder does not exist.
    """
    outline = parse_notebook(body, path=new.notebook)
    parameters = given_parameters(outline, new)
    notebook = read_notebook(body)
    kernel = kernel_of(notebook["metadata"])
    folder = Path(new.notebook).parent
    bundle = without_bundle(notebook["metadata"])
    if bundle is None and not folder.is_dir():
        raise ExecutionError(
            f"The notebook's folder is missing: {folder}.",
            hint="It is the working directory of its runs: put it back, or deploy the notebook "
            "from where it is now.",
        )
    _name_kernel(notebook, kernel)
    write_notebook(notebook, path)
    code = [cell for cell in notebook["cells"] if cell.get("cell_type") == "code"]
    return Prepared(
        path=path,
        folder=folder,
        cells=tuple(notebook["cells"]),
        code_cells=len(code),
        kernel=kernel,
        parameters=parameters,
        outputs=outline.outputs,
        declared=outline.parameters,
        asked_kernel=outline.kernel,
        bundle=bundle,
        speaks_etl=kernel.language == "python"
        and any(_SPEAKS_ETL.search(cell["source"]) for cell in code),
    )


def given_parameters(outline: Outline, new: NewRun) -> dict[str, object]:
    """Return the typed parameters of a run, as JSON values.

    Raises:
        DeclarationError: A parameter is unknown or has a wrong type.
    """
    local = new.logical_at.astimezone(ZoneInfo(new.timezone))
    resolved = resolve_parameters(outline.parameters, new.parameters, at=local)
    return {name: resolved[name] for name in new.parameters}


def count_code_cells(body: str) -> int | None:
    """Return the number of code cells in a snapshot; None if it is not a notebook."""
    try:
        cells = json.loads(body).get("cells")
        # Notebooks older than format 4 have their cells elsewhere.
        return count_code(cells or read_notebook(body)["cells"])
    except (DeclarationError, ValueError, AttributeError, TypeError):
        return None


def read_notebook(body: str) -> dict[str, Any]:
    """Read a notebook of any format as the newest of format 4.

    Raises:
        DeclarationError: It is not a notebook.
    """
    import nbformat

    untyped: Any = nbformat
    with warnings.catch_warnings():
        # Old notebooks without cell ids are valid; nbformat adds ids.
        warnings.simplefilter("ignore")
        try:
            read = untyped.reads(body, as_version=4)
            notebook: dict[str, Any] = untyped.v4.upgrade(read) or read
        except Exception as problem:
            first = first_line(problem)[:200]
            raise DeclarationError(
                f"The notebook cannot be read: {type(problem).__name__}: {first}",
                hint="Open it in JupyterLab, save it, and deploy it again.",
            ) from problem
    return notebook


def _name_kernel(notebook: dict[str, Any], kernel: Kernel) -> None:
    # Papermill selects the translator of parameters by both.
    metadata = notebook["metadata"]
    metadata.setdefault("kernelspec", {})["name"] = kernel.name
    metadata["kernelspec"].setdefault("display_name", kernel.name)
    metadata["kernelspec"].setdefault("language", kernel.language)
    metadata.setdefault("language_info", {}).setdefault("name", kernel.language)


def write_notebook(notebook: Mapping[str, Any], path: Path) -> None:
    """Write a notebook of format 4 atomically, unchanged."""
    import nbformat

    untyped: Any = nbformat.v4
    write_atomically(path, untyped.writes(notebook).encode())
