"""Modules beside the notebook: captured by value; other modules have to be importable."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import cloudpickle
import pytest

from fakes.notebook_cells import defined
from fakes.served_functions import result
from jupyter_etl.errors import DeclarationError
from jupyter_etl.serving.functions.capture import capture

HELPERS = """
import math
from nested_beside.inside import CONSTANT
TABLE = {"a": 1}
def clean(x):
    import lazy_beside
    return math.floor(x) + TABLE["a"] + CONSTANT + lazy_beside.ONE
class Kept:
    def __init__(self, x): self.x = x
"""


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of modules, which is on the path of the session only."""
    (tmp_path / "helpers_beside.py").write_text(HELPERS)
    (tmp_path / "lazy_beside.py").write_text("ONE = 1")
    (tmp_path / "nested_beside").mkdir()
    (tmp_path / "nested_beside" / "__init__.py").write_text("")
    (tmp_path / "nested_beside" / "inside.py").write_text("CONSTANT = 100")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [one for one in sys.modules if "_beside" in one]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.mark.parametrize(
    "source",
    [
        "import helpers_beside\ndef score(x: float): return helpers_beside.clean(x)",
        "from helpers_beside import clean\ndef score(x: float): return clean(x)",
        "def score(x: float):\n  from helpers_beside import clean\n  return clean(x)",
        "from helpers_beside import Kept, clean\nkept = Kept(1)\n"
        "def score(x: float): return clean(x * kept.x)",
    ],
)
def test_modules_beside_the_notebook_are_captured_by_value(
    beside: Path, tmp_path: Path, source: str
) -> None:
    registered = cloudpickle.list_registry_pickle_by_value()
    captured = capture(defined(source), module_folders=[beside])
    assert cloudpickle.list_registry_pickle_by_value() == registered
    assert not any("_beside" in name for name in captured.packages)
    payload = tmp_path / "payload"
    payload.write_bytes(captured.payload)
    for name in [one for one in sys.modules if "_beside" in one]:
        del sys.modules[name]
    sys.path.remove(str(beside))
    try:
        assert result(captured, x=2.5) == 104
    finally:
        sys.path.insert(0, str(beside))


def test_what_a_local_module_holds_is_named(beside: Path) -> None:
    (beside / "files_beside.py").write_text("log = open('/dev/null')\nbig = b'a' * 10")
    cell = defined("import files_beside\ndef score(x: int): return files_beside.big")
    with pytest.raises(DeclarationError, match="'files_beside\\.log' is an open file"):
        capture(cell, module_folders=[beside])
    sys.modules["files_beside"].log.close()
    del sys.modules["files_beside"].log
    captured = capture(cell, module_folders=[beside])
    assert {"files_beside", "files_beside.big"} <= {part.name for part in captured.parts}


def test_a_module_that_a_worker_cannot_import_is_refused(beside: Path) -> None:
    for source in (
        "import helpers_beside\ndef score(x: float): return helpers_beside.clean(x)",
        "from helpers_beside import clean\ndef score(x: float): return clean(x)",
        "from helpers_beside import Kept\nkept = [Kept(1)]\ndef score(x: float): return kept[0].x",
    ):
        with pytest.raises(DeclarationError) as caught:
            capture(defined(source))
        assert "'helpers_beside', which a worker cannot import" in caught.value.message


def test_a_broken_local_module_is_refused(beside: Path) -> None:
    (beside / "broken_beside.py").write_text("1 / 0")
    cell = defined("def score(x: int):\n  import broken_beside")
    with pytest.raises(DeclarationError, match=r"'broken_beside' .* cannot be imported: division"):
        capture(cell, module_folders=[beside])
