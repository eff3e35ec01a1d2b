"""The options of CSV sources."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError
from jupyter_etl.sources.options import null_words, parse_count, parse_header
from jupyter_etl.sources.text.declared_types import names_of, parse_declared_types
from jupyter_etl.sources.text.inference import TextForm

if TYPE_CHECKING:
    import pyarrow as pa

CSV_OPTIONS = (
    *("delimiter", "quote", "escape", "decimal", "thousands", "encoding", "header", "skip"),
    *("footer", "null", "text", "date"),
)

__all__ = ["CSV_OPTIONS", "CsvFormat", "names_of", "parse_csv_format", "text_form_of"]

_NAMED_SIGNS = {"tab": "\t", "\\t": "\t", "space": " ", "backslash": "\\", "nbsp": "\u00a0"}
_ONE_OF_ASCII = ("delimiter", "quote", "escape", "decimal")
_SAMPLE = datetime(2031, 12, 29, 0, 0)  # noqa: DTZ001 - only its form counts


@dataclass(frozen=True, kw_only=True)
class CsvFormat:
    """How CSV files are written.

    Args:
        delimiter: One character; "" to detect it.
        quote: One character.
        escape: The character before a quote inside quotes; "" to detect it, if quotes are not
            doubled.
        encoding: A Python codec; "" to detect UTF-8 or UTF-16.
        header: Whether the first row contains column names.
        skip: Number of lines to skip before the header.
        footer: Number of lines to skip at the end.
        text: How values are written.
        types: Declared types by column.
    """

    delimiter: str = ""
    quote: str = '"'
    escape: str = ""
    encoding: str = ""
    header: bool = True
    skip: int = 0
    footer: int = 0
    text: TextForm = field(default_factory=TextForm)
    types: Mapping[str, pa.DataType] = field(default_factory=dict)


def parse_csv_format(options: Mapping[str, str]) -> CsvFormat:
    """Parse the options of a source.

    Raises:
        DeclarationError: A value is not valid.
    """
    signs = {
        name: _sign(name, options[name], ascii_only=name in _ONE_OF_ASCII)
        for name in ("delimiter", "quote", "escape")
        if name in options
    }
    text = text_form_of(options)
    _refuse_equal({"delimiter": "", "quote": '"', **signs})
    return CsvFormat(
        delimiter=signs.get("delimiter", ""),
        quote=signs.get("quote", '"'),
        escape=signs.get("escape", ""),
        encoding=_encoding(options.get("encoding", "")),
        header=parse_header(options),
        skip=parse_count(options, "skip", "lines"),
        footer=parse_count(options, "footer", "lines"),
        text=text,
        types=parse_declared_types(options),
    )


def text_form_of(options: Mapping[str, str]) -> TextForm:
    """Parse the options for the format of values: decimal, thousands, null and date.

    Raises:
        DeclarationError: A value is not valid.
    """
    decimal = _sign("decimal", options.get("decimal", "."), ascii_only=True)
    thousands = options.get("thousands", "")
    if thousands:
        thousands = _sign("thousands", thousands, ascii_only=False)
    for name, sign in (("decimal", decimal), ("thousands", thousands)):
        if sign and (sign.isalnum() or sign in '-+"'):
            raise DeclarationError(
                f"The option {name} is '{sign}'; it must be a mark such as a point or a comma."
            )
    _refuse_equal({"decimal": decimal, "thousands": thousands})
    dates = tuple(filter(None, (form.strip() for form in options.get("date", "").split("|"))))
    for form in dates:
        _refuse_date_form(form)
    return TextForm(
        decimal=decimal,
        thousands=thousands,
        null=null_words(options),
        dates=dates,
    )


def _sign(name: str, text: str, *, ascii_only: bool) -> str:
    sign = _NAMED_SIGNS.get(text, text)
    if re.fullmatch(r"\\x[0-9a-fA-F]{2}", text):
        sign = chr(int(text[2:], 16))
    if len(sign) != 1 or (ascii_only and not sign.isascii()) or sign in "\r\n":
        raise DeclarationError(
            f"The option {name} is '{text}'; it must be one{' ASCII' * ascii_only} character.",
            hint="For a tab, write delimiter=tab." if name == "delimiter" else "",
        )
    return sign


def _refuse_equal(signs: Mapping[str, str]) -> None:
    seen: dict[str, str] = {}
    for name, sign in signs.items():
        if sign and seen.setdefault(sign, name) != name:
            raise DeclarationError(
                f"The options {seen[sign]} and {name} are both '{sign}'; they must differ."
            )


def _refuse_date_form(form: str) -> None:
    """Reject a date format that does not represent a complete date."""
    try:
        back = datetime.strptime(_SAMPLE.strftime(form), form.replace("%-", "%"))  # noqa: DTZ007
    except ValueError:
        back = None
    if back is None or back.replace(tzinfo=None) != _SAMPLE:
        raise DeclarationError(
            f"The option date has '{form}', which is not the form of a date with year, month and day.",
            hint="Write forms as for Python's strptime: %d.%m.%Y, %m/%d/%Y %H:%M. "
            "Separate several forms by |.",
        )


def _encoding(name: str) -> str:
    if not name:
        return ""
    try:
        codec = codecs.lookup(name)
        "".encode(name)
    except LookupError as problem:
        raise DeclarationError(
            f"The option encoding is '{name}', which is not a known encoding.",
            hint="Common encodings are utf-8, latin-1, cp1252, mac-roman and utf-16.",
        ) from problem
    return codec.name
