"""The Jupyter server extension: REST under ``etl/v1/`` and events for the panel.

Importing it costs nothing: the ledger and everything behind it is opened at first use, in a
thread, so that a Jupyter server starts no slower with it than without.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_etl.rest.application import EtlExtensionApp

__all__ = ["EtlExtensionApp"]


def __getattr__(name: str) -> Any:
    """Import the application when it is asked for."""
    if name == "EtlExtensionApp":
        return import_module("jupyter_etl.rest.application").EtlExtensionApp
    raise AttributeError(f"module 'jupyter_etl.rest' has no attribute {name!r}")


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell Jupyter Server what to load."""
    from jupyter_etl.rest.application import EtlExtensionApp

    return [{"module": "jupyter_etl", "app": EtlExtensionApp}]
