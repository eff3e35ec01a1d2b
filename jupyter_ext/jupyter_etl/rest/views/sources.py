"""Sources, their tables and the rows of a preview, as responses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jupyter_etl.model import Breaker, Source, TableInfo
from jupyter_etl.rest.lines import table_lines
from jupyter_etl.rest.views.base import View
from jupyter_etl.services.secrets import SecretUse


class TableLines(View, frozen=True):
    """Command lines that do the same as the buttons of a source or table; empty if there are none.

    Args:
        load: A cell that reads it into a variable.
    """

    preview: str
    load: str


@dataclass(frozen=True, kw_only=True)
class SourceView(Source):
    """A source in a list.

    Args:
        secret_uses: Who owns its secrets, and where they may be sent.
        next_try_at: Next time at which a run tries it again; null while it answers.
    """

    secret_uses: tuple[SecretUse, ...]
    next_try_at: datetime | None
    lines: TableLines


@dataclass(frozen=True, kw_only=True)
class TableView(TableInfo):
    """A table of a source."""

    lines: TableLines


class SourceDetail(View, frozen=True):
    """A source and its tables."""

    source: Source
    tables: tuple[TableView, ...]


class PreviewColumn(View, frozen=True):
    """A column of a preview.

    Args:
        type: Its Arrow type.
    """

    name: str
    type: str


class Preview(View, frozen=True):
    """The first rows of a table.

    Args:
        rows: Cells in the order of the columns. Dates are ISO 8601 text, decimals and integers
            beyond 2**53 text, bytes hexadecimal text, NaN null.
        total_rows: Null if counting would require a scan.
        line: Command line that shows the rows in a notebook or a terminal.
    """

    columns: tuple[PreviewColumn, ...]
    rows: list[list[object]]
    total_rows: int | None
    line: str


def source_view(
    source: Source, breaker: Breaker | None, uses: Sequence[SecretUse] = ()
) -> SourceView:
    """Make the view of a source in a list; its breaker is None while it answers."""
    return SourceView(
        **vars(source),
        secret_uses=tuple(uses),
        next_try_at=breaker.retry_at if breaker else None,
        lines=TableLines(**table_lines(source.name)),
    )


def source_detail_view(source: Source, tables: Sequence[TableInfo]) -> SourceDetail:
    """Make the view of a source and its tables."""
    return SourceDetail(
        source=source,
        tables=tuple(
            TableView(**vars(table), lines=TableLines(**table_lines(source.name, table.name)))
            for table in tables
        ),
    )
