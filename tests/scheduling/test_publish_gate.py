"""The changes that the publish gate accepts, and those that it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyter_etl.model import (
    Column,
    Contract,
    Difference,
    Emptied,
    PartitionRows,
    PublicationKind,
    PublishMode,
    Retyped,
    Staged,
)
from jupyter_etl.scheduling.publish_gate import judge_difference

A, B = Column(name="a", type="int64"), Column(name="b", type="string")
RETYPED = Retyped(name="x", before="int64", after="string")


def staged(
    mode: PublishMode = PublishMode.REPLACE,
    by: tuple[str, ...] = (),
    contract: Contract = Contract.EVOLVE,
    change: str = "",
    allow: tuple[str, ...] = (),
) -> Staged:
    return Staged(
        name="t",
        kind=PublicationKind.TABLE,
        folder="/nowhere",
        mode=mode,
        partition_by=by,
        contract=contract,
        options={"change": change} if change else {},
        allow=allow,
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


def test_the_reason_shows_both_numbers_and_the_share() -> None:
    assert reasons(rows(1000, 380), staged()) == (
        "it has 380 rows, and version 41 has 1,000 (-62%; up to 50% is allowed)"
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


DAYS = ("day",)
APPEND, UPSERT, REPLACE = PublishMode.APPEND, PublishMode.UPSERT, PublishMode.REPLACE


def emptied(
    values: int | None, of: int, new: int, *, absent: bool = False, days: int = 0
) -> Difference:
    one = Emptied(
        name="amount",
        absent=absent,
        values=values,
        rows_before=of,
        new_rows=new,
        partitions=tuple(f"day={day}" for day in range(min(days, 3))),
        partition_count=days,
    )
    return Difference(name="t", number=4, emptied=(one,))


@pytest.mark.parametrize(
    ("difference", "one", "held"),
    [
        (emptied(1, 100, 100), staged(), True),
        (emptied(1, 100, 100, days=1), staged(by=DAYS), True),
        # The values of a nested column are not counted, but exist.
        (emptied(None, 100, 100), staged(), True),
        # In added rows, a column that always had values must have some.
        (emptied(100, 100, 1), staged(APPEND), True),
        (emptied(100, 100, 1), staged(UPSERT), True),
        (emptied(99, 100, 1), staged(APPEND), False),
        (emptied(99, 100, 11), staged(APPEND), True),
        (emptied(50, 100, 19), staged(APPEND), False),
        (emptied(50, 100, 20), staged(UPSERT), True),
        (emptied(None, 100, 1000), staged(APPEND), False),
        # An absent column is never chance.
        (emptied(1, 100, 1, absent=True), staged(APPEND), True),
        (emptied(None, 100, 1, absent=True), staged(UPSERT), True),
        (emptied(1, 100, 1, absent=True), staged(by=DAYS), True),
        # It is reported as a dropped column there.
        (emptied(1, 100, 1, absent=True), staged(), False),
        (emptied(1, 100, 1, absent=True), staged(APPEND, contract=Contract.FREEZE), False),
        (emptied(100, 100, 100), staged(allow=("amount",)), False),
        (emptied(100, 100, 100), staged(allow=("other",)), True),
        (emptied(100, 100, 100), staged(change="any"), True),
    ],
)
def test_columns_that_have_no_value_any_more(
    difference: Difference, one: Staged, held: bool
) -> None:
    assert bool(reasons(difference, one)) is held


def test_the_reason_names_column_values_partitions_and_the_way_out() -> None:
    assert reasons(emptied(534, 534, 534, days=30), staged(by=DAYS)) == (
        "column 'amount' is NULL in all 534 new rows, but version 4 has 534 values in day=0; "
        "day=1; day=2 and 27 more partitions; --allow amount allows this"
    )
    renamed = replace(emptied(9, 9, 3, absent=True), added=(A,))
    assert reasons(renamed, staged(UPSERT)) == (
        "column 'amount' is absent (new: 'a'), but version 4 has 9 values; "
        "--allow amount allows this"
    )


@pytest.mark.parametrize(
    ("difference", "one", "words"),
    [
        ({"dropped": (A, B)}, staged(allow=("a",)), "dropped 'b'"),
        ({"dropped": (A,)}, staged(allow=("a",)), ""),
        ({"dropped": (A,), "added": (B,)}, staged(), "added 'b'; dropped 'a'"),
        ({"retyped": (RETYPED,)}, staged(allow=("x",)), ""),
        # A frozen contract stays frozen.
        ({"dropped": (A,)}, staged(contract=Contract.FREEZE, allow=("a",)), "dropped 'a'"),
    ],
)
def test_columns_that_are_allowed(difference: dict[str, object], one: Staged, words: str) -> None:
    said = reasons(Difference(name="t", number=1, **difference), one)  # type: ignore[arg-type]
    assert said == (f"its columns change: {words}" if words else "")


def partitions(*pairs: tuple[int, int]) -> Difference:
    return Difference(
        name="t",
        number=4,
        rows_before=1000,
        replaced_rows=sum(before for before, _ in pairs),
        new_rows=sum(after for _, after in pairs),
        partitions=tuple(
            PartitionRows(name=f"day={day}", before=before, after=after)
            for day, (before, after) in enumerate(pairs)
        ),
    )


def test_each_partition_is_compared_with_itself() -> None:
    by_day = staged(by=DAYS)
    assert reasons(partitions((100, 60), (100, 150)), by_day) == ""
    assert reasons(partitions((100, 3), (100, 190)), by_day) == (
        "day=0 has 3 rows, and version 4 has 100 (-97%; up to 50% is allowed); "
        "1 more partitions change by more than that"
    )
    assert reasons(partitions((100, 3), (100, 190)), staged(by=DAYS, change="any")) == ""
    assert reasons(partitions((100, 190)), staged(by=DAYS, change="1")) == ""
    # Too many rows in total is reported once.
    assert reasons(partitions((100, 3), (100, 4)), by_day).startswith("it has 7 rows in the part")


def test_few_of_many_partitions_are_kept() -> None:
    many = partitions(*[(100, n) for n in range(1, 50)])
    kept = judge_difference(many, staged(by=DAYS)).partitions
    assert [one.after for one in kept] == list(range(1, 21))


def test_an_empty_frame_replaces_no_partition_and_is_held() -> None:
    nothing = Difference(name="t", number=4, rows_before=30, replaced_rows=0, new_rows=0)
    assert reasons(nothing, staged(by=DAYS)) == (
        "it is empty, so that no partition is replaced, and version 4 has 30 rows"
    )
    assert reasons(nothing, staged(by=DAYS, change="any")) == ""
    first = Difference(name="t", number=4, rows_before=0, replaced_rows=0, new_rows=0)
    assert reasons(first, staged(by=DAYS)) == ""
