"""``GET /files/{name}`` and ``GET /reports/{name}``: published files, byte for byte."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from jupyter_etl.errors import NotFound, StorageError
from jupyter_etl.gateway.catalogue import Catalogue, live_version
from jupyter_etl.gateway.responses import SAFE_HEADERS, etag_of, not_modified, unchanged
from jupyter_etl.gateway.tables import ascii_name
from jupyter_etl.model import PublicationKind
from jupyter_etl.services.publications.publications import open_published

_PIECE_BYTES = 256 * 1024
REPORT_POLICY = "sandbox allow-scripts"
"""Without ``allow-same-origin``, a report gets an origin of its own and cannot access this one."""


def file_answer(
    catalogue: Catalogue,
    name: str,
    number: int | None,
    request: Request,
    *,
    kind: PublicationKind,
) -> Response:
    """Return a file as a download, or a report as a page with an opaque origin.

    Raises:
        NotFound: There is no live version of that kind.
    """
    version = live_version(catalogue, name, number)
    if version.what.kind is not kind:
        raise NotFound(f"{name!r} is not a {kind}.", hint=f"It is a {version.what.kind}.")
    etag = etag_of(version)
    if unchanged(request, etag):
        return not_modified(etag)
    path = catalogue.publications.file(name, version=version.number)
    try:
        file = open_published(path)
    except (OSError, StorageError):
        message = f"The file of version {version.number} of {version.name!r} is missing."
        raise StorageError(message) from None
    size = os.fstat(file.fileno()).st_size
    headers = {**SAFE_HEADERS, "ETag": etag, "Content-Length": str(size)}
    if kind is PublicationKind.REPORT:
        headers["Content-Security-Policy"] = REPORT_POLICY
        media_type = "text/html; charset=utf-8"
    else:
        headers["Content-Security-Policy"] = "sandbox"
        headers["Content-Disposition"] = (
            f'attachment; filename="{ascii_name(path.name)}"; '
            f"filename*=UTF-8''{quote(path.name, safe='')}"
        )
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StreamingResponse(_pieces(file), media_type=media_type, headers=headers)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
