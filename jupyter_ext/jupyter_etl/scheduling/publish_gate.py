"""The publish gate: changes that need an approval before they are published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jupyter_etl.model import (
    Column,
    Contract,
    Difference,
    Emptied,
    PartitionRows,
    PublishMode,
    Staged,
)

CHANGE = 0.5
"""Default for the allowed change of the row count, as a share of the previous one."""

ANY = "any"
"""Disables the check of the row count."""

EXPECTED = 10
"""Minimum number of expected values in added rows for which having none is not a coincidence."""

_SHOWN = 20


def judge_difference(difference: Difference, staged: Staged) -> Difference:
    """Add the reasons to hold staged data; no reasons mean that it can be published.

    A replaced table is compared with its previous version, and each replaced partition with its
    previous content. The number of rows that are appended, upserted or in new partitions does not
    matter; only their columns are compared with the table. A change of an endpoint's contract is
    always a reason.

    Args:
        difference: From `jupyter_etl.ports.Publisher.compare`.
        staged: The data to publish. Its option ``change`` is a share or ``any``. Columns that
            it allows may change unless the contract is frozen.
    """
    outliers = _outliers(difference, staged)
    reasons = [
        *(f"its contract changes: {change}" for change in difference.contract),
        *_schema_reasons(difference, staged),
        *_emptied_reasons(difference, staged),
        *(_row_reasons(difference, staged) or _partition_reasons(difference, staged, outliers)),
    ]
    return replace(difference, partitions=tuple(outliers[:_SHOWN]), reasons=tuple(reasons))


def _schema_reasons(difference: Difference, staged: Staged) -> list[str]:
    whole = _is_whole(staged)
    frozen = staged.contract is Contract.FREEZE
    if difference.retyped and not whole:
        # The existing rows have the old type, which no approval can change.
        return []
    allowed = frozenset() if frozen else frozenset(staged.allow)
    dropped = [column for column in difference.dropped if column.name not in allowed]
    retyped = [one for one in difference.retyped if one.name not in allowed]
    reported = dropped if frozen or whole else []
    clauses = []
    if difference.added and (frozen or reported):
        clauses.append(f"added {_names(difference.added)}")
    if reported:
        clauses.append(f"dropped {_names(reported)}")
    clauses += [f"{one.name!r} was {one.before} and is {one.after}" for one in retyped]
    return [f"its columns change: {'; '.join(clauses)}"] if clauses else []


def _emptied_reasons(difference: Difference, staged: Staged) -> list[str]:
    found = []
    for one in difference.emptied:
        reported = one.absent and (_is_whole(staged) or staged.contract is Contract.FREEZE)
        if reported or one.name in staged.allow or not _is_no_chance(one, staged):
            continue
        found.append(_emptied_words(one, difference))
    return found


def _is_no_chance(one: Emptied, staged: Staged) -> bool:
    """Return whether a column without values in the new rows is a reason to hold the run.

    A replaced partition or table is expected to have values again. Added rows are different rows:
    in a sparse column, they may well have no values.
    """
    if one.absent or staged.mode is PublishMode.REPLACE:
        return True
    if one.values is None or not one.rows_before:
        return False
    share = one.values / one.rows_before
    return share == 1 or share * one.new_rows >= EXPECTED


def _emptied_words(one: Emptied, difference: Difference) -> str:
    where = ""
    if one.partitions:
        more = one.partition_count - len(one.partitions)
        where = f" in {'; '.join(one.partitions)}{f' and {more:,} more partitions' if more else ''}"
    what = "is absent" if one.absent else f"is NULL in all {one.new_rows:,} new rows"
    new = f" (new: {_names(difference.added)})" if one.absent and difference.added else ""
    count = "values" if one.values is None else f"{one.values:,} values"
    return (
        f"column {one.name!r} {what}{new}, but version {difference.number} has {count}{where}; "
        f"--allow {one.name} allows this"
    )


def _row_reasons(difference: Difference, staged: Staged) -> list[str]:
    before, after = difference.replaced_rows, difference.new_rows
    if before is None or after is None or staged.options.get("change") == ANY:
        return []
    version = f"version {difference.number}"
    if after == 0 and difference.rows_before:
        nothing = "" if _is_whole(staged) else ", so that no partition is replaced"
        return [f"it is empty{nothing}, and {version} has {difference.rows_before:,} rows"]
    allowed = _allowed(staged)
    if not before or _is_within(before, after, allowed):
        return []
    where = "" if before == difference.rows_before else " in the partitions that it replaces"
    return [
        f"it has {after:,} rows{where}, and {version} has {before:,} ({_share(before, after):+.0%}; "
        f"up to {allowed:.0%} is allowed)"
    ]


def _outliers(difference: Difference, staged: Staged) -> list[PartitionRows]:
    """Return the replaced partitions whose row count changes too much, the worst first."""
    if staged.options.get("change") == ANY:
        return []
    allowed = _allowed(staged)
    found = [
        one
        for one in difference.partitions
        if one.before and not _is_within(one.before, one.after, allowed)
    ]
    return sorted(found, key=lambda one: -abs(_share(one.before, one.after)))


def _partition_reasons(
    difference: Difference, staged: Staged, outliers: Sequence[PartitionRows]
) -> list[str]:
    if not outliers:
        return []
    worst, more = outliers[0], len(outliers) - 1
    others = f"; {more:,} more partitions change by more than that" if more else ""
    return [
        f"{worst.name} has {worst.after:,} rows, and version {difference.number} has "
        f"{worst.before:,} ({_share(worst.before, worst.after):+.0%}; up to {_allowed(staged):.0%} "
        f"is allowed){others}"
    ]


def _is_whole(staged: Staged) -> bool:
    return staged.mode is PublishMode.REPLACE and not staged.partition_by


def _allowed(staged: Staged) -> float:
    declared = staged.options.get("change", "")
    return float(declared) if declared else CHANGE


def _share(before: int, after: int) -> float:
    return (after - before) / before


def _is_within(before: int, after: int, allowed: float) -> bool:
    return abs(_share(before, after)) <= allowed


def _names(columns: Sequence[Column]) -> str:
    return ", ".join(repr(column.name) for column in columns)
