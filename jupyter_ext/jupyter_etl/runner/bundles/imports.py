"""Makes a kernel import the pinned modules of a version.

The source of this file is executed in the kernel before its first cell, in any environment.
Therefore it imports nothing of the platform.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType


class PinnedFinder:
    """Finds the pinned top-level modules, regardless of changes that cells make to ``sys.path``.

    Args:
        search: The folders of the pinned modules.
    """

    def __init__(self, search: Sequence[str], modules: Iterable[str]) -> None:
        self._search = list(search)
        self._modules = frozenset(modules)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a pinned module; None for every other."""
        if path is not None or name not in self._modules:
            return None
        # Portions of a namespace package may be installed as well.
        return PathFinder.find_spec(name, [*self._search, *sys.path], target)


def install(search: Sequence[str], modules: Sequence[str], live: str) -> None:
    """Import pinned modules from now on.

    Args:
        search: The folders of the pinned modules, absolute.
        modules: Their top-level names.
        live: The project root that the version was deployed from. Modules that startup code of the
            kernel imported from there are imported again.
    """
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in modules and _is_below(live, module):
            del sys.modules[name]
    sys.path[:] = [one for one in sys.path if one not in search]
    # As in every kernel, the standard library precedes local modules.
    place = next((n for n, one in enumerate(sys.path) if _is_behind_library(one)), 0)
    sys.path[place:place] = search
    sys.meta_path.insert(0, PinnedFinder(search, modules))


def _is_behind_library(entry: str) -> bool:
    return not entry or Path(entry).name in ("site-packages", "dist-packages")


def _is_below(folder: str, module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    places = [file] if file else list(getattr(module, "__path__", ()))
    return any(Path(place).is_relative_to(folder) for place in places)
