"""The code that the runner sends to a kernel calls the functions that save and restore variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_etl.notebook import variables
from jupyter_etl.runner.checkpoints.checkpoint import KERNEL_MODULE, kernel_call


@pytest.mark.parametrize(
    ("function", "options"), [(variables.keep, {"limit_bytes": 7}), (variables.restore, {})]
)
def test_the_code_for_kernels_calls_the_functions_of_this_module(
    function: object, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert variables.__name__ == KERNEL_MODULE
    verb, calls = function.__name__, []  # type: ignore[attr-defined]
    monkeypatch.setattr(variables, verb, lambda *words, **more: calls.append((words, more)))
    eval(kernel_call(verb, Path("/a folder's"), **options), {"get_ipython": lambda: "shell"})  # noqa: S307 - it is the code under test
    assert calls == [(("shell", "/a folder's"), options)]
