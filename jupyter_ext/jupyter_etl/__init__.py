"""Declare data sources, schedule notebooks as recurring ETL, publish outputs.

In a notebook ``%load_ext jupyter_etl`` brings the `%etl` magics; ``import jupyter_etl as etl``
offers the same as Python calls. ``etl.run`` is the run a cell belongs to: its ``id, pipeline,
attempt, logical_at, start, end, draft``; interactively a draft with the same fields.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jupyter_etl._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_etl.model import RunContext
    from jupyter_etl.notebook.api import (
        apply,
        approx,
        check,
        lineage,
        load,
        lookup,
        param,
        profile,
        promote,
        publish,
        publish_function,
        publish_query,
        read,
        sample,
        secret,
        source,
        split,
        sql,
    )

    run: RunContext

__all__ = [
    "__version__", "apply", "approx", "check", "lineage", "load", "lookup", "param", "profile",
    "promote", "publish", "publish_function", "publish_query", "read", "run", "sample", "secret",
    "source", "split", "sql",
]  # fmt: skip

_CALLS = frozenset(__all__) - {"__version__", "run"}


def __getattr__(name: str) -> Any:
    """Import what is behind a public name when it is first used."""
    if name in _CALLS:
        return getattr(import_module("jupyter_etl.notebook.api"), name)
    if name == "run":
        return import_module("jupyter_etl.notebook.api").context()
    raise AttributeError(f"module 'jupyter_etl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Register the magics: ``%load_ext jupyter_etl``."""
    from jupyter_etl_magics import register

    register(ipython)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyterlab-etl"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_etl.rest.application import EtlExtensionApp

    return [{"module": "jupyter_etl", "app": EtlExtensionApp}]
