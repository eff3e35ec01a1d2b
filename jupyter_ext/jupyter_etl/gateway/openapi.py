"""The OpenAPI document of the endpoints that a token may call.

Source:
    OpenAPI Specification 3.1.1: https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from jupyter_etl._version import __version__
from jupyter_etl.model import EndpointKind, PublicationVersion
from jupyter_etl.services.serving import ServedEndpoint, endpoint_of

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
_STATUSES = {
    "400": "The request cannot be read.",
    "401": "The token is missing or not valid.",
    "404": "There is no such endpoint for this token.",
    "413": "The body is too large.",
    "415": "The content type is not supported.",
    "422": "A field is not valid; `fields` says which.",
    "429": "The token has sent too many requests.",
    "500": "The function or query failed.",
    "502": "The process that answered has ended.",
    "503": "The endpoint cannot answer at present.",
    "504": "The call took too long.",
}
_PAGE = {
    "limit": ("The maximum number of rows.", {"type": "integer", "minimum": 1}),
    "next": ("The page after the one that returned this text.", {"type": "string"}),
    "format": ("The format; by default as the header Accept says.", {"type": "string"}),
}


def openapi_document(endpoints: Iterable[ServedEndpoint], *, server: str) -> dict[str, Any]:
    """Return the document.

    Args:
        endpoints: Those that the token may call.
        server: Base URL of the gateway.
    """
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        version = _shown(endpoint)
        if version is None:
            continue
        if endpoint.kind is EndpointKind.FUNCTION:
            paths |= _function(version, schemas)
        else:
            paths |= _query(version, schemas)
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


def _shown(endpoint: ServedEndpoint) -> PublicationVersion | None:
    """Return the version whose schemas are shown; drafts are not."""
    if endpoint.traffic is None:
        return None
    return endpoint.versions.get(endpoint.traffic.live)


def _function(version: PublicationVersion, schemas: dict[str, Any]) -> dict[str, Any]:
    endpoint = endpoint_of(version)
    request = _embedded(version.name, json.loads(endpoint.request_schema), schemas)
    result = _embedded(version.name, json.loads(endpoint.response_schema), schemas)
    examples = {
        f"sample {place}": {"value": json.loads(sample.request)}
        for place, sample in enumerate(endpoint.samples, 1)
    }
    one = _operation(version, "call", endpoint.doc)
    one["requestBody"] = _body(request, examples)
    one["responses"] = _responses(_object(result=result))
    many = _operation(version, "batch", f"Call {version.name} with many requests at once.")
    many["requestBody"] = _body({"type": "array", "items": request}, {})
    many["responses"] = _responses(_object(result={"type": "array", "items": result}))
    path = f"/functions/{version.name}"
    return {path: {"post": one}, f"{path}/batch": {"post": many}}


def _query(version: PublicationVersion, schemas: dict[str, Any]) -> dict[str, Any]:
    endpoint = endpoint_of(version)
    request = _embedded(version.name, json.loads(endpoint.request_schema), schemas)
    row = _embedded(version.name, json.loads(endpoint.response_schema), schemas)
    required = request.get("required", ())
    parameters = [
        _parameter(name, schema, required=name in required, help=str(schema.get("description", "")))
        for name, schema in request.get("properties", {}).items()
    ]
    parameters += [
        _parameter(name, schema, required=False, help=help)
        for name, (help, schema) in _PAGE.items()
    ]
    column = _object(name={"type": "string"}, type={"type": "string"})
    page = _object(
        columns={"type": "array", "items": column},
        rows={"type": "array", "items": row},
        next={"type": ["string", "null"]},
        version={"type": "integer"},
    )
    one = _operation(version, "query", endpoint.doc)
    one["parameters"] = parameters
    one["responses"] = _responses(page)
    one["responses"]["410"] = _error("The page after this one is not available any more.")
    return {f"/queries/{version.name}": {"get": one}}


def _operation(version: PublicationVersion, action: str, doc: str) -> dict[str, Any]:
    summary, _, more = doc.strip().partition("\n")
    return {
        "operationId": f"{action}_{version.name.replace('.', '_').replace('-', '_')}",
        "summary": summary or version.name,
        "description": more.strip(),
        "tags": [version.name],
    }


def _parameter(name: str, schema: Any, *, required: bool, help: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": help,
        "schema": schema,
    }


def _body(schema: Any, examples: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema}
    if examples:
        content["examples"] = examples
    return {"required": True, "content": {"application/json": content}}


def _responses(success: Any) -> dict[str, Any]:
    answer = {
        "description": "The answer.",
        "headers": {
            "X-Version": {"schema": {"type": "integer"}},
            "X-Call-Id": {"schema": {"type": "string"}},
        },
        "content": {"application/json": {"schema": success}},
    }
    return {"200": answer} | {status: _error(text) for status, text in _STATUSES.items()}


def _error(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _embedded(name: str, schema: Any, schemas: dict[str, Any]) -> Any:
    """Return a schema whose definitions are among the components of the document."""
    definitions = schema.pop("$defs", {}) if isinstance(schema, dict) else {}

    def renamed(reference: str) -> str:
        return f"#/components/schemas/{name}.{reference.rpartition('/')[2]}"

    for key, definition in definitions.items():
        schemas[f"{name}.{key}"] = _with_references(definition, renamed)
    return _with_references(schema, renamed)


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
