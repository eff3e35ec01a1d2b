"""Rows of two versions, against a comparison of dictionaries."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_etl.errors import PublishError
from jupyter_etl.publishing.tables.changes import RowChange, compare_rows

KEYS = st.tuples(st.sampled_from(["a", "b"]), st.one_of(st.none(), st.integers(0, 3)))
ROWS = st.dictionaries(KEYS, st.tuples(st.one_of(st.none(), st.integers(0, 2)), st.text("xy")))


def table(rows: dict[tuple[str, int | None], tuple[int | None, str]]) -> pa.Table:
    return pa.table(
        {
            "k 1": pa.array([key[0] for key in rows], pa.string()),
            'k"2': pa.array([key[1] for key in rows], pa.int64()),
            "v": pa.array([value[0] for value in rows.values()], pa.int64()),
            "w": pa.array([value[1] for value in rows.values()], pa.string()),
        }
    )


@settings(max_examples=25, deadline=None)
@given(before=ROWS, after=ROWS)
def test_it_counts_as_dictionaries_do(
    before: dict[tuple[str, int | None], tuple[int | None, str]],
    after: dict[tuple[str, int | None], tuple[int | None, str]],
) -> None:
    found = compare_rows(
        table(before).to_reader(), table(after).to_reader(), key=("k 1", 'k"2'), sample=100
    )
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    changed = {key for key in after.keys() & before.keys() if before[key] != after[key]}
    assert (found.added, found.removed, found.changed) == (len(added), len(removed), len(changed))
    for kind, keys in (("added", added), ("removed", removed), ("changed", changed)):
        shown = {tuple(one.key.values()) for one in found.sample if one.kind == kind}
        assert shown == {(k, None if n is None else str(n)) for k, n in keys}


def test_the_sample_shows_what_changed() -> None:
    before = pa.table({"id": [1, 2, 3], "v": [1, None, 3], "w": ["a", "b", "c" * 99]})
    after = pa.table({"id": [2, 3, 4], "v": [2, 3, 4], "w": ["b", "d", "e"]})
    found = compare_rows(before.to_reader(), after.to_reader(), key=("id",), sample=1)
    assert found.sample == (
        RowChange(kind="added", key={"id": "4"}, values={}),
        RowChange(kind="removed", key={"id": "1"}, values={}),
        RowChange(kind="changed", key={"id": "2"}, values={"v": (None, "2")}),
    )
    every = compare_rows(before.to_reader(), after.to_reader(), key=("id",))
    assert every.sample[-1].values == {"w": ("c" * 59 + "…", "d")}


def test_columns_of_one_side_and_other_types_are_no_changes() -> None:
    before = pa.table({"id": pa.array([1], pa.int32()), "v": pa.array([1], pa.int32()), "x": [1]})
    after = pa.table({"id": [1], "v": ["1"], "y": [2]})
    found = compare_rows(before.to_reader(), after.to_reader(), key=("id",))
    assert (found.added, found.removed, found.changed) == (0, 0, 0)


def test_a_key_that_is_none_is_refused() -> None:
    before, after = pa.table({"id": [1, 2]}), pa.table({"id": [1, 1], "z": [1, 2]})
    with pytest.raises(PublishError, match=r"1 keys .* several rows in the later version"):
        compare_rows(before.to_reader(), after.to_reader(), key=("id",))
    with pytest.raises(PublishError, match="key column 'z' does not exist in both"):
        compare_rows(before.to_reader(), after.to_reader(), key=("z",))
