"""Module lookup by a kernel's interpreter."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from jupyter_etl.runner.kernel.kernels import kernel_environment
from jupyter_etl.services.preflight.module_probe import lacks

PATIENCE_S = 20.0
"""Timeout of an interpreter, seconds."""


@dataclass(frozen=True)
class Interpreter:
    """How a kernelspec starts Python.

    Args:
        command: The interpreter and its options.
        module: The module that it runs as the kernel: ``ipykernel_launcher``.
        env: Environment variables of the kernelspec.
    """

    command: tuple[str, ...]
    module: str
    env: tuple[tuple[str, str], ...] = ()

    def missing(self, names: Collection[str], folder: Path) -> frozenset[str] | None:
        """Return the modules that the interpreter does not find; None if it does not respond.

        Args:
            names: Dotted names; ``module:name`` for a name in a module.
            folder: The notebook's folder, which contains its own modules.
        """
        asked = frozenset(name for name in names if not _is_beside(name, folder))
        answer = _answer(self, _stamp(self.command[0]))
        return answer.missing(asked)

    def version(self) -> tuple[int, int] | None:
        """Return the version of its Python."""
        answer = _answer(self, _stamp(self.command[0]))
        answer.missing(frozenset({self.module}))
        return answer.python


def interpreter_of(spec: Any) -> Interpreter | None:
    """Return how a kernelspec of jupyter_client starts Python; None if that is not known."""
    argv = [str(word) for word in spec.argv]
    if "-m" not in argv[:-1]:
        return None
    place = argv.index("-m")
    if "ipykernel" not in argv[place + 1]:
        return None
    executable = executable_of(spec)
    if executable is None:
        return None
    env = tuple(sorted((str(k), str(v)) for k, v in (spec.env or {}).items()))
    return Interpreter((executable, *argv[1:place]), argv[place + 1], env)


def executable_of(spec: Any) -> str | None:
    """Return the program that a kernelspec starts; None if it does not exist."""
    first = str(spec.argv[0]) if spec.argv else ""
    major, minor = sys.version_info[:2]
    # Same rule as jupyter_client.
    if first in {"python", f"python{major}", f"python{major}.{minor}"}:
        return sys.executable
    return shutil.which(first, path=(spec.env or {}).get("PATH"))


@dataclass
class _Answer:
    """The answer of an interpreter, valid while the folders of its ``sys.path`` are unchanged."""

    interpreter: Interpreter
    python: tuple[int, int] | None = None
    found: set[str] = field(default_factory=set)
    stamps: Mapping[str, int] = field(default_factory=dict)

    def missing(self, names: frozenset[str]) -> frozenset[str] | None:
        if any(_stamp(place) != stamp for place, stamp in self.stamps.items()):
            self.found.clear()
        unknown = names - self.found
        if not unknown:
            return frozenset()
        said = _ask(self.interpreter, unknown)
        if said is None:
            return None
        self.python = (said["python"][0], said["python"][1])
        self.stamps = {place: _stamp(place) for place in said["path"]}
        self.found |= unknown - set(said["missing"])
        return frozenset(said["missing"])


@cache
def _answer(interpreter: Interpreter, _changed_at: int) -> _Answer:
    return _Answer(interpreter)


def _stamp(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def _ask(interpreter: Interpreter, names: Collection[str]) -> dict[str, Any] | None:
    program = resources.files(__package__).joinpath("module_probe.py").read_text("utf-8")
    try:
        done = subprocess.run(
            [*interpreter.command, "-c", program],
            input=json.dumps(sorted(names)),
            env=kernel_environment({name: _filled(text) for name, text in interpreter.env}),
            # Not in the notebook's folder: no module of it may be executed.
            cwd="/",
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        said = json.loads(done.stdout.rpartition("\n")[2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return said if isinstance(said, dict) else None


def _filled(text: str) -> str:
    return os.path.expandvars(text)


def _is_beside(name: str, folder: Path) -> bool:
    """Return whether a module is in the notebook's folder; nothing is executed."""
    places: list[str] | None = [str(folder)]
    module, _, inside = name.partition(":")
    spec: Any = None
    PathFinder.invalidate_caches()
    for part in module.split("."):
        if places is None:
            return False
        spec = PathFinder.find_spec(part, places)
        if spec is None:
            return False
        places = (
            None
            if spec.submodule_search_locations is None
            else [str(place) for place in _folders(spec, places, part)]
        )
    return not inside or not lacks(spec.origin, places, inside)


def _folders(spec: Any, places: list[str], part: str) -> list[Path]:
    """Return the folders of a package's modules; a namespace package's path is not computed."""
    if spec.origin and spec.has_location:
        return [Path(str(spec.origin)).parent]
    return [path for place in places if (path := Path(place) / part).is_dir()]
