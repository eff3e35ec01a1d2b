"""A hash of a function's code and captured values that does not depend on the session.

It covers the bytecode, constants, defaults and annotations of the function and of every function
and class that is captured by value, the source text of modules beside the notebook, and the values
of variables and closures. It does not cover file names, line numbers, the order of definitions, or
the content of installed packages.

Two sessions with the same minor version of Python give the same hash for the same code and values,
if the pickles of the values are the same. They differ for objects that contain a time, an address
or a random number.

Source:
    joblib's ``hashing.py``: a pickler whose output is hashed, with sets in a fixed order and texts
    by value.
"""

from __future__ import annotations

import hashlib
import types
from pathlib import Path
from typing import Any

import cloudpickle

from jupyter_etl.serving.functions.local_modules import is_by_value
from jupyter_etl.serving.functions.payload import reduced
from jupyter_etl.serving.functions.references import global_names

_GENERATED = frozenset(
    {"__dict__", "__weakref__", "__module__", "__firstlineno__", "__static_attributes__",
     "__annotations__", "_abc_impl", "__msgspec_cache__", "__annotations_cache__"}
)  # fmt: skip
_DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType)


def code_hash(function: Any, hints: object, local: frozenset[str]) -> str:
    """Return the hash, 64 hexadecimal digits.

    Args:
        function: A function whose values can be pickled.
        hints: The resolved annotations of its signature.
        local: Names of the modules that are captured by value.
    """
    return _digest((function, hints), local).hex()


def _digest(value: Any, local: frozenset[str]) -> bytes:
    writer = _HashWriter()
    _HashPickler(writer, local).dump(value)
    return writer.digest()


class _HashWriter:
    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def write(self, data: Any) -> int:
        with memoryview(data) as view:
            self._hash.update(view)
            return view.nbytes

    def digest(self) -> bytes:
        return self._hash.digest()


class _HashPickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """Writes a canonical form of values; the output is not read again."""

    def __init__(self, file: Any, local: frozenset[str]) -> None:
        super().__init__(file, protocol=5)
        self._local = local
        self._seen: dict[int, int] = {}

    def reducer_override(self, obj: Any) -> Any:
        own = reduced(obj, self._local)
        return super().reducer_override(obj) if own is NotImplemented else own

    def persistent_id(self, obj: Any) -> Any:
        """Return the form of an object that is written in its place, None for the usual one."""
        kind = type(obj)
        if kind in (str, bytes):
            # By value: whether equal texts are one object depends on the session.
            raw = obj.encode("utf-8", "surrogatepass") if kind is str else obj
            return int.from_bytes(hashlib.blake2b(raw, digest_size=16).digest())
        if kind in (set, frozenset):
            return kind is set, sorted(self._alone(one) for one in obj)
        if kind is types.CodeType:
            return _code(obj)
        if kind is types.ModuleType:
            return self._module(obj)
        if kind is types.FunctionType or isinstance(obj, type):
            return self._definition(obj)
        return None

    def _alone(self, value: Any) -> int:
        return int.from_bytes(_digest(value, self._local))

    def _definition(self, obj: Any) -> Any:
        if not is_by_value(obj, self._local):
            return f"{obj.__module__}.{obj.__qualname__}", None
        if id(obj) in self._seen:
            return self._seen[id(obj)], None
        self._seen[id(obj)] = len(self._seen)
        return self._function(obj) if isinstance(obj, types.FunctionType) else self._class(obj)

    def _function(self, function: types.FunctionType) -> Any:
        names = sorted(set(global_names(function.__code__)) & set(function.__globals__))
        return (
            function.__name__,
            function.__code__,
            function.__defaults__,
            function.__kwdefaults__,
            function.__annotations__,
            [(name, function.__globals__[name]) for name in names],
            [_content(cell) for cell in function.__closure__ or ()],
            vars(function),
        )

    def _class(self, cls: type) -> Any:
        inside = {
            name: value
            for name, value in vars(cls).items()
            if name not in _GENERATED and not isinstance(value, _DESCRIPTORS)
        }
        return cls.__name__, cls.__bases__, type(cls), inside

    def _module(self, module: types.ModuleType) -> Any:
        if module.__name__ not in self._local:
            return module.__name__, None
        return module.__name__, Path(str(module.__file__)).read_bytes()


def _code(code: types.CodeType) -> Any:
    return (
        code.co_code, code.co_consts, code.co_names, code.co_varnames, code.co_freevars,
        code.co_cellvars, code.co_flags, code.co_argcount, code.co_kwonlyargcount,
        code.co_posonlyargcount, code.co_exceptiontable,
    )  # fmt: skip


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None
