"""The signature of a function as the types of an endpoint: its request and its result."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from jupyter_etl.errors import DeclarationError
from jupyter_etl.serving.functions.wire_types import (
    REQUIRED,
    WireTypes,
    field_of,
    json_schema,
)

_HINT = "Write an endpoint like: def score(age: float, fare: float = 7.25) -> float"
_EMPTY = inspect.Parameter.empty


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a function.

    Args:
        annotation: Its type, resolved.
        default: ``REQUIRED`` if it has none.
        by_name: Whether it is keyword-only.
    """

    name: str
    annotation: Any
    default: Any
    by_name: bool


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What an endpoint's requests and results look like.

    Args:
        doc: Docstring, without its indentation.
        returns: The annotation of the result, resolved; ``REQUIRED`` if there is none.
        request: Wire type of the request, a struct with a field per parameter.
        result: Wire type of the result; Any if it is not annotated.
        class_hints: Resolved annotations of the dataclasses and typed dicts in the signature.
    """

    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    returns: Any
    request: Any
    result: Any
    class_hints: Mapping[type, Mapping[str, Any]]

    @property
    def request_schema(self) -> dict[str, Any]:
        """The JSON Schema 2020-12 of a request body."""
        described = {"description": self.doc} if self.doc else {}
        return {**json_schema(self.request), **described}

    @property
    def response_schema(self) -> dict[str, Any]:
        """The JSON Schema 2020-12 of a result."""
        return json_schema(self.result)

    @property
    def hints(self) -> dict[str, Any]:
        """Resolved annotations by parameter, and ``return``."""
        hints = {one.name: one.annotation for one in self.parameters}
        return hints if self.returns is REQUIRED else {**hints, "return": self.returns}


def signature_of(function: Any, hints: Mapping[str, Any] | None = None) -> Signature:
    """Return the signature of a function.

    Args:
        function: Defined with ``def`` or ``async def``; it may be decorated.
        hints: Resolved annotations, for a function that was loaded elsewhere than defined.

    Raises:
        DeclarationError: It is not a function, or has a parameter or a type that a request or a
            result cannot have.
    """
    name = _refuse_others(function)
    inner = inspect.unwrap(function)
    declared = inspect.signature(function)
    names = {**inner.__globals__, **_closure(inner)}
    if hints is None:
        hints = _resolved(name, declared, names)
    parameters = tuple(
        _parameter(name, one, hints.get(one.name, _EMPTY)) for one in declared.parameters.values()
    )
    types_ = WireTypes(names, inner.__module__)
    returns = hints.get("return", REQUIRED)
    signature = Signature(
        name=name,
        doc=inspect.getdoc(function) or "",
        parameters=parameters,
        returns=returns,
        request=_request(name, parameters, types_),
        result=Any if returns is REQUIRED else _wire(name, "result", returns, types_.of_result),
        class_hints=types_.class_hints,
    )
    for what, schema in (("request", "request_schema"), ("result", "response_schema")):
        try:
            getattr(signature, schema)
        except DeclarationError as problem:
            raise DeclarationError(
                f"The function {name!r} has a {what} without JSON: {problem.message}", hint=_HINT
            ) from problem
    return signature


def is_coroutine(function: Any) -> bool:
    """Return whether a call of the function is awaited."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        inspect.unwrap(function)
    )


def _refuse_others(function: Any) -> str:
    """Return the name of a function.

    Raises:
        DeclarationError: It is something else, or cannot be an endpoint.
    """
    name = getattr(function, "__name__", type(function).__name__)
    what = _what(function)
    if what:
        raise DeclarationError(
            f"{name!r} is {what}; an endpoint is a function that is defined with def or async def.",
            hint=_HINT,
        )
    for one in inspect.signature(function).parameters.values():
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            raise DeclarationError(
                f"The function {name!r} takes {one}; an endpoint takes named parameters with types.",
                hint=_HINT,
            )
    return str(name)


def _what(function: Any) -> str:
    """Return what a value is instead of a function for an endpoint, "" if it is one."""
    if isinstance(function, type):
        return "a class"
    if isinstance(function, types.BuiltinFunctionType | types.MethodWrapperType):
        return "a builtin function"
    if isinstance(function, types.MethodType):
        return "a method"
    if not isinstance(function, types.FunctionType):
        return f"an object of type {type(function).__name__}"
    if function.__name__ == "<lambda>":
        return "a lambda"
    inner = inspect.unwrap(function)
    for one in (function, inner):
        if inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one):
            return "a generator"
    if not isinstance(inner, types.FunctionType):
        return f"a decorated {type(inner).__name__}"
    return ""


def _closure(function: types.FunctionType) -> dict[str, Any]:
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found


def _resolved(name: str, declared: inspect.Signature, names: dict[str, Any]) -> dict[str, Any]:
    """Return the annotations of a signature as types.

    Raises:
        DeclarationError: One is text that has no meaning where the function is defined.
    """
    written = {one.name: one.annotation for one in declared.parameters.values()}
    written["return"] = declared.return_annotation
    resolved = {}
    for one, annotation in written.items():
        if annotation is _EMPTY:
            continue
        holder = types.SimpleNamespace(__annotations__={one: annotation})
        try:
            found = typing.get_type_hints(holder, names, names, include_extras=True)
        except Exception as problem:
            what = "result" if one == "return" else f"parameter {one!r}"
            raise DeclarationError(
                f"The annotation of the {what} of {name!r} cannot be resolved: {problem}.",
                hint="Define or import the type in the notebook, at the top level.",
            ) from problem
        resolved[one] = found[one]
    return resolved


def _parameter(function: str, one: inspect.Parameter, annotation: Any) -> Parameter:
    if annotation is _EMPTY:
        raise DeclarationError(
            f"The parameter {one.name!r} of {function!r} has no annotation, so requests cannot be "
            "checked.",
            hint=f"Write its type, such as {one.name}: float",
        )
    # ``x: float = None`` is common, and means float | None.
    if one.default is None and not _admits_none(annotation):
        annotation = annotation | None
    return Parameter(
        name=one.name,
        annotation=annotation,
        default=REQUIRED if one.default is _EMPTY else one.default,
        by_name=one.kind is one.KEYWORD_ONLY,
    )


def _admits_none(annotation: Any) -> bool:
    inside = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        return _admits_none(inside[0])
    return annotation in (None, type(None), Any, object) or type(None) in inside or None in inside


def _wire(function: str, what: str, annotation: Any, convert: Callable[[Any], Any]) -> Any:
    try:
        return convert(annotation)
    except DeclarationError:
        raise
    except Exception as problem:
        raise DeclarationError(
            f"The annotation of the {what} of {function!r} is not a type of a request or a result: "
            f"{annotation!r}.",
            hint=_HINT,
        ) from problem


def _request(name: str, parameters: tuple[Parameter, ...], types_: WireTypes) -> Any:
    """Return the struct of the requests of a function."""
    fields = []
    for one in parameters:
        wire = _wire(name, f"parameter {one.name!r}", one.annotation, types_.of_request)
        fields.append((one.name, wire, field_of(one.default, wire)))
    try:
        return msgspec.defstruct(name, fields, forbid_unknown_fields=True, kw_only=True)
    except Exception as problem:
        raise DeclarationError(f"The parameters of {name!r} are not valid: {problem}.") from problem
