"""A kernel's variables on disk, written and read only by kernels themselves.

One pickler writes all values in sequence, so that objects shared by several variables stay shared.
Functions and classes of the notebook are written by value. After reading they use the variables of
the new kernel, like all functions of a notebook.

Source:
    https://docs.python.org/3/library/pickle.html (objects in one file may share a memo),
    https://github.com/cloudpipe/cloudpickle (functions and classes by value).
"""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import cloudpickle

from jupyter_etl.errors import ExecutionError, first_line
from jupyter_etl.language.sizes import format_size
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.kernel.kernels import BUNDLE, WORKING_FOLDER

INDEX = "names.json"
VALUES = "names.pickle"

_PROTOCOL = 5
_IPYTHON = re.compile(r"_{1,3}|_i{1,3}|_i?\d+|_[ido]h|In|Out|exit|quit|get_ipython|__\w+__")
Queries = Mapping[str, Mapping[str, str]]
"""Named queries: by source, by name."""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """Saved state besides the variables, which the caller has to restore.

    Args:
        extensions: Loaded extensions of IPython.
        queries: Named queries of the notebook.
    """

    extensions: tuple[str, ...]
    queries: Queries


def keep_names(
    namespace: Mapping[str, Any],
    folder: Path,
    *,
    hidden: Mapping[str, Any],
    secrets: Collection[str],
    limit_bytes: int,
    extensions: Collection[str] = (),
    queries: Queries | None = None,
) -> None:
    """Write the variables of a kernel into a folder, except those that cannot be written.

    Args:
        folder: Existing folder, private to its user.
        hidden: Names that the shell itself put into the namespace.
        secrets: Values of secrets; variables that contain one are left out.
        limit_bytes: Maximum total size; beyond it the largest variables are left out.
        extensions: Loaded extensions of IPython.
        queries: Named queries; those that contain a secret are left out.
    """
    names = {name: value for name, value in namespace.items() if _is_users(name, value, hidden)}
    sizes, uses, left_out = _try_each(names, namespace, secrets, limit_bytes)
    room = limit_bytes
    for name in sorted(sizes, key=sizes.__getitem__):
        room -= sizes[name]
        if room < 0:
            left_out[name] = _too_big(limit_bytes)
    kept = [name for name in names if name not in left_out]
    with _create(folder / VALUES) as file:
        pickler = _Pickler(file, namespace)
        pickler.dump(_session_state(extensions, _without(secrets, queries or {})))
        for name in kept:
            pickler.dump(names[name])
        size = file.tell()
    index = {
        "python": _python(),
        "names": kept,
        "left_out": left_out,
        "uses": {name: uses[name] for name in kept if uses[name]},
        "bytes": size,
    }
    with _create(folder / INDEX) as file:
        file.write(json.dumps(index).encode())


def restore_names(namespace: dict[str, Any], folder: Path) -> Restored:
    """Read variables that `keep_names` wrote.

    Args:
        namespace: Namespace of this kernel, to which the variables are added. After an error it
            contains some of them.

    Returns:
        The saved state besides the variables.

    Raises:
        ExecutionError: They were written by another version of Python.
        Exception: An error of unpickling.
    """
    index = json.loads((folder / INDEX).read_bytes())
    if index["python"] != _python():
        raise ExecutionError(
            f"the variables were kept by Python {index['python']}, and this is {_python()}"
        )
    builtins = namespace["__builtins__"]
    with (folder / VALUES).open("rb") as file:
        unpickler = pickle.Unpickler(file)  # noqa: S301 - the author's values in the author's kernel
        around = unpickler.load()
        _go_back(around)
        for name in index["names"]:
            namespace[name] = unpickler.load()
    # cloudpickle leaves its own there when it creates a function.
    namespace["__builtins__"] = builtins
    random.setstate(around["random"])
    if around["numpy"] is not None:
        sys.modules["numpy"].random.set_state(around["numpy"])
    # A checkpoint of an older version has no queries.
    return Restored(extensions=tuple(around["extensions"]), queries=around.get("queries", {}))


def _go_back(around: Mapping[str, Any]) -> None:
    """Restore the working directory and the search path, with the pinned files of this run."""
    folder, bundle = around.get("folder", ""), around.get("bundle", "")
    cwd = Path(around["cwd"])
    if folder and cwd.is_relative_to(folder):
        # It was a folder of the earlier attempt; this kernel uses the new attempt's equivalent.
        cwd = Path.cwd() / cwd.relative_to(folder)
    os.chdir(cwd)
    own = [one for one in sys.path if _is_below(one, os.environ.get(BUNDLE, ""))]
    path = [one for one in around["path"] if one not in own and not _is_below(one, bundle)]
    place = path.index("") if "" in path else 0
    path[place:place] = own
    sys.path[:] = [*path, *(one for one in sys.path if one not in path)]


