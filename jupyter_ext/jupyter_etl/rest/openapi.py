"""The OpenAPI document of the routes: ``python -m jupyter_etl.rest.openapi`` writes openapi.yaml."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import inspect as kinds

from jupyter_etl.language.error_response import Error
from jupyter_etl.rest.operation import Operation, QueryParameter
from jupyter_etl.rest.requests import Nothing
from jupyter_etl.rest.routes import PREFIX, ROUTES

_REF = "#/components/schemas/{name}"
_HEAD = {
    "openapi": "3.1.0",
    "info": {
        "title": "jupyter-etl",
        "version": "1",
        "summary": "The API of the Jupyter server extension, which the panel uses.",
        "description": (
            "All paths are relative to the base URL of the server. Every route requires "
            "authentication by the Jupyter server: its cookie with the XSRF token, or "
            "`Authorization: token ...`. Bodies are JSON with the content type `application/json`; "
            "unknown fields are refused. Times are ISO 8601 in UTC."
        ),
        "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
    },
    "servers": [
        {"url": f"/{PREFIX}", "description": "Relative to the base URL of the Jupyter server."}
    ],
    "security": [{"token": []}, {"cookie": []}],
}
_SECURITY = {
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`token` and the token of the server.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "_xsrf",
        "description": "The login cookie of the server, with the XSRF token in `X-XSRFToken`.",
    },
}
_ERROR = {
    "description": (
        "400: the request is invalid. 401, 403: not allowed. 404: not found. 409: a concurrent "
        "change, or the wrong state. 413: a limit of memory or time was exceeded. 415: the body is "
        "not JSON. 422: a source, an output or a check failed. 500, 503: the ledger or the lake "
        "cannot be used. 501: an optional package is not installed. 504: a source did not answer."
    ),
    "content": {"application/json": {"schema": {"$ref": _REF.format(name="Error")}}},
}


def document() -> dict[str, Any]:
    """Return the OpenAPI document of all routes."""
    answers = [one.returns for one in ROUTES if one.send is None]
    answers = [kind for kind in answers if kind not in (str, type(None))]
    bodies = [one.body for one in ROUTES if one.body is not Nothing]
    queries = [parameter.kind for one in ROUTES for parameter in one.query]
    given = {**_components([*bodies, *queries]), **_components([*answers, Error], complete=True)}
    paths: dict[str, dict[str, Any]] = {}
    for one in ROUTES:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    tags = [{"name": name} for name in dict.fromkeys(_tag(one) for one in ROUTES)]
    components = {
        "securitySchemes": _SECURITY,
        "responses": {"Error": _ERROR},
        "schemas": dict(sorted(given.items())),
    }
    return {**_HEAD, "tags": tags, "paths": paths, "components": components}


def render() -> str:
    """Return the text of openapi.yaml."""
    text = yaml.safe_dump(
        document(), sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )
    # A page of pipelines is named PipelineViewPage.
    return re.sub(r"\b(Page|Items)_(\w+)_(?=\W)", r"\2\1", text)


def _operation(one: Operation) -> dict[str, Any]:
    summary, _, more = inspect.cleandoc(one.function.__doc__ or "").partition("\n\n")
    described: dict[str, Any] = {"operationId": one.id, "tags": [_tag(one)], "summary": summary}
    if more:
        described["description"] = _plain(more)
    in_path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0}
            if one.types[name] is int
            else {"type": "string"},
        }
        for name in one.in_path
    ]
    if parameters := [*in_path, *map(_parameter, one.query)]:
        described["parameters"] = parameters
    if one.method == "POST":
        described["requestBody"] = _body(one)
    responses = one.responses or {str(one.status): _answer(one)}
    described["responses"] = {**responses, "default": {"$ref": "#/components/responses/Error"}}
    return described


def _tag(one: Operation) -> str:
    noun = one.path.split("/")[1]
    return {
        "schedulers": "summary",
        "holds": "runs",
        "schedule": "notebooks",
        "notebook": "notebooks",
    }.get(noun, noun)


def _parameter(one: QueryParameter) -> dict[str, Any]:
    schema = _schema(one.kind)
    described: dict[str, Any] = {"name": one.name, "in": "query"}
    if one.default is inspect.Parameter.empty:
        described["required"] = True
    elif one.default != ():
        schema["default"] = msgspec.to_builtins(one.default)
    if "description" in schema:
        described["description"] = schema.pop("description")
    return {**described, "schema": schema}


def _body(one: Operation) -> dict[str, Any]:
    if one.body is Nothing:
        schema: dict[str, Any] = {"type": "object", "additionalProperties": False}
        described: dict[str, Any] = {"description": "Empty, or an empty object."}
    else:
        schema = _schema(one.body)
        described = {"required": bool(_info(one.body) and _required(_info(one.body)))}
    return {**described, "content": {"application/json": {"schema": schema}}}


def _answer(one: Operation) -> dict[str, Any]:
    if one.returns is type(None):
        return {"description": "Done."}
    if one.returns is str:
        return {
            "description": "Plain text.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    content = {"application/json": {"schema": _schema(one.returns)}}
    return {"description": _documentation(_info(one.returns).cls)[0], "content": content}


def _schema(kind: Any) -> dict[str, Any]:
    ((schema,), _) = msgspec.json.schema_components([kind], schema_hook=_any, ref_template=_REF)
    return schema


def _any(kind: type) -> dict[str, Any]:
    if kind is not object:
        raise NotImplementedError
    return {"description": "Any JSON value."}


def _components(types: list[Any], *, complete: bool = False) -> dict[str, Any]:
    """Return the schemas of types and of all that they contain, by name.

    Args:
        complete: Whether they are responses, which have all fields, and no others.
    """
    _, components = msgspec.json.schema_components(types, schema_hook=_any, ref_template=_REF)
    known = {_title(info.cls): info for kind in types for info in _named(kinds.type_info(kind))}
    for schema in components.values():
        info = known[schema.pop("title")]
        schema["description"], described = _documentation(info.cls)
        if "enum" in schema:
            schema["type"] = "string"
            continue
        for field in info.fields:
            of_field = schema["properties"][field.encode_name]
            _add_formats(field.type, of_field)
            if field.name in described:
                of_field.setdefault("description", described[field.name])
            if complete:
                of_field.pop("default", None)
        if complete:
            schema["required"] = [one.encode_name for one in info.fields if not _may_be_absent(one)]
            schema["additionalProperties"] = False
        if not schema["required"]:
            del schema["required"]
    return components


def _may_be_absent(field: kinds.Field) -> bool:
    """Return whether a field without a value is omitted: its default is `msgspec.UNSET`."""
    has_default = any(
        one is not msgspec.NODEFAULT for one in (field.default, field.default_factory)
    )
    return not field.required and not has_default


def _add_formats(info: Any, schema: dict[str, Any]) -> None:
    """Add the format of instants; msgspec adds it only for those that must have a timezone."""
    if isinstance(info, kinds.DateTimeType):
        schema["format"] = "date-time"
    for one in getattr(info, "types", ()):
        if isinstance(one, kinds.DateTimeType):
            schema["anyOf"][0]["format"] = "date-time"
    if hasattr(info, "item_type"):
        _add_formats(info.item_type, schema["items"])


def _named(info: Any) -> Iterator[Any]:
    """Yield all named types that a type contains, including itself."""
    if hasattr(info, "cls"):
        yield info
    for name in ("type", "item_type", "key_type", "value_type"):
        if hasattr(info, name):
            yield from _named(getattr(info, name))
    for name in ("types", "item_types"):
        for one in getattr(info, name, ()):
            yield from _named(one)
    for field in getattr(info, "fields", ()):
        yield from _named(field.type)


def _info(kind: Any) -> Any:
    return kinds.type_info(kind)


def _required(info: Any) -> list[str]:
    return [field.name for field in info.fields if field.required]


def _title(cls: Any) -> str:
    """Return the name that msgspec gives to a type."""
    name: str = getattr(cls, "__origin__", cls).__name__
    args = ", ".join(one.__name__ for one in getattr(cls, "__args__", ()))
    return f"{name}[{args}]" if args else name


def _documentation(cls: Any) -> tuple[str, dict[str, str]]:
    """Return the description of a class from its docstring, and those of its fields by name."""
    cls = getattr(cls, "__origin__", cls)
    fields: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        _, _, arguments = inspect.cleandoc(base.__dict__.get("__doc__") or "").partition(
            "\nArgs:\n"
        )
        for found in re.finditer(r"^ {4}(\w[\w, ]*): (.*(?:\n {8}.*)*)", arguments, re.MULTILINE):
            fields |= dict.fromkeys(found[1].split(", "), _plain(found[2]))
    about = re.split(r"\n\n?\w+:\n", inspect.cleandoc(cls.__doc__ or ""))[0]
    return _plain(about), fields


def _plain(text: str) -> str:
    """Convert the text of a docstring to text about JSON."""
    words = {"None": "null", "True": "true", "False": "false", '""': "empty"}
    text = re.sub(r'\b(None|True|False)\b|""', lambda found: words[found[0]], text)
    return re.sub(r"\s+", " ", text.replace("``", "`")).strip()


if __name__ == "__main__":
    Path(__file__).with_name("openapi.yaml").write_text(render(), "utf-8")
