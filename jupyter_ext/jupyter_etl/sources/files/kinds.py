"""The kinds of file, with their readers and options."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jupyter_etl.model import Source
from jupyter_etl.sources.csv.format import CSV_OPTIONS, parse_csv_format
from jupyter_etl.sources.csv.reader import read_csv
from jupyter_etl.sources.files.excel import read_excel
from jupyter_etl.sources.files.excel_format import EXCEL_OPTIONS, parse_sheet_format
from jupyter_etl.sources.files.json import read_json
from jupyter_etl.sources.files.json_text import json_encoding
from jupyter_etl.sources.files.parquet import read_parquet
from jupyter_etl.sources.options import TYPES_OF_COLUMNS
from jupyter_etl.sources.text.declared_types import parse_declared_types

FILE_READERS = {
    "csv": read_csv,
    "parquet": read_parquet,
    "json": read_json,
    "jsonl": read_json,
    "excel": read_excel,
}
FILE_OPTIONS: dict[str, tuple[str, ...]] = {
    "csv": (*CSV_OPTIONS, TYPES_OF_COLUMNS),
    "parquet": (TYPES_OF_COLUMNS,),
    "json": ("path", "json", "encoding", TYPES_OF_COLUMNS),
    "jsonl": ("encoding", TYPES_OF_COLUMNS),
    "excel": (*EXCEL_OPTIONS, TYPES_OF_COLUMNS),
}
_FORMATS: dict[str, Callable[[Mapping[str, str]], object]] = {
    "csv": parse_csv_format,
    "excel": parse_sheet_format,
    "json": json_encoding,
    "jsonl": json_encoding,
}
"""Option parsers of each kind, in addition to types."""


def check_options(source: Source) -> None:
    """Check the options of a kind of file.

    Raises:
        DeclarationError: A value is not valid.
    """
    parse_declared_types(source.options)
    if source.kind in _FORMATS:
        _FORMATS[source.kind](source.options)
