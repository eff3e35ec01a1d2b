"""Responses of the service: JSON, errors, HTML pages, and common headers."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from jupyter_etl.errors import DeclarationError, EtlError, NotFound, StoreError
from jupyter_etl.language.error_response import GatewayError, GatewayErrorDetail
from jupyter_etl.model import Publication, PublicationKind, PublicationVersion

if TYPE_CHECKING:
    from jinja2 import Environment


SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}
"""No content sniffing, no referrer, and revalidation by ETag."""

_DATA_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"

_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADINGS = {
    PublicationKind.TABLE: "Tables",
    PublicationKind.FILE: "Files",
    PublicationKind.REPORT: "Reports",
    PublicationKind.API: "Endpoints",
}


def json_answer(value: object, *, status: int = 200) -> Response:
    """Return any value of the model as JSON."""
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        media_type="application/json",
        headers={**SAFE_HEADERS, "Content-Security-Policy": _DATA_POLICY},
    )


def failure(status: int, kind: str, message: str, hint: str = "") -> Response:
    """Return an error in the one format of the gateway."""
    detail = GatewayErrorDetail(kind=kind, message=message, hint=hint)
    return json_answer(GatewayError(error=detail), status=status)


def failure_of(error: EtlError) -> Response:
    """Return an error of the platform; see `public_error`."""
    return failure(*public_error(error))


def public_error(error: EtlError) -> tuple[int, str, str, str]:
    """Return status, kind, message and hint; only client errors keep their message.

    Other messages may contain paths and addresses of the server, and are only logged.
    """
    kind = type(error).__name__
    if isinstance(error, DeclarationError | NotFound):
        return error.http_status, kind, error.message, error.hint
    if isinstance(error, StoreError):
        hint = "Try again. If it persists, ask the operator."
        return 503, kind, "The ledger cannot be read at present.", hint
    hint = "Try again. If it persists, ask the owner of the publication."
    return 503, kind, "The published data cannot be read at present.", hint


def etag_of(version: PublicationVersion) -> str:
    """Return the entity tag of a version, quoted.

    The number alone is not enough: after a restore of the ledger it may refer to other content.
    """
    what, at = version.what, version.published_at.isoformat()
    content = what.content_hash or what.token
    digest = hashlib.sha256(f"{version.number} {content} {at}".encode()).hexdigest()
    return f'"{version.number}-{digest[:16]}"'


def href_of(version: PublicationVersion) -> str:
    """Return the path of a publication."""
    kind = str(version.what.kind)
    if version.what.endpoint is not None:
        kind = str(version.what.endpoint.kind)
    plural = "queries" if kind == "query" else f"{kind}s"
    return f"/{plural}/{version.name}"


def unchanged(request: Request, etag: str) -> bool:
    """Return whether the client has this version already."""
    given = request.headers.get("if-none-match", "")
    return given == "*" or etag in {
        tag.strip().removeprefix("W/") for tag in given.split(",") if tag.strip()
    }


def not_modified(etag: str) -> Response:
    """Return the response for a client that has the version already."""
    return Response(status_code=304, headers={**SAFE_HEADERS, "ETag": etag})


def sign_in_page(path: str, *, message: str = "", status: int = 401) -> Response:
    """Return the form for the token.

    Args:
        path: Path of this service to open after the sign-in.
        message: Why the form is shown again.
    """
    return _page("sign_in.html", status=status, path=path, message=message)


def index_page(publications: Sequence[Publication]) -> Response:
    """Return a page that lists all publications with a live version, by kind and name."""
    kinds = [
        (heading, kind, [one for one in publications if one.live and one.live.what.kind is kind])
        for kind, heading in _HEADINGS.items()
    ]
    return _page("index.html", kinds=kinds)


def docs_page(document: Mapping[str, Any]) -> Response:
    """Return a page that describes the endpoints of an OpenAPI document, with lines to copy."""
    server = document["servers"][0]["url"]
    operations = [
        {
            "endpoint": operation["tags"][0],
            "method": method.upper(),
            "path": path,
            "summary": operation["summary"],
            "description": operation["description"],
            "parameters": operation.get("parameters", []),
            "schema": _pretty(operation.get("requestBody")),
            "line": _curl(server, method, path, operation),
        }
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return _page("docs.html", operations=operations)


def _pretty(body: Mapping[str, Any] | None) -> str:
    if body is None:
        return ""
    return json.dumps(body["content"]["application/json"]["schema"], indent=2, ensure_ascii=False)


def _curl(server: str, method: str, path: str, operation: Mapping[str, Any]) -> str:
    """Return the line that calls an operation in a shell."""
    words = ["curl", "-H", "Authorization: Bearer TOKEN"]
    if method == "post":
        content = operation["requestBody"]["content"]["application/json"]
        examples = [one["value"] for one in content.get("examples", {}).values()]
        body = json.dumps(examples[0] if examples else {}, ensure_ascii=False)
        words += ["-H", "Content-Type: application/json", "-d", body]
    required = [one["name"] for one in operation.get("parameters", ()) if one["required"]]
    query = "?" + "&".join(f"{name}=..." for name in required) if required else ""
    return shlex.join([*words, f"{server}{path}{query}"])


def _page(name: str, *, status: int = 200, **values: object) -> Response:
    text = _templates().get_template(name).render(values)
    headers = {**SAFE_HEADERS, "Content-Security-Policy": _PAGE_POLICY, "Cache-Control": "no-store"}
    return Response(text, status_code=status, media_type="text/html", headers=headers)


def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader

    return Environment(
        loader=FileSystemLoader(str(files("jupyter_etl.gateway") / "templates")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
