"""Results of DuckDB as Arrow, and their rows as JSON, CSV, Arrow and Parquet, without loss.

In JSON, integers of any size are numbers with all their digits, decimals are texts with all their
digits, dates and times are ISO 8601, bytes base64, maps with text keys objects, other maps arrays
of pairs, and NaN and infinity null.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_etl.language.names import listed
from jupyter_etl.language.sql.lexer import quoted
from jupyter_etl.serving.queries.rejection import invalid, rejected

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

JSON = "application/json"
CSV = "text/csv; charset=utf-8"
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"

_WIDE = frozenset({"hugeint", "uhugeint"})
_AS_TEXT = frozenset({"bignum", "bit", "time with time zone", "union", "variant", "geometry"})
"""Types that Arrow does not have, or that DuckDB exports in a format of its own."""

_encoder = msgspec.json.Encoder()


def exact(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Return a relation whose columns Arrow represents exactly.

    Integers of 128 bits become ``DECIMAL(38, 0)``; types that Arrow does not have become text.
    """
    cells = [_cell(kind, f"#{place}") for place, kind in enumerate(relation.types, 1)]
    if all(cell == f"#{place}" for place, cell in enumerate(cells, 1)):
        return relation
    named = zip(cells, map(quoted, relation.columns), strict=True)
    return relation.project(", ".join(f"{cell} AS {name}" for cell, name in named))


def _cell(kind: Any, cell: str) -> str:
    if str(kind.id) in _WIDE:
        return f"CAST({cell} AS DECIMAL(38, 0))"
    inner = {str(one.id) for one in _within(kind)}
    return f"CAST({cell} AS VARCHAR)" if inner & (_AS_TEXT | _WIDE) else cell


def _within(kind: Any) -> list[Any]:
    nested = str(kind.id) in {"list", "array", "struct", "tuple", "map", "union"}
    parts = [part for label, part in kind.children if label != "size"] if nested else []
    return [kind, *(one for part in parts for one in _within(part))]


def columns_of(schema: pa.Schema) -> list[dict[str, str]]:
    """Return names and Arrow types for the answer."""
    return [{"name": field.name, "type": str(field.type)} for field in schema]


def json_body(table: pa.Table, following: str | None, version: int) -> bytes:
    """Return an answer in JSON.

    Args:
        following: Token of the next page; None at the end.
        version: Number of the version that answered.
    """
    columns = [json_values(column) for column in table.columns]
    names = table.schema.names
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    answer = {
        "columns": columns_of(table.schema),
        "rows": rows,
        "next": following,
        "version": version,
    }
    return _encoder.encode(answer)


def json_values(column: pa.Array | pa.ChunkedArray) -> list[object]:
    """Return the values of a column as msgspec encodes them in JSON."""
    convert = _converter(column.type)
    try:
        values = column.to_pylist()
    except (ValueError, OverflowError):
        # Python has no year 20,000.
        return _as_text(column)
    return values if convert is None else [convert(value) for value in values]


def _as_text(column: pa.Array | pa.ChunkedArray) -> list[object]:
    import pyarrow as pa

    texts: list[object] = column.cast(pa.string()).to_pylist()
    return [text if text is None else str(text).replace(" ", "T", 1) for text in texts]


def _converter(kind: pa.DataType) -> Callable[[Any], object] | None:
    """Return the conversion of values from Python to JSON; None where msgspec has it."""
    import pyarrow as pa

    types = pa.types
    if types.is_decimal(kind):
        return _integer if kind.scale == 0 else None
    if types.is_timestamp(kind) and kind.unit == "ns":
        return _nanoseconds
    if types.is_interval(kind):
        return _interval
    if types.is_map(kind):
        return _pairs(kind)
    if types.is_list(kind) or types.is_fixed_size_list(kind) or types.is_large_list(kind):
        inner = _converter(kind.value_type)
        return inner and (lambda values: values and [inner(value) for value in values])
    if types.is_struct(kind):
        fields = {field.name: _converter(field.type) for field in kind}
        if any(fields.values()):
            return lambda value: (
                value
                and {
                    name: convert(value[name]) if convert else value[name]
                    for name, convert in fields.items()
                }
            )
    return None


def _integer(value: Decimal | None) -> object:
    # msgspec writes 64 bits only.
    return None if value is None else msgspec.Raw(str(int(value)).encode())


def _nanoseconds(value: Any) -> object:
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def _interval(value: Any) -> object:
    if value is None:
        return None
    seconds = Decimal(value.nanoseconds).scaleb(-9).normalize()
    return f"P{value.months}M{value.days}DT{seconds:f}S"


