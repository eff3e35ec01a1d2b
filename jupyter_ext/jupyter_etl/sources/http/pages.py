"""The responses of an HTTP API, one after another, each with its format."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import Source
from jupyter_etl.sources.files.json_records import records_at
from jupyter_etl.sources.files.json_text import json_encoding, parse_json, why_not_json
from jupyter_etl.sources.http.exchange import Answer, Exchange
from jupyter_etl.sources.http.options import HttpTarget
from jupyter_etl.sources.http.paging import Trail
from jupyter_etl.sources.http.refusals import repeated
from jupyter_etl.sources.http.signs import plain
from jupyter_etl.sources.locations.paths import ENDINGS
from jupyter_etl.sources.text.declared_types import parse_declared_types

_KINDS = {
    "text/csv": "csv",
    "application/csv": "csv",
    "text/tab-separated-values": "csv",
    "application/json": "json",
    "text/json": "json",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/x-jsonlines": "jsonl",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "excel",
    "application/vnd.ms-excel": "excel",
}
"""Registered and common media types, and the kind of file they indicate."""


_ERRORS = frozenset(
    {"error", "errors", "errormessage", "errorcode", "exception", "fault", "message"}
)
"""Names that report an error in responses with status 200."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One response.

    Args:
        name: Name of the page for messages; its suffix determines the compression.
        kind: The format: ``json``, ``csv`` ...
        body: The file that contains it.
        digest: SHA-256 of the body, hex.
        records: Records of a JSON page; None for other formats, which are read from the file.
    """

    name: str
    kind: str
    body: Path
    digest: str
    records: list[object] | None


def fetch_pages(exchange: Exchange, trail: Trail, source: Source, folder: Path) -> Iterator[Page]:
    """Fetch pages until a response is the last one.

    Args:
        exchange: A client.
        trail: The sequence of pages of the API.
        folder: Where bodies are stored.

    Raises:
        SourceError: There is no response or an unexpected one, pages are repeated, or there are
            more than allowed.
    """
    target = trail.target
    url, before = trail.first_url(), ""
    asked = {str(url)}
    for number in range(1, target.paging.most + 1):
        body = folder / f"page-{number:06d}"
        try:
            answer = exchange.get(url, body)
        except SourceError as problem:
            if trail.is_end(problem):
                trail.finish()
                return
            raise
        page, document = _page(target, source, answer, body, behind=trail.counts)
        if page.records and page.digest == before and trail.by_parameter:
            if trail.complete and trail.pages > 1:
                # Some servers repeat the last page for any later one.
                return
            raise repeated(target, number)
        before = page.digest
        yield page
        following = trail.following(url, answer, document, page.records)
        if following is None:
            return
        if str(following) in asked:
            if not page.records:
                trail.finish()
                return
            raise repeated(target, number + 1)
        asked.add(str(following))
        url = following
    raise SourceError(
        f"Source '{target.name}': it has more than {target.paging.most:,} pages.",
        hint="Ask for larger pages in the URL, or allow more: --option pages=5000.",
        retryable=False,
        data={"pages": target.paging.most},
    )


def _page(
    target: HttpTarget, source: Source, answer: Answer, body: Path, *, behind: bool
) -> tuple[Page, object]:
    """Parse a response.

    Args:
        behind: Whether it may be a page after the last one, which some servers leave empty.
    """
    empty = answer.empty or (behind and not body.stat().st_size)
    kind = "json" if empty else _kind(target, source, answer, body)
    document: object = None
    records: list[object] | None = None
    if kind == "json":
        document = [] if empty else _document(target, source, answer, body)
        vacant = empty or (behind and _is_vacant(document, json_path(source)))
        records = [] if vacant else _records(target, source, document)
    body = body.rename(body.with_name(body.name + _ending(answer, body)))
    return Page(
        name=body.name, kind=kind, body=body, digest=_digest(body), records=records
    ), document


def _is_vacant(document: object, path: str) -> bool:
    """Return whether the list of records is null or absent, and no error is reported."""
    found = document
    for step in filter(None, path.split(".")):
        if found is None:
            break
        if not isinstance(found, dict):
            return False
        found = found.get(step)
    fields = document if isinstance(document, dict) else {}
    return found is None and not any(
        value for key, value in fields.items() if plain(key) in _ERRORS
    )


def _kind(target: HttpTarget, source: Source, answer: Answer, body: Path) -> str:
    with body.open("rb") as file:
        head = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
    if answer.content_type == "text/html" or head[:15].lower().startswith((b"<!doctype", b"<html")):
        raise SourceError(
            f"Source '{target.name}': {answer.url.host} answered with a web page instead of data.",
            hint="It may be a login page (--secret NAME), or the URL of a page for browsers.",
            retryable=False,
        )
    kind = source.kind
    if kind == "http":
        kind = _KINDS.get(answer.content_type, "")
        if answer.content_type.endswith("+json") or (not kind and head[:1] in {b"{", b"["}):
            kind = "json"
    if not kind:
        raise SourceError(
            f"Source '{target.name}': the format of the response of {answer.url.host} is "
            f"unknown; its content type is '{answer.content_type or 'missing'}'.",
            hint="Set the format: --kind csv|json|jsonl|parquet|excel.",
            retryable=False,
        )
    style = target.paging.style
    if kind != "json" and style not in {"auto", "none"}:
        raise DeclarationError(
            f"Source '{target.name}': the option {style} is only for JSON, not for {kind}.",
            hint="Pages of other kinds are found only by the Link header.",
        )
    return kind


def _document(target: HttpTarget, source: Source, answer: Answer, body: Path) -> object:
    try:
        return parse_json(
            body.read_bytes(),
            written=bool(parse_declared_types(source.options)),
            encoding=json_encoding(source.options),
        )
    except ValueError as problem:
        raise SourceError(
            f"Source '{target.name}': the response of {answer.url.host} is not JSON: {problem}",
            hint=why_not_json(problem)
            or "If it is another kind of file, declare it: --kind csv|jsonl|parquet|excel.",
        ) from problem


def _records(target: HttpTarget, source: Source, document: object) -> list[object]:
    return records_at(f"Source '{target.name}': the response", document, json_path(source))


def json_path(source: Source) -> str:
    """Return the place of the records in a response, with dots; "" for all of it."""
    return source.options.get("path", source.options.get("json", ""))


def _ending(answer: Answer, body: Path) -> str:
    """Return the suffix of the file behind the URL, which determines the compression."""
    written = urlsplit(str(answer.url)).path.lower()
    endings = sorted({e for known in ENDINGS.values() for e in known}, key=len, reverse=True)
    ending = next((f".{e}" for e in endings if written.endswith(f".{e}")), "")
    with body.open("rb") as file:
        # A server may send a .gz file as a compressed response, which the client has unpacked.
        if ending.endswith(".gz") and file.read(2) != b"\x1f\x8b":
            ending = ending.removesuffix(".gz")
    return ending


def _digest(body: Path) -> str:
    with body.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
