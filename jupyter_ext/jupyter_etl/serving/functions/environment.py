"""The environment in which a function was captured, and how another one differs from it."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

_FIND = """
import importlib.util, json, sys
def found(name):
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
print(json.dumps([name for name in sys.argv[1:] if found(name)]))
"""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Python and packages.

    Args:
        python: Version, such as ``3.12.4``.
        packages: Versions by distribution.
    """

    python: str
    packages: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Differences:
    """How an environment differs from the one of a function.

    Args:
        refusals: Sentences; with any of these the function must not be loaded.
        notes: Sentences.
    """

    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def environment_of(modules: Iterable[str]) -> Environment:
    """Return this process's Python and the distributions of some modules.

    Args:
        modules: Names; the standard library and jupyter-etl are left out.
    """
    names: set[str] = set()
    for one in modules:
        names.update(_distributions_of(one))
    return Environment(python=platform.python_version(), packages=_versions(names))


def environment_here(packages: Iterable[str]) -> Environment:
    """Return this process's Python and the installed ones of some distributions."""
    return Environment(python=platform.python_version(), packages=_versions(packages))


def differences(recorded: Environment, here: Environment) -> Differences:
    """Compare the environment of a function with the one in which it is to be called.

    A pickle may fail, or mean something else, in another minor version of Python and in another
    major version of a package that it refers to. Other versions are noted.

    Args:
        recorded: Where the function was captured.
        here: Where it is to be loaded, with the packages of ``recorded``.
    """
    refusals, notes = [], []
    if _numbers(recorded.python)[:2] != _numbers(here.python)[:2]:
        refusals.append(
            f"The function was captured with Python {recorded.python}, and this is Python "
            f"{here.python}; the minor version must be the same."
        )
    elif recorded.python != here.python:
        notes.append(
            f"The function was captured with Python {recorded.python}, and this is {here.python}."
        )
    for name, version in sorted(recorded.packages.items()):
        installed = here.packages.get(name)
        if installed is None:
            refusals.append(f"The function needs {name} {version}, which is not installed here.")
        elif _numbers(version)[:1] != _numbers(installed)[:1]:
            refusals.append(
                f"The function was captured with {name} {version}, and {installed} is installed "
                "here; the major version must be the same."
            )
        elif version != installed:
            notes.append(
                f"The function was captured with {name} {version}, and {installed} is installed "
                "here."
            )
    return Differences(refusals=tuple(refusals), notes=tuple(notes))


def missing_modules(modules: Iterable[str]) -> list[str]:
    """Return the modules that a new process of this interpreter cannot import.

    Args:
        modules: Names of top-level modules. A process is started only for those that are neither
            in the standard library nor installed.
    """
    doubtful = tuple(sorted(one for one in set(modules) if not _is_installed(one)))
    return sorted(set(doubtful) - _found_elsewhere(doubtful)) if doubtful else []


@functools.cache
def _found_elsewhere(names: tuple[str, ...]) -> frozenset[str]:
    # -P: the working directory is no place to import from.
    command = [sys.executable, "-P", "-c", _FIND, *names]
    found = subprocess.run(command, capture_output=True, check=True, timeout=60, text=True)
    return frozenset(json.loads(found.stdout))


def _is_installed(name: str) -> bool:
    if name in sys.stdlib_module_names or name in sys.builtin_module_names:
        return True
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    places = [getattr(spec, "origin", None), *(getattr(module, "__path__", None) or ())]
    return any(
        Path(one).parent.name in ("site-packages", "dist-packages")
        or Path(one).parent.parent.name in ("site-packages", "dist-packages")
        for one in places
        if one
    )


@functools.cache
def _top_levels() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def _distributions_of(module: str) -> set[str]:
    """Return the distributions that a module belongs to; none for the standard library."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top == "jupyter_etl":
        # jupyter-etl itself is of the version that loads the function.
        return set()
    names = set(_top_levels().get(top, ()))
    if not names:
        # An editable installation does not list its files; often it has the name of its module.
        return {top} if _version(top) else set()
    if len(names) == 1:
        return names
    file = getattr(sys.modules.get(module), "__file__", None)
    own = {one for one in names if file and _has_file(one, Path(file))}
    return own or names


def _has_file(distribution: str, file: Path) -> bool:
    files = importlib.metadata.files(distribution) or ()
    return any(one.name == file.name and Path(str(one.locate())) == file for one in files)


def _versions(names: Iterable[str]) -> dict[str, str]:
    found = {name: _version(name) for name in sorted(set(names))}
    return {name: version for name, version in found.items() if version}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    """Return the release of a version, with its epoch if it has one."""
    try:
        parsed = Version(version)
    except InvalidVersion:
        return ()
    return (parsed.epoch, *parsed.release) if parsed.epoch else parsed.release
