"""How numbers are written anywhere, and the range of each field."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.durations import MAX_S
from jupyter_etl.language.sizes import MAX_BYTES, format_size

MOST_COUNT = 10**12
"""Of rows and the like, where nothing else limits them."""

MOST_ID = 10**18
"""Of runs and versions; the ledger has 64 bits for them."""

MOST_SETTING = 1_000_000
"""Of seconds, days, versions and workers in the environment."""

_MOST_DIGITS = 100
_LONG = re.compile(rf"\d{{{_MOST_DIGITS + 1}}}")
_WHOLE = re.compile(rf"-?[0-9]{{1,{_MOST_DIGITS}}}")
_DECIMAL = re.compile(
    rf"-?(?:[0-9]{{1,{_MOST_DIGITS}}}\.?[0-9]{{0,{_MOST_DIGITS}}}|\.[0-9]{{1,{_MOST_DIGITS}}})"
    r"(?:[eE][+-]?[0-9]{1,3})?"
)


@dataclass(frozen=True, kw_only=True)
class Range:
    """The numbers that a field may have, both ends included.

    Args:
        name: Of the field, as messages call it.
        least, most: The ends.
        whole: Whether it must be a whole number.
        say: Writes a number in messages.
    """

    name: str
    least: float
    most: float
    whole: bool = True
    say: Callable[[float], str] = "{:,}".format

    @property
    def words(self) -> str:
        """What is allowed: ``a whole number from 0 to 100``."""
        kind = "a whole number from" if self.whole else "from"
        return f"{kind} {self.say(self.least)} to {self.say(self.most)}"

    def check(self, value: object) -> None:
        """Refuse a value that is no number of the range; a bool is none, and neither is NaN.

        Raises:
            DeclarationError: It is not; ``data`` has the ``field``.
        """
        kinds = int if self.whole else (int, float)
        number = isinstance(value, kinds) and not isinstance(value, bool)
        if not number or not self.least <= value <= self.most:  # type: ignore[operator]  # a number
            raise self._refused(self._shown(value))

    def parse(self, text: str) -> int:
        """Read a whole number of the range.

        Args:
            text: As for `read_whole`.

        Raises:
            DeclarationError: It is none; ``data`` has the ``field``.
        """
        number = read_whole(text)
        if number is None:
            raise self._refused(repr(text), hint="Write digits only, like 20.")
        if number < self.least:
            raise self._refused(repr(text), hint=f"The smallest is {self.say(self.least)}.")
        if number > self.most:
            raise self._refused(repr(text), hint=f"The largest is {self.say(self.most)}.")
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
        return self.say(value)


def _seconds(value: float) -> str:
    return f"{value:,} s"


def _bytes(value: float) -> str:
    return format_size(value) if isinstance(value, int) and value >= 0 else repr(value)


RETRIES = Range(name="retries", least=0, most=1_000)
TIMEOUT_S = Range(name="timeout_s", least=0.001, most=int(MAX_S), whole=False, say=_seconds)
PRIORITY = Range(name="priority", least=-100, most=100)
MEMORY_BYTES = Range(name="memory_bytes", least=64_000_000, most=MAX_BYTES, say=_bytes)
"""A kernel with nothing in it takes about as much as the least."""

PARALLEL = Range(name="parallel", least=1, most=10_000)
OF_POLICIES = {one.name: one for one in (RETRIES, TIMEOUT_S, PRIORITY, MEMORY_BYTES, PARALLEL)}
SOURCE_RUNS = Range(name="limit", least=1, most=10_000)
WORKERS = Range(name="workers", least=1, most=10_000)
PORT = Range(name="port", least=0, most=65_535)
DEPTH = Range(name="depth", least=1, most=50)
VERSION = Range(name="version", least=1, most=MOST_ID)


def check_numbers(**fields: object) -> None:
    """Refuse a field of a policy that is out of its range; None is always allowed.

    Args:
        fields: ``retries``, ``timeout_s``, ``priority``, ``memory_bytes``, ``parallel``.

    Raises:
        DeclarationError: One is; ``data`` has the ``field``.
    """
    for name, value in fields.items():
        if value is not None:
            OF_POLICIES[name].check(value)


def read_whole(text: str) -> int | None:
    """Read a whole number as users write it: ASCII digits, with ``-`` before them at most.

    ``int`` accepts more, and so reads a typing mistake as another number: blanks, ``+``, ``_``
    between digits, and digits of other scripts.

    Returns:
        None where it is none, or has more than 100 digits.
    """
    return int(text) if _WHOLE.fullmatch(text) else None


def is_number(text: str) -> bool:
    """Tell whether a text is a number as users write it: ``-0.5``, ``.5``, ``2e-3``."""
    return bool(_DECIMAL.fullmatch(text))


def read_decimal(text: str) -> float | None:
    """Read a finite number as users write it; None where it is none, see `is_number`."""
    number = float(text) if is_number(text) else math.inf
    return number if math.isfinite(number) else None


def parse_id(text: str) -> int | None:
    """Return the number of a run or version that a text is, or None where it is none."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def refuse_long_numbers(text: str) -> None:
    """Refuse a text with a number of more digits than any field can have.

    Raises:
        DeclarationError: It has one.
    """
    if _LONG.search(text):
        raise DeclarationError(f"A number has more than {_MOST_DIGITS} digits: '{text}'.")
