"""The composition root: settings, plug-ins, and the facade that every surface uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_etl.services.settings import Settings

if TYPE_CHECKING:
    from jupyter_etl.services.etl import Etl

__all__ = ["Etl", "Settings"]


def __getattr__(name: str) -> Any:
    """Import the facade on first use: code inside a run only needs its channel."""
    if name == "Etl":
        from jupyter_etl.services.etl import Etl

        return Etl
    raise AttributeError(f"module 'jupyter_etl.services' has no attribute {name!r}")
