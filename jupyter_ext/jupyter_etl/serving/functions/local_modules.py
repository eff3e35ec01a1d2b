"""The modules that lie beside a notebook, which are captured by value."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cloudpickle

LruCache = type(functools.lru_cache(lambda: None))
"""The type of functions decorated with ``functools.lru_cache`` or ``functools.cache``."""

_HEAP_TYPE = 1 << 9
"""Py_TPFLAGS_HEAPTYPE: the class was made by a class statement, not by C code."""

_OWN = ("jupyter_etl", "jupyter_etl_magics", "__main__")


def local_modules(folders: Iterable[Path]) -> frozenset[str]:
    """Return the names of the imported modules that lie directly in some folders.

    Args:
        folders: Such as the folder of the notebook. Of a package the folder that contains it
            counts, so that what is installed below a notebook's folder is not included.
    """
    places = {folder.resolve() for folder in folders}
    tops = {
        name
        for name, module in sys.modules.copy().items()
        if "." not in name and name not in _OWN and _place(module) in places
    }
    return frozenset(
        name
        for name, module in sys.modules.copy().items()
        if name.partition(".")[0] in tops and isinstance(module, types.ModuleType)
    )


@contextmanager
def pickled_by_value(names: Iterable[str]) -> Iterator[None]:
    """Let cloudpickle write the functions and classes of some modules by value, in the block."""
    before = cloudpickle.list_registry_pickle_by_value()
    modules = [sys.modules[name] for name in names if name not in before]
    for one in modules:
        cloudpickle.register_pickle_by_value(one)
    try:
        yield
    finally:
        for one in modules:
            cloudpickle.unregister_pickle_by_value(one)


def is_by_value(item: Any, local: frozenset[str]) -> bool:
    """Return whether cloudpickle writes a function or class by value.

    Args:
        local: Names of the modules that are pickled by value.
    """
    if isinstance(item, type) and not item.__flags__ & _HEAP_TYPE:
        return False
    module = sys.modules.get(item.__module__ or "")
    if module is None or item.__module__ == "__main__" or item.__module__ in local:
        return True
    found: Any = module
    for name in item.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is not item


def _place(module: Any) -> Path | None:
    """Return the folder that a top-level module of Python code was imported from."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py"):
        return None
    path = Path(file).resolve()
    return path.parent.parent if path.name == "__init__.py" else path.parent
