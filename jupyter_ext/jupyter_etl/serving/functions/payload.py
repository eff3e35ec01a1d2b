"""Writes a captured function: several values in one pickle, which share what they refer to."""

from __future__ import annotations

import dataclasses
import functools
import io
import re
import socket
import subprocess
import sys
import threading
import types
from typing import Any

import cloudpickle
import msgspec

from jupyter_etl.serving.functions.local_modules import LruCache, is_by_value

LIMIT_BYTES = 100_000_000
"""Maximum size of a captured value, bytes."""

PROTOCOL = 5

_LIVE: tuple[tuple[Any, str], ...] = (
    (socket.socket, "a socket"),
    (threading.Thread, "a thread"),
    (
        (
            type(threading.Lock()), type(threading.RLock()), threading.Condition,
            threading.Semaphore, threading.Event, threading.Barrier,
        ),
        "a lock",
    ),
    ((types.GeneratorType, types.AsyncGeneratorType), "a generator"),
    (types.CoroutineType, "a coroutine"),
    (subprocess.Popen, "a process"),
)  # fmt: skip
_DATABASES = frozenset(
    {"sqlite3", "sqlalchemy", "duckdb", "_duckdb", "psycopg", "psycopg2", "asyncpg", "pymysql",
     "MySQLdb", "pyodbc", "oracledb", "snowflake", "adbc_driver_manager", "pymongo", "redis"}
)  # fmt: skip
_CONNECTION = re.compile(r"Connection|Cursor|Engine|Session|Client|Redis|Relation", re.IGNORECASE)


