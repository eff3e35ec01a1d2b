"""The same rows with NaN give the same results, whatever kind of data is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.session import DataSession

NAN = float("nan")
IDS, XS = [1, 2, 3, 4, 5], [1.5, NAN, 2.5, NAN, -1.0]
RULES = """
x: not null : warn
x: unique : warn
x >= 0 : warn
x between -1 and 2 : warn
x in (1.5, -1.0) : warn
x matches '^[0-9.]+$' : warn
x references known.x : warn
not isnan(x) : warn
x = x : warn
sum(x) = 3 : warn
avg(x) = 1 : warn
min(x) = -1 : warn
max(x) = 2.5 : warn
count(x) = 3 : warn
count(DISTINCT x) = 3 : warn
avg(case when x is null then 1 else 0 end) <= 0.01 : warn
rows = 5 : warn
"""
FAILED = {
    "x: not null": 2,
    "x >= 0": 1,
    "x between -1 and 2": 1,
    "x in (1.5, -1.0)": 1,
    "x matches '^[0-9.]+$'": 1,
    "x references known.x": 1,
    "avg(case when x is null then 1 else 0 end) <= 0.01": None,
}
KINDS = ["pandas", "polars", "arrow", "float32", "float16", "dictionary", "chunks", "reader",
         "parquet", "csv", "publication"]  # fmt: skip


def declare(session: DataSession, names: dict[str, Any], kind: str) -> None:
    """Give the rows the name ``t`` as one kind of data."""
    floats = pa.table({"id": IDS, "x": pa.array(XS, pa.float64())})
    if kind == "pandas":
        names["t"] = pd.DataFrame({"id": IDS, "x": XS})
    elif kind == "polars":
        names["t"] = pl.DataFrame({"id": IDS, "x": XS})
    elif kind == "arrow":
        names["t"] = floats
    elif kind in ("float32", "float16"):
        names["t"] = pa.table({"id": IDS, "x": pa.array(np.array(XS, dtype=kind))})
    elif kind == "dictionary":
        names["t"] = pa.table({"id": IDS, "x": pa.array(XS).dictionary_encode()})
    elif kind == "chunks":
        names["t"] = pa.concat_tables([floats.slice(0, 2), floats.slice(2)])
    elif kind == "reader":
        names["t"] = floats.to_reader(max_chunksize=2)
    elif kind == "parquet":
        pq.write_table(floats, "t.parquet")
        session.declare("t", "t.parquet")
    elif kind == "csv":
        Path("t.csv").write_text("id,x\n1,1.5\n2,NaN\n3,2.5\n4,\n5,-1.0\n")
        session.declare("t", "t.csv")
    else:
        publish_table(session, "t", floats, live=True)


@pytest.mark.parametrize("kind", KINDS)
def test_nan_is_missing_in_every_kind_of_data(
    session: DataSession, names: dict[str, Any], kind: str
) -> None:
    publish_table(session, "known", pa.table({"x": [1.5, 2.5, NAN]}), live=True)
    declare(session, names, kind)
    results = session.check("t", RULES)
    found = {one.rule.text: one.failed_rows for one in results if one.status.value == "warn"}
    assert found == FAILED
    (absent, *_) = results
    assert [row["x"] for row in absent.sample] == ["NULL", "NULL"]


def test_nan_inside_of_nested_values_is_missing(
    session: DataSession, names: dict[str, Any]
) -> None:
    lists = [[1.0, NAN], None, []]
    structs = [{"a": NAN}, {"a": 1.0}, None]
    maps = pa.array([[("k", NAN)], [], None], pa.map_(pa.string(), pa.float64()))
    names["t"] = pa.table({"l": lists, "s": structs, "m": maps})
    rules = (
        "l[2] is not null or len(l) < 2 : warn\ns.a is not null : warn\nm['k'] is not null : warn"
    )
    assert [one.failed_rows for one in session.check("t", rules)] == [1, 2, 3]


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "parquet", "publication"])
def test_a_profile_counts_nan_as_missing(
    session: DataSession, names: dict[str, Any], kind: str
) -> None:
    declare(session, names, kind)
    from jupyter_etl.notebook.exploration import profile_data

    profile = profile_data(session, "t")
    (column,) = (one for one in profile.columns if one.name == "x")
    assert (column.nulls, column.distinct) == (2, 3)
