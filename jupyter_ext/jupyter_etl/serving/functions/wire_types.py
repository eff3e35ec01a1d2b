"""The types of requests and results as JSON: what msgspec validates and describes.

A *wire type* admits exactly the JSON of an annotated type. It differs from the annotation where
msgspec is more lenient or has no schema: dataclasses and typed dicts reject unknown fields,
datetimes need an offset, numbers are finite, and frames are arrays of objects.

Source:
    https://jcristharif.com/msgspec/supported-types.html,
    https://jcristharif.com/msgspec/jsonschema.html (JSON Schema 2020-12).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import operator
import sys
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, NotRequired, Required, Union

import msgspec

from jupyter_etl.errors import DeclarationError

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,9})?$"

_WIRE: Mapping[Any, Any] = {
    datetime: Annotated[datetime, msgspec.Meta(tz=True)],
    # msgspec alone accepts "NaN" and "Infinity".
    Decimal: Annotated[str, msgspec.Meta(pattern=_NUMBER, extra_json_schema={"format": "decimal"})]
    | int
    | float,
    object: Any,
}
_RECORDS = list[dict[str, Any]]


class WireTypes:
    """Derives wire types from resolved annotations.

    Args:
        names: Variables of the function, in which the annotations of classes of its own module
            are looked up.
        module: Name of the function's module.
    """

    def __init__(self, names: Mapping[str, Any], module: str) -> None:
        self._names = names
        self._module = module
        self._structs: dict[type, Any] = {}
        self._open: list[type] = []
        self._recursive: set[type] = set()
        self.class_hints: dict[type, dict[str, Any]] = {}
        """The resolved annotations of every dataclass and typed dict that was met."""

    def of_request(self, annotation: Any) -> Any:
        """Return the wire type of a parameter.

        Raises:
            DeclarationError: An annotation inside a class cannot be resolved.
        """
        if annotation is pandas_type("DataFrame"):
            return _RECORDS
        if isinstance(annotation, type) and annotation in self._structs:
            return self._structs[annotation]
        if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
            return self._struct(annotation, _dataclass_fields)
        if typing.is_typeddict(annotation):
            return self._struct(annotation, _typed_dict_fields)
        inside = set(typing.get_args(annotation)) if _is_union(annotation) else set()
        if pandas_type("DataFrame") in inside and len(inside - {type(None)}) > 1:
            raise DeclarationError(f"A frame has no alternative but None; {annotation} has one.")
        return self._generic(annotation, self.of_request)

    def of_result(self, annotation: Any) -> Any:
        """Return the wire type of a result, which may also be an object of NumPy or pandas.

        Raises:
            DeclarationError: An annotation inside a class cannot be resolved.
        """
        known = _result_type(typing.get_origin(annotation) or annotation)
        if known is not None:
            return known
        if isinstance(annotation, type) and not typing.get_args(annotation):
            return self.of_request(annotation)
        return self._generic(annotation, self.of_result)

    def _generic(self, annotation: Any, convert: Any) -> Any:
        """Return a type with its arguments converted, such as those of ``list[datetime]``."""
        try:
            if annotation in _WIRE:
                return _WIRE[annotation]
        except TypeError:  # Annotated with unhashable metadata
            pass
        if isinstance(annotation, typing.NewType):
            return convert(annotation.__supertype__)
        origin, args = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is Annotated:
            return Annotated[(convert(args[0]), *args[1:])]
        if _is_union(annotation):
            return functools.reduce(operator.or_, map(convert, args))
        if origin is None or origin is typing.Literal or not args:
            return annotation
        return origin[tuple(one if one is ... else convert(one) for one in args)]

    def _struct(self, cls: type, fields_of: Any) -> Any:
        """Return a struct that admits the JSON of a class and nothing more."""
        if cls in self._open:
            self._recursive.add(cls)
            return typing.ForwardRef(_reference(cls))
        self._open.append(cls)
        hints = self.class_hints[cls] = self._hints(cls)
        fields = []
        for name, annotation, default in fields_of(cls, hints):
            wire = self.of_request(annotation)
            fields.append((name, wire, field_of(default, wire)))
        generated = (cls.__doc__ or "").startswith(f"{cls.__name__}(")
        struct = msgspec.defstruct(
            cls.__name__,
            fields,
            namespace={"__doc__": None if generated else cls.__doc__},
            forbid_unknown_fields=True,
            frozen=True,
            kw_only=True,
        )
        self._structs[cls] = struct
        self._open.pop()
        if not self._open:
            # msgspec looks a reference up among the attributes of the struct that contains it.
            for one, known in itertools.product(self._structs.values(), self._recursive):
                setattr(one, _reference(known), self._structs[known])
        return struct

    def _hints(self, cls: type) -> dict[str, Any]:
        names = self._names if cls.__module__ == self._module else None
        try:
            return typing.get_type_hints(cls, localns=names, include_extras=True)
        except Exception as problem:
            raise DeclarationError(
                f"The annotations of the class {cls.__name__!r} cannot be resolved: {problem}."
            ) from problem


def _reference(cls: type) -> str:
    return f"{cls.__name__}_{id(cls)}"


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (Union, types.UnionType)


def field_of(default: Any, wire: Any) -> Any:
    """Return a field of a struct: required, or optional with a default that its schema shows.

    Args:
        default: ``inspect.Parameter.empty`` or ``dataclasses.MISSING`` for a required field.
    """
    if default is REQUIRED:
        return msgspec.field()
    try:
        hash(default)
        plain = msgspec.to_builtins(default)
        msgspec.convert(msgspec.json.decode(msgspec.json.encode(plain)), wire)
    except Exception:  # noqa: BLE001 - a default of any type; without JSON it is not shown
        return msgspec.field(default_factory=lambda: msgspec.UNSET)
    return msgspec.field(default=default)


REQUIRED = object()
"""The default of a field that has none."""


def json_schema(wire: Any) -> dict[str, Any]:
    """Return the JSON Schema of a wire type, with the definitions it refers to in ``$defs``.

    The root is not a reference, since some readers require its ``type``.

    Raises:
        DeclarationError: A type has no JSON.
    """
    try:
        schema = msgspec.json.schema(wire)
    except Exception as problem:
        raise DeclarationError(_unsupported(problem)) from problem
    definitions = schema.pop("$defs", {})
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    used_below = f'"#/$defs/{name}"'.encode() in msgspec.json.encode(definitions)
    if name and not used_below:
        schema = definitions.pop(name)
    elif name:
        schema = definitions[name]
    return {"$schema": SCHEMA_DIALECT, **schema, **({"$defs": definitions} if definitions else {})}


def _unsupported(problem: Exception) -> str:
    """Return the last sentence of msgspec's message, which names the type."""
    last = str(problem).strip().splitlines()[-1]
    for module in ("typing.", "builtins."):
        last = last.replace(module, "")
    return last[:1].upper() + last[1:].rstrip(".") + "."


