"""Held outputs, which need an approval before they are published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jupyter_etl.model.check import CheckResult, CheckStatus
from jupyter_etl.model.publication import Column, Staged
from jupyter_etl.model.watermark import CursorMove


class Decision(StrEnum):
    """Decision about a hold; ``expired`` if there was none in time."""

    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


class HeldBy(StrEnum):
    """Reasons to hold a run."""

    CHECK = "check"
    GATE = "gate"


_PHRASES = {HeldBy.CHECK: "a check", HeldBy.GATE: "the publish gate"}


def held_by_phrase(held_by: tuple[HeldBy, ...]) -> str:
    """Return ``a check and the publish gate``; "" for nothing."""
    return " and ".join(_PHRASES[one] for one in held_by)


def broken_checks(checks: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
    """Return the results of the rules that hold a run: those of severity error that failed."""
    return tuple(one for one in checks if one.status is CheckStatus.ERROR)


@dataclass(frozen=True, kw_only=True)
class Retyped:
    """A column whose type changed; types as in `Column`."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Emptied:
    """A column without values in the new rows that has values in the live version.

    Args:
        name: Name of the column.
        absent: Whether the new rows lack the column; otherwise it is NULL or NaN in all of them.
        values: Number of its values in the compared rows; None if they were not counted.
        rows_before: Number of rows that the new rows are compared with: those they replace, or all.
        new_rows: Number of rows without a value.
        partitions: Some of the affected partitions, for example ``day=2026-01-01``; empty if
            the table is compared as a whole.
        partition_count: Number of affected partitions.
    """

    name: str
    absent: bool
    values: int | None
    rows_before: int
    new_rows: int
    partitions: tuple[str, ...] = ()
    partition_count: int = 0


@dataclass(frozen=True, kw_only=True)
class PartitionRows:
    """A partition that is replaced with a different number of rows.

    Args:
        name: ``day=2026-01-01``.
        before, after: Rows.
    """

    name: str
    before: int
    after: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The difference of staged data, or of a version, from the previous version.

    Args:
        name: Name of the publication.
        number: Number of the previous version.
        added: New columns.
        dropped: Removed columns.
        retyped: Columns whose values no longer fit their previous type.
        rows_before: Row count of the previous version; None if unknown.
        rows_after: Row count of the new version; None if only a commit can determine it.
        replaced_rows: Number of rows that are replaced: all, or those of the replaced
            partitions; None if rows are only added or matched by a key.
        new_rows: Number of rows that replace them; None if ``replaced_rows`` is None.
        emptied: Columns that have lost all values.
        partitions: Replaced partitions whose row count changes; for a held run, a few of those
            that are a reason.
        contract: Changes of an endpoint that break its callers, and of its speed, one clause each.
        reasons: Why it is held, one sentence each; empty if it is not.
    """

    name: str
    number: int
    added: tuple[Column, ...] = ()
    dropped: tuple[Column, ...] = ()
    retyped: tuple[Retyped, ...] = ()
    rows_before: int | None = None
    rows_after: int | None = None
    replaced_rows: int | None = None
    new_rows: int | None = None
    emptied: tuple[Emptied, ...] = ()
    partitions: tuple[PartitionRows, ...] = ()
    contract: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def changed_share(self) -> float | None:
        """The change of the row count as a share of the previous one; None if unknown."""
        before, after = self.replaced_rows, self.new_rows
        if before is None or after is None:
            before, after = self.rows_before, self.rows_after
        if not before or after is None:
            return None
        return (after - before) / before


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A run whose outputs wait for approval.

    Args:
        run_id, attempt: The run and attempt of the outputs.
        owner: Who may decide: the run's owner.
        staged: All outputs of the run, which become visible together. Empty if a check failed
            in a run that publishes nothing.
        differences: Differences of those tables that have a previous version.
        held_at: UTC.
        decision: The decision; None while it is pending.
        decided_by: Who decided; "" while it is pending.
        decided_at: UTC; None while it is pending.
        moves: Reads of its incremental loads; the watermarks move on approval.
        checks: The failed rules of severity error.
    """

    run_id: int
    attempt: int
    owner: str
    staged: tuple[Staged, ...]
    differences: tuple[Difference, ...]
    held_at: datetime
    decision: Decision | None = None
    decided_by: str = ""
    decided_at: datetime | None = None
    moves: tuple[CursorMove, ...] = ()
    checks: tuple[CheckResult, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The publications of the held outputs."""
        return tuple(one.name for one in self.staged)

    @property
    def held_by(self) -> tuple[HeldBy, ...]:
        """All reasons to hold it."""
        return held_by_of(self.checks, self.differences)


def held_by_of(
    checks: tuple[CheckResult, ...], differences: tuple[Difference, ...]
) -> tuple[HeldBy, ...]:
    """Return the reasons of a held run: failed checks, the gate, or both.

    If neither is recorded, the reason is a check: older versions did not record results of checks
    in Python.
    """
    reasons = any(one.reasons for one in differences)
    found = {HeldBy.CHECK: bool(broken_checks(checks)) or not reasons, HeldBy.GATE: reasons}
    return tuple(by for by, holds in found.items() if holds)
