"""Requests about the watermarks of incremental loads."""

from __future__ import annotations

from typing import Annotated, ClassVar

from jupyter_etl.language.commands.common import (
    CLI,
    MAGIC,
    NAMED_PIPELINE,
    PIPELINE,
    REST,
    Name,
    cli,
    magic,
)
from jupyter_etl.language.commands.declarations import (
    Argument,
    JsonOutput,
)


class WatermarkRequest(JsonOutput, frozen=True, kw_only=True):
    """Show or set the watermark of a table."""

    forms: ClassVar = (
        magic(
            "watermark",
            "Data",
            "Show or set the watermarks of incremental loads.",
            "watermark",
            "watermark wh.orders --set 2026-01-01T00:00:00Z",
            "watermark wh.orders --since updated_at --reset",
        ),
        cli(
            "watermark",
            "Data",
            "Show or set the watermark of a table.",
            "watermark daily-sales wh.orders",
            "watermark daily-sales wh.orders --set 2026-01-01T00:00:00Z",
        ),
    )

    pipeline: Annotated[str, PIPELINE, NAMED_PIPELINE] = ""
    table: Annotated[
        Name,
        Argument(
            on=(CLI, REST),
            required=True,
            completes="table",
            help="SOURCE.TABLE, a source or a publication.",
        ),
        Argument(
            on=(MAGIC,),
            completes="table",
            help="SOURCE.TABLE, a source or a publication; by default all.",
        ),
    ] = ""
    since: Annotated[
        Name | None,
        Argument(on=(REST,), required=True, help="The column."),
        Argument(
            flags=("--since",),
            placeholder="COLUMN",
            completes="column",
            help="The column; required if the table has no watermark yet, or several.",
        ),
    ] = None
    set: Annotated[
        str | None,
        Argument(
            on=(MAGIC, CLI),
            flags=("--set",),
            placeholder="VALUE",
            help="Set the watermark; rows up to this value are not read again.",
        ),
    ] = None
    reset: Annotated[
        bool,
        Argument(
            on=(MAGIC, CLI),
            flags=("--reset",),
            help="Reset the watermark; the next run reads all rows.",
        ),
    ] = False


class WatermarksRequest(JsonOutput, frozen=True, kw_only=True):
    """List the watermarks of incremental loads."""

    forms: ClassVar = (
        cli("watermarks", "Data", "List the watermarks of incremental loads.", "watermarks --json"),
    )

    pipeline: Annotated[
        str | None,
        Argument(
            flags=("--pipeline",),
            placeholder="NAME",
            completes="pipeline",
            help="Only the watermarks of this pipeline.",
        ),
    ] = None
