"""Frames and publications as sources; polars frames."""

from __future__ import annotations

import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from contracts.connector_contract import EXPECTED, ConnectorContract, no_access
from jupyter_etl.errors import DeclarationError, MissingDependency, NotFound, SourceError
from jupyter_etl.model import Source
from jupyter_etl.notebook.frames import to_arrow
from jupyter_etl.ports import Access, Connector, ReadRequest
from jupyter_etl.sources.frames.arrow import arrow_of
from jupyter_etl.sources.frames.connector import FrameConnector
from jupyter_etl.sources.frames.polars_frames import to_polars
from jupyter_etl.sources.publication_connector import PublicationConnector

NAIVE = datetime(2026, 1, 1, 10)  # noqa: DTZ001 - a column without timezone


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        (pl.Series([["a", None], None], dtype=pl.List(pl.Categorical)), "list<item: string>"),
        (
            pl.Series([{"a": "x"}], dtype=pl.Struct({"a": pl.Enum(["x"])})),
            "struct<a: string>",
        ),
        (pl.Series([["a"]], dtype=pl.Array(pl.Categorical, 1)), "fixed_size_list<item: string>[1]"),
        (
            pl.DataFrame({"x": pl.Series([Decimal("1.50")], dtype=pl.Decimal(6, 2))})
            .sum()
            .to_series(),
            "decimal128(38, 2)",
        ),
        (pl.Series([1, None], dtype=pl.Int8), "int8"),
        (pl.Series([2**63, None], dtype=pl.UInt64), "uint64"),
        (pl.Series([0.1, None], dtype=pl.Float32), "float"),
        (pl.Series([True, None]), "bool"),
        (pl.Series(["Žofie", None]), "string"),
        (pl.Series([b"x", None]), "binary"),
        (pl.Series(["a", None], dtype=pl.Categorical), "string"),
        (pl.Series(["a", None], dtype=pl.Enum(["a"])), "string"),
        (pl.Series([Decimal("1.20"), None], dtype=pl.Decimal(10, 2)), "decimal128(10, 2)"),
        (pl.Series([date(2026, 1, 1), None]), "date32[day]"),
        (pl.Series([time(1, 2, 3, 4), None]), "time64[ns]"),
        (pl.Series([timedelta(days=1), None]), "duration[us]"),
        (pl.Series([NAIVE, None], dtype=pl.Datetime("ns")), "timestamp[ns]"),
        (pl.Series([[1], None]), "list<item: int64>"),
        (pl.Series([["a"], None]), "list<item: string>"),
        (pl.Series([{"a": "x"}, None]), "struct<a: string>"),
        (pl.Series([None, None]), "null"),
    ],
)
def test_every_type_arrives_exact(series: pl.Series, kind: str) -> None:
    table = arrow_of(pl.DataFrame({"x": series}), what="df")
    assert str(table.schema.field("x").type) == kind
    values = table["x"].to_pylist()
    assert [
        None if v is None else getattr(v, "to_pydatetime", lambda v=v: v)() for v in values
    ] == (series.to_list())


@pytest.mark.parametrize(
    "series",
    [
        pl.Series([object()], dtype=pl.Object),
        pl.Series([2**100], dtype=pl.Int128),
        pl.Series([[1]], dtype=pl.List(pl.Int128)),
    ],
)
def test_what_arrow_does_not_have_names_the_column(series: pl.Series) -> None:
    frame = pl.DataFrame({"fine": [1], "odd": series})
    with pytest.raises(SourceError, match="column 'odd'") as caught:
        arrow_of(frame, what="df")
    assert caught.value.data == {"column": "odd"}
    with pytest.raises(DeclarationError, match="column 'odd'"):
        to_arrow(frame, what="df")


def test_a_lazy_frame_is_to_be_computed_first() -> None:
    with pytest.raises(SourceError, match="LazyFrame") as caught:
        arrow_of(pl.DataFrame({"a": [1]}).lazy(), what="df")
    assert "df.collect()" in caught.value.hint


