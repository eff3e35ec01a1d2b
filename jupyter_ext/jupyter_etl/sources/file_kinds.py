"""The kinds of file, who reads each, and the options it has."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import Source
from jupyter_etl.sources.csv_files import read_csv
from jupyter_etl.sources.csv_format import CSV_OPTIONS
from jupyter_etl.sources.declared_types import is_type_option
from jupyter_etl.sources.excel_files import read_excel
from jupyter_etl.sources.json_files import read_json
from jupyter_etl.sources.parquet_files import read_parquet
from jupyter_etl.spec.names import listed, nearest

FILE_READERS = {
    "csv": read_csv,
    "parquet": read_parquet,
    "json": read_json,
    "jsonl": read_json,
    "excel": read_excel,
}
FILE_OPTIONS: dict[str, tuple[str, ...]] = {
    "csv": CSV_OPTIONS,
    "parquet": (),
    "json": ("path", "json"),
    "jsonl": (),
    "excel": ("sheet", "null", "text"),
}


def refuse_options(source: Source, known: Sequence[str]) -> None:
    """Refuse an option that a source does not have.

    Raises:
        DeclarationError: There is one; the message lists those there are.
    """
    for option in source.options:
        if option not in known and not ("type.*" in known and is_type_option(option)):
            raise DeclarationError(
                f"Source '{source.name}': {source.kind} has no option '{option}'; "
                f"it has {listed(known) or 'none'}.",
                hint=nearest(option, known).strip(),
            )
