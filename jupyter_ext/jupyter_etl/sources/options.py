"""Options of a source: validation, and suggestions for unknown ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.model import Source
from jupyter_etl.sources.text.declared_types import is_type_option

TYPES_OF_COLUMNS = "type.COLUMN"
"""Represents ``type.zip``, ``type.day`` ... among the options of a kind."""


def is_known(option: str, known: Sequence[str]) -> bool:
    """Return whether a kind has an option."""
    if is_type_option(option):
        return TYPES_OF_COLUMNS in known
    return option in known


def refuse_options(source: Source, known: Sequence[str]) -> None:
    """Raise an error for an unknown option.

    Raises:
        DeclarationError: An option is unknown; the message lists the known ones.
    """
    for option in source.options:
        if not is_known(option, known):
            column = option.partition(".")[2]
            meant = [name.replace("COLUMN", column) if column else name for name in known]
            raise DeclarationError(
                f"Source '{source.name}': {source.kind} has no option '{option}'; "
                f"it has {listed(known, limit=30) or 'none'}.",
                hint=nearest(option, meant).strip(),
            )


def null_words(options: Mapping[str, str]) -> tuple[str, ...]:
    """Parse the option null: words separated by commas, with and without surrounding blanks."""
    texts = options.get("null", "").split(",")
    return tuple(dict.fromkeys(word for text in texts for word in (text, text.strip()) if word))


def parse_count(options: Mapping[str, str], name: str, unit: str) -> int:
    """Parse an option that counts lines or rows; 0 if it is missing.

    Args:
        name: Name of the option: ``skip``.
        unit: What it counts, for the message: ``lines``.

    Raises:
        DeclarationError: It is not an integer.
    """
    text = options.get(name, "0")
    if not re.fullmatch("[0-9]{1,15}", text):
        raise DeclarationError(f"The option {name} is '{text}'; it must be a number of {unit}.")
    return int(text)


def parse_header(options: Mapping[str, str]) -> bool:
    """Parse the option ``header``, whether the first row contains column names; default True.

    Raises:
        DeclarationError: It is neither yes nor no.
    """
    text = options.get("header", "yes").lower()
    if text not in {"yes", "no", "true", "false"}:
        raise DeclarationError(f"The option header is '{text}'; it must be yes or no.")
    return text in {"yes", "true"}
