"""Declared sources; `jupyter_etl.rest.previews` reads their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.rest.operation import get
from jupyter_etl.rest.views.base import Items
from jupyter_etl.rest.views.sources import SourceView, source_view

if TYPE_CHECKING:
    from jupyter_etl.services import Etl


@get("/sources", then_limited=True)
def list_sources(etl: Etl) -> Items[SourceView]:
    """List all sources, by name."""
    silent = etl.sources.silent()
    return Items(
        items=tuple(
            source_view(source, silent.get(source.name), etl.secrets.uses(source))
            for source in etl.sources.list()
        )
    )
