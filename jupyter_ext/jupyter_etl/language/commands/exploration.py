"""Arguments of ``sample`` and ``approx``: amounts, shares and questions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.numbers import read_decimal, read_whole

MEASURES = ("count_distinct", "quantile", "mean", "sum")

_QUESTION = re.compile(r"\s*(\w+)\s*\(\s*(.*?)\s*\)\s+of\s+(\S+)\s*", re.IGNORECASE | re.DOTALL)
_FORM = (
    "Write 'mean(fare) of trips', 'quantile(fare, .95) of trips', 'count_distinct(id) of trips'."
)


@dataclass(frozen=True, kw_only=True)
class Amount:
    """The amount of a table to draw; one field is set.

    Args:
        rows: Number of rows.
        share: Share of all rows, above 0 and at most 1.
    """

    rows: int | None = None
    share: float | None = None


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question of ``approx``.

    Args:
        measure: One of `MEASURES`.
        column: Column of the table.
        share: Share of ``quantile``, from 0 to 1; else None.
        table: Name of the table.
    """

    measure: str
    column: str
    share: float | None
    table: str

    @property
    def text(self) -> str:
        """The measure as text: ``quantile(fare, 0.95)``."""
        share = "" if self.share is None else f", {self.share:g}"
        return f"{self.measure}({self.column}{share})"


def parse_amount(text: str) -> Amount:
    """Parse ``1%``, ``0.5%`` or ``10000``; raises `DeclarationError`."""
    plain = text.strip()
    if plain.endswith("%"):
        return Amount(share=parse_percent(plain))
    rows = read_whole(plain)
    if rows is None or not 1 <= rows < 2**53:
        raise DeclarationError(
            f"'{text}' is not a number or share of rows.",
            hint="Write a number of rows or a share: 10000 or 1%.",
        )
    return Amount(rows=rows)


def parse_percent(text: str) -> float:
    """Parse ``1%`` as 0.01; above 0 and at most 100 %; raises `DeclarationError`."""
    number = text.strip().removesuffix("%").strip()
    share = (read_decimal(number) or 0.0) / 100
    if not text.strip().endswith("%") or not 0 < share <= 1:
        raise DeclarationError(
            f"The share '{text}' must be above 0 % and at most 100 %.", hint="Write 1%."
        )
    return share


def parse_question(text: str) -> Question:
    """Parse ``quantile(fare, .95) of trips``.

    Raises:
        DeclarationError: The syntax is wrong, the measure is unknown, or the share is invalid.
    """
    found = _QUESTION.fullmatch(text)
    if found is None:
        raise DeclarationError(f"The question '{text}' is invalid.", hint=_FORM)
    measure, inside, table = found[1].lower(), found[2], found[3]
    if measure not in MEASURES:
        raise DeclarationError(
            f"There is no measure '{found[1]}'; there are "
            f"{listed(MEASURES)}.{nearest(measure, MEASURES)}",
            hint=_FORM,
        )
    share = None
    if measure == "quantile":
        inside, _, given = inside.rpartition(",")
        share = read_decimal(given.strip())
        if share is None or not 0 <= share <= 1:
            raise DeclarationError(
                f"quantile needs a column and a number from 0 to 1, not '{found[2]}'.",
                hint="Write quantile(fare, .95).",
            )
    column = inside.strip()
    if len(column) > 1 and column[0] == column[-1] == '"':
        column = column[1:-1].replace('""', '"')
    if not column:
        raise DeclarationError(f"{measure} needs a column.", hint=_FORM)
    return Question(measure=measure, column=column, share=share, table=table)
