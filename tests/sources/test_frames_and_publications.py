from __future__ import annotations

import pandas as pd
import pytest

from contracts.connector_contract import EXPECTED, ConnectorContract, no_access
from jupyter_etl.errors import DeclarationError, NotFound, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Access, Connector, ReadRequest
from jupyter_etl.sources.frames.arrow import arrow_of
from jupyter_etl.sources.frames.connector import FrameConnector
from jupyter_etl.sources.publication_connector import PublicationConnector


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
