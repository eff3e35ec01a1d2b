"""Types of columns, which are the same in both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, ColumnElement, Dialect, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

Processor = Callable[[Any], Any]
"""Converts a value that was read.

The types return one in place of `process_result_value`, because SQLAlchemy would wrap that in a
second call for each value.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware instant as microseconds since 1970 UTC, which every database orders in the same way."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Convert an aware instant to microseconds."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:
        """Return the conversion of microseconds to an aware UTC instant."""
        return lambda value: None if value is None else _EPOCH + value * _MICROSECOND


class Words(TypeDecorator[str]):
    """Any text; characters that a database cannot store are replaced, so that no report is lost."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace NUL, which PostgreSQL refuses, and lone surrogates, which UTF-8 cannot encode."""
        return None if value is None else clean(value)


class Choice(TypeDecorator[StrEnum]):
    """A member of an enumeration, as its value.

    Args:
        enum: The enumeration.
    """

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum
        self._members: dict[str, StrEnum] = {one.value: one for one in enum}

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Convert a member to its value."""
        return None if value is None else self.enum(value).value

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:
        """Return the conversion of a value to its member."""
        # A lookup is much faster than a call of the enumeration, which raises for other values.
        members, enum = self._members, self.enum
        return lambda value: None if value is None else members.get(value) or enum(value)


class Json(TypeDecorator[Any]):
    """A nested value as JSON text, read back as its type.

    Args:
        shape: The type of the value; None is stored as NULL.
    """

    impl = Text
    cache_ok = True

    def __init__(self, shape: Any) -> None:
        super().__init__()
        self.shape = shape
        self._decoder = msgspec.json.Decoder(shape)

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        """Encode the value."""
        if value is None:
            return None
        try:
            return msgspec.json.encode(value).decode()
        except UnicodeEncodeError:
            return msgspec.json.encode(_clean_all(msgspec.to_builtins(value))).decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:
        """Return the conversion of the text to a value."""
        decode = self._decoder.decode
        return lambda value: None if value is None else decode(value)


def clean(text: str) -> str:
    """Return ``text`` without NUL and lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _clean_all(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case dict():
            return {clean(str(key)): _clean_all(item) for key, item in value.items()}
        case list() | tuple():
            return [_clean_all(item) for item in value]
        case _:
            return value


class AsJson(FunctionElement[Any]):
    """A `Json` column whose parts can be compared: ``AsJson(column)["a", "b"].as_string()``."""

    type = JSON()
    inherit_cache = True


@compiles(AsJson)
def _plain_json(element: AsJson, compiler: SQLCompiler, **more: Any) -> str:
    return compiler.process(element.clauses, **more)


@compiles(AsJson, "postgresql")
def _cast_json(element: AsJson, compiler: SQLCompiler, **more: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **more)} AS JSON)"


def has_tags(policy: ColumnElement[Any], tags: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    """Yield a condition for each tag that a policy must have."""
    for key, value in tags.items():
        yield AsJson(policy)["tags", key].as_string() == value
