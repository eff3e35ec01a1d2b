"""How a CSV file is written: from the options of its source, and from its first megabyte."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.csv as pa_csv

CSV_OPTIONS = ("delimiter", "quote", "decimal", "encoding", "header", "skip", "null", "text")

HEAD_BYTES = 1 << 20
"""How much of a file is looked at for its delimiter and for numbers with leading zeros."""

_MISSING = ["", "NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "#N/A", "#NA", "<NA>"]
_DELIMITERS = ",;\t|"
_LEADING_ZERO = r"^[+-]?0\d"
_MOST_DIGITS = 17
"""Significant digits after which a double has no room for more. Source: IEEE 754, 5.12.2."""


@dataclass(frozen=True, kw_only=True)
class CsvFormat:
    """How CSV files are written.

    Args:
        delimiter: One character; "" to find it in the first line.
        quote: One character.
        decimal: The decimal point.
        encoding: A Python codec.
        header: Whether the first row holds names.
        skip: Lines before the header to leave out.
        null: Texts that mean a missing value in every column; () for the usual ones in numbers
            and dates, and only the empty cell in text.
        text: Columns to keep as text.
    """

    delimiter: str = ""
    quote: str = '"'
    decimal: str = "."
    encoding: str = "utf-8"
    header: bool = True
    skip: int = 0
    null: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


def parse_csv_format(options: Mapping[str, str]) -> CsvFormat:
    """Read the options of a source.

    Raises:
        DeclarationError: A value is not possible.
    """
    delimiter = options.get("delimiter", "")
    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    decimal, quote = options.get("decimal", "."), options.get("quote", '"')
    signs = {"delimiter": delimiter or ",", "quote": quote, "decimal": decimal}
    for name, sign in signs.items():
        if len(sign) != 1 or not sign.isascii():
            raise DeclarationError(
                f"The option {name} is '{sign}'; it is one character of ASCII.",
                hint="The one behind Tab is called tab." if name == "delimiter" else "",
            )
    if not options.get("skip", "0").isdecimal():
        raise DeclarationError(f"The option skip is '{options['skip']}'; it is a number of lines.")
    header = options.get("header", "yes").lower()
    if header not in {"yes", "no", "true", "false"}:
        raise DeclarationError(f"The option header is '{header}'; it is yes or no.")
    encoding = options.get("encoding", "utf-8")
    try:
        "".encode(encoding)
    except LookupError as problem:
        raise DeclarationError(
            f"The option encoding is '{encoding}', which is none.",
            hint="Usual ones are utf-8, latin-1, cp1252 and utf-16.",
        ) from problem
    return CsvFormat(
        delimiter=delimiter,
        quote=quote,
        decimal=decimal,
        encoding=encoding,
        header=header in {"yes", "true"},
        skip=int(options.get("skip", "0")),
        null=tuple(options["null"].split(",")) if "null" in options else (),
        text=names_of(options.get("text", "")),
    )


def names_of(text: str) -> tuple[str, ...]:
    """Read a list of columns: ``a, b``."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def look_at(written: CsvFormat, head: bytes) -> CsvFormat:
    """Fill in what the options leave open.

    A column with numbers like ``007`` is an identifier; as a number it would lose its zeros, so it
    is kept as text. So is one with fractions of more digits than a double gives back.

    Args:
        written: From the options.
        head: The first bytes of the file, decompressed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pa_csv

    if not written.delimiter:
        written = replace(written, delimiter=_delimiter(written, head))
    whole_lines = head if len(head) < HEAD_BYTES else head[: head.rfind(b"\n") + 1]
    sample = whole_lines.decode(written.encoding, "replace")
    begin = rf"(?m)(?:^|[{re.escape(written.delimiter + written.quote)}])[+-]?"
    long = rf"(?:\d{re.escape(written.decimal)}?){{{_MOST_DIGITS + 1}}}"
    # By RE2, which takes a twentieth of the time of Python's own.
    if not pc.match_substring_regex(pa.scalar(sample), rf"{begin}(?:0\d|{long})").as_py():
        return written
    read, parse, _ = arrow_options(replace(written, encoding="utf-8"))
    parse.invalid_row_handler = lambda row: "skip"
    try:
        names = pa_csv.read_csv(pa.py_buffer(sample.encode()), read, parse).column_names
        table = pa_csv.read_csv(
            pa.py_buffer(sample.encode()),
            read,
            parse,
            pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid:
        # The head was cut inside a quoted cell or is not CSV; reading it all tells which.
        return written
    zeros = [
        name
        for name, column in zip(table.column_names, table.columns, strict=True)
        if pc.any(pc.match_substring_regex(column, _LEADING_ZERO + r"*$")).as_py()
        or pc.any(_long_fractions(column, written.decimal)).as_py()
    ]
    return replace(written, text=tuple(dict.fromkeys((*written.text, *zeros))))


def arrow_options(
    written: CsvFormat,
    types: Mapping[str, pa.DataType] | None = None,
    *,
    block_bytes: int = 1 << 20,
) -> tuple[pa_csv.ReadOptions, pa_csv.ParseOptions, pa_csv.ConvertOptions]:
    """Translate to pyarrow's options.

    Args:
        written: With a delimiter.
        types: Types that are known already, by column.
        block_bytes: How much is parsed at a time.
    """
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    return (
        pa_csv.ReadOptions(
            encoding=written.encoding,
            skip_rows=written.skip,
            autogenerate_column_names=not written.header,
            block_size=block_bytes,
        ),
        pa_csv.ParseOptions(
            delimiter=written.delimiter, quote_char=written.quote, newlines_in_values=True
        ),
        pa_csv.ConvertOptions(
            decimal_point=written.decimal,
            null_values=["", *written.null] if written.null else _MISSING,
            strings_can_be_null=bool(written.null),
            column_types={**dict.fromkeys(written.text, pa.string()), **(types or {})},
        ),
    )


def _long_fractions(column: pa.ChunkedArray, point: str) -> pa.ChunkedArray:
    """Find numbers with a fraction and more digits than a double holds."""
    import pyarrow.compute as pc

    sign, more = re.escape(point), _MOST_DIGITS
    fraction = pc.match_substring_regex(column, rf"^[+-]?\d*{sign}\d+$")
    long = rf"^[+-]?(?:0?{sign}0*[1-9]\d{{{more},}}|[1-9][\d{sign}]{{{more + 1},}})$"
    return pc.and_(fraction, pc.match_substring_regex(column, long))


def _delimiter(written: CsvFormat, head: bytes) -> str:
    lines = head.decode(written.encoding, "replace").splitlines()
    first = lines[written.skip] if len(lines) > written.skip else ""
    first = re.sub(rf"{re.escape(written.quote)}.*?{re.escape(written.quote)}", "", first)
    return max(_DELIMITERS, key=lambda sign: (first.count(sign), sign == ","))
