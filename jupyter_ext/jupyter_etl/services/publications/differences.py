"""Differences between versions of a publication, and their representation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from jupyter_etl.errors import PublishError
from jupyter_etl.model import (
    CheckResult,
    Difference,
    Emptied,
    HeldBy,
    Hold,
    PublicationKind,
    PublicationVersion,
    PublishMode,
    Retyped,
    held_by_phrase,
)
from jupyter_etl.ports import ReadRequest
from jupyter_etl.publishing.tables.changes import RowChanges, compare_rows
from jupyter_etl.services.reading import open_version


@dataclass(frozen=True, kw_only=True)
class VersionDifference:
    """The difference between two versions.

    Args:
        before, after: The versions.
        difference: Changes of columns and row counts.
        changes: Row-level changes; None without a key that identifies rows.
    """

    before: PublicationVersion
    after: PublicationVersion
    difference: Difference
    changes: RowChanges | None


class HeldOutput(msgspec.Struct, frozen=True):
    """An output that is pending approval.

    Args:
        rows: Null for a report or a file without rows.
    """

    name: str
    kind: PublicationKind
    mode: PublishMode
    rows: int | None


class HoldFields(msgspec.Struct, frozen=True):
    """A run that is pending approval.

    Args:
        outputs: What an approval would publish; empty if a check failed in a run that publishes
            nothing.
        checks: The rules of severity error that failed.
        differences: How the outputs differ from the versions before.
    """

    run: int
    names: tuple[str, ...]
    owner: str
    held_at: datetime
    held_by: tuple[HeldBy, ...]
    outputs: tuple[HeldOutput, ...]
    checks: tuple[CheckResult, ...]
    differences: tuple[Difference, ...]


class DiffView(msgspec.Struct, frozen=True):
    """How two versions differ.

    Args:
        before: Number of the earlier version.
        after: Number of the later version.
        rows: Row by row; null if no key identifies rows.
    """

    name: str
    before: int
    after: int
    difference: Difference
    rows: RowChanges | None


def diff_versions(
    before: PublicationVersion,
    after: PublicationVersion,
    *,
    key: Sequence[str] = (),
    sample: int = 5,
) -> VersionDifference:
    """Compare two versions: columns, row counts, and with a key the rows themselves.

    Args:
        key: Columns that identify rows; defaults to those it was published with.
        sample: Maximum number of rows to show of each kind of change.

    Raises:
        PublishError: It is a report, a version cannot be read, or the key is not unique.
    """
    if after.what.kind is PublicationKind.REPORT:
        raise PublishError(
            f"{after.name!r} is a report, without columns or rows to compare.",
            hint="Compare the pages; %etl history shows their locations.",
        )
    chosen = tuple(key) or after.what.key or before.what.key
    changes = None
    if chosen:
        readers = (open_version(one, ReadRequest()).batches for one in (before, after))
        changes = compare_rows(*readers, key=chosen, sample=sample)
    return VersionDifference(
        before=before, after=after, difference=_difference(before, after), changes=changes
    )


def _difference(before: PublicationVersion, after: PublicationVersion) -> Difference:
    old = {column.name: column for column in before.what.columns}
    new = {column.name: column for column in after.what.columns}
    return Difference(
        name=after.name,
        number=before.number,
        added=tuple(column for name, column in new.items() if name not in old),
        dropped=tuple(column for name, column in old.items() if name not in new),
        retyped=tuple(
            Retyped(name=name, before=old[name].type, after=column.type)
            for name, column in new.items()
            if name in old and old[name].type != column.type
        ),
        rows_before=before.what.rows,
        rows_after=after.what.rows,
    )


def difference_rows(difference: Difference) -> list[dict[str, object]]:
    """Return a difference as rows with the columns what, before and after."""
    rows: list[dict[str, object]] = []
    if difference.rows_before is not None or difference.rows_after is not None:
        rows.append(_line("rows", difference.rows_before, difference.rows_after))
    if difference.replaced_rows not in (None, difference.rows_before):
        rows.append(_line("replaced rows", difference.replaced_rows, difference.new_rows))
    share = difference.changed_share
    if share is not None:
        rows.append(_line("change of rows", None, f"{share:+.1%}"))
    rows += [_line(f"column {c.name}", None, c.type) for c in difference.added]
    rows += [_line(f"column {c.name}", c.type, "dropped") for c in difference.dropped]
    rows += [_line(f"column {c.name}", c.before, c.after) for c in difference.retyped]
    rows += [
        _line(f"column {c.name}", _values_of(c), "absent" if c.absent else "NULL")
        for c in difference.emptied
    ]
    rows += [_line(f"rows of {p.name}", p.before, p.after) for p in difference.partitions]
    return rows


def _values_of(column: Emptied) -> str:
    return "has values" if column.values is None else f"{column.values:,} values"


def change_rows(changes: RowChanges) -> list[dict[str, object]]:
    """Return the sample of changed rows as rows to display."""
    return [
        {
            "row": ", ".join(f"{name}={_text(value)}" for name, value in one.key.items()),
            "change": one.kind,
            "values": _values(one.values),
        }
        for one in changes.sample
    ]


def change_words(difference: VersionDifference) -> str:
    """Return how many rows differ, in one sentence, or why that is unknown."""
    changes = difference.changes
    if changes is None:
        return "Without a key, rows are not compared individually; set one with --key."
    words = f"{changes.added:,} added, {changes.removed:,} removed, {changes.changed:,} changed"
    shown = len(changes.sample)
    total = changes.added + changes.removed + changes.changed
    some = f"; showing {shown} of {total:,}" if shown < total else ""
    return f"Rows by {', '.join(changes.key)}: {words}{some}."


def hold_view(hold: Hold) -> HoldFields:
    """Return the JSON view of a hold."""
    return HoldFields(
        run=hold.run_id,
        names=hold.names,
        owner=hold.owner,
        held_at=hold.held_at,
        held_by=hold.held_by,
        outputs=tuple(
            HeldOutput(name=one.name, kind=one.kind, mode=one.mode, rows=one.rows)
            for one in hold.staged
        ),
        checks=hold.checks,
        differences=hold.differences,
    )


def hold_title(hold: Hold) -> str:
    """Return ``Run 7 is held by a check: sales.daily``."""
    names = ", ".join(hold.names) or "it publishes nothing"
    return f"Run {hold.run_id} is held by {held_by_phrase(hold.held_by)}: {names}"


def hold_reasons(hold: Hold) -> list[str]:
    """Return why a run is held, one sentence for each failed check and reason of the gate."""
    checks = [f"a check of {one.dataset} failed: {one.message}" for one in hold.checks]
    return checks + [f"{d.name}: {reason}" for d in hold.differences for reason in d.reasons]


def diff_view(found: VersionDifference) -> DiffView:
    """Return the JSON view of a comparison."""
    return DiffView(
        name=found.after.name,
        before=found.before.number,
        after=found.after.number,
        difference=found.difference,
        rows=found.changes,
    )


def _values(values: Mapping[str, tuple[str | None, str | None]]) -> str:
    return "; ".join(f"{name}: {_text(old)} → {_text(new)}" for name, (old, new) in values.items())


def _text(value: str | None) -> str:
    return "NULL" if value is None else value


def _line(what: str, before: object, after: object) -> dict[str, object]:
    return {"": what, "before": before, "after": after}