def _dataclass_fields(cls: Any, hints: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    fields = []
    for one in dataclasses.fields(cls):
        default = REQUIRED if one.default is dataclasses.MISSING else one.default
        if one.default_factory is not dataclasses.MISSING:
            default = [...]
        if one.init:
            fields.append((one.name, hints[one.name], default))
    return fields


def _typed_dict_fields(cls: Any, hints: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    fields = []
    for name, hint in hints.items():
        marker = typing.get_origin(hint)
        required = name in cls.__required_keys__ if marker is None else marker is not NotRequired
        annotation = typing.get_args(hint)[0] if marker in (Required, NotRequired) else hint
        fields.append((name, annotation, REQUIRED if required else [...]))
    return fields


def pandas_type(name: str) -> Any:
    """Return a type of pandas, if pandas is imported: an annotation with it requires that."""
    return getattr(sys.modules.get("pandas"), name, REQUIRED)


def _result_type(annotation: Any) -> Any:
    numpy = sys.modules.get("numpy")
    if annotation is pandas_type("DataFrame"):
        return _RECORDS
    if annotation in (pandas_type("Series"), pandas_type("Index")):
        return list[Any]
    if annotation is pandas_type("Timestamp"):
        return datetime
    if numpy is None or not isinstance(annotation, type):
        return None
    kinds = {
        numpy.ndarray: list[Any], numpy.bool_: bool, numpy.integer: int, numpy.floating: float,
        numpy.str_: str,
    }  # fmt: skip
    return next((wire for one, wire in kinds.items() if issubclass(annotation, one)), None)