class NotCaptured(Exception):
    """A value cannot be written.

    Args:
        what: What cannot be written, with its article.
        is_value: Whether that is the value itself; otherwise it is inside it.
        too_large_bytes: Its size, if it is too large; -1 if the size is not known.
    """

    def __init__(self, what: str = "", *, is_value: bool = False, too_large_bytes: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.is_value = is_value
        self.too_large_bytes = too_large_bytes


class PayloadWriter:
    """Writes values one after the other; later ones refer to earlier ones.

    Args:
        count: How many values precede the last one.
        anyway: Whether values may be larger than `LIMIT_BYTES`.
        local: Names of the modules that are captured by value.
    """

    def __init__(self, count: int, *, anyway: bool, local: frozenset[str]) -> None:
        self._file = _LimitedBuffer(sys.maxsize if anyway else LIMIT_BYTES)
        self._pickler = _Pickler(self._file, local)
        self._limited = not anyway
        self._pickler.dump(count)

    @property
    def modules(self) -> set[str]:
        """Names of the modules that the written values refer to."""
        return set(self._pickler.modules)

    def user_of(self, module: str) -> str:
        """Return the name of the first value that refers to a top-level module, "" if unknown."""
        users = self._pickler.modules.items()
        return next((user for name, user in users if name.partition(".")[0] == module), "")

    def write(self, name: str, value: Any) -> bytes:
        """Write a value and return its bytes.

        Raises:
            NotCaptured: It cannot be written. Nothing else can be written then.
        """
        size = _size_of(value)
        if self._limited and size > LIMIT_BYTES:
            raise NotCaptured(too_large_bytes=size)
        self._pickler.begin(name, value)
        start = self._file.begin()
        try:
            self._pickler.dump(value)
        except NotCaptured:
            raise
        except Exception as problem:
            if isinstance(problem.__cause__, RecursionError):
                raise NotCaptured("data that is nested too deeply") from problem
            last = self._pickler.last
            raise NotCaptured(_what(type(last)), is_value=last is value) from problem
        return self._file.since(start)

    def payload(self) -> bytes:
        """Return everything that was written."""
        return self._file.since(0)


class _LimitedBuffer:
    """A file in memory that refuses values beyond a size."""

    def __init__(self, limit_bytes: int) -> None:
        self._data = bytearray()
        self._limit_bytes = limit_bytes
        self._start = 0

    def begin(self) -> int:
        self._start = len(self._data)
        return self._start

    def since(self, start: int) -> bytes:
        with memoryview(self._data) as view:
            return bytes(view[start:])

    def write(self, data: Any) -> int:
        with memoryview(data) as view:
            if len(self._data) - self._start + view.nbytes > self._limit_bytes:
                raise NotCaptured(too_large_bytes=-1)
            self._data += view.cast("B")
            return view.nbytes


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """Refuses what another process cannot use, and lists the modules that are referred to."""

    def __init__(self, file: Any, local: frozenset[str]) -> None:
        super().__init__(file, protocol=PROTOCOL)
        self._local = local
        self._value: Any = None
        self._user = ""
        self._live: dict[type, str] = {}
        self.modules: dict[str, str] = {}
        """Names of modules, each with the first value that refers to it."""
        self.last: Any = None
        """The object that was being written."""

    def begin(self, name: str, value: Any) -> None:
        self._user, self._value, self.last = name, value, value

    def reducer_override(self, obj: Any) -> Any:
        own = reduced(obj, self._local)
        return super().reducer_override(obj) if own is NotImplemented else own

    def persistent_id(self, obj: Any) -> None:
        """Inspect an object before it is written; none is replaced."""
        self.last = obj
        kind = type(obj)
        what = self._live.get(kind)
        if what is None:
            what = self._live[kind] = _live(kind)
        if what:
            raise NotCaptured(what, is_value=obj is self._value)
        if kind is types.ModuleType:
            self.modules.setdefault(obj.__name__, self._user)
        elif isinstance(obj, type | types.FunctionType):
            if not is_by_value(obj, self._local):
                self.modules.setdefault(obj.__module__, self._user)
            elif "__msgspec_cache__" in vars(obj):
                # It cannot be pickled; msgspec makes a new one.
                delattr(obj, "__msgspec_cache__")
        elif kind is types.BuiltinFunctionType and isinstance(obj.__module__, str):
            self.modules.setdefault(obj.__module__, self._user)


def reduced(obj: Any, local: frozenset[str]) -> Any:
    """Return how to write an object that neither pickle nor cloudpickle writes as it is."""
    if isinstance(obj, LruCache) and is_by_value(obj, local):
        return restore_cached, (obj.__wrapped__, obj.cache_parameters())
    if obj is dataclasses.MISSING:
        # dataclasses compares it by identity: a copy would be a default.
        return "MISSING"
    if type(obj) is msgspec.Meta:
        return functools.partial(msgspec.Meta, **dict(obj.__rich_repr__())), ()
    return NotImplemented


def restore_cached(function: Any, parameters: dict[str, Any]) -> Any:
    """Return a function with an empty cache. Stored payloads refer to this name."""
    return functools.lru_cache(**parameters)(function)


def _live(kind: type) -> str:
    """Return what objects of a type are if only the process that has them can use them."""
    if issubclass(kind, io.IOBase):
        # cloudpickle would write the content of a file.
        return "" if issubclass(kind, io.BytesIO | io.StringIO) else "an open file"
    found = next((what for classes, what in _LIVE if issubclass(kind, classes)), "")
    if not found and kind.__module__ == "multiprocessing.connection":
        return "a connection"
    return found or ("a database connection" if _is_connection(kind) else "")


def _is_connection(kind: type) -> bool:
    return any(
        base.__module__.partition(".")[0] in _DATABASES and _CONNECTION.search(base.__name__)
        for base in kind.__mro__
    )


def _what(kind: type) -> str:
    name = kind.__qualname__
    if _CONNECTION.search(name):
        return f"a connection ({name})"
    full = name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"
    return f"an object of type {full}"


def _size_of(value: Any) -> int:
    """Return the size of a large value that need not be written to know it, bytes; 0 for others."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    polars, arrow = sys.modules.get("polars"), sys.modules.get("pyarrow")
    if isinstance(value, bytes | bytearray | str):
        return len(value)
    if numpy is not None and isinstance(value, numpy.ndarray):
        return int(value.nbytes)
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return int(value.memory_usage().sum())
    if polars is not None and isinstance(value, polars.DataFrame):
        return int(value.estimated_size())
    if arrow is not None and isinstance(value, arrow.Table):
        return int(value.nbytes)
    return 0
