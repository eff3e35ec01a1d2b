"""A deployed version runs with the files that it was deployed with, warm and cold.

Layouts that do not disturb one another are deployed and run as one notebook.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.model import Run, RunState
from jupyter_etl.services.etl import Etl

pytestmark = pytest.mark.kernel


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A notebook with local files, in which ``1`` stands for what is edited later.

    Args:
        files: Path in the project and content.
        cells: Of the notebook, of which the last one prints what came of the files.
        notebook: Its path in the project.
        include: Patterns of ``--include``.
    """

    files: dict[str, str]
    cells: tuple[str, ...]
    notebook: str = "work.ipynb"
    include: tuple[str, ...] = ()

    @property
    def lines(self) -> int:
        """How many cells print."""
        return sum("print(" in cell for cell in self.cells)


VALUE = "VALUE = 1\n"
LAYOUTS = {
    "module": Layout(files={"helper.py": VALUE}, cells=("import helper", "print(helper.VALUE)")),
    "in a function": Layout(
        files={"inner.py": VALUE},
        cells=("def value():\n    from inner import VALUE\n    return VALUE", "print(value())"),
    ),
    "in a try": Layout(
        files={"fast.py": VALUE},
        cells=(
            "try:\n    import fast as mod\nexcept ImportError:\n    mod = None",
            "print(mod.VALUE)",
        ),
    ),
    "transitively": Layout(
        files={
            "first.py": "import second\n",
            "second.py": "from third import *\n",
            "third.py": VALUE,
        },
        cells=("import first", "print(first.second.VALUE)"),
    ),
    "package with relative imports": Layout(
        files={
            "pkg/__init__.py": "from .a import value\n",
            "pkg/a.py": "from . import b\n\ndef value():\n    return b.value()\n",
            "pkg/b.py": "from .sub.c import VALUE\n\ndef value():\n    return VALUE\n",
            "pkg/sub/__init__.py": "",
            "pkg/sub/c.py": VALUE,
        },
        cells=("from pkg import value", "print(value())"),
    ),
    "dotted": Layout(
        files={"a/__init__.py": "", "a/b/__init__.py": "", "a/b/c.py": VALUE},
        cells=("import a.b.c", "print(a.b.c.VALUE)"),
    ),
    "namespace package": Layout(
        files={"space/inner/deep.py": VALUE},
        cells=("from space.inner import deep", "print(deep.VALUE)"),
    ),
    "import_module": Layout(
        files={"named.py": VALUE},
        cells=("import importlib\nh = importlib.import_module('named')", "print(h.VALUE)"),
    ),
    "dynamic within a package": Layout(
        files={
            "plugs/__init__.py": "import importlib\n\ndef get(name):\n"
            "    return importlib.import_module(f'{__name__}.{name}')\n",
            "plugs/one.py": VALUE,
        },
        cells=("import plugs", "print(plugs.get('one').VALUE)"),
    ),
    "data of a package": Layout(
        files={
            "kept/__init__.py": "from importlib.resources import files\n"
            "VALUE = files(__name__).joinpath('data', 'value.txt').read_text().strip()\n",
            "kept/data/value.txt": "1\n",
        },
        cells=("import kept", "print(kept.VALUE)"),
    ),
    "shadows an installed package": Layout(
        files={"requests.py": VALUE}, cells=("import requests", "print(requests.VALUE)")
    ),
    "shadows a package that is imported ahead": Layout(
        files={"duckdb.py": VALUE}, cells=("import duckdb", "print(duckdb.VALUE)")
    ),
    "beside the notebooks": Layout(
        files={"pyproject.toml": "", "src/lib/__init__.py": VALUE},
        cells=("import sys\nsys.path.insert(0, '../src')", "import lib\nprint(lib.VALUE)"),
        notebook="notebooks/work.ipynb",
    ),
    "folder that pathlib computes": Layout(
        files={"pyproject.toml": "", "other/computed.py": VALUE},
        cells=(
            "import sys\nfrom pathlib import Path\nROOT = Path.cwd().parent",
            "sys.path.append(str(ROOT / 'other'))",
            "import computed\nprint(computed.VALUE)",
        ),
        notebook="notebooks/work.ipynb",
    ),
    "script": Layout(files={"step.py": VALUE}, cells=("%run step.py", "print(VALUE)")),
    "script that imports": Layout(
        files={"steps/step.py": "from beside import VALUE\n", "steps/beside.py": VALUE},
        cells=("%run steps/step", "print(VALUE)"),
    ),
    "extension of IPython": Layout(
        files={"ext.py": "def load_ipython_extension(shell):\n    shell.push({'got': 1})\n"},
        cells=("%load_ext ext", "print(got)"),
    ),
    "data": Layout(
        files={"config/value.txt": "1\n"},
        cells=("text = open('config/value.txt').read()", "print(text.strip())"),
        include=("config/*.txt",),
    ),
    "data beside a module": Layout(
        files={
            "helper.py": "from pathlib import Path\n"
            "VALUE = Path(__file__).with_name('value.json').read_text().strip()\n",
            "value.json": "1\n",
        },
        cells=("import helper", "print(helper.VALUE)"),
        include=("value.json",),
    ),
    "data above the notebook": Layout(
        files={"setup.py": "", "config/value.txt": "1\n"},
        cells=("text = open('../config/value.txt').read()", "print(text.strip())"),
        notebook="notebooks/work.ipynb",
        include=("../config",),
    ),
    "data read by pandas": Layout(
        files={"value.csv": "value\n1\n"},
        cells=("import pandas as pd", "print(pd.read_csv('value.csv').value[0])"),
        include=("*.csv",),
    ),
    "data read by DuckDB": Layout(
        files={"value.csv": "value\n1\n"},
        cells=(
            "import duckdb",
            "print(duckdb.sql(\"select value from 'value.csv'\").fetchall()[0][0])",
        ),
        include=("*.csv",),
    ),
}


