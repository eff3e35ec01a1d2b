"""Rules about data and their results."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Severity of a rule: a failed warning is shown, a failed error holds the publication."""

    WARN = "warn"
    ERROR = "error"


class CheckStatus(StrEnum):
    """The result of one rule."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class CheckRule:
    """One rule about data.

    Args:
        text: The rule as written, without its severity; for display.
        kind: ``unique``, ``not_null``, ``rows`` (a comparison of the row count), ``expression``
            (an SQL condition that is true for every row), ``in``, ``matches``, ``references``,
            ``fresh`` (the greatest value is recent), ``schema`` (a pandera schema).
        severity: The effect of a failure.
        column: The column of a column rule.
        argument: The condition, the regular expression, ``publication.column``, or for ``in``
            the allowed values as SQL literals separated by commas. For ``fresh``, the maximum age;
            when it is evaluated, the ISO time that the greatest value must have reached.
    """

    text: str
    kind: str
    severity: Severity = Severity.ERROR
    column: str | None = None
    argument: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The result of one rule.

    Args:
        rule: The rule.
        status: pass, or the rule's severity if it failed.
        dataset: Name of the checked frame or publication.
        failed_rows: Number of failing rows; None for a rule about all rows together.
        total_rows: Number of checked rows.
        message: One sentence with the observed value.
        sample: Up to twenty failing rows, as text per column.
    """

    rule: CheckRule
    status: CheckStatus
    dataset: str
    failed_rows: int | None
    total_rows: int
    message: str
    sample: tuple[dict[str, str], ...] = ()