def _pairs(kind: pa.MapType) -> Callable[[Any], object]:
    import pyarrow as pa

    key, item = _converter(kind.key_type), _converter(kind.item_type)
    named = pa.types.is_string(kind.key_type)

    def convert(pairs: Any) -> object:
        if pairs is None:
            return None
        found = [(key(k) if key else k, item(v) if item else v) for k, v in pairs]
        return dict(found) if named else found

    return convert


def csv_body(table: pa.Table) -> bytes:
    """Return a header line and the rows, in the notation of JSON; NULL is an empty field."""
    import pyarrow as pa

    for field in table.schema:
        if pa.types.is_nested(field.type):
            raise rejected(
                406,
                "NotAcceptable",
                f"Column '{field.name}' of type {field.type} does not fit into CSV.",
                f"Ask for {JSON}, {ARROW} or {PARQUET}.",
            )
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.schema.names)
    columns = [[_field(value) for value in json_values(column)] for column in table.columns]
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue().encode()


def _field(value: object) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')


def arrow_body(table: pa.Table) -> bytes:
    """Return an Arrow IPC stream."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def parquet_body(table: pa.Table) -> bytes:
    """Return a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


_BODIES: dict[str, Callable[[pa.Table], bytes]] = {
    CSV: csv_body,
    ARROW: arrow_body,
    PARQUET: parquet_body,
}
_SHORT = {"json": JSON, "csv": CSV, "arrow": ARROW, "parquet": PARQUET}


def media_type(accept: str, format: str | None = None) -> str:
    """Return the media type of an answer.

    Args:
        accept: Header ``Accept``, or a name as for ``format``; "" is JSON.
        format: ``json``, ``csv``, ``arrow`` or ``parquet``, which precedes the header.

    Raises:
        Rejected: None of the media types is known.
    """
    if format is not None:
        if format not in _SHORT:
            message = f"'format' takes {listed(_SHORT)}, but got {format[:80]!r}."
            raise invalid([("format", message)])
        return _SHORT[format]
    if accept.strip() in _SHORT:
        return _SHORT[accept.strip()]
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    for _, wanted in sorted((one for one in ranges if one[0] > 0), key=lambda one: -one[0]):
        main, _, sub = wanted.partition("/")
        for known in _SHORT.values():
            plain = known.partition(";")[0]
            if wanted in (plain, "*/*") or (sub == "*" and plain.startswith(f"{main}/")):
                return known
    if not ranges:
        return JSON
    raise rejected(
        406,
        "NotAcceptable",
        f"There is no answer of type {accept[:100]!r}.",
        f"Ask for {JSON}, text/csv, {ARROW} or {PARQUET}.",
    )


def _range(part: str) -> tuple[float, str]:
    wanted, *options = (piece.strip().lower() for piece in part.split(";"))
    weight = next((one[2:] for one in options if one.startswith("q=")), "1")
    try:
        return float(weight), wanted
    except ValueError:
        return 0.0, wanted


def body_of(table: pa.Table, media: str, *, following: str | None, version: int) -> bytes:
    """Return the body of an answer in the format of `media_type`; see `json_body`."""
    if media == JSON:
        return json_body(table, following, version)
    return _BODIES[media](table)


def schema_of_type(kind: pa.DataType) -> dict[str, object]:
    """Return the JSON Schema of the values of an Arrow type; every value may be null."""
    import pyarrow as pa

    types = pa.types
    if types.is_list(kind) or types.is_fixed_size_list(kind) or types.is_large_list(kind):
        return {"type": ["array", "null"], "items": schema_of_type(kind.value_type)}
    if types.is_struct(kind):
        fields = {field.name: schema_of_type(field.type) for field in kind}
        return {"type": ["object", "null"], "properties": fields}
    if types.is_map(kind):
        if types.is_string(kind.key_type):
            values = schema_of_type(kind.item_type)
            return {"type": ["object", "null"], "additionalProperties": values}
        return {"type": ["array", "null"], "items": {"type": "array"}}
    if types.is_integer(kind) or (types.is_decimal(kind) and kind.scale == 0):
        return {"type": ["integer", "null"]}
    for matches, found in _schemas():
        if matches(kind):
            return {**found, "type": [found["type"], "null"]}
    return {"type": ["string", "null"]}


def _schemas() -> list[tuple[Callable[[pa.DataType], bool], dict[str, object]]]:
    import pyarrow as pa

    types = pa.types
    return [
        (types.is_boolean, {"type": "boolean"}),
        (types.is_floating, {"type": "number"}),
        (types.is_decimal, {"type": "string", "format": "decimal"}),
        (types.is_date, {"type": "string", "format": "date"}),
        (types.is_timestamp, {"type": "string", "format": "date-time"}),
        (types.is_time, {"type": "string", "format": "time"}),
        (types.is_binary, {"type": "string", "contentEncoding": "base64"}),
        (types.is_null, {"type": "null"}),
    ]
