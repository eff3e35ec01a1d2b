"""The positions of pipelines' incremental loads."""

from __future__ import annotations

import builtins
from datetime import datetime

import msgspec

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.cursors import parse_cursor
from jupyter_etl.language.names import listed
from jupyter_etl.model import Cursor, CursorKind, Watermark
from jupyter_etl.ports import Clock, Store
from jupyter_etl.services.settings import Settings
from jupyter_etl.services.targets import must_be_pipeline, must_be_readable, table_of_source


class Watermarks:
    """List and set watermarks."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    def list(self, pipeline: str | None = None, target: str = "") -> builtins.list[Watermark]:
        """Return watermarks, ordered by pipeline and cursor.

        Args:
            pipeline: Name of a pipeline; None for all.
            target: ``SOURCE``, ``SOURCE.TABLE`` or a publication; "" for all.

        Raises:
            NotFound: No pipeline, source or publication has that name.
        """
        found = self._store.load_watermarks(pipeline)
        if pipeline is not None and not found:
            must_be_pipeline(self._store, pipeline)
        wanted = [one for one in found if not target or _named(one.cursor) == target]
        if target and not wanted:
            must_be_readable(self._store, target)
        return wanted

    def set(
        self, pipeline: str, target: str, value: str | None, *, column: str | None = None
    ) -> Watermark:
        """Set a watermark; the change is recorded with user and time, and active runs keep theirs.

        Args:
            target: ``SOURCE``, ``SOURCE.TABLE`` or a publication.
            value: Rows up to this value are not read again; None starts from the first row.
            column: The cursor column; required if the target has no cursor yet, or several.

        Raises:
            NotFound: No pipeline, source or publication has that name.
            DeclarationError: The column is ambiguous, or the value's type differs from the
                previous one.
            PermissionDenied: The pipeline belongs to another owner.
        """
        known = self.list(pipeline, target)
        cursors = [one.cursor for one in known if column in (None, one.cursor.column)]
        if len(cursors) == 1:
            cursor = cursors[0]
        elif column is None:
            raise DeclarationError(
                (
                    f"{pipeline} has several watermarks in {target}: "
                    f"{listed(o.cursor.column for o in known)}."
                )
                if known
                else f"{pipeline} has no watermark in {target} yet.",
                hint=f"Set the column: watermark {target} --since COLUMN --set VALUE",
            )
        else:
            cursor = self._new_cursor(target, column)
        before = next((one.value for one in known if one.cursor == cursor), None)
        kind = None if before is None else before.kind
        parsed = None if value is None else parse_cursor(value, kind)
        return self._store.set_watermark(
            pipeline, cursor, parsed, by=self._settings.owner, now=self._clock.now()
        )

    def _new_cursor(self, target: str, column: str) -> Cursor:
        """Resolve a target like a load does: a source, a table of one, or a publication."""
        sources = {source.name for source in self._store.load_sources()}
        live = {one.name for one in self._store.load_publications() if one.live is not None}
        found = table_of_source(target, sources)
        if found is not None and (target in sources or target not in live):
            head, table = found
            return Cursor(source=head, table=table, column=column)
        self._store.load_publication(target)
        return Cursor(source=target, table="", column=column)


def _named(cursor: Cursor) -> str:
    return f"{cursor.source}.{cursor.table}" if cursor.table else cursor.source


class WatermarkRow(msgspec.Struct, frozen=True):
    """A watermark as a row of a listing.

    Args:
        table: SOURCE, SOURCE.TABLE or a publication.
        since: The cursor column.
        value: Rows up to here are published; null for none.
        kind: Null without a value.
        run: The run that moved it; null if a person did.
        by: That person, or the owner of the run.
        at: When it was moved.
    """

    pipeline: str
    table: str
    since: str
    value: str | None
    kind: CursorKind | None
    run: int | None
    by: str
    at: datetime


def row_of(watermark: Watermark) -> WatermarkRow:
    """Return a watermark as a row of a listing."""
    value = watermark.value
    return WatermarkRow(
        pipeline=watermark.pipeline,
        table=_named(watermark.cursor),
        since=watermark.cursor.column,
        value=None if value is None else value.text,
        kind=None if value is None else value.kind,
        run=watermark.run_id,
        by=watermark.moved_by,
        at=watermark.moved_at,
    )


def said(watermark: Watermark) -> dict[str, object]:
    """Return a watermark as a row of a table of text."""
    return msgspec.structs.asdict(row_of(watermark))
