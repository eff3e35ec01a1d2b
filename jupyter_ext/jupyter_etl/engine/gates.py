"""The publish gate: what a person has to look at before others rely on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jupyter_etl.model import Column, Contract, Difference, PublishMode, Staged

CHANGE = 0.5
"""How far the number of rows may change, as a share of those before, unless declared otherwise."""

ANY = "any"
"""Declared where the number of rows may be anything."""


def judge_difference(difference: Difference, staged: Staged) -> Difference:
    """Add the reasons to hold what is staged; none where it can be published.

    Rows are compared like with like: a replaced table with the one before, replaced partitions with
    the same partitions before. What is appended or told apart by a key, and partitions that are
    new, may have any number of rows.

    Args:
        difference: From `jupyter_etl.ports.Publisher.compare`.
        staged: What is to be published; its option ``change`` is a share, or ``any``.
    """
    reasons = [*_schema_reasons(difference, staged), *_row_reasons(difference, staged)]
    return replace(difference, reasons=tuple(reasons))


def _schema_reasons(difference: Difference, staged: Staged) -> list[str]:
    whole = staged.mode is PublishMode.REPLACE and not staged.partition_by
    frozen = staged.contract is Contract.FREEZE
    if difference.retyped and not whole:
        # The rows that stay have the old type: no approval can make the others fit.
        return []
    said = []
    if frozen and difference.added:
        said.append(f"added {_names(difference.added)}")
    if difference.dropped and (frozen or whole):
        said.append(f"dropped {_names(difference.dropped)}")
    said += [f"{one.name!r} was {one.before} and is {one.after}" for one in difference.retyped]
    return [f"its columns change: {'; '.join(said)}"] if said else []


def _row_reasons(difference: Difference, staged: Staged) -> list[str]:
    before, after = difference.replaced_rows, difference.new_rows
    declared = staged.options.get("change", "")
    if not before or after is None or declared == ANY:
        return []
    where = "" if before == difference.rows_before else " in the partitions that it replaces"
    version = f"version {difference.number}"
    if after == 0:
        return [f"it is empty, and {version} has {before:,} rows"]
    allowed = float(declared) if declared else CHANGE
    share = (after - before) / before
    if abs(share) <= allowed:
        return []
    return [
        f"it has {after:,} rows{where}, and {version} has {before:,} ({share:+.0%}; "
        f"up to {allowed:.0%} is let through)"
    ]


def _names(columns: Sequence[Column]) -> str:
    return ", ".join(repr(column.name) for column in columns)
