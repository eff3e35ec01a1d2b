"""The OpenAPI document of the endpoints that a token may call.

Source:
    OpenAPI Specification 3.1.1: https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jupyter_etl._version import __version__
from jupyter_etl.model import EndpointKind, PublicationVersion
from jupyter_etl.services.serving.backend import ServedEndpoint, endpoint_of
from jupyter_etl.serving.queries.results import ARROW, CSV, PARQUET

_JSON = "application/json"
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["kind", "message", "hint", "fields"],
            "properties": {
                "kind": {"type": "string"},
                "message": {"type": "string"},
                "hint": {"type": "string"},
                "fields": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["path", "message"],
                        "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
                    },
                },
            },
        }
    },
}
_REFUSALS = {
    "400": "The request cannot be read.",
    "401": "The token is missing or not valid.",
    "404": "There is no such endpoint for this token.",
    "422": "A field is not valid; `fields` says which.",
    "429": "The token has sent too many requests.",
    "500": "The function or query failed.",
    "502": "The process that answered has ended.",
    "503": "The endpoint cannot answer at present.",
    "504": "The call took too long.",
}
_OF_BODY = {
    "413": "The body is too large.",
    "415": "The content type is not supported.",
}
_OF_QUERY = {
    "406": "There is no answer of this format.",
    "410": "The page after this one is not available any more.",
}


def openapi_document(endpoints: Iterable[ServedEndpoint], *, server: str) -> dict[str, Any]:
    """Return the document.

    Args:
        endpoints: Those that the token may call. Drafts are left out.
        server: URL of the gateway, absolute or relative to that of the document.
    """
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        for version, suffix in _shown(endpoint):
            if endpoint.kind is EndpointKind.FUNCTION:
                paths |= _function(version, suffix, schemas)
            else:
                paths |= _query(version, suffix, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter-etl", "version": __version__},
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _shown(endpoint: ServedEndpoint) -> list[tuple[PublicationVersion, str]]:
    """Return the live version, and the others that get calls, with the ends of their paths."""
    if endpoint.traffic is None:
        return []
    live = endpoint.traffic.live
    others = [number for number in endpoint.traffic.served if number != live]
    return [
        (endpoint.versions[number], "" if number == live else f"/versions/{number}")
        for number in (live, *others)
        if number in endpoint.versions
    ]


def _function(version: PublicationVersion, suffix: str, schemas: dict[str, Any]) -> dict[str, Any]:
    endpoint = endpoint_of(version)
    request = _embedded(version, endpoint.request_schema, schemas)
    result = _embedded(version, endpoint.response_schema, schemas)
    samples = [json.loads(sample.request) for sample in endpoint.samples]
    one = _operation(version, "call", endpoint.doc)
    one["requestBody"] = _body(request, samples)
    one["responses"] = _responses(_object(result=result), _OF_BODY)
    many = _operation(version, "batch", f"Call {version.name} with many requests at once.")
    many["requestBody"] = _body({"type": "array", "items": request}, [samples] if samples else [])
    # A column for each parameter.
    many["requestBody"]["content"][ARROW] = {"schema": {"type": "string", "format": "binary"}}
    many["responses"] = _responses(_object(result={"type": "array", "items": result}), _OF_BODY)
    path = f"/functions/{version.name}{suffix}"
    return {path: {"post": one}, f"{path}/batch": {"post": many}}


def _query(version: PublicationVersion, suffix: str, schemas: dict[str, Any]) -> dict[str, Any]:
    endpoint = endpoint_of(version)
    request = _embedded(version, endpoint.request_schema, schemas)
    row = _embedded(version, endpoint.response_schema, schemas)
    required = request.get("required", ())
    paging = [
        _parameter(name, schema, help=help) for name, (help, schema) in _paging(endpoint.limit)
    ]
    parameters = [
        _parameter(name, schema, required=name in required, help=schema.get("description", ""))
        for name, schema in request.get("properties", {}).items()
    ]
    column = _object(name={"type": "string"}, type={"type": "string"})
    page = _object(
        columns={"type": "array", "items": column},
        rows={"type": "array", "items": row},
        next={"type": ["string", "null"]},
        version={"type": "integer"},
    )
    get = _operation(version, "query", endpoint.doc)
    get["parameters"] = [*parameters, *paging]
    get["responses"] = _responses(page, _OF_QUERY, formats=(CSV, ARROW, PARQUET))
    post = _operation(version, "post", endpoint.doc)
    post["parameters"] = paging
    post["requestBody"] = _body(request, [])
    post["responses"] = _responses(page, _OF_QUERY | _OF_BODY, formats=(CSV, ARROW, PARQUET))
    return {f"/queries/{version.name}{suffix}": {"get": get, "post": post}}


def _paging(limit: int) -> list[tuple[str, tuple[str, Any]]]:
    count = {"type": "integer", "minimum": 1, "maximum": limit, "default": limit}
    formats = {"type": "string", "enum": ["json", "csv", "arrow", "parquet"]}
    return [
        ("limit", ("The maximum number of rows.", count)),
        ("next", ("Continues after the page that returned this text.", {"type": "string"})),
        ("format", ("The format; without it, that of the header Accept.", formats)),
    ]


def _operation(version: PublicationVersion, action: str, doc: str) -> dict[str, Any]:
    summary, _, more = doc.strip().partition("\n")
    return {
        "operationId": f"{action} {version.name} {version.number}",
        "summary": summary or version.name,
        "description": more.strip(),
        "tags": [version.name],
    }


def _parameter(name: str, schema: Any, *, required: bool = False, help: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": help,
        "schema": schema,
    }


def _body(schema: Any, examples: Sequence[object]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema}
    if examples:
        content["examples"] = {
            f"sample {place}": {"value": value} for place, value in enumerate(examples, 1)
        }
    return {"required": True, "content": {_JSON: content}}


def _responses(
    success: Any, more: Mapping[str, str], *, formats: Sequence[str] = ()
) -> dict[str, Any]:
    headers = {
        "X-Version": {"description": "The version that answered.", "schema": {"type": "integer"}},
        "X-Call-Id": {"description": "Identifies the call.", "schema": {"type": "string"}},
    }
    binary = {"schema": {"type": "string", "format": "binary"}}
    answer = {
        "description": "The answer.",
        "headers": headers,
        "content": {_JSON: {"schema": success}} | dict.fromkeys(formats, binary),
    }
    errors = dict(sorted({**_REFUSALS, **more}.items()))
    return {"200": answer} | {status: _error(text) for status, text in errors.items()}


def _error(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": description, "content": {_JSON: {"schema": schema}}}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _embedded(version: PublicationVersion, text: str, schemas: dict[str, Any]) -> Any:
    """Return a schema whose definitions are among the components of the document."""
    schema = json.loads(text)
    definitions = schema.pop("$defs", {})
    # That of the document, which is not repeated.
    schema.pop("$schema", None)

    def renamed(reference: str) -> str:
        return f"#/components/schemas/{_component(version, reference.rpartition('/')[2])}"

    for key, definition in definitions.items():
        schemas[_component(version, key)] = _with_references(definition, renamed)
    return _with_references(schema, renamed)


def _component(version: PublicationVersion, name: str) -> str:
    # Only these signs are allowed.
    return re.sub(r"[^\w.-]", "_", f"{version.name}.{version.number}.{name}", flags=re.ASCII)


def _with_references(schema: Any, renamed: Callable[[str], str]) -> Any:
    match schema:
        case dict():
            return {
                key: renamed(value) if key == "$ref" else _with_references(value, renamed)
                for key, value in schema.items()
            }
        case list():
            return [_with_references(one, renamed) for one in schema]
        case _:
            return schema
