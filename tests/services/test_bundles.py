"""The local files of a version, found without running the notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.model import FileChange, FileRole
from jupyter_etl.services.bundles import collection, project
from jupyter_etl.services.bundles.collection import Collected, collect
from jupyter_etl.services.bundles.versions import file_lines
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.notebooks import read_notebook

LIMIT = 1_000_000


def collected(
    path: Path, include: tuple[str, ...] = (), *, limit: int = LIMIT, home: Path = Path("/none")
) -> Collected:
    path, _, outline = read_notebook(path)
    return collect(path, outline, include=include, limit_bytes=limit, home=home)


def make(here: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


FILES = {
    "pyproject.toml": "",
    "books/one.py": "import two\n",
    "books/two.py": "",
    "books/json.py": "",
    "books/pandas/readme.txt": "",
    "books/pkg/__init__.py": "",
    "books/pkg/mod.py": "from . import other\nfrom .missing import x\nfrom ... import beyond\n",
    "books/pkg/other.py": "from ..one import x\n",
    "books/pkg/unused.py": "",
    "books/fast.cpython-39-x86_64-linux-gnu.so": "",
    "books/broken.py": "import one\nthis is no Python\n",
    "books/step.py": "import two\n",
    "books/sub.ipynb": '{"cells": [{"cell_type": "code", "source": "import two"}],'
    ' "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "src/lib/__init__.py": "from lib.deep import *\n",
    "src/lib/deep.py": "",
    "books/.venv/lib/site-packages/vendored.py": "",
    "books/starred/__init__.py": "import pkgutil\nfor m in pkgutil.iter_modules(__path__): ...\n",
    "books/starred/a.py": "import one\n",
}


@pytest.mark.parametrize(
    ("cell", "files"),
    [
        ("import one", "one.py two.py"),
        ("import pkg.mod", "pkg/__init__.py pkg/mod.py pkg/other.py"),
        ("from pkg import mod", "pkg/__init__.py pkg/mod.py pkg/other.py"),
        ("from pkg import name", "pkg/__init__.py"),
        ("import pkg", "pkg/__init__.py"),
        ("import json, os, pandas, pytest", ""),
        ("import fast", "fast.cpython-39-x86_64-linux-gnu.so"),
        ("import broken", "broken.py"),
        ("import not_there", ""),
        ("'import one'\n# import one", ""),
        ("%time import two", "two.py"),
        ("%%time\nimport two", "two.py"),
        ("%%bash\nimport two", ""),
        ("%%writefile two.py\nVALUE = 1", ""),
        ("__import__('two')", "two.py"),
        ("import importlib\nimportlib.import_module('.other', package='pkg')",
         "pkg/__init__.py pkg/other.py"),
        ("import importlib\nimportlib.import_module(name)", ""),
        ("import runpy\nrunpy.run_path('step.py')", "step.py two.py"),
        ("import runpy\nrunpy.run_module('one')", "one.py two.py"),
        ("%run step.py --day 1", "step.py two.py"),
        ("%run -i step", "step.py two.py"),
        ("%run -m one", "one.py two.py"),
        ("%run sub.ipynb", "sub.ipynb two.py"),
        ("%run /etc/passwd", ""),
        ("%load_ext two", "two.py"),
        ("%load_ext jupyter_etl\nimport jupyter_etl", ""),
        ("%aimport one", "one.py two.py"),
        ("import lib", ""),
        ("import sys; sys.path.append('../src')\nimport lib",
         "../src/lib/__init__.py ../src/lib/deep.py"),
        ("import os, sys\nsys.path += [os.path.join(os.pardir, 'src')]\nimport lib",
         "../src/lib/__init__.py ../src/lib/deep.py"),
        ("import os, sys\nup = os.path.abspath('..')\nsys.path.insert(0, f'{up}/src')\nimport lib",
         "../src/lib/__init__.py ../src/lib/deep.py"),
        ("import sys\nfrom pathlib import Path\n"
         "sys.path.insert(0, str(Path('.').resolve().parents[0] / 'src'))\nimport lib",
         "../src/lib/__init__.py ../src/lib/deep.py"),
        ("import sys; sys.path.append('.venv/lib/site-packages')\nimport vendored", ""),
        ("import starred", "starred/__init__.py starred/a.py one.py two.py"),
        ("def f(:\n", ""),
    ],
)  # fmt: skip
def test_what_a_cell_needs(here: Path, cell: str, files: str) -> None:
    make(here, FILES)
    result = collected(write_notebook(here / "books" / "a.ipynb", cell))
    wanted = {Path("books", one) for one in files.split()}
    expected = {path.as_posix().replace("books/../", "") for path in wanted}
    assert {file.path for file in result.bundle.files} == expected


@pytest.mark.parametrize(
    ("mark", "root"),
    [(None, "a/b"), ("a/b/.git/HEAD", "a/b"), ("a/setup.py", "a"), ("pyproject.toml", ".")],
)
def test_the_root_of_a_project(tmp_path: Path, mark: str | None, root: str) -> None:
    make(tmp_path, {} if mark is None else {mark: ""})
    book = write_notebook(tmp_path / "a" / "b" / "n.ipynb")
    assert project.project_root(book) == tmp_path / root


def test_folders_of_the_environment_in_the_project(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(here, FILES)
    monkeypatch.setattr(project, "_search_path", lambda: (here / "src", Path("/elsewhere")))
    book = write_notebook(here / "books" / "a.ipynb", "import lib")
    bundle = collected(book).bundle
    assert [file.path for file in bundle.files] == ["src/lib/__init__.py", "src/lib/deep.py"]
    assert (bundle.folder, bundle.search, bundle.modules) == ("books", ("books", "src"), ("lib",))


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("config/a.yaml", ["books/config/a.yaml"]),
        ("config/*.yaml", ["books/config/a.yaml", "books/config/b.yaml"]),
        ("config", ["books/config/a.yaml", "books/config/b.yaml", "books/config/deep/c.txt"]),
        ("**/*.txt", ["books/config/deep/c.txt"]),
        ("../top.txt", ["top.txt"]),
        ("a.*", ["books/a.txt"]),
    ],
)
def test_files_by_pattern(here: Path, pattern: str, files: list[str]) -> None:
    names = ["config/a.yaml", "config/b.yaml", "config/deep/c.txt", "config/.hidden", "a.txt"]
    make(here / "books", dict.fromkeys(names, "x"))
    make(here, {"top.txt": "", "setup.py": "", "books/config/__pycache__/x.pyc": ""})
    if pattern == "**/*.txt":
        (here / "books" / "a.txt").unlink()
    bundle = collected(write_notebook(here / "books" / "a.ipynb"), (pattern,)).bundle
    assert [file.path for file in bundle.files] == files
    assert {file.role for file in bundle.files} == {FileRole.DATA}
    assert (bundle.include, bundle.by_path) == ((pattern,), True)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nothing*.yaml", "--include nothing*.yaml matches no file in"),
        ("../x.txt", "leads out of the project"),
        ("/etc/passwd", "leads out of the project"),
        ("~/x.txt", "leads out of the project"),
        ("a.ipynb", "matches no file"),
    ],
)
def test_patterns_that_are_refused(here: Path, pattern: str, message: str) -> None:
    (here / "x.txt").touch()
    book = write_notebook(here / "books" / "a.ipynb")
    with pytest.raises(DeclarationError, match=message.replace("*", r"\*")):
        collected(book, (pattern,))


def test_files_of_the_home_are_never_pinned(here: Path) -> None:
    make(here, {"home/ledger.sqlite": "", "a.txt": ""})
    bundle = collected(write_notebook(here / "a.ipynb"), ("**",), home=here / "home").bundle
    assert [file.path for file in bundle.files] == ["a.txt"]


def test_too_much_is_refused(here: Path) -> None:
    make(here, {"large.bin": "x" * 900, "small.bin": "x" * 200})
    book = write_notebook(here / "a.ipynb")
    assert collected(book, ("*.bin",), limit=1100).bundle.bytes == 1100
    assert collected(book, ("*.bin",), limit=0).bundle.bytes == 1100
    with pytest.raises(DeclarationError) as refused:
        collected(book, ("*.bin",), limit=1099)
    assert "take 1.1 kB" in refused.value.message
    assert "The largest is large.bin (900 B)" in refused.value.message
    assert "JUPYTER_ETL_BUNDLE_LIMIT" in refused.value.hint


def test_unknown_facts_are_reported(here: Path) -> None:
    make(
        here,
        {
            "beside.py": "open(__file__)\n",
            "plug.py": "__import__(name)\n",
            "outside/x.py": "",
            "project/pyproject.toml": "",
        },
    )
    book = write_notebook(here / "a.ipynb", "import beside, plug", "__import__(name)")
    assert collected(book).notes == (
        "The name of a module that cell 2 imports is only known at run time; a local module of that "
        "kind is pinned with --include.",
        "The name of a module that plug.py imports is only known at run time; a local module of "
        "that kind is pinned with --include.",
        "beside.py opens files in its own folder; pin them with --include.",
    )
    assert not any("in its own folder" in note for note in collected(book, ("beside.py",)).notes)
    book = write_notebook(
        here / "project" / "a.ipynb", "import sys; sys.path.append('../outside')\nimport x"
    )
    result = collected(book)
    assert result.bundle.files == ()
    assert result.notes == (
        f"Modules in {here}/outside are not pinned: it is outside the project {here}/project.",
    )


def test_an_unreadable_file_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(here, {"helper.py": ""})

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(collection.Path, "read_bytes", refuse)
    with pytest.raises(DeclarationError, match=r"helper\.py.*cannot be read: Permission denied"):
        collected(write_notebook(here / "a.ipynb", "import helper"))


def test_a_changed_helper_is_a_new_version(etl: Etl, here: Path) -> None:
    make(here, {"helper.py": "X = 1\n", "other.py": ""})
    book = write_notebook(here / "a.ipynb", "import helper")
    first = etl.pipelines.schedule(book)
    assert [(file.path, file.bytes) for file in first.files] == [("helper.py", 6)]
    assert first.file_changes == (FileChange(path="helper.py", change="added"),)
    again = etl.pipelines.schedule(book)
    assert (again.change, again.pipeline.version, again.file_changes) == ("unchanged", 1, ())
    make(here, {"other.py": "Y = 1\n"})
    assert etl.pipelines.schedule(book).change == "unchanged"
    make(here, {"helper.py": "X = 2\n"})
    assert etl.pipelines.changed(again.pipeline)
    second = etl.pipelines.schedule(book)
    assert (second.change, second.pipeline.version) == ("changed", 2)
    assert file_lines(second.files, second.file_changes) == [
        "Pinned with the notebook: 1 file, 6 B",
        "  helper.py (6 B): changed",
    ]
    write_notebook(book, "import other")
    third = etl.pipelines.schedule(book)
    assert file_lines(third.files, third.file_changes) == [
        "Pinned with the notebook: 1 file, 6 B",
        "  other.py (6 B): added",
        "  helper.py: removed",
    ]
    versions = etl.pipelines.versions("a")
    assert [[file.path for file in one.files] for one in versions] == [
        ["other.py"], ["helper.py"], ["helper.py"],
    ]  # fmt: skip
    assert [[c.change for c in one.file_changes] for one in versions] == [
        ["removed", "added"], ["changed"], ["added"],
    ]  # fmt: skip
    differences = etl.pipelines.files.diff("a", 1, 2)
    assert [(one.path, one.change) for one in differences] == [("helper.py", "changed")]
    assert differences[0].lines[1:] == ("-X = 1", "+X = 2")
    newest = etl.pipelines.files.diff("a", 2)
    assert [(one.path, one.change) for one in newest] == [
        ("a.ipynb", "changed"), ("helper.py", "removed"), ("other.py", "added"),
    ]  # fmt: skip
    assert newest[0].lines[-2:] == ("-import helper", "+import other")
    with pytest.raises(NotFound, match="no version 9; there are: 3, 2, 1"):
        etl.pipelines.files.diff("a", 1, 9)


def test_patterns_are_kept_until_others_are_given(etl: Etl, here: Path) -> None:
    make(here, {"a.txt": "1", "b.txt": "2"})
    book = write_notebook(here / "a.ipynb", "1")
    paths = [
        [file.path for file in etl.pipelines.schedule(book, include=include).files]
        for include in (("a.txt",), (), ("b.txt",), ("",), ())
    ]
    assert paths == [["a.txt"], ["a.txt"], ["b.txt"], [], []]
    write_notebook(book, '%etl schedule "daily at 06:00" --include a.txt --include b.txt')
    deployed = etl.pipelines.schedule(book)
    assert [file.path for file in deployed.files] == ["a.txt", "b.txt"]
    (here / "a.txt").unlink()
    assert etl.pipelines.changed(deployed.pipeline)
    assert etl.pipelines.files.now(book, deployed.pipeline).files == ()
    with pytest.raises(DeclarationError, match=r"a\.txt matches no file"):
        etl.pipelines.schedule(book)


def test_a_notebook_alone_is_stored_as_before(etl: Etl, here: Path) -> None:
    book = write_notebook(here / "a.ipynb", "import pandas")
    deployed = etl.pipelines.schedule(book)
    assert (deployed.files, deployed.file_changes) == ((), ())
    assert "jupyter_etl" not in etl.store.load_snapshot(deployed.pipeline.content_hash)
