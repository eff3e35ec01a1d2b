"""The notation of numbers everywhere, and the range of each field."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.durations import MAX_S
from jupyter_etl.language.sizes import MAX_BYTES, format_size

MOST_COUNT = 10**12
"""Maximum of counts, such as rows, without another limit."""

MOST_ID = 10**18
"""Maximum id of runs and number of versions; the ledger stores them in 64 bits."""

MOST_SETTING = 1_000_000
"""Maximum of seconds, days, versions and workers in the environment."""

_MOST_DIGITS = 100
_LONG = re.compile(rf"\d{{{_MOST_DIGITS + 1}}}")
_WHOLE = re.compile(rf"-?[0-9]{{1,{_MOST_DIGITS}}}")
_DECIMAL = re.compile(
    rf"-?(?:[0-9]{{1,{_MOST_DIGITS}}}\.?[0-9]{{0,{_MOST_DIGITS}}}|\.[0-9]{{1,{_MOST_DIGITS}}})"
    r"(?:[eE][+-]?[0-9]{1,3})?"
)


@dataclass(frozen=True, kw_only=True)
class Range:
    """The allowed numbers of a field, both ends included.

    Args:
        name: Name of the field in messages.
        least, most: The ends.
        whole: Whether it must be an integer.
        format: Formats a number for messages.
    """

    name: str
    least: float
    most: float
    whole: bool = True
    format: Callable[[float], str] = "{:,}".format

    @property
    def words(self) -> str:
        """Description of the allowed values: ``a whole number from 0 to 100``."""
        kind = "a whole number from" if self.whole else "from"
        return f"{kind} {self.format(self.least)} to {self.format(self.most)}"

    def check(self, value: object) -> None:
        """Raise an error for a value outside the range; a bool or NaN is not a number.

        Raises:
            DeclarationError: It is not in the range; ``data`` has the ``field``.
        """
        kinds = int if self.whole else (int, float)
        number = isinstance(value, kinds) and not isinstance(value, bool)
        if not number or not self.least <= value <= self.most:  # type: ignore[operator]  # a number
            raise self._refused(self._shown(value))

    def parse(self, text: str) -> int:
        """Parse an integer in the range.

        Args:
            text: See `read_whole`.

        Raises:
            DeclarationError: It is not in the range; ``data`` has the ``field``.
        """
        number = read_whole(text)
        if number is None:
            raise self._refused(repr(text), hint="Write digits only, like 20.")
        if number < self.least:
            raise self._refused(repr(text), hint=f"The smallest is {self.format(self.least)}.")
        if number > self.most:
            raise self._refused(repr(text), hint=f"The largest is {self.format(self.most)}.")
        return number

    def _refused(self, shown: str, *, hint: str = "") -> DeclarationError:
        return DeclarationError(
            f"{self.name} is {shown}; it must be {self.words}.",
            hint=hint,
            data={"field": self.name},
        )

    def _shown(self, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return repr(value)
        if isinstance(value, int) and value.bit_length() > 64:
            return f"a number of {value.bit_length():,} bits"
        return self.format(value)


def _seconds(value: float) -> str:
    return f"{value:,} s"


def _bytes(value: float) -> str:
    return format_size(value) if isinstance(value, int) and value >= 0 else repr(value)


RETRIES = Range(name="retries", least=0, most=1_000)
TIMEOUT_S = Range(name="timeout_s", least=0.001, most=int(MAX_S), whole=False, format=_seconds)
PRIORITY = Range(name="priority", least=-100, most=100)
MEMORY_BYTES = Range(name="memory_bytes", least=64_000_000, most=MAX_BYTES, format=_bytes)
"""The minimum is about the memory of an empty kernel."""

PARALLEL = Range(name="parallel", least=1, most=10_000)
OF_POLICIES = {one.name: one for one in (RETRIES, TIMEOUT_S, PRIORITY, MEMORY_BYTES, PARALLEL)}
SOURCE_RUNS = Range(name="limit", least=1, most=10_000)
WORKERS = Range(name="workers", least=1, most=10_000)
PORT = Range(name="port", least=0, most=65_535)
DEPTH = Range(name="depth", least=1, most=50)


def check_numbers(**fields: object) -> None:
    """Raise an error for a policy field out of its range; None is always allowed.

    Args:
        fields: ``retries``, ``timeout_s``, ``priority``, ``memory_bytes``, ``parallel``.

    Raises:
        DeclarationError: A field is out of its range; ``data`` has the ``field``.
    """
    for name, value in fields.items():
        if value is not None:
            OF_POLICIES[name].check(value)


def read_whole(text: str) -> int | None:
    """Parse an integer in its usual notation: ASCII digits, with an optional ``-``.

    ``int`` accepts more, and so would accept typing mistakes: blanks, ``+``, ``_`` between digits,
    and digits of other scripts.

    Returns:
        None if it is not an integer, or has more than 100 digits.
    """
    return int(text) if _WHOLE.fullmatch(text) else None


def is_number(text: str) -> bool:
    """Return whether a text is a number in its usual notation: ``-0.5``, ``.5``, ``2e-3``."""
    return bool(_DECIMAL.fullmatch(text))


def read_decimal(text: str) -> float | None:
    """Parse a finite number in its usual notation; None if it is not one, see `is_number`."""
    number = float(text) if is_number(text) else math.inf
    return number if math.isfinite(number) else None


def parse_id(text: str) -> int | None:
    """Parse the id of a run or the number of a version; None if the text is not a number."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def refuse_long_numbers(text: str) -> None:
    """Raise an error for a text with a number of more digits than any field can have.

    Raises:
        DeclarationError: It has one.
    """
    if _LONG.search(text):
        raise DeclarationError(f"A number has more than {_MOST_DIGITS} digits: '{text}'.")
