"""The parameters cell of a run in languages whose strings papermill does not escape completely.

Double-quoted strings of Julia and PowerShell evaluate ``$( )``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from papermill.translators import JuliaTranslator as PapermillJulia
from papermill.translators import PowershellTranslator as PapermillPowershell

from jupyter_etl.language.parameters.injection import INJECTED

_ESCAPED = re.compile(r'[\\"$\x00-\x1f\x7f-\x9f\u2028\u2029]')
_SINGLE_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")
"""PowerShell's single quotes. Source: its language specification, 2.3.5.2."""


class JuliaTranslator(PapermillJulia):  # type: ignore[misc]  # papermill has no types
    """Writes strings in double quotes, with ``$`` escaped."""

    @classmethod
    def translate_escaped_str(cls, str_val: object) -> str:
        """Return a string as Julia code."""
        text = _ESCAPED.sub(
            lambda found: f"\\{found[0]}" if found[0] in '\\"$' else f"\\u{ord(found[0]):04x}",
            str(str_val),
        )
        return f'"{text}"'

    @classmethod
    def translate_float(cls, val: float) -> str:
        """Return a number as Julia code."""
        if math.isfinite(val):
            return str(val)
        return "NaN" if math.isnan(val) else "Inf" if val > 0 else "-Inf"


class PowershellTranslator(PapermillPowershell):  # type: ignore[misc]
    """Writes strings in single quotes, in which nothing is expanded."""

    @classmethod
    def translate_escaped_str(cls, str_val: object) -> str:
        """Return a string as PowerShell code."""
        return f"'{_SINGLE_QUOTES.sub(lambda found: found[0] * 2, str(str_val))}'"


_TRANSLATORS: dict[str, Any] = {
    "julia": JuliaTranslator,
    "powershell": PowershellTranslator,
    "pwsh": PowershellTranslator,
    ".net-powershell": PowershellTranslator,
}


def escape_parameters(
    cells: Sequence[MutableMapping[str, Any]], language: str, given: Mapping[str, object]
) -> None:
    """Rewrite papermill's injected cell if its language is one of these.

    Args:
        cells: Cells of the notebook; the injected one is changed in place.
        language: Language or name of its kernel.
        given: Values by name.
    """
    translator = _TRANSLATORS.get(re.sub(r"[-\s][\d.]+$", "", language.lower()))
    if translator is None:
        return
    for cell in cells:
        if INJECTED in cell.get("metadata", {}).get("tags", ()):
            cell["source"] = translator.codify(dict(given))
