"""``etl.apply``: a published function on the rows of a frame."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_etl.errors import DeclarationError, ExecutionError
from jupyter_etl.language.names import listed
from jupyter_etl.model import Endpoint, EndpointKind, Read
from jupyter_etl.notebook.endpoints.publishing import worker_options
from jupyter_etl.notebook.frames import to_arrow
from jupyter_etl.services.reading import choose_version
from jupyter_etl.services.serving.backend import (
    FUNCTION_LOADER,
    checked_file,
    endpoint_of,
    other_interpreter,
    version_label,
)
from jupyter_etl.services.serving.worker_calls import answer_requests
from jupyter_etl.serving.workers.protocol import WorkerSpec

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from jupyter_etl.notebook.session import DataSession

_ROWS = 10_000
_ARROW = "application/vnd.apache.arrow.stream"
_TIMEOUT_S = 3600.0


def apply(
    data_session: DataSession, name: str, frame: object, *, version: int | None = None
) -> pd.DataFrame | pd.Series[Any]:
    """Return the answers of a published function to the rows of a frame, one a row.

    A new process calls the function, as the workers of a gateway do, so that the answers are those
    of the API.

    Args:
        name: The endpoint.
        frame: Columns that are no parameters are left out.
        version: The version; None for the live one.

    Returns:
        A frame if the function returns objects, else a series; with the frame's index.

    Raises:
        NotFound: There is no such endpoint or version.
        DeclarationError: It is not a function, or the frame lacks a parameter.
        ExecutionError: A call failed.
    """
    import pandas as pd

    chosen = choose_version(data_session.channel, name, number=version)
    endpoint = endpoint_of(chosen)
    if endpoint.kind is not EndpointKind.FUNCTION:
        raise DeclarationError(
            f"{name!r} is a query, not a function.", hint=f"Use etl.read({name!r})."
        )
    rows = _parameters(endpoint, to_arrow(frame, what="the frame"), name)
    data_session.channel.report_read(
        Read(source=name, version=str(chosen.number), rows=rows.num_rows)
    )
    with worker_options(data_session, endpoint) as options:
        spec = WorkerSpec(
            name=version_label(chosen),
            loader=FUNCTION_LOADER,
            payload=checked_file(chosen),
            options=options,
            interpreter=other_interpreter(endpoint),
            timeout_s=_TIMEOUT_S,
            memory_bytes=endpoint.memory_bytes,
        )
        answers = answer_requests(spec, _bodies(rows), content_type=_ARROW, batch=True)
    results: list[Any] = []
    for answer, _ in answers:
        found = msgspec.json.decode(answer.body)
        if answer.status != 200:
            error = found["error"]
            raise ExecutionError(f"{version_label(chosen)}: {error['message']}", hint=error["hint"])
        results += found["result"]
    index = frame.index if isinstance(frame, pd.DataFrame) else None
    if results and all(isinstance(one, dict) for one in results):
        return pd.DataFrame(results, index=index)
    return pd.Series(results, index=index, name=name)


def _parameters(endpoint: Endpoint, rows: pa.Table, name: str) -> pa.Table:
    """Return the columns that are parameters."""
    schema = json.loads(endpoint.request_schema)
    known = list(schema.get("properties", {}))
    absent = [one for one in schema.get("required", ()) if one not in rows.column_names]
    if absent:
        raise DeclarationError(
            f"The frame has no column {absent[0]!r}, which {name!r} needs.",
            hint=f"It takes {listed(known)}.",
        )
    return rows.select([one for one in known if one in rows.column_names])


def _bodies(rows: pa.Table) -> Iterator[bytes]:
    import pyarrow as pa

    for start in range(0, rows.num_rows, _ROWS):
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows.slice(start, _ROWS))
        yield sink.getvalue()
