"""The project that a notebook belongs to, and its local modules."""

from __future__ import annotations

import importlib.machinery
import os
import site
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

_MARKS = ("pyproject.toml", "setup.py", ".git")
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_OURS = frozenset({"jupyter_etl", "jupyter_etl_magics"})
_EXTENSIONS = (".so", ".pyd")
_SUFFIXES = (*importlib.machinery.EXTENSION_SUFFIXES, ".py", ".pyc")
_INIT = "__init__"


def project_root(notebook: Path) -> Path:
    """Return the nearest folder at or above a notebook that marks a project, or its own folder."""
    folder = notebook.parent
    for one in (folder, *folder.parents):
        if any((one / mark).exists() for mark in _MARKS):
            return one
    return folder


@dataclass(frozen=True, kw_only=True)
class LocalModule:
    """A module of the project.

    Args:
        name: Absolute dotted name.
        path: Path of its file; None for a namespace package, which has none.
        folders: Folders that contain its submodules; empty for a plain module.
    """

    name: str
    path: Path | None
    folders: tuple[Path, ...] = ()

    @property
    def package(self) -> str:
        """The package that relative imports in this module start from."""
        return self.name if self.folders else self.name.rpartition(".")[0]


class Project:
    """Finds local modules in the order in which a run's kernel would.

    Args:
        root: Root of the project; modules outside it are not local.
        folder: The notebook's folder.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.search: list[Path] = [folder]
        self._listed: dict[Path, frozenset[str]] = {}
        self._fixed = [one for one in _search_path() if self.has(one)]

    def has(self, path: Path) -> bool:
        """Return whether a path is in the project and not part of an installed package."""
        if not path.is_relative_to(self.root):
            return False
        return not _INSTALLED & set(path.relative_to(self.root).parts)

    def add_folder(self, folder: Path) -> None:
        """Add a folder that a cell puts on ``sys.path``."""
        if self.has(folder) and folder not in self.search and folder.is_dir():
            self.search.append(folder)

    def modules(self, name: str) -> Iterator[LocalModule]:
        """Yield the local packages that contain a module, then the module itself."""
        top, *rest = name.split(".")
        found = self._top(top)
        for part in rest:
            if found is None:
                return
            yield found
            found = self._lookup(f"{found.name}.{part}", part, found.folders)
        if found is not None:
            yield found

    def _top(self, name: str) -> LocalModule | None:
        # In a kernel the standard library precedes the notebook's folder.
        if not name.isidentifier() or name in sys.stdlib_module_names or name in _OURS:
            return None
        places = [*self.search, *(one for one in self._fixed if one not in self.search)]
        found = self._lookup(name, name, places)
        if found is None:
            found = self._editable(name)
        elif found.path is None and _is_installed(name):
            return None
        if found is not None:
            for place in (found.path, *found.folders):
                if place is not None and not self.has(place):
                    return None
            self._note_search(found)
        return found

    def _lookup(self, name: str, part: str, folders: Sequence[Path]) -> LocalModule | None:
        """Find a module in the order of `importlib.machinery.FileFinder`."""
        portions: list[Path] = []
        for folder in folders:
            package = folder / part
            is_folder = part in self._names(folder) and package.is_dir()
            initial = self._file(package, _INIT) if is_folder else None
            if initial is not None:
                return LocalModule(name=name, path=initial, folders=(package,))
            plain = self._file(folder, part)
            if plain is not None:
                return LocalModule(name=name, path=plain)
            if is_folder:
                portions.append(package)
        return LocalModule(name=name, path=None, folders=tuple(portions)) if portions else None

    def _file(self, folder: Path, stem: str) -> Path | None:
        names = self._names(folder)
        wanted = [f"{stem}{suffix}" for suffix in _SUFFIXES]
        # Built for another interpreter than this one; it may be the kernel's.
        wanted += sorted(n for n in names if n.startswith(f"{stem}.") and n.endswith(_EXTENSIONS))
        return next((folder / n for n in wanted if n in names and (folder / n).is_file()), None)

    def _names(self, folder: Path) -> frozenset[str]:
        """Return the entries of a folder; each folder is listed once."""
        if folder not in self._listed:
            try:
                self._listed[folder] = frozenset(os.listdir(folder))  # noqa: PTH208 - names alone
            except OSError:
                self._listed[folder] = frozenset()
        return self._listed[folder]

    def _note_search(self, found: LocalModule) -> None:
        for place in found.folders or (found.path,):
            if place is not None:
                self.add_folder(place.parent)

    def _editable(self, name: str) -> LocalModule | None:
        """Find a package that setuptools has installed in editable mode."""
        for finder in sys.meta_path:
            if "__editable__" not in getattr(finder, "__module__", ""):
                continue
            spec = finder.find_spec(name, None)
            if spec is not None and spec.origin:
                path = Path(spec.origin)
                is_package = path.stem == _INIT
                return LocalModule(
                    name=name, path=path, folders=(path.parent,) if is_package else ()
                )
        return None


def _is_installed(name: str) -> bool:
    """Return whether an installed package of that name takes precedence over a plain folder."""
    spec = PathFinder.find_spec(
        name, [one for one in sys.path if _INSTALLED & set(Path(one).parts)]
    )
    return spec is not None and spec.loader is not None and spec.origin is not None


@cache
def _search_path() -> tuple[Path, ...]:
    """Return the ``sys.path`` folders that all processes of this environment share."""
    given = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    for folder in (*site.getsitepackages(), site.getusersitepackages()):
        for file in sorted(Path(folder).glob("*.pth")):
            lines = file.read_text("utf-8", errors="replace").splitlines()
            given += [str(Path(folder, line)) for line in map(str.strip, lines) if _is_path(line)]
    found = (Path(one).absolute() for one in given)
    return tuple(dict.fromkeys(one for one in found if one.is_dir()))


def _is_path(line: str) -> bool:
    return bool(line) and not line.startswith(("#", "import ", "import\t"))