def test_a_series_is_a_table_of_one_column() -> None:
    assert to_arrow(pl.Series("a", [1, 2])).to_pylist() == [{"a": 1}, {"a": 2}]


def test_arrow_becomes_polars_and_comes_back() -> None:
    assert arrow_of(to_polars(EXPECTED), what="df").equals(EXPECTED)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([Decimal(1)], pa.decimal256(50, 2)),
        pa.array([pa.scalar((1, 2, 3), pa.month_day_nano_interval())]),
    ],
)
def test_what_polars_does_not_have_names_the_column(column: pa.Array) -> None:
    with pytest.raises(DeclarationError, match="Column 'odd'") as caught:
        to_polars(pa.table({"odd": column}))
    assert "--as arrow" in caught.value.hint


def test_two_columns_of_one_name_are_refused() -> None:
    twins = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(DeclarationError, match="polars"):
        to_polars(twins)


def test_without_polars_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingDependency) as caught:
        to_polars(EXPECTED)
    assert "jupyter-etl[polars]" in caught.value.hint


class TestArrowFrame(ConnectorContract):
    @pytest.fixture
    def connector(self) -> Connector:
        return FrameConnector()

    @pytest.fixture
    def source(self) -> Source:
        return Source(name="mine", kind="frame", location="df")

    @pytest.fixture
    def access(self) -> Access:
        return no_access(frames={"df": EXPECTED})


class TestPolarsFrame(TestArrowFrame):
    @pytest.fixture
    def access(self) -> Access:
        return no_access(frames={"df": to_polars(EXPECTED)})


class TestPandasFrame(TestArrowFrame):
    @pytest.fixture
    def access(self) -> Access:
        return no_access(frames={"df": EXPECTED.to_pandas(types_mapper=pd.ArrowDtype)})


class TestPublication(ConnectorContract):
    @pytest.fixture
    def connector(self) -> Connector:
        return PublicationConnector()

    @pytest.fixture
    def source(self) -> Source:
        return Source(name="daily", kind="publication", location="sales.daily")

    @pytest.fixture
    def access(self) -> Access:
        return no_access(publications={"sales.daily": EXPECTED})

    def test_the_version_comes_through(
        self, connector: Connector, source: Source, access: Access
    ) -> None:
        assert connector.read(source, ReadRequest(), access).version == "7"


def test_an_index_with_a_meaning_becomes_a_column() -> None:
    counted = pd.DataFrame({"k": ["a", "b"], "n": [1, 2]}).groupby("k").sum()
    assert arrow_of(counted, what="df").to_pylist() == [{"n": 1, "k": "a"}, {"n": 2, "k": "b"}]
    assert arrow_of(counted.reset_index(), what="df").column_names == ["k", "n"]


@pytest.mark.parametrize("value", [3, "text", None, object()])
def test_what_is_no_frame(value: object) -> None:
    named = "None" if value is None else f"a {type(value).__name__}"
    with pytest.raises(SourceError, match=f"'df' is {named}, not a frame"):
        arrow_of(value, what="df")


def test_a_column_of_mixed_types_is_named() -> None:
    with pytest.raises(SourceError, match="odd"):
        arrow_of(pd.DataFrame({"odd": [1, "x", {}]}), what="df")


@pytest.mark.parametrize(
    ("connector", "source"),
    [
        (FrameConnector(), Source(name="m", kind="frame", location="df")),
        (PublicationConnector(), Source(name="m", kind="publication", location="p")),
    ],
)
def test_sql_is_refused_with_the_way_to_do_it(connector: Connector, source: Source) -> None:
    access = no_access(frames={"df": EXPECTED}, publications={"p": EXPECTED})
    with pytest.raises(DeclarationError, match="sql local"):
        connector.read(source, ReadRequest(query="select 1"), access)
    with pytest.raises(NotFound):
        connector.read(source, ReadRequest(), no_access())
