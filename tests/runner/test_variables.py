"""The saved variables of a kernel, in a namespace that represents the notebook's."""

from __future__ import annotations

import io
import json
import random
import sqlite3
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_etl.errors import ExecutionError
from jupyter_etl.runner.checkpoints.variables import INDEX, VALUES, keep_names, restore_names

Notebook = Callable[[str], dict[str, Any]]


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Notebook]:
    """Executes cells as a fresh kernel does; random numbers and paths are given back."""
    monkeypatch.chdir(tmp_path)
    path, state = list(sys.path), random.getstate()

    def execute(cell: str) -> dict[str, Any]:
        module = types.ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", module)
        module.__dict__["__builtins__"] = __builtins__
        exec(cell, module.__dict__)  # noqa: S102 - that is what a kernel does
        return module.__dict__

    yield execute
    sys.path[:] = path
    random.setstate(state)


def keep(namespace: dict[str, Any], folder: Path, **options: Any) -> dict[str, Any]:
    """Keep all but what a fresh module has; return the index."""
    hidden = {name: namespace[name] for name in vars(types.ModuleType("__main__"))}
    given = {"hidden": hidden, "secrets": (), "limit_bytes": 10**6, **options}
    keep_names(namespace, folder, **given)
    index: dict[str, Any] = json.loads((folder / INDEX).read_text())
    return index


def test_values_functions_and_classes_are_as_they_were(notebook: Notebook, tmp_path: Path) -> None:
    names = notebook("""
import random
from dataclasses import dataclass
shared = {"n": 1}
alias = shared
def bump():
    shared["n"] += 1
    return shared["n"]
def twice():
    return 2 * bump()
def outer():
    def inner(n):
        return 0 if n == 0 else inner(n - 1)
    return inner
inner = outer()
@dataclass
class Point:
    x: int
    def moved(self):
        return self.x + bump()
point = Point(3)
_own = 5
_ = In = Out = _1 = _i2 = __ = get_ipython = exit = "IPython's"
random.seed(7)
""")
    index = keep(names, tmp_path)
    assert set(index["names"]) == {
        *("random", "dataclass", "shared", "alias", "bump", "twice", "outer", "inner"),
        *("Point", "point", "_own"),
    }
    assert index["left_out"] == {}
    assert index["uses"] == {
        "bump": ["shared"],
        "twice": ["bump"],
        "Point": ["bump"],
        "point": ["bump"],
    }
    drawn = random.random()

    fresh = notebook("")
    assert restore_names(fresh, tmp_path).extensions == ()
    assert random.random() == drawn
    assert fresh["alias"] is fresh["shared"]
    assert isinstance(fresh["point"], fresh["Point"])
    assert fresh["point"].moved() == 3 + 2
    # Functions look up the variables of the notebook, as they are now.
    exec('shared = {"n": 10}', fresh)  # noqa: S102
    assert fresh["twice"]() == 22
    assert fresh["inner"](4) == 0
    assert fresh["__builtins__"] is __builtins__


def test_what_cannot_be_kept_is_left_out_by_name(notebook: Notebook, tmp_path: Path) -> None:
    names = notebook("import io, sqlite3, threading\nkept = 1\ndef ask(): return connection")
    (tmp_path / "log").touch()
    with (tmp_path / "log").open() as file, sqlite3.connect(":memory:") as connection:
        names |= {"file": file, "connection": connection, "text": io.StringIO("kept")}
        names["numbers"] = (n for n in range(3))
        index = keep(names, tmp_path)
    connection.close()
    assert {"kept", "text", "io", "sqlite3", "ask"} <= set(index["names"])
    assert index["left_out"] == {
        "file": "it is an open file",
        "connection": "TypeError: cannot pickle 'sqlite3.Connection' object",
        "numbers": "TypeError: cannot pickle 'generator' object",
    }
    assert index["uses"] == {"ask": ["connection"]}


def test_no_secret_is_written(notebook: Notebook, tmp_path: Path) -> None:
    names = notebook("""
import numpy as np
password = "hunter-22"
url = {"at": ["postgresql://sam:hunter-22@db.example/sales"]}
raw = b"x" * 100_000 + b"hunter-22"
array = np.array(["hunter-22"])
code = "no"
text = "nothing"
""")
    index = keep(names, tmp_path, secrets={"hunter-22", "no"})
    assert index["names"] == ["np", "text"]
    assert set(index["left_out"].values()) == {
        "it is the value of a secret",
        "it contains the value of a secret",
    }
    assert b"hunter" not in (tmp_path / VALUES).read_bytes() + (tmp_path / INDEX).read_bytes()


def test_the_largest_are_left_out_where_all_would_be_too_much(
    notebook: Notebook, tmp_path: Path
) -> None:
    names = notebook("small = b'x' * 100\nlarge = bytearray(9_000)\nhuge = b'y' * 20_000")
    index = keep(names, tmp_path, limit_bytes=9_000)
    assert index["names"] == ["small"]
    assert set(index["left_out"]) == {"large", "huge"}
    assert "9 kB" in index["left_out"]["huge"]
    assert (tmp_path / VALUES).stat().st_size == index["bytes"] < 20_000
    for name in (VALUES, INDEX):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_surroundings_are_restored(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = notebook("import numpy as np\nnp.random.seed(3)")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    sys.path.insert(0, "/of/the/notebook")
    keep(names, tmp_path, extensions={"autoreload"})
    drawn = names["np"].random.random()
    sys.path.remove("/of/the/notebook")
    sys.path.append("/of/the/kernel")
    monkeypatch.chdir(tmp_path)

    fresh = notebook("")
    assert restore_names(fresh, tmp_path).extensions == ("autoreload",)
    assert Path.cwd() == tmp_path / "elsewhere"
    assert sys.path[0] == "/of/the/notebook"
    assert sys.path[-1] == "/of/the/kernel"
    assert fresh["np"].random.random() == drawn


def test_another_python_does_not_read_them(notebook: Notebook, tmp_path: Path) -> None:
    index = keep(notebook("x = 1"), tmp_path)
    (tmp_path / INDEX).write_text(json.dumps({**index, "python": "cpython 3.9"}))
    with pytest.raises(ExecutionError, match=r"by Python cpython 3\.9, and this is"):
        restore_names(notebook(""), tmp_path)


def test_named_queries_are_kept_unless_they_hold_a_secret(
    notebook: Notebook, tmp_path: Path
) -> None:
    queries = {
        "wh": {"recent": "select * from orders", "told": "select 'hunter22'"},
        "local": {"all": "select 1"},
    }
    keep(notebook("a = 1"), tmp_path, queries=queries, secrets=("hunter22", "ord"))
    assert b"hunter22" not in (tmp_path / VALUES).read_bytes()
    assert restore_names(notebook(""), tmp_path).queries == {
        "wh": {"recent": "select * from orders"},
        "local": {"all": "select 1"},
    }


def test_frames_are_kept(notebook: Notebook, tmp_path: Path) -> None:
    names = notebook("""
import pandas as pd, pyarrow as pa, numpy as np
frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
table = pa.table({"a": [1, 2]})
view = table.slice(1)
array = np.arange(6).reshape(2, 3)
""")
    keep(names, tmp_path)
    fresh = notebook("")
    restore_names(fresh, tmp_path)
    assert fresh["frame"].equals(names["frame"])
    assert fresh["table"].equals(names["table"])
    assert fresh["view"].equals(names["view"])
    assert (fresh["array"] == names["array"]).all()
