"""How a sheet is laid out: the options of Excel sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_etl.sources.options import null_words, parse_count, parse_header

EXCEL_OPTIONS = ("sheet", "skip", "header", "null", "text")


@dataclass(frozen=True, kw_only=True)
class SheetFormat:
    """How sheets are laid out.

    Args:
        sheet: Name of the sheet; "" for the only one that is visible.
        skip: Rows of the sheet above the header.
        header: Whether the first row holds names.
        null: Texts, numbers and errors as they are shown that mean a missing value.
    """

    sheet: str = ""
    skip: int = 0
    header: bool = True
    null: frozenset[str] = frozenset()


def parse_sheet_format(options: Mapping[str, str]) -> SheetFormat:
    """Read the options of a source.

    Raises:
        DeclarationError: A value is invalid.
    """
    return SheetFormat(
        sheet=options.get("sheet", ""),
        skip=parse_count(options, "skip", "rows"),
        header=parse_header(options),
        null=frozenset(null_words(options)),
    )
