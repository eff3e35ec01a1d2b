"""Random nested values from Arrow to pandas, into a table, and back: the same types and values."""

from __future__ import annotations

import string
import tempfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.published_table import PublishedTable
from jupyter_etl.notebook.frames import to_arrow, to_pandas

_NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=3)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROS = st.integers(-(2**55), 2**55).map(lambda n: _EPOCH + timedelta(microseconds=n))
_LEAVES: list[tuple[pa.DataType, st.SearchStrategy[object]]] = [
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.int8(), st.integers(-128, 127)),
    (pa.bool_(), st.booleans()),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.string(), st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
    (pa.binary(), st.binary(max_size=5)),
    (pa.date32(), st.dates(date(1, 1, 1))),
    (pa.timestamp("us"), _MICROS.map(lambda at: at.replace(tzinfo=None))),
    (pa.timestamp("us", "UTC"), _MICROS),
    (
        pa.decimal128(12, 2),
        st.integers(-(10**12) + 1, 10**12 - 1).map(lambda cents: Decimal(cents).scaleb(-2)),
    ),
]


def _lists(inner: st.SearchStrategy) -> st.SearchStrategy:  # type: ignore[type-arg]
    return inner.map(
        lambda one: (
            pa.list_(pa.field("element", one[0])),
            st.lists(st.none() | one[1], max_size=3),
        )
    )


def _structs(inner: st.SearchStrategy) -> st.SearchStrategy:  # type: ignore[type-arg]
    return st.dictionaries(_NAMES, inner, min_size=1, max_size=3).map(
        lambda fields: (
            pa.struct([(name, kind) for name, (kind, _) in fields.items()]),
            st.fixed_dictionaries({n: st.none() | values for n, (_, values) in fields.items()}),
        )
    )


def _maps(inner: st.SearchStrategy) -> st.SearchStrategy:  # type: ignore[type-arg]
    return inner.map(
        lambda one: (
            pa.map_(pa.string(), one[0]),
            st.dictionaries(_NAMES, st.none() | one[1], max_size=3).map(lambda d: list(d.items())),
        )
    )


KINDS = st.recursive(
    st.sampled_from(_LEAVES),
    lambda inner: _lists(inner) | _structs(inner) | _maps(inner),
    max_leaves=4,
)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 4))
    columns = {"id": pa.array(range(rows), pa.int64())}
    for name in draw(st.lists(_NAMES.map("c_".__add__), unique=True, min_size=1, max_size=3)):
        kind, values = draw(KINDS)
        drawn = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        columns[name] = pa.array(drawn, kind)
    return pa.table(columns)


def _has_naive_maps(table: pa.Table) -> bool:
    """Tell whether a map has times without a zone, which tables refuse."""
    return any("map<" in str(kind) and "timestamp[us]" in str(kind) for kind in table.schema.types)


@settings(deadline=None)
@given(table=tables())
def test_a_table_comes_back_from_pandas_as_it_was(table: pa.Table) -> None:
    back = to_arrow(to_pandas(table))
    assert back.to_pylist() == table.to_pylist()
    for field in table.schema:
        # At the top level of a frame, text has a type of pandas.
        if field.type != pa.string():
            assert back.schema.field(field.name).type == field.type


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables().filter(lambda table: not _has_naive_maps(table)))
def test_a_table_is_published_from_pandas_as_from_arrow(table: pa.Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = PublishedTable(Path(folder))
        first = lake.reading(lake.publish(table))
        second = lake.reading(lake.publish(to_pandas(table)))
        third = lake.reading(lake.publish(to_pandas(first)))
    for found in (first, second, third):
        assert found.schema == first.schema
        assert found.to_pylist() == table.to_pylist()
