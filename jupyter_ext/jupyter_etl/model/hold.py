"""What a run would publish and a person has to look at first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jupyter_etl.model.check import CheckResult, CheckStatus
from jupyter_etl.model.publication import Column, Staged
from jupyter_etl.model.watermark import CursorMove


class Decision(StrEnum):
    """What became of a hold: ``expired`` where nobody decided in time."""

    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


class HeldBy(StrEnum):
    """What holds a run until a person decides."""

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
    """A column of another type than before; types as on `Column`."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Emptied:
    """A column without values in the new rows that has values in the live version.

    Args:
        name: Of the column.
        absent: Whether the new rows lack the column; otherwise it is NULL or NaN in all of them.
        values: How many values it has in the rows that are compared; None if they were
            not counted.
        rows_before: Rows that the new rows are compared with: those they replace, or all.
        new_rows: Rows that have no value.
        partitions: Some of the affected partitions, as ``day=2026-01-01``; empty if the
            table is compared as a whole.
        partition_count: How many there are.
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
    """How what is staged, or a version, differs from the version before.

    Args:
        name: Of the publication.
        number: Of the version before.
        added: Columns that are new.
        dropped: Columns that are gone.
        retyped: Columns whose values no longer fit the type they had.
        rows_before: Of the whole version before; None where unknown.
        rows_after: Of the whole version to come; None where only a commit can tell.
        replaced_rows: Rows that are taken out for others: of the whole, or of the partitions that
            come again; None where rows are only added or told apart by a key.
        new_rows: What comes in their place; None where ``replaced_rows`` is.
        emptied: Columns that had values and have none.
        partitions: Replaced partitions that get another number of rows; of one that is held, a few
            of those that are a reason.
        reasons: Why it is held, one sentence each; empty where it need not be.
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
    reasons: tuple[str, ...] = ()

    @property
    def changed_share(self) -> float | None:
        """The change of the number of rows, as a share of those before; None where unknown."""
        before, after = self.replaced_rows, self.new_rows
        if before is None or after is None:
            before, after = self.rows_before, self.rows_after
        if not before or after is None:
            return None
        return (after - before) / before


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A run whose outputs are kept aside until somebody decides about them.

    Args:
        run_id, attempt: Whose outputs.
        owner: Who may decide: the run's owner.
        staged: All outputs of the run: they become visible together. Empty where a check failed in
            a run that publishes nothing.
        differences: Of the tables among them that have a version already.
        held_at: UTC.
        decision: What became of it; None while it waits.
        decided_by: Who decided; "" before.
        decided_at: UTC; None before.
        moves: What its incremental loads read; the watermarks move when it is approved.
        checks: The rules of severity error that failed.
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
        """The publications that wait."""
        return tuple(one.name for one in self.staged)

    @property
    def held_by(self) -> tuple[HeldBy, ...]:
        """Everything that holds it."""
        return held_by_of(self.checks, self.differences)


def held_by_of(
    checks: tuple[CheckResult, ...], differences: tuple[Difference, ...]
) -> tuple[HeldBy, ...]:
    """Return what holds a held run: failed checks, the gate's reasons, or both.

    Where neither is on record it was a check: older versions kept no results of checks that were
    written in Python.
    """
    reasons = any(one.reasons for one in differences)
    found = {HeldBy.CHECK: bool(broken_checks(checks)) or not reasons, HeldBy.GATE: reasons}
    return tuple(by for by, holds in found.items() if holds)
