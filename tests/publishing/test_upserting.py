"""Upserts against a dictionary, and keys that are none."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.published_table import PublishedTable
from jupyter_etl.errors import PublishError
from jupyter_etl.model import PublishMode

UPSERT = PublishMode.UPSERT
KEYS = st.tuples(st.sampled_from(["a", "b'", 'c"', "ü/=%"]), st.integers(0, 4))
VALUES = st.one_of(st.none(), st.integers(-(2**62), 2**62))
ROWS = st.dictionaries(KEYS, VALUES, max_size=6)


@pytest.fixture
def table(tmp_path: Path) -> PublishedTable:
    return PublishedTable(tmp_path)


def frame(rows: dict[tuple[str, int], int | None], column: str = "v") -> pa.Table:
    return pa.table(
        {
            "p": pa.array([key[0] for key in rows], pa.string()),
            "id": pa.array([key[1] for key in rows], pa.int64()),
            column: pa.array(list(rows.values()), pa.int64()),
        }
    )


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(ROWS, min_size=1, max_size=3),
    by=st.sampled_from([(), ("p",)]),
    # A column more in the last change: the rows before have no value in it.
    wider=st.booleans(),
)
def test_upserts_do_what_a_dictionary_does(
    changes: list[dict[tuple[str, int], int | None]], by: tuple[str, ...], wider: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = PublishedTable(Path(folder))
        model: dict[tuple[str, int], tuple[int | None, int | None]] = {}
        for change in changes:
            model |= {key: (value, None) for key, value in change.items()}
            what = table.publish(frame(change), mode=UPSERT, key=("p", "id"), partition_by=by)
            assert what.rows == len(model)
        if wider:
            last = frame(changes[-1]).append_column("w", pa.array([7] * len(changes[-1])))
            model |= {key: (value, 7) for key, value in changes[-1].items()}
            what = table.publish(last, mode=UPSERT, key=("p", "id"), partition_by=by)
        found = {(r["p"], r["id"]): (r["v"], r.get("w")) for r in table.rows(what)}
        assert found == model
        assert what.rows == len(model)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(ids=st.lists(st.one_of(st.none(), st.integers(0, 6)), min_size=1, max_size=12))
def test_a_key_is_taken_just_where_it_is_one(ids: list[int | None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = PublishedTable(Path(folder))
        rows = pa.table({"id": pa.array(ids, pa.int64()), "n": list(range(len(ids)))})
        doubled = {one for one in ids if ids.count(one) > 1}
        if None not in ids and not doubled:
            assert table.stage(rows, mode=UPSERT, key=("id",)).rows == len(ids)
            return
        with pytest.raises(PublishError) as caught:
            table.stage(rows, mode=UPSERT, key=("id",))
        said = caught.value
        if None in ids:
            assert said.data["null_keys"] == ids.count(None)
            assert f"{ids.count(None)} of {len(ids)} rows have no value" in said.message
            shown = said.data["rows"]
            assert {row["id"] for row in shown} == {"NULL"}
            assert all(ids[int(row["n"])] is None for row in shown)
        else:
            assert said.data["doubled_keys"] == len(doubled)
            assert said.data["rows"] == sum(one in doubled for one in ids)
            assert {row[0] for row in said.data["keys"]} <= {str(one) for one in doubled}


def test_the_rows_without_a_key_are_shown(table: PublishedTable) -> None:
    rows = pa.table({"id": [1, None, None], "name": ["a", "b", "x" * 200]})
    with pytest.raises(PublishError) as caught:
        table.stage(rows, mode=UPSERT, key=("id",))
    assert "2 of 3 rows have no value in the key (id), for example: id=NULL, name=b; " in (
        caught.value.message
    )
    assert "x" * 60 not in caught.value.message


def test_not_a_number_is_no_key(table: PublishedTable) -> None:
    rows = pa.table({"at": [1.5, float("nan")], "v": [1, 2]})
    with pytest.raises(PublishError, match="1 of 2 rows have no value in the key") as caught:
        table.stage(rows, mode=UPSERT, key=("at",))
    assert caught.value.data["rows"] == [{"at": "nan", "v": "2"}]


def test_a_refused_key_leaves_the_table_as_it_was(table: PublishedTable) -> None:
    first = table.publish(pa.table({"id": [1], "v": ["a"]}), mode=UPSERT, key=("id",))
    with pytest.raises(PublishError, match="In total, 2 of 3 rows share 1 key"):
        table.publish(pa.table({"id": [2, 2, 3], "v": ["b"] * 3}), mode=UPSERT, key=("id",))
    assert table.live is not None
    assert table.live.what == first
