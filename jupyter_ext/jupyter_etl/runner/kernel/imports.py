"""Imports before runs, and the import path of a fork once its kernel is known."""

from __future__ import annotations

import builtins
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from types import ModuleType, SimpleNamespace
from typing import Any


@contextmanager
def as_in_a_kernel() -> Iterator[None]:
    """Let modules that are imported in this context detect an IPython kernel.

    Some check at import whether they run in a terminal: pandas would then show as many columns as
    fit into its width, and DuckDB would show no progress.

    Source:
        ``pandas._config.display``, ``pandas.core.config_init.is_terminal``; DuckDB's
        ``DuckDBPyConnection::DetectEnvironment``.
    """
    import IPython

    ipython: Any = IPython
    names: Any = builtins
    kernel, real = SimpleNamespace(kernel=True, config={"IPKernelApp": {}}), ipython.get_ipython
    inside = True

    def get_ipython() -> Any:
        # A module may keep a reference to this function.
        return kernel if inside else real()

    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    ipython.get_ipython = names.get_ipython = get_ipython
    try:
        yield
    finally:
        inside = False
        sys.modules["__main__"] = main
        ipython.get_ipython = real
        del names.get_ipython


_KERNEL = "ipykernel"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_SCRIPT = (".py", ".so")


def add_to_path(folders: Sequence[str], *, instead_of: Sequence[str] = ()) -> None:
    """Put folders first on `sys.path`, and unload the modules that they shadow.

    Args:
        folders: Absolute paths, in order of precedence.
        instead_of: Folders to remove from the beginning of `sys.path`.
    """
    for old in instead_of:
        if old in sys.path:
            sys.path.remove(old)
    sys.path[:0] = [folder for folder in dict.fromkeys(folders) if folder not in sys.path]
    forget_shadowed([*folders, ""])


def forget_shadowed(folders: Sequence[str]) -> None:
    """Remove the modules from `sys.modules` that an import would now find elsewhere.

    A fork already has modules imported that a cold kernel would import in the notebook: there, a
    ``requests.py`` beside the notebook takes precedence over the installed package. Modules that an
    IPython kernel imports itself before the first cell are kept, as in a cold kernel.

    Args:
        folders: Folders that were added to `sys.path` after the modules were imported; "" is the
            working directory.
    """
    names = {name.partition(".")[0] for name in sys.modules} - kernel_modules()
    for name in names & _listed(folders, names):
        if PathFinder.find_spec(name, folders) is None:
            continue
        loaded = getattr(sys.modules.get(name), "__spec__", None)
        found = _find(name)
        if loaded is None or found is None or found.origin == loaded.origin:
            continue
        for each in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
            del sys.modules[each]


def _listed(folders: Sequence[str], names: set[str]) -> set[str]:
    """Return the names that have a file in the folders, compared up to the first dot.

    Listing a folder once is much cheaper than a lookup by the path finder for each name. All names
    are returned if a folder cannot be listed, because it may be an archive.
    """
    try:
        listed = [entry for folder in folders for entry in os.listdir(folder or ".")]  # noqa: PTH208 - as cheap as can be
    except OSError:
        return names
    return {entry.partition(".")[0] for entry in listed}


def _find(name: str) -> ModuleSpec | None:
    """Find a top-level module as an import would if it had not been imported before."""
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None)
        if spec is not None:
            return spec
    return None


@cache
def kernel_modules() -> frozenset[str]:
    """Return the top-level modules of IPython's kernel and of all its requirements."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [_KERNEL]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            one = distribution(name)
        except PackageNotFoundError:
            continue
        found |= _modules(one)
        # Extras are not required.
        wanted = [text for text in one.requires or () if "extra ==" not in text]
        waiting += [match[0] for text in wanted if (match := _NAME.match(text))]
    return frozenset({"__main__", *found})


def _modules(one: Distribution) -> set[str]:
    files = [file for file in one.files or () if file.suffix in _SCRIPT]
    return {file.parts[0].partition(".")[0] for file in files}
