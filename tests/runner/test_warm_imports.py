"""What a notebook imports, and from where, in a warm kernel and in a cold one."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.model import RunState
from jupyter_etl.services.etl import Etl

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(sys.platform != "linux", reason="warm starts need Linux"),
]

SEE = """
import importlib, json, os, pathlib, sys, tempfile
found = {}
for name in NAMES:
    module = importlib.import_module(name)
    found[name] = [str(getattr(module, "__file__", None)), getattr(module, "MARK", None)]
print(json.dumps({
    "imported": found,
    "path": sys.path,
    "argv": pathlib.Path(sys.argv[0]).name,
    "environ": {name: os.environ.get(name) for name in ("MINE", "HOUSE", "TZ", "PYTHONPATH")},
    "temporary": tempfile.gettempdir(),
}))
"""

NAMES = ["requests", "duckdb", "yaml", "tornado", "json", "queue", "nbformat.v4", "helper"]
"""Preloaded packages, one of the kernel's own, two of the standard library, and one of nobody's."""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder that is not the current one: this process and its templates import from that."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    return folder


def seen(etl: Etl, path: Path, *, cold: bool) -> dict[str, Any]:
    made = etl.runs.run(path, cold=cold)
    assert (made.state, made.error) == (RunState.SUCCEEDED, "")
    [kernel] = [event for event in etl.runs.events(made.id) if event["kind"] == "kernel"]
    assert (kernel["warm"], kernel["why"] == "") == (not cold, not cold)
    outputs = json.loads(etl.runs.notebook(made.id))["cells"][0]["outputs"]
    printed = ["".join(one["text"]) for one in outputs if one.get("name") == "stdout"]
    found: dict[str, Any] = json.loads("".join(printed))
    return found


def mark(folder: Path, *files: str) -> None:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"MARK = {folder.name!r}\n")


def test_a_module_beside_the_notebook_precedes_a_preloaded_one(etl: Etl, here: Path) -> None:
    mark(
        here, "requests.py", "duckdb/__init__.py", "tornado.py", "json.py", "queue.py", "helper.py"
    )
    mark(here, "nbformat/__init__.py", "nbformat/v4.py")
    # A folder that is no package is no module while there is one elsewhere.
    mark(here, "yaml/notes.py")
    path = write_notebook(here / "see.ipynb", f"NAMES = {NAMES}\n{SEE}")
    warm, cold = seen(etl, path, cold=False), seen(etl, path, cold=True)
    assert warm == cold
    marked = [name for name, (_, mark) in warm["imported"].items() if mark is not None]
    assert marked == ["requests", "duckdb", "nbformat.v4", "helper"]


@pytest.mark.parametrize(
    ("argv", "env"),
    [
        ([sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher"], {}),
        ([sys.executable, "-m", "ipykernel"], {}),
        (["/usr/bin/env", "MINE=yes", "python", "-m", "ipykernel_launcher"], {}),
        (["{prefix}/bin/python", "-u", "-m", "ipykernel_launcher"], {"HOUSE": "${HOME}/mine"}),
        (
            ["python3", "-m", "ipykernel_launcher"],
            {
                "PYTHONPATH": f"{{here}}/first:second:{os.environ.get('PYTHONPATH', '')}",
                "TMPDIR": "{here}",
                "TZ": "Asia/Tokyo",
                "PYTHONUNBUFFERED": "1",
            },
        ),
    ],
)
def test_a_kernelspec_that_a_fork_can_honour(
    etl: Etl,
    here: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    env: dict[str, str],
) -> None:
    mark(here / "first", "requests.py", "helper.py")
    mark(here / "second", "requests.py", "yaml.py")
    mark(here, "helper.py")
    folder = tmp_path / "jupyter" / "kernels" / "mine"
    folder.mkdir(parents=True)
    spec = {
        "argv": [*argv, "-f", "{connection_file}"],
        "env": {name: value.replace("{here}", str(here)) for name, value in env.items()},
        "display_name": "Mine",
        "language": "python",
    }
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    path = write_notebook(
        here / "see.ipynb", f"NAMES = {NAMES[:-2]} + ['helper']\n{SEE}", kernel="mine"
    )
    assert seen(etl, path, cold=False) == seen(etl, path, cold=True)


def test_what_runners_forbid_themselves_is_imported_in_a_kernel(etl: Etl, here: Path) -> None:
    path = write_notebook(
        here / "see.ipynb",
        "import json, sys\nprint(json.dumps([n for n in sys.modules if sys.modules[n] is None]))",
    )
    assert seen(etl, path, cold=False) == []


NUMEXPR = """
import os, threading, time
from types import SimpleNamespace

__version__ = "99.0"

def _init_num_threads():
    count = int(os.environ.get("NUMEXPR_NUM_THREADS") or len(os.sched_getaffinity(0)) + 1)
    for _ in range(count - 1):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return count

utils = SimpleNamespace(_init_num_threads=_init_num_threads)
nthreads = _init_num_threads()
"""
"""What numexpr does when it is imported."""


def test_pandas_is_preloaded_although_numexpr_starts_threads(
    etl: Etl, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "numexpr.py").write_text(NUMEXPR)
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{os.environ.get('PYTHONPATH', '')}")
    code = "import json, sys\nprint(json.dumps(['pandas' in sys.modules, __import__('numexpr').nthreads]))"
    path = write_notebook(here / "see.ipynb", code)
    threads = len(os.sched_getaffinity(0)) + 1
    assert seen(etl, path, cold=False) == [True, threads]
    assert seen(etl, path, cold=True) == [False, threads]
    monkeypatch.setenv("NUMEXPR_NUM_THREADS", "5")
    assert seen(etl, path, cold=False) == [True, 5]
