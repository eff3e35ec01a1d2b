"""Notebook files for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


def code(source: str, *tags: str) -> Cell:
    """Return a code cell; ``parameters`` is papermill's tag."""
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": [],
        "execution_count": None,
    }


def text(source: str) -> Cell:
    """Return a Markdown cell."""
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def write_notebook(path: Path, *cells: str | Cell, kernel: str | None = "python3") -> Path:
    """Write a notebook and return its path.

    Args:
        path: Path of the notebook; its folder is created.
        cells: Source of code cells, or cells.
        kernel: Name of the kernelspec; None for a notebook that names none.
    """
    made = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    metadata = {} if kernel is None else {"kernelspec": {"name": kernel, "display_name": kernel}}
    notebook = {
        "cells": [{"id": f"cell-{n}", **cell} for n, cell in enumerate(made)],
        "metadata": metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook, ensure_ascii=False), "utf-8")
    return path
