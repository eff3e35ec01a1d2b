"""Executed notebooks are kept without secrets and without marks of trust."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest

from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.execution.executed import NotebookRedactor, distrusted

MARKED: dict[str, Any] = {"trusted": True, "kept": [1]}
V3 = {"worksheets": [{"cells": [{"cell_type": "code", "metadata": MARKED}]}], "metadata": {}}


@pytest.mark.parametrize(
    "notebook",
    [
        {"cells": [{"cell_type": "code", "metadata": MARKED}], "metadata": {}},
        {"cells": [], "metadata": {**MARKED, "signature": "sha256:00"}},
        {"cells": [{"cell_type": "markdown", "metadata": {**MARKED, "trusted": "yes"}}]},
        V3,
    ],
)
def test_marks_of_trust_are_removed_and_all_else_stays(notebook: dict[str, Any]) -> None:
    text = distrusted(json.dumps(notebook))
    assert '"trusted"' not in text
    assert '"signature"' not in text
    assert text.count("kept") == 1


@pytest.mark.parametrize(
    "text",
    ["", "trusted", '{"cells": 1}', '["trusted"]', '{"cells": [{"source": "\\"trusted\\""}]}'],
)
def test_what_bears_no_mark_stays_as_it_is(text: str) -> None:
    assert distrusted(text) is text


def test_a_secret_that_is_used_late_is_taken_out_of_all_that_was_shown() -> None:
    v4: Any = nbformat.v4
    shown = [
        v4.new_output("stream", text="hunter22\n"),
        v4.new_output("display_data", {"text/html": "hunter22"}, metadata={"hunter22": "hunter22"}),
        v4.new_output("error", ename="E", evalue="hunter22", traceback=["hunter22"]),
    ]
    cells = [
        v4.new_code_cell("pw = 'hunter22'", outputs=shown, metadata={"tags": ["hunter22"]}),
        v4.new_markdown_cell("`hunter22`", attachments={"a": {"text/plain": "hunter22"}}),
    ]
    notebook = v4.new_notebook(
        cells=cells, metadata={"papermill": {"parameters": {"a": "hunter22"}}}
    )
    redactor = Redactor()
    written = NotebookRedactor(redactor)
    assert written.redacted(notebook) is notebook
    redactor.register("pw", "hunter22")
    kept = written.redacted(notebook)
    nbformat.validate(kept)
    assert "hunter22" not in v4.writes(kept)
    assert v4.writes(kept).count("[secret pw]") == 11
    assert notebook.cells[0].source == "pw = 'hunter22'", "the kernel gets it as it is"
