"""The answers of an HTTP API, one after another, each known by its kind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import Source
from jupyter_etl.sources.file_paths import ENDINGS
from jupyter_etl.sources.http_exchange import Answer, Exchange
from jupyter_etl.sources.http_options import HttpTarget
from jupyter_etl.sources.http_paging import first_url, next_url
from jupyter_etl.sources.json_records import parse_json, records_at

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
"""Media types, registered ones and those in use, and the kind of file that they are."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer.

    Args:
        name: Of the page, for messages; its ending tells how it is compressed.
        kind: What it is: ``json``, ``csv`` ...
        body: The file it is in.
        digest: SHA-256 of the body, hex.
        records: What a JSON page holds; None for other kinds, which are read from the file.
    """

    name: str
    kind: str
    body: Path
    digest: str
    records: list[object] | None


def fetch_pages(
    exchange: Exchange, target: HttpTarget, source: Source, folder: Path
) -> Iterator[Page]:
    """Fetch page after page until the answer says that it was the last.

    Args:
        exchange: A client.
        target: The API.
        source: As declared.
        folder: Where bodies are put.

    Raises:
        SourceError: There is no answer, it is not what it should be, pages repeat themselves or
            are more than allowed.
    """
    url, before = first_url(target), ""
    asked = {str(url)}
    for number in range(1, target.paging.most + 1):
        body = folder / f"page-{number:06d}"
        answer = exchange.get(url, body)
        kind = _kind(target, source, answer, body)
        document = _document(target, answer, body) if kind == "json" else None
        records = None if kind != "json" else _records(target, source, document)
        body = body.rename(body.with_name(body.name + _ending(answer, body)))
        page = Page(
            name=body.name,
            kind=kind,
            body=body,
            digest=_digest(body),
            records=records,
        )
        if records and page.digest == before and target.paging.parameter:
            raise _repeats(target, number)
        before = page.digest
        yield page
        following = next_url(target, url, answer, document, len(records or ()))
        if following is None:
            return
        if str(following) in asked:
            raise _repeats(target, number + 1)
        asked.add(str(following))
        url = following
    raise SourceError(
        f"Source '{target.name}': it has more than {target.paging.most:,} pages.",
        hint="Ask for larger pages in the URL, or allow more: --option pages=5000.",
        retryable=False,
        data={"pages": target.paging.most},
    )


def _kind(target: HttpTarget, source: Source, answer: Answer, body: Path) -> str:
    with body.open("rb") as file:
        head = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
    if answer.content_type == "text/html" or head[:15].lower().startswith((b"<!doctype", b"<html")):
        raise SourceError(
            f"Source '{target.name}': {answer.url.host} answered with a web page instead of data.",
            hint="It may ask to log in (--secret NAME), or the address is that of a page for people.",
            retryable=False,
        )
    kind = source.kind
    if kind == "http":
        kind = _KINDS.get(answer.content_type, "")
        if answer.content_type.endswith("+json") or (not kind and head[:1] in {b"{", b"["}):
            kind = "json"
        kind = "json" if answer.empty else kind
    if not kind:
        raise SourceError(
            f"Source '{target.name}': what {answer.url.host} answered is not clear; it says "
            f"'{answer.content_type or 'nothing'}'.",
            hint="Say what it is: --kind csv|json|jsonl|parquet|excel.",
            retryable=False,
        )
    style = target.paging.style
    if kind != "json" and style not in {"auto", "none"}:
        raise DeclarationError(
            f"Source '{target.name}': {kind} has no pages by the option {style}; JSON has.",
            hint="Pages of other kinds are found by the Link header alone.",
        )
    return kind


def _document(target: HttpTarget, answer: Answer, body: Path) -> object:
    if answer.empty:
        return []
    try:
        return parse_json(body.read_bytes())
    except ValueError as problem:
        raise SourceError(
            f"Source '{target.name}': what {answer.url.host} answered is not JSON: {problem}",
            hint="If it is another kind of file, say so: --kind csv|jsonl|parquet|excel.",
        ) from problem


def _records(target: HttpTarget, source: Source, document: object) -> list[object]:
    path = source.options.get("path", source.options.get("json", ""))
    return records_at(f"Source '{target.name}': the answer", document, path)


def _ending(answer: Answer, body: Path) -> str:
    """Return the ending of the file behind the URL, which tells how it is compressed."""
    written = urlsplit(str(answer.url)).path.lower()
    endings = sorted({e for known in ENDINGS.values() for e in known}, key=len, reverse=True)
    ending = next((f".{e}" for e in endings if written.endswith(f".{e}")), "")
    with body.open("rb") as file:
        # A server may send a .gz file as a compressed answer, which the client has unpacked.
        if ending.endswith(".gz") and file.read(2) != b"\x1f\x8b":
            ending = ending.removesuffix(".gz")
    return ending


def _digest(body: Path) -> str:
    with body.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _repeats(target: HttpTarget, number: int) -> SourceError:
    return SourceError(
        f"Source '{target.name}': page {number} is one that was there before.",
        hint="The parameter that asks for the next page may have another name.",
        retryable=False,
        data={"page": number},
    )
