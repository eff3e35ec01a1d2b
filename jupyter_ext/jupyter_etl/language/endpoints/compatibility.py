"""Whether callers of one version of an endpoint can call another, according to JSON Schemas.

Source:
    JSON Schema, draft 2020-12: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_etl.model import Endpoint, Sample

SLOWER = 3.0
"""How many times as long the samples may take as those of the live version."""

_LEAST_S = 0.05
"""Samples that take less than this are never too slow."""

_MOST_REFERENCES = 100

Schema = Mapping[str, Any]

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EQUAL = ("format", "pattern", "contentEncoding", "multipleOf")


def contract_changes(before: Endpoint, after: Endpoint) -> tuple[str, ...]:
    """Return what would break the callers of the version before, one clause each.

    Requests that were valid must stay valid, and results must have the fields and types that they
    had. New optional parameters and new fields of results break nothing.
    """
    if before.kind is not after.kind:
        return (f"it was a {before.kind} and is a {after.kind}",)
    request = _changes("parameter", before.request_schema, after.request_schema, widened=True)
    response = _changes("result", before.response_schema, after.response_schema, widened=False)
    return (*request, *response)


def sample_changes(before: Sequence[Sample], after: Sequence[Sample]) -> tuple[str, ...]:
    """Return how the samples of the version before are answered differently, one clause each.

    The values may differ, the types may not; and the samples must not take much longer.

    Args:
        before: The samples of the version before.
        after: The same requests, answered by the new version.
    """
    found = []
    for old, new in zip(before, after, strict=False):
        was, now = _type_of(json.loads(old.response)), _type_of(json.loads(new.response))
        if not _same_type(was, now):
            found.append(
                f"the answer to {old.request} was {_type_words(was)} and is {_type_words(now)}"
            )
    slow_before, slow_after = _p95(before), _p95(after)
    if before and slow_after > max(_LEAST_S, SLOWER * slow_before):
        found.append(f"its samples take {slow_after:.3g} s, and took {slow_before:.3g} s")
    return tuple(found)


def _p95(samples: Sequence[Sample]) -> float:
    times = sorted(sample.seconds for sample in samples)
    return times[math.ceil(0.95 * len(times)) - 1] if times else 0.0


def _type_of(value: object) -> object:
    """Return the type of a JSON value: a name, or the types inside a list or an object."""
    match value:
        case dict():
            return {str(key): _type_of(item) for key, item in value.items()}
        case list():
            return [_type_of(item) for item in value]
        case _:
            return _type_name(value)


def _type_name(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _same_type(was: object, now: object) -> bool:
    match was, now:
        case dict(), dict():
            return all(key in now and _same_type(was[key], now[key]) for key in was)
        case list(), list():
            # The number of elements may depend on the data.
            return not was or not now or _same_type(was[0], now[0])
        case _:
            return was == now


def _type_words(kind: object) -> str:
    match kind:
        case dict():
            return f"an object with {', '.join(repr(name) for name in kind) or 'no fields'}"
        case list():
            return f"an array of {_type_words(kind[0])}" if kind else "an array"
        case _:
            return str(kind)


def _changes(what: str, before: str, after: str, *, widened: bool) -> tuple[str, ...]:
    """Compare two schemas.

    Args:
        what: Word for a field in the clauses.
        widened: Whether the new one must allow all that the old one allows; otherwise the old one
            must allow all that the new one allows.
    """
    old, new = json.loads(before), json.loads(after)
    comparison = _Comparison(what=what, old=old, new=new, widened=widened)
    comparison.compare(old, new, "")
    return tuple(comparison.found)


class _Comparison:
    def __init__(self, *, what: str, old: Schema, new: Schema, widened: bool) -> None:
        self.found: list[str] = []
        self._what = what
        self._old = old
        self._new = new
        self._widened = widened
        self._compared: set[tuple[int, int]] = set()

    def compare(self, old: Schema, new: Schema, path: str) -> None:
        """Add a clause for each part whose narrow side allows what the wide side does not."""
        old, new = _resolved(old, self._old), _resolved(new, self._new)
        if (id(old), id(new)) in self._compared:
            return
        self._compared.add((id(old), id(new)))
        if "properties" in old and "properties" in new:
            self._compare_objects(old, new, path)
        elif not self._covers(old, new):
            self._add(path, f"was {_described(old)} and is {_described(new)}")

    def _compare_objects(self, old: Schema, new: Schema, path: str) -> None:
        before, after = old["properties"], new["properties"]
        required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            inside = f"{path}.{name}" if path else name
            if name in after:
                self.compare(before[name], after[name], inside)
                if self._widened and name in required_after - required_before:
                    self._add(inside, "is required now")
                if not self._widened and name in required_before - required_after:
                    self._add(inside, "may be missing now")
            elif not self._widened or new.get("additionalProperties") is False:
                self._add(inside, "is gone")
        for name in sorted(required_after - set(before)):
            if self._widened:
                self._add(f"{path}.{name}" if path else name, "is new and required")

    def _covers(self, old: Schema, new: Schema) -> bool:
        narrow, wide = (old, new) if self._widened else (new, old)
        roots = (self._old, self._new) if self._widened else (self._new, self._old)
        return _covered(narrow, wide, roots, frozenset())

    def _add(self, path: str, clause: str) -> None:
        subject = f"the {self._what}" if not path else f"the {self._what} {path!r}"
        self.found.append(f"{subject} {clause}")


def _covered(
    narrow: Schema, wide: Schema, roots: tuple[Schema, Schema], within: frozenset[tuple[int, int]]
) -> bool:
    """Return whether every value that one schema allows is allowed by the other, as far as known."""
    narrow, wide = _resolved(narrow, roots[0]), _resolved(wide, roots[1])
    pair = (id(narrow), id(wide))
    if pair in within:
        return True
    within |= {pair}
    allowed = _alternatives(wide, roots[1])
    return all(
        any(_alternative_covered(one, other, roots, within) for other in allowed)
        for one in _alternatives(narrow, roots[0])
    )


def _alternatives(schema: Schema, root: Schema) -> list[Schema]:
    """Split a schema at ``anyOf``, ``oneOf`` and a list of types."""
    for word in ("anyOf", "oneOf"):
        if word in schema:
            parts = [_resolved(one, root) for one in schema[word]]
            return [inner for part in parts for inner in _alternatives(part, root)]
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return [{**schema, "type": kind} for kind in kinds]
    return [schema]


def _alternative_covered(
    narrow: Schema, wide: Schema, roots: tuple[Schema, Schema], within: frozenset[tuple[int, int]]
) -> bool:
    if "enum" in wide or "const" in wide:
        values = _values(narrow)
        return values is not None and all(value in (_values(wide) or ()) for value in values)
    kind = wide.get("type")
    values = _values(narrow)
    if values is not None:
        return kind is None or all(_is_a(value, kind) for value in values)
    if kind is not None and not _is_kind(narrow.get("type"), kind):
        return False
    if not _bounds_covered(narrow, wide):
        return False

    def inner(word: str) -> bool:
        return _covered(_part(narrow, word), _part(wide, word), roots, within)

    if kind == "array" and not inner("items"):
        return False
    return kind != "object" or _object_covered(narrow, wide, roots, within)


def _object_covered(
    narrow: Schema, wide: Schema, roots: tuple[Schema, Schema], within: frozenset[tuple[int, int]]
) -> bool:
    has, wants = narrow.get("properties", {}), wide.get("properties", {})
    if not set(wide.get("required", ())) <= set(narrow.get("required", ())):
        return False
    rest = wide.get("additionalProperties", True)
    for name, schema in has.items():
        against = wants.get(name, rest)
        if against is False or not _covered(schema, _schema(against), roots, within):
            return False
    if rest is True:
        return True
    more = narrow.get("additionalProperties", True)
    if rest is False or more is False:
        return more is False
    return _covered(_schema(more), _schema(rest), roots, within)


def _bounds_covered(narrow: Schema, wide: Schema) -> bool:
    lower = all(word not in wide or narrow.get(word, -math.inf) >= wide[word] for word in _LOWER)
    upper = all(word not in wide or narrow.get(word, math.inf) <= wide[word] for word in _UPPER)
    return (
        lower
        and upper
        and all(word not in wide or narrow.get(word) == wide[word] for word in _EQUAL)
    )


def _values(schema: Schema) -> Sequence[object] | None:
    """Return the values that a schema lists; None if it allows others."""
    if "const" in schema:
        return [schema["const"]]
    listed: Sequence[object] | None = schema.get("enum")
    return listed


def _is_a(value: object, kind: str) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return _type_name(value) == kind


def _is_kind(narrow: str | None, wide: str) -> bool:
    return narrow == wide or (narrow == "integer" and wide == "number")


def _part(schema: Schema, word: str) -> Schema:
    return _schema(schema.get(word, {}))


def _schema(given: object) -> Schema:
    """Return a schema; ``true`` allows everything."""
    return given if isinstance(given, Mapping) else {}


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Follow the references of a schema."""
    for _ in range(_MOST_REFERENCES):
        reference = schema.get("$ref")
        if reference is None:
            break
        schema = root
        for part in str(reference).removeprefix("#/").split("/"):
            schema = schema[part.replace("~1", "/").replace("~0", "~")]
    return schema


def _described(schema: Schema) -> str:
    """Return a schema in few words: ``integer``, ``string (date)``, ``'a' or 'b'``."""
    values = _values(schema)
    if values is not None:
        return " or ".join(repr(value) for value in values)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(_described(one) for one in schema[word])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    kind = schema.get("type", "anything")
    name = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if name == "array" and isinstance(schema.get("items"), Mapping):
        name = f"array of {_described(schema['items'])}"
    limits = [f"{word} {schema[word]}" for word in (*_LOWER, *_UPPER) if word in schema]
    more = [str(schema["format"]), *limits] if "format" in schema else limits
    return f"{name} ({', '.join(more)})" if more else name
