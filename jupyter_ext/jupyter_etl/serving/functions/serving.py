"""The loader of functions in the workers of a gateway."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from jupyter_etl.errors import ExecutionError, NotFound
from jupyter_etl.serving.functions.environment import Environment, differences, environment_here
from jupyter_etl.serving.functions.hooks import WorkerHooks, install_hooks
from jupyter_etl.serving.functions.loading import LoadedFunction, load_function
from jupyter_etl.serving.queries.live_lookups import LiveLookups


def load(
    payload: bytes,
    *,
    python: str,
    packages: Mapping[str, str],
    secrets: Mapping[str, str],
    copies: str,
    tables: str,
) -> LoadedFunction:
    """Load a function, unless its environment is too different from the one it was captured in.

    Args:
        payload: From `capture`.
        python, packages: Of the environment in which it was captured.
        secrets: Values by name, for ``etl.secret``.
        copies: Folder of the serving copies.
        tables: File with the versions that ``etl.lookup`` reads; see `LiveLookups`.

    Raises:
        ExecutionError: The environment differs, or the payload cannot be loaded.
    """
    recorded = Environment(python=python, packages=packages)
    found = differences(recorded, environment_here(packages))
    if found.refusals:
        raise ExecutionError(
            " ".join(found.refusals), hint="Publish the function again in this environment."
        )
    sys.stderr.writelines(f"{note}\n" for note in found.notes)
    lookups = LiveLookups(folder=Path(copies), tables=Path(tables))
    install_hooks(WorkerHooks(secret=_Secrets(secrets), lookup=lookups))
    return load_function(payload)


class _Secrets:
    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __call__(self, name: str) -> str:
        if name not in self._values:
            raise NotFound(
                f"The secret {name!r} is not available to this endpoint.",
                hint="Its name must be written as text in the function, and the owner of the "
                f"gateway must have it: jupyter etl secret set {name}",
            )
        return self._values[name]
