"""Looks at data: what reads rows for a route, in a child process of the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_etl.rest.cells import preview_view
from jupyter_etl.rest.lines import preview_line, table_lines
from jupyter_etl.rest.views import source_detail_view
from jupyter_etl.services.publications.differences import diff_view

if TYPE_CHECKING:
    from jupyter_etl.services import Etl


def describe_source(etl: Etl, name: str) -> object:
    """Return a source and its tables."""
    source = etl.sources.get(name)
    return source_detail_view(source, etl.sources.describe(name))


def preview_source(etl: Etl, name: str, table: str, limit: int) -> object:
    """Return the first rows of one of its tables."""
    found = etl.sources.preview(name, table, limit=limit)
    line = table_lines(name, table)["preview"]
    return {**preview_view(found.data, found.total_rows), "line": line}


def preview_publication(
    etl: Etl, name: str, version: int | None, draft: bool, held: int, limit: int
) -> object:
    """Return the first rows of one version, or of what a run holds back."""
    if held:
        found = etl.holds.preview(held, name, limit=limit)
    else:
        found = etl.publications.preview(name, version=version, draft=draft, limit=limit)
    line = preview_line(name, version=version, draft=draft, held=held)
    return {**preview_view(found.data, found.total_rows), "line": line}


def compare_versions(
    etl: Etl, name: str, before: int | None, after: int | None, key: Sequence[str], draft: bool
) -> object:
    """Return how two versions differ."""
    return diff_view(etl.publications.diff(name, before, after, key=tuple(key), draft=draft))
