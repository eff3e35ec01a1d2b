"""The options of Excel sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_etl.sources.options import null_words, parse_count, parse_header

EXCEL_OPTIONS = ("sheet", "skip", "header", "null", "text")


@dataclass(frozen=True, kw_only=True)
class SheetFormat:
    """The layout of sheets.

    Args:
        sheet: Name of the sheet; "" for the only visible one.
        skip: Number of rows above the header.
        header: Whether the first row contains column names.
        null: Texts, numbers and displayed errors that mean a missing value.
    """

    sheet: str = ""
    skip: int = 0
    header: bool = True
    null: frozenset[str] = frozenset()


def parse_sheet_format(options: Mapping[str, str]) -> SheetFormat:
    """Parse the options of a source.

    Raises:
        DeclarationError: A value is not valid.
    """
    return SheetFormat(
        sheet=options.get("sheet", ""),
        skip=parse_count(options, "skip", "rows"),
        header=parse_header(options),
        null=frozenset(null_words(options)),
    )
