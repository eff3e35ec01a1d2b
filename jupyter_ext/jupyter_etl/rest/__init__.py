"""The Jupyter server extension: REST under ``etl/v1/`` and events for the panel.

The import is cheap: the ledger and all other modules are loaded at first use, in a thread, so that
the extension does not delay the start of a Jupyter server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_etl.rest.application import EtlExtensionApp

__all__ = ["EtlExtensionApp"]


def __getattr__(name: str) -> Any:
    """Import the application at first use."""
    if name == "EtlExtensionApp":
        return import_module("jupyter_etl.rest.application").EtlExtensionApp
    raise AttributeError(f"module 'jupyter_etl.rest' has no attribute {name!r}")


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Return the extension's application to Jupyter Server."""
    from jupyter_etl.rest.application import EtlExtensionApp

    return [{"module": "jupyter_etl", "app": EtlExtensionApp}]
