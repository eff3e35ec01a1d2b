"""No text that is given as a parameter is executed."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_etl.language.parameters.injection import INJECTED
from jupyter_etl.runner.execution.translators import escape_parameters


def written(language: str, value: object) -> str:
    cells: list[dict[str, Any]] = [
        {"source": "x = 1", "metadata": {}},
        {"source": "by papermill", "metadata": {"tags": [INJECTED]}},
    ]
    escape_parameters(cells, language, {"x": value})
    assert cells[0]["source"] == "x = 1"
    return str(cells[1]["source"])


@pytest.mark.parametrize(
    ("language", "value", "code"),
    [
        ("julia", "$(run(`id`))", r'"\$(run(`id`))"'),
        ("julia", "$x", r'"\$x"'),
        ("Julia", 'a"b', r'"a\"b"'),
        ("julia-1.10", "a\\$b", r'"a\\\$b"'),
        ("julia", "a\nb\0c", r'"a\u000ab\u0000c"'),
        ("julia", "é日🎉", '"é日🎉"'),
        ("julia", ["$a", {"$k": "$v"}], r'["\$a", Dict("\$k" => "\$v")]'),
        ("julia", [1, 1.5, True, None], "[1, 1.5, true, nothing]"),
        ("julia", [float("nan"), float("-inf")], "[NaN, -Inf]"),
        ("powershell", "$(id)", "'$(id)'"),
        ("PowerShell", "`$x`n", "'`$x`n'"),
        (".net-powershell", "it's", "'it''s'"),
        ("pwsh", "it\u2019s \u2018 \u201a \u201b", "'it\u2019\u2019s \u2018\u2018 \u201a\u201a \u201b\u201b'"),
        ("powershell", 'a"b\\c', "'a\"b\\c'"),
        ("powershell", "a\nb", "'a\nb'"),
        ("powershell", ["$a", {"$k": "$v"}], "@('$a', @{'$k' = '$v'})"),
        ("powershell", [True, None], "@($True, $Null)"),
    ],
)  # fmt: skip
def test_texts_are_texts(language: str, value: object, code: str) -> None:
    name = "x" if language.lower().startswith("julia") else "$x"
    assert written(language, value) == f"# Parameters\n{name} = {code}\n"


@pytest.mark.parametrize("language", ["python", "R", "bash", "juliaset"])
def test_other_languages_are_left_to_papermill(language: str) -> None:
    assert written(language, "$x") == "by papermill"
