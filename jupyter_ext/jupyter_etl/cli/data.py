"""The commands that show and read data."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_etl._version import __version__
from jupyter_etl.cli.output import printable_json, write, write_json, write_table
from jupyter_etl.errors import PublishError
from jupyter_etl.language.commands.data import (
    ReadRequest,
    SourcesRequest,
)
from jupyter_etl.language.commands.general import (
    ServeRequest,
    VersionRequest,
)
from jupyter_etl.language.commands.publications import (
    HistoryRequest,
    LineageRequest,
    PublishedRequest,
)
from jupyter_etl.language.text import printable
from jupyter_etl.services import Etl
from jupyter_etl.services.lineage.graph import graph_view
from jupyter_etl.services.publications.publications import ways_in
from jupyter_etl.services.reading import live_version

if TYPE_CHECKING:
    from jupyter_etl.ports import Reading


def sources(etl: Etl, request: SourcesRequest) -> int:
    """List the declared sources."""
    silent = etl.sources.silent()
    rows = [
        {
            "source": s.name,
            "kind": s.kind,
            "location": s.location,
            "readonly": s.readonly,
            "limit": s.runs_at_once,
            "owner": s.owner,
            "notebook": s.notebook,
            "next_try_at": silent[s.name].retry_at if s.name in silent else None,
        }
        for s in etl.sources.list()
    ]
    if request.json:
        write_json(rows)
    else:
        write_table(
            rows, "There are no sources yet. Declare one in a notebook: %etl source NAME LOCATION"
        )
    return 0


def published(etl: Etl, request: PublishedRequest) -> int:
    """List the publications, or show one with the code that opens it in other engines."""
    if request.name is not None:
        return _one_published(etl, request.name, as_json=request.json)
    rows = []
    for publication in etl.publications.list():
        version = publication.live or publication.draft
        rows.append(
            {
                "name": publication.name,
                "kind": publication.kind.value,
                "version": publication.live.number if publication.live else None,
                "rows": version.what.rows if version else None,
                "published_at": version.published_at if version else None,
                "pipeline": publication.pipeline,
                "owner": publication.owner,
                "location": version.what.location if version else None,
            }
        )
    if request.json:
        write_json(rows)
    else:
        write_table(
            rows, "There are no publications yet. In a notebook: %etl publish table NAME FRAME"
        )
    return 0


def _one_published(etl: Etl, name: str, *, as_json: bool) -> int:
    version = live_version(etl.publications.get(name))
    what, ways = version.what, ways_in(version)
    if as_json:
        write_json(
            {
                "name": version.name,
                "kind": what.kind.value,
                "version": version.number,
                "rows": what.rows,
                "published_at": version.published_at,
                "location": what.location,
                "delta_version": what.delta_version,
                "ways_in": dict(ways),
            }
        )
        return 0
    rows = f", {what.rows:,} rows" if what.rows is not None else ""
    write(f"{version.name}: {what.kind} version {version.number}{rows}")
    write(f"At {what.location}")
    if ways:
        write_table([{"in": engine, "type": code} for engine, code in ways], "")
    return 0


def history(etl: Etl, request: HistoryRequest) -> int:
    """Show the versions of a publication."""
    rows = [
        {
            "name": v.name,
            "version": v.number,
            "rows": v.what.rows,
            "bytes": v.what.bytes,
            "published_at": v.published_at,
            "run": v.run_id,
            "pipeline": v.pipeline,
            "owner": v.owner,
            "mode": v.what.mode.value,
            "location": v.what.location,
            "delta_version": v.what.delta_version,
            "pruned_at": v.pruned_at,
            "note": v.note or None,
        }
        for v in etl.publications.history(request.name, draft=request.draft)
    ]
    if request.json:
        write_json(rows)
    else:
        write_table(
            rows, f"{request.name} has no {'drafts' if request.draft else 'live versions'}."
        )
    return 0


def read(etl: Etl, request: ReadRequest) -> int:
    """Write a published table to standard output."""
    reading = etl.publications.reader(
        request.name,
        version=request.version,
        as_of=request.as_of,
        draft=request.draft,
        limit=request.limit,
    )
    form = "json" if request.json else request.format
    try:
        _WRITERS[form](reading)
    except OSError:
        raise
    except ValueError as problem:
        # Arrow's own errors are ValueErrors: a column has a type that the format cannot hold.
        raise PublishError(
            f"{request.name!r} cannot be written as {form}: {problem}",
            hint="Use another --format: json, arrow and parquet support nested columns.",
        ) from problem
    return 0


def version(request: VersionRequest) -> int:
    """Show the version."""
    if request.json:
        write_json({"version": __version__})
    else:
        write(__version__)
    return 0


def serve(request: ServeRequest) -> NoReturn:
    """Replace this process by the gateway, the service for consumers."""
    options = ["--host", request.host, "--port", str(request.port)]
    os.execv(sys.executable, [sys.executable, "-m", "jupyter_etl.gateway", *options])  # noqa: S606


def _write_csv(reading: Reading) -> None:
    import pyarrow.csv as pa_csv

    # Files get the data unchanged; in a terminal, control characters must be escaped.
    shown = io.BytesIO() if sys.stdout.isatty() else None
    with pa_csv.CSVWriter(shown or sys.stdout.buffer, reading.batches.schema) as writer:
        for batch in reading.batches:
            writer.write_batch(batch)
            if shown is not None:
                sys.stdout.write(printable(shown.getvalue().decode()))
                shown.seek(0)
                shown.truncate()


def _write_json(reading: Reading) -> None:
    write("[")
    first = True
    for batch in reading.batches:
        for row in batch.to_pylist():
            lead = "" if first else ",\n"
            first = False
            text = json.dumps(_plain(row), ensure_ascii=False, allow_nan=False)
            sys.stdout.write(lead + printable_json(text))
    write("\n]" if not first else "]")


def _plain(value: Any) -> Any:
    """Convert a value to JSON: instants ISO, decimals and bytes as text, NaN as null."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if value - value == 0 else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    try:
        return value.isoformat()
    except AttributeError:
        return str(value)


def _write_arrow(reading: Reading) -> None:
    import pyarrow as pa

    with pa.ipc.new_stream(sys.stdout.buffer, reading.batches.schema) as writer:
        for batch in reading.batches:
            writer.write_batch(batch)


def _write_parquet(reading: Reading) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(sys.stdout.buffer, reading.batches.schema) as writer:
        for batch in reading.batches:
            writer.write_batch(batch)


_WRITERS = {
    "csv": _write_csv,
    "json": _write_json,
    "arrow": _write_arrow,
    "parquet": _write_parquet,
}


def lineage(etl: Etl, request: LineageRequest) -> int:
    """Show upstream and downstream data."""
    both = request.up == request.down
    graph = etl.lineage.graph(
        request.name, up=both or request.up, down=both or request.down, depth=request.depth
    )
    if request.json:
        write_json(graph_view(graph))
    else:
        write(graph.text())
    return 0
