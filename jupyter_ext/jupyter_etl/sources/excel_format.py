"""How a sheet is laid out: the options of Excel sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_etl.errors import DeclarationError
from jupyter_etl.sources.options import null_words

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
    if not options.get("skip", "0").isdecimal():
        raise DeclarationError(
            f"The option skip is '{options['skip']}'; it must be a number of rows."
        )
    header = options.get("header", "yes").lower()
    if header not in {"yes", "no", "true", "false"}:
        raise DeclarationError(f"The option header is '{header}'; it must be yes or no.")
    return SheetFormat(
        sheet=options.get("sheet", ""),
        skip=int(options.get("skip", "0")),
        header=header in {"yes", "true"},
        null=frozenset(null_words(options)),
    )
