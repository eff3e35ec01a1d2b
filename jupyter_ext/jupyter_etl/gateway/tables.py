"""``GET /tables/{name}``: rows of a live version."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.gateway.catalogue import Catalogue, live_version
from jupyter_etl.gateway.responses import SAFE_HEADERS, etag_of, not_modified, unchanged
from jupyter_etl.gateway.rows import FORMATS, json_rows, page, refuse_in_csv
from jupyter_etl.language.numbers import read_whole
from jupyter_etl.model import PublicationVersion
from jupyter_etl.ports import Reading

DEFAULT_LIMIT = 10_000
KNOWN = ("version", "limit", "offset", "columns", "format")
_LARGEST = 2**53


@dataclass(frozen=True, kw_only=True)
class TableRequest:
    """The parsed query string."""

    version: int | None
    limit: int
    offset: int
    columns: tuple[str, ...] | None
    format: str


def parse_table_request(request: Request) -> TableRequest:
    """Parse the query string.

    Raises:
        DeclarationError: A parameter is unknown or its value is not allowed.
    """
    given = request.query_params
    unknown = [name for name in given if name not in KNOWN]
    if unknown:
        raise DeclarationError(
            f"There is no parameter {unknown[0]!r}.", hint=f"There are: {', '.join(KNOWN)}."
        )
    wanted = given.get("format", "json")
    if wanted != "json" and wanted not in FORMATS:
        raise DeclarationError(
            f"There is no format {wanted!r}.", hint=f"There are: json, {', '.join(FORMATS)}."
        )
    columns = given.get("columns")
    return TableRequest(
        version=parse_count(given.get("version"), "version", least=1),
        limit=_or(parse_count(given.get("limit"), "limit", least=0), DEFAULT_LIMIT),
        offset=_or(parse_count(given.get("offset"), "offset", least=0), 0),
        columns=tuple(columns.split(",")) if columns else None,
        format=wanted,
    )


def parse_count(text: str | None, name: str, *, least: int) -> int | None:
    """Parse an integer; raises `DeclarationError` for anything else."""
    if text is None:
        return None
    number = read_whole(text)
    if number is None or len(text) > 16 or number < least:
        raise DeclarationError(f"{name}={text!r} is not a whole number of at least {least}.")
    return min(number, _LARGEST)


def parse_version(request: Request) -> int | None:
    """Parse the version in the path; raises `NotFound` for one that cannot exist."""
    try:
        return parse_count(request.path_params.get("number"), "version", least=1)
    except DeclarationError as no_number:
        raise NotFound("This version does not exist.") from no_number


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def table_answer(catalogue: Catalogue, name: str, request: Request) -> Response:
    """Return a page of rows, encoded while they are read.

    Raises:
        NotFound: There is no live version with rows under that name.
    """
    asked = parse_table_request(request)
    version = live_version(catalogue, name, asked.version)
    if not version.what.columns:
        raise NotFound(f"{name!r} has no rows.", hint=f"Use /{version.what.kind}s/{name}.")
    etag = etag_of(version)
    if unchanged(request, etag):
        return not_modified(etag)
    _require_columns(asked, version)
    reading = catalogue.publications.reader(
        name,
        version=version.number,
        columns=asked.columns,
        limit=asked.offset + asked.limit,
    )
    total = version.what.rows if reading.total_rows is None else reading.total_rows
    return _streamed(asked, version, reading, _headers(asked, version, total, request), total)


def _require_columns(asked: TableRequest, version: PublicationVersion) -> None:
    known = [column.name for column in version.what.columns]
    absent = [column for column in asked.columns or () if column not in known]
    if absent:
        raise DeclarationError(
            f"Version {version.number} of {version.name!r} has no column {absent[0]!r}.",
            hint=f"The columns are: {', '.join(known)}.",
        )


def _headers(
    asked: TableRequest, version: PublicationVersion, total: int | None, request: Request
) -> dict[str, str]:
    headers = {
        **SAFE_HEADERS,
        "ETag": etag_of(version),
        "X-Version": str(version.number),
        "X-Limit": str(asked.limit),
        "X-Offset": str(asked.offset),
    }
    if total is not None:
        headers["X-Total-Rows"] = str(total)
    following = next_page(asked, version, total, request)
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    return headers


def next_page(
    asked: TableRequest, version: PublicationVersion, total: int | None, request: Request
) -> str | None:
    """Return the URL of the next rows of the same version; None at the end."""
    after = asked.offset + asked.limit
    if not asked.limit or total is None or after >= total:
        return None
    query: dict[str, str | int] = {
        "version": version.number,
        "limit": asked.limit,
        "offset": after,
        "format": asked.format,
    }
    if asked.columns:
        query["columns"] = ",".join(asked.columns)
    return f"{request.scope.get('root_path', '')}{request.url.path}?{urlencode(query)}"


def _streamed(
    asked: TableRequest,
    version: PublicationVersion,
    reading: Reading,
    headers: dict[str, str],
    total: int | None,
) -> Response:
    schema = reading.batches.schema
    rows = page(iter(reading.batches), asked.offset, asked.limit)
    if asked.format != "json":
        if asked.format == "csv":
            refuse_in_csv(schema)
        form = FORMATS[asked.format]
        name = f"{version.name}-{version.number}.{form.extension}"
        headers["Content-Disposition"] = f'attachment; filename="{ascii_name(name)}"'
        return StreamingResponse(
            form.encode(schema, rows), media_type=form.media_type, headers=headers
        )
    returned = None if total is None else max(0, min(asked.limit, total - asked.offset))
    head: dict[str, object] = {
        "name": version.name,
        "version": version.number,
        "published_at": version.published_at,
        "columns": [{"name": field.name, "type": str(field.type)} for field in schema],
        "total_rows": total,
        "offset": asked.offset,
        "limit": asked.limit,
        "complete": total is not None and asked.offset == 0 and returned == total,
    }
    return StreamingResponse(json_rows(head, rows), media_type="application/json", headers=headers)


def ascii_name(name: str) -> str:
    """Return a file name that is valid between quotes in a header."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
