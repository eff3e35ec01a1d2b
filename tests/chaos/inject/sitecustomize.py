"""Loaded by the interpreter at its start, only in the processes of a chaos world.

It changes modules of the product when they are imported, as listed in ``CHAOS_PATCHES``: names from
``mutants.py``, separated by spaces. Therefore the product itself needs no hooks for its tests.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path


class _Patched(importlib.abc.Loader):
    def __init__(self, loader, changes):
        self._loader = loader
        self._changes = changes

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        for change in self._changes:
            change.apply(module)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, patches):
        self._patches = patches

    def find_spec(self, fullname, path, target=None):
        if fullname not in self._patches:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Patched(spec.loader, self._patches[fullname])
        return spec


def _install(names):
    path = Path(__file__).resolve().parent.parent / "mutants.py"
    spec = importlib.util.spec_from_file_location("chaos_mutants", path)
    mutants = importlib.util.module_from_spec(spec)
    # Dataclasses look up their own module.
    sys.modules[spec.name] = mutants
    spec.loader.exec_module(mutants)
    changes = [change for name in names for change in mutants.CHANGES[name]]
    patches = {}
    for change in changes:
        patches.setdefault(change.module, []).append(change)
    sys.meta_path.insert(0, _Finder(patches))


if os.environ.get("CHAOS_PATCHES"):
    _install(os.environ["CHAOS_PATCHES"].split())
