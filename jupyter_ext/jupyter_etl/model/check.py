"""Rules about data and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a broken rule does: warn is shown, error holds the publication back."""

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
        text: The rule as written, without its severity; what is shown.
        kind: ``unique``, ``not_null``, ``rows`` (a comparison over the number of rows),
            ``expression`` (an SQL condition true for every row), ``in``, ``matches``, ``references``,
            ``fresh`` (the greatest value is recent), ``schema`` (of a pandera schema).
        severity: What a failure does.
        column: The column of a column rule.
        argument: The condition, the regular expression, ``publication.column``, or for ``in`` the
            allowed values as SQL literals separated by commas; for ``fresh`` the greatest age, and
            when it is asked, the ISO time that the greatest value must have reached.
    """

    text: str
    kind: str
    severity: Severity = Severity.ERROR
    column: str | None = None
    argument: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one rule found.

    Args:
        rule: The rule.
        status: pass, or the rule's severity where it was broken.
        dataset: Name of the frame or publication that was checked.
        failed_rows: How many rows break it; None for a rule about the whole.
        total_rows: How many rows were looked at.
        message: One sentence with the observed value.
        sample: Up to twenty breaking rows, as text per column, for the record.
    """

    rule: CheckRule
    status: CheckStatus
    dataset: str
    failed_rows: int | None
    total_rows: int
    message: str
    sample: tuple[dict[str, str], ...] = ()
