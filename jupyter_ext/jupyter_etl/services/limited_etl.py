"""Calls of the facade in child processes with limits, which protect a server from large reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

from jupyter_etl.runner.limited_calls import CallLimits, LimitedCalls

if TYPE_CHECKING:
    from jupyter_etl.services import Etl, Settings

_PRELOAD = (
    "jupyter_etl.services.etl", "jupyter_etl.sources.file_connector",
    "jupyter_etl.sources.http.connector", "jupyter_etl.sources.sql.connector",
    "jupyter_etl.publishing.tables.publisher", "jupyter_etl.publishing.files.publisher",
    "jupyter_etl.ledger.store", "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.psycopg", "psycopg", "numpy", "pandas", "pyarrow.parquet",
    "pyarrow.csv", "pyarrow.dataset", "duckdb", "deltalake",
)  # fmt: skip


class LimitedEtl:
    """Calls functions of the facade in child processes; they return JSON."""

    def __init__(self, *preload: str, limits: CallLimits | None = None) -> None:
        self._calls = LimitedCalls((*_PRELOAD, *preload), limits)

    def prepare(self) -> None:
        """Prepare for the first call without blocking; raises `ExecutionError`."""
        self._calls.prepare()

    def call(
        self,
        function: Callable[..., object],
        arguments: Mapping[str, object],
        *,
        what: str,
        settings: Settings,
    ) -> bytes:
        """Call a function of a module.

        Args:
            function: Called with a facade and the arguments by name.
            arguments: JSON values.
            what: See `LimitedCalls.call`, whose errors are raised.

        Returns:
            The return value of the function, as JSON.
        """
        name = f"{function.__module__}:{function.__qualname__}"
        return self._calls.call(
            f"{__name__}:call_in_child",
            {"function": name, "arguments": dict(arguments)},
            what=what,
            env={**os.environ, **settings.environ()},
        )

    def close(self) -> None:
        """Terminate all calls."""
        self._calls.close()


def call_in_child(function: str, arguments: Mapping[str, object]) -> bytes:
    """Open the facade of the environment, call a function with it, and return redacted JSON."""
    from jupyter_etl.services import Etl

    module, _, name = function.partition(":")
    found: Callable[..., object] = getattr(import_module(module), name)
    etl: Etl = Etl.open()
    try:
        # Redact here, because searching a large answer takes time and only the child has a limit.
        answer = msgspec.json.encode(found(etl, **arguments)).decode()
        return etl.redacted_answer(answer).encode()
    finally:
        etl.close()