def _is_below(path: str, folder: str) -> bool:
    return bool(folder) and Path(path).is_relative_to(folder)


def notebook_namespace() -> dict[str, Any]:
    """Return the variables of the notebook whose kernel this process is."""
    return vars(sys.modules["__main__"])


class _Here:
    """Placeholder for the notebook's variables in a pickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return notebook_namespace, ()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """Writes the notebook's functions without the variables that they look up.

    cloudpickle would copy these for each function, and fail if one cannot be written.
    """

    def __init__(self, file: Any, namespace: Mapping[str, Any]) -> None:
        super().__init__(file, protocol=_PROTOCOL)
        self._namespace = namespace
        self._here = _Here()
        self.uses: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, io.IOBase) and not isinstance(obj, io.BytesIO | io.StringIO):
            # cloudpickle would save the file's content.
            raise _Refused("it is an open file")
        reduced = super().reducer_override(obj)
        if not isinstance(obj, FunctionType) or obj.__globals__ is not self._namespace:
            return reduced
        make, (code, _, *rest), (state, slots), *more = reduced
        self.uses.update(slots["__globals__"])
        return make, (code, self._here, *rest), (state, {**slots, "__globals__": {}}), *more


class _Refused(Exception):
    """The value must not be written; the message is the reason."""


class _Meter:
    """Counts the bytes of a pickler, and refuses secrets and values that are too large.

    Args:
        limit_bytes: Maximum number of bytes.
    """

    def __init__(self, secrets: Collection[str], limit_bytes: int) -> None:
        self._redactor = _redactor_of(secrets)
        self._overlap = self._redactor.longest_bytes
        self._tail = b""
        self._limit_bytes = limit_bytes
        self.size = 0

    def write(self, data: Any) -> int:
        with memoryview(data).cast("B") as view:
            self.size += view.nbytes
            if self.size > self._limit_bytes:
                raise _Refused(_too_big(self._limit_bytes))
            if self._redactor.is_active:
                seam = self._tail + bytes(view[: self._overlap])
                if self._redactor.in_bytes(seam) or self._redactor.in_bytes(view):
                    raise _Refused("it contains the value of a secret")
                self._tail = (self._tail + bytes(view[-self._overlap :]))[-self._overlap :]
            return view.nbytes


def _try_each(
    names: Mapping[str, Any],
    namespace: Mapping[str, Any],
    secrets: Collection[str],
    limit_bytes: int,
) -> tuple[dict[str, int], dict[str, list[str]], dict[str, str]]:
    """Pickle every value separately without storing it: one failure would spoil the whole file.

    Returns:
        By name: sizes in bytes, names that functions look up, and reasons why values cannot be
            kept.
    """
    sizes: dict[str, int] = {}
    uses: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    for name, value in names.items():
        meter = _Meter(secrets, limit_bytes)
        pickler = _Pickler(meter, namespace)
        try:
            if isinstance(value, str) and value in secrets:
                raise _Refused("it is the value of a secret")
            pickler.dump(value)
        except _Refused as refused:
            left_out[name] = str(refused)
        except Exception as problem:  # noqa: BLE001 - the author's own code says how to pickle it
            left_out[name] = _reason(problem, secrets)
        else:
            sizes[name] = meter.size
            uses[name] = sorted(pickler.uses)
    return sizes, uses, left_out


def _is_users(name: str, value: Any, hidden: Mapping[str, Any]) -> bool:
    if _IPYTHON.fullmatch(name):
        return False
    return name not in hidden or hidden[name] is not value


def _redactor_of(secrets: Collection[str]) -> Redactor:
    redactor = Redactor()
    for secret in secrets:
        redactor.register("", secret)
    return redactor


def _without(secrets: Collection[str], queries: Queries) -> dict[str, dict[str, str]]:
    redactor = _redactor_of(secrets)
    return {
        source: {name: text for name, text in named.items() if not redactor.holds(text)}
        for source, named in queries.items()
    }


def _session_state(
    extensions: Collection[str], queries: dict[str, dict[str, str]]
) -> dict[str, Any]:
    numpy = sys.modules.get("numpy")
    return {
        "cwd": str(Path.cwd()),
        "path": list(sys.path),
        "folder": os.environ.get(WORKING_FOLDER, ""),
        "bundle": os.environ.get(BUNDLE, ""),
        "extensions": sorted(extensions),
        "queries": queries,
        "random": random.getstate(),
        "numpy": None if numpy is None else numpy.random.get_state(),
    }


def _python() -> str:
    return f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"


def _too_big(limit_bytes: int) -> str:
    return f"with it the checkpoint would be larger than {format_size(limit_bytes)}"


def _reason(problem: Exception, secrets: Collection[str]) -> str:
    first = first_line(problem)[:200]
    if _redactor_of(secrets).holds(first):
        first = ""
    return f"{type(problem).__name__}: {first}".removesuffix(": ")


def _create(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
