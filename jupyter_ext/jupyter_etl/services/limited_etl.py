"""Calls of the facade in child processes with limits: a look at data must not end a server."""

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
    """Calls functions of the facade in children, with their answers as JSON."""

    def __init__(self, *preload: str, limits: CallLimits | None = None) -> None:
        self._calls = LimitedCalls((*_PRELOAD, *preload), limits)

    def prepare(self) -> None:
        """Get ready for a first call, and do not wait for it; raises `ExecutionError`."""
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
            function: Receives a facade, and the arguments by name.
            arguments: JSON values.
            what: As for `LimitedCalls.call`, whose errors it raises.

        Returns:
            What the function returned, as JSON.
        """
        name = f"{function.__module__}:{function.__qualname__}"
        return self._calls.call(
            f"{__name__}:call_in_child",
            {"function": name, "arguments": dict(arguments)},
            what=what,
            env={**os.environ, **settings.environ()},
        )

    def close(self) -> None:
        """End all calls."""
        self._calls.close()


def call_in_child(function: str, arguments: Mapping[str, object]) -> bytes:
    """Open the facade of the environment, call a function with it, and return JSON without secrets."""
    from jupyter_etl.services import Etl

    module, _, name = function.partition(":")
    found: Callable[..., object] = getattr(import_module(module), name)
    etl: Etl = Etl.open()
    try:
        # Here, because to search a large answer takes time, which has a limit here.
        answer = msgspec.json.encode(found(etl, **arguments)).decode()
        return etl.redacted_answer(answer).encode()
    finally:
        etl.close()