def together(*names: str) -> Layout:
    """Return several layouts as one project with one notebook, which prints a line for each."""
    parts = [LAYOUTS[name] for name in names]
    (notebook,) = {part.notebook for part in parts}
    return Layout(
        files={path: content for part in parts for path, content in part.files.items()},
        cells=tuple(cell for part in parts for cell in part.cells),
        notebook=notebook,
        include=tuple(pattern for part in parts for pattern in part.include),
    )


PROJECTS = {
    "modules": together(
        "module",
        "in a function",
        "in a try",
        "transitively",
        "package with relative imports",
        "dotted",
        "namespace package",
        "import_module",
        "dynamic within a package",
        "data of a package",
        "script",
        "script that imports",
        "extension of IPython",
    ),
    "shadows an installed package": together("shadows an installed package"),
    "shadows a package that is imported ahead": together(
        "shadows a package that is imported ahead"
    ),
    "beside the notebooks": together("beside the notebooks", "folder that pathlib computes"),
    "data": together("data", "data beside a module", "data read by pandas", "data read by DuckDB"),
    "data above the notebook": together("data above the notebook"),
}
COLD = ("modules", "shadows an installed package", "beside the notebooks", "data")
"""Projects that are run cold, too, when their files are deleted."""


def write(folder: Path, layout: Layout) -> Path:
    for name, content in layout.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return write_notebook(folder / layout.notebook, *layout.cells)


def change(folder: Path, layout: Layout, how: str) -> None:
    for name in layout.files:
        path = folder / name
        if name in ("pyproject.toml", "setup.py"):
            continue
        if how == "deleted":
            path.unlink()
        else:
            path.write_text(path.read_text().replace("1", "2"))


def printed(etl: Etl, run: Run) -> list[str]:
    executed = json.loads(etl.runs.notebook(run.id))
    outputs = [one for cell in executed["cells"] for one in cell.get("outputs", [])]
    return ["".join(one["text"]).strip() for one in outputs if one.get("name") == "stdout"]


@pytest.fixture
def run(etl: Etl) -> Callable[[str], Run]:
    def once(pipeline: str) -> Run:
        asked = etl.runs.trigger(pipeline)
        etl.scheduler(workers=1).run(until_idle=True, stop=lambda: False)
        return etl.runs.get(asked.id)

    return once


@pytest.mark.parametrize("name", COLD)
def test_a_cold_run_needs_no_file_of_its_folder(
    etl: Etl, here: Path, run: Callable[[str], Run], name: str
) -> None:
    layout = PROJECTS[name]
    deployed = etl.pipelines.schedule(write(here, layout), cold=True, include=layout.include)
    change(here, layout, "deleted")
    made = run("work")
    assert (made.state, made.error) == (RunState.SUCCEEDED, "")
    assert printed(etl, made) == ["1"] * layout.lines
    assert etl.pipelines.changed(deployed.pipeline)


@pytest.mark.parametrize("name", PROJECTS)
def test_a_version_is_what_was_deployed(
    etl: Etl, here: Path, run: Callable[[str], Run], name: str
) -> None:
    layout = PROJECTS[name]
    path = write(here, layout)
    deployed = etl.pipelines.schedule(path, include=layout.include)
    assert deployed.change == "new"
    assert deployed.pipeline.version == 1
    assert not etl.pipelines.changed(deployed.pipeline)
    change(here, layout, "edited")
    made = run("work")
    assert (made.state, made.error) == (RunState.SUCCEEDED, "")
    assert printed(etl, made) == ["1"] * layout.lines
    assert etl.pipelines.changed(deployed.pipeline)

    again = etl.pipelines.schedule(path)
    assert (again.change, again.pipeline.version) == ("changed", 2)
    made = run("work")
    assert (made.state, made.error) == (RunState.SUCCEEDED, "")
    assert printed(etl, made) == ["2"] * layout.lines


def test_every_layout_is_in_a_project() -> None:
    cells = [cell for project in PROJECTS.values() for cell in project.cells]
    assert sorted(cells) == sorted(cell for layout in LAYOUTS.values() for cell in layout.cells)
