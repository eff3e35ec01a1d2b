"""Executed notebooks as they are stored and delivered: redacted, and without marks of trust."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jupyter_etl.redaction.redactor import Redactor

_CELL = ("trusted",)
_NOTEBOOK = ("trusted", "signature")
_COMPACT = (",", ":")


def distrust(notebook: dict[str, Any]) -> bool:
    """Remove the marks of trust from a notebook, in place.

    JupyterLab renders the outputs of a cell unsanitised if the metadata is ``trusted``.

    Args:
        notebook: Of format 4; of format 3, the cells of its worksheets.

    Returns:
        Whether there was a mark to remove.
    """
    sheets = [notebook, *_dicts(notebook.get("worksheets"))]
    cells = [cell for sheet in sheets for cell in _dicts(sheet.get("cells"))]
    removed = [_drop(cell, _CELL) for cell in cells]
    return _drop(notebook, _NOTEBOOK) or any(removed)


def distrusted(text: str) -> str:
    """Return the text of a notebook without marks of trust; other texts are returned unchanged."""
    if not any(f'"{name}"' in text for name in _NOTEBOOK):
        return text
    try:
        notebook = json.loads(text)
    except ValueError:
        return text
    if not isinstance(notebook, dict) or not distrust(notebook):
        return text
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


class NotebookRedactor:
    """Removes secrets from an executed notebook each time it is written.

    Outputs are redacted as they arrive. A secret that is first used later may be in earlier
    outputs, and in cells and metadata, which the kernel needs unchanged.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._seen: frozenset[str] = frozenset()
        self._in_cells = False

    def redacted(self, notebook: Any) -> Any:
        """Return a notebook to write; its outputs are changed in place.

        Args:
            notebook: A `NotebookNode` of format 4.
        """
        values = self._redactor.values
        if values != self._seen:
            self._seen = values
            static = {**notebook, "cells": [{**cell, "outputs": []} for cell in notebook.cells]}
            self._in_cells = self._redactor.holds(json.dumps(static, separators=_COMPACT))
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs = [self._output(output) for output in cell.outputs]
        if not self._in_cells:
            return notebook
        redact = self._redactor.redact_json
        cells = [
            {**redact({k: v for k, v in cell.items() if k != "outputs"}), **_outputs(cell)}
            for cell in notebook.cells
        ]
        node = type(notebook)
        return node(
            {
                **notebook,
                "metadata": _nodes(node, redact(notebook.metadata)),
                "cells": [_nodes(node, cell) for cell in cells],
            }
        )

    def _output(self, output: Any) -> Any:
        content = self._redactor.redact_message(output.output_type, output)
        if output.output_type == "stream":
            content["text"] = self._redactor.redact(content["text"])
        return _nodes(type(output), content)


def _outputs(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {"outputs": cell["outputs"]} if "outputs" in cell else {}


def _nodes(node: Any, value: Any) -> Any:
    """Return JSON as nodes, whose items nbformat and papermill read as attributes."""
    if isinstance(value, Mapping):
        return node({key: _nodes(node, one) for key, one in value.items()})
    return [_nodes(node, one) for one in value] if isinstance(value, list) else value


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _drop(holder: dict[str, Any], names: tuple[str, ...]) -> bool:
    metadata = holder.get("metadata")
    if not isinstance(metadata, dict):
        return False
    dropped = [metadata.pop(name, None) for name in names]
    return any(one is not None for one in dropped)
