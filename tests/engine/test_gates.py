"""What the publish gate lets through, and what it holds."""

from __future__ import annotations

import pytest

from jupyter_etl.engine.gates import judge_difference
from jupyter_etl.model import (
    Column,
    Contract,
    Difference,
    PublicationKind,
    PublishMode,
    Retyped,
    Staged,
)

A, B = Column(name="a", type="int64"), Column(name="b", type="string")
RETYPED = Retyped(name="x", before="int64", after="string")


def staged(
    mode: PublishMode = PublishMode.REPLACE,
    by: tuple[str, ...] = (),
    contract: Contract = Contract.EVOLVE,
    change: str = "",
) -> Staged:
    return Staged(
        name="t",
        kind=PublicationKind.TABLE,
        folder="/nowhere",
        mode=mode,
        partition_by=by,
        contract=contract,
        options={"change": change} if change else {},
    )


def reasons(difference: Difference, one: Staged) -> str:
    judged = judge_difference(difference, one)
    assert judged.name == difference.name
    return "; ".join(judged.reasons)


def rows(before: int | None, after: int | None, total: int | None = None) -> Difference:
    return Difference(
        name="t",
        number=41,
        rows_before=before if total is None else total,
        replaced_rows=before,
        new_rows=after,
    )


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        (100, 100, False),
        (100, 50, False),
        (100, 49, True),
        (100, 150, False),
        (100, 151, True),
        (0, 10, False),
        (None, None, False),
        (1, 0, True),
    ],
)
def test_rows_within_half(before: int | None, after: int | None, held: bool) -> None:
    assert bool(reasons(rows(before, after), staged())) is held


def test_the_reason_says_both_numbers_and_the_share() -> None:
    assert reasons(rows(1000, 380), staged()) == (
        "it has 380 rows, and version 41 has 1,000 (-62%; up to 50% is let through)"
    )
    assert reasons(rows(1000, 0), staged()) == "it is empty, and version 41 has 1,000 rows"
    by_day = staged(by=("day",))
    assert "380 rows in the partitions that it replaces" in reasons(rows(1000, 380, 9000), by_day)


@pytest.mark.parametrize(
    ("change", "after", "held"), [("any", 0, False), ("0.1", 89, True), ("3", 400, False)]
)
def test_how_far_may_be_declared(change: str, after: int, held: bool) -> None:
    assert bool(reasons(rows(100, after), staged(change=change))) is held


@pytest.mark.parametrize(
    ("difference", "one", "words"),
    [
        ({"added": (A,)}, staged(), ""),
        ({"added": (A,)}, staged(contract=Contract.FREEZE), "added 'a'"),
        ({"dropped": (A, B)}, staged(), "dropped 'a', 'b'"),
        ({"dropped": (A,)}, staged(PublishMode.APPEND), ""),
        ({"dropped": (A,)}, staged(PublishMode.APPEND, contract=Contract.FREEZE), "dropped 'a'"),
        ({"retyped": (RETYPED,)}, staged(), "'x' was int64 and is string"),
        # Rows that stay have the old type: an approval could not make the others fit.
        ({"retyped": (RETYPED,)}, staged(PublishMode.UPSERT, contract=Contract.FREEZE), ""),
        ({"retyped": (RETYPED,)}, staged(by=("day",)), ""),
    ],
)
def test_columns(difference: dict[str, object], one: Staged, words: str) -> None:
    said = reasons(Difference(name="t", number=1, **difference), one)  # type: ignore[arg-type]
    assert said == (f"its columns change: {words}" if words else "")


def test_the_share_that_changes() -> None:
    assert rows(100, 25).changed_share == -0.75
    assert rows(0, 25).changed_share is None
    assert Difference(name="t", number=1, rows_before=10, rows_after=15).changed_share == 0.5
