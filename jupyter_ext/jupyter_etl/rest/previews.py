"""Operations that read rows, called in a child process of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from jupyter_etl.rest.cells import preview_of
from jupyter_etl.rest.lines import preview_line, table_lines
from jupyter_etl.rest.operation import get
from jupyter_etl.rest.parameters import Draft, Rows, Version
from jupyter_etl.rest.views.sources import Preview, SourceDetail, source_detail_view
from jupyter_etl.services.publications.differences import DiffView, diff_view

if TYPE_CHECKING:
    from jupyter_etl.services import Etl

_Table = Annotated[
    str, Meta(description="A table of the source; empty for a source that is one table.")
]
_Held = Annotated[
    int,
    Meta(
        ge=0,
        le=10**9,
        description="Number of a held run, to read the rows that an approval would publish; 0 for none.",
    ),
]
_Before = Annotated[
    int, Meta(ge=0, le=10**9, description="Number of a version; 0 for the one before `after`.")
]
_After = Annotated[int, Meta(ge=0, le=10**9, description="Number of a version; 0 for the newest.")]
_Key = Annotated[
    str,
    Meta(
        description="Columns that identify a row, separated by commas; by default those it was published with."
    ),
]


@get("/sources/{name}", limited="The source {name!r}")
def get_source(etl: Etl, name: str) -> SourceDetail:
    """Return a source and its tables; 504 if it does not answer within 30 s."""
    return source_detail_view(etl.sources.get(name), etl.sources.describe(name))


@get("/sources/{name}/preview", limited="The preview of {name!r}")
def preview_source(etl: Etl, name: str, table: _Table = "", limit: Rows = 20) -> Preview:
    """Return the first rows of a table; 504 if it does not answer within 30 s."""
    found = etl.sources.preview(name, table, limit=limit)
    return preview_of(found.data, found.total_rows, table_lines(name, table)["preview"])


@get("/publications/{name}/preview", limited="The preview of {name!r}")
def preview_publication(
    etl: Etl,
    name: str,
    version: Version = 0,
    draft: Draft = False,
    held: _Held = 0,
    limit: Rows = 20,
) -> Preview:
    """Return the first rows of a version, or of a held run; 504 after 30 s."""
    if held:
        found = etl.holds.preview(held, name, limit=limit)
    else:
        found = etl.publications.preview(name, version=version or None, draft=draft, limit=limit)
    line = preview_line(name, version=version or None, draft=draft, held=held)
    return preview_of(found.data, found.total_rows, line)


@get("/publications/{name}/diff", limited="The comparison of versions of {name!r}")
def diff_publication(
    etl: Etl,
    name: str,
    before: _Before = 0,
    after: _After = 0,
    key: _Key = "",
    draft: Draft = False,
) -> DiffView:
    """Compare two versions; 504 after 30 s."""
    columns = tuple(column for column in key.split(",") if column)
    found = etl.publications.diff(name, before or None, after or None, key=columns, draft=draft)
    return diff_view(found)
