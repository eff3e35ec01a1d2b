"""Tests of every Connector; an implementation's test class inherits them and adds the factories."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from jupyter_etl.errors import DeclarationError, EtlError, NotFound, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Access, Connector, Reading, ReadRequest

EXPECTED = pa.table(
    {
        "id": pa.array([1, 2, None, 9007199254740993], pa.int64()),
        "name": pa.array(["Ann", None, "x'; DROP TABLE t--", "Žofie"], pa.string()),
        "amount": pa.array([1.5, 2.25, None, -3.0], pa.float64()),
    }
)
"""The rows that a test class writes to its source.

They include integers with an empty cell, and text that would be harmful if it were executed as SQL.
"""


def no_access(
    *, frames: dict[str, object] | None = None, publications: dict[str, pa.Table] | None = None
) -> Access:
    """Return an access with the given frames and publications, and without secrets."""

    def absent(name: str) -> str:
        raise NotFound(f"There is no '{name}'.")

    def frame(name: str) -> object:
        return absent(name) if name not in (frames or {}) else (frames or {})[name]

    def publication(name: str) -> Reading:
        if name not in (publications or {}):
            raise NotFound(f"There is no '{name}'.")
        table = (publications or {})[name]
        return Reading(batches=table.to_reader(), version="7", total_rows=table.num_rows)

    return Access(secret=absent, frame=frame, publication=publication)


class ConnectorContract:
    """Inherit, and override the fixtures below."""

    table = ""
    """Name of the table with the expected rows."""

    @pytest.fixture
    def connector(self) -> Connector:
        raise AssertionError("the test class gives the connector")

    @pytest.fixture
    def source(self) -> Source:
        raise AssertionError("the test class gives a source with the rows of EXPECTED")

    @pytest.fixture
    def access(self) -> Access:
        return no_access()

    @pytest.fixture
    def absent(self, source: Source) -> Source:
        return replace(source, location=source.location + "_that_is_not_there")

    def _read(
        self, connector: Connector, source: Source, access: Access, **wanted: object
    ) -> pa.Table:
        request = ReadRequest(table=self.table, **wanted)  # type: ignore[arg-type]
        return connector.read(source, request, access).batches.read_all()

    def test_it_shows_which_kinds_it_reads(self, connector: Connector, source: Source) -> None:
        assert source.kind in connector.kinds

    def test_a_declaration_is_checked_and_nothing_is_opened(
        self, connector: Connector, source: Source, absent: Source
    ) -> None:
        connector.check(source)
        connector.check(absent)

    def test_an_option_that_there_is_not_is_refused(
        self, connector: Connector, source: Source
    ) -> None:
        odd = replace(source, options={**source.options, "frobnicate": "yes"})
        with pytest.raises(DeclarationError) as caught:
            connector.check(odd)
        assert "frobnicate" in caught.value.message

    def test_tables_lists_the_table(
        self, connector: Connector, source: Source, access: Access
    ) -> None:
        listed = {table.name: table for table in connector.tables(source, access)}
        assert self.table in listed
        columns = [column.name for column in listed[self.table].columns]
        assert columns in ([], EXPECTED.column_names)

    def test_all_rows_arrive_exact(
        self, connector: Connector, source: Source, access: Access
    ) -> None:
        table = self._read(connector, source, access)
        assert table.schema.names == EXPECTED.schema.names
        assert table.schema.types == EXPECTED.schema.types
        assert table.to_pylist() == EXPECTED.to_pylist()

    def test_a_source_can_be_read_again(
        self, connector: Connector, source: Source, access: Access
    ) -> None:
        request = ReadRequest(table=self.table)
        first = connector.read(source, request, access)
        second = connector.read(source, request, access)
        assert first.version == second.version
        assert first.batches.read_all().equals(second.batches.read_all())

    def test_columns_come_in_the_order_asked_for(
        self, connector: Connector, source: Source, access: Access
    ) -> None:
        table = self._read(connector, source, access, columns=("amount", "id"))
        assert table.column_names == ["amount", "id"]
        assert table.to_pylist() == EXPECTED.select(["amount", "id"]).to_pylist()

    @pytest.mark.parametrize("limit", [0, 1, 3, 4, 99])
    def test_a_limit_stops(
        self, connector: Connector, source: Source, access: Access, limit: int
    ) -> None:
        table = self._read(connector, source, access, limit=limit)
        assert table.num_rows == min(limit, EXPECTED.num_rows)
        assert table.schema.names == EXPECTED.schema.names

    def test_total_rows_is_right_where_it_is_known(
        self, connector: Connector, source: Source, access: Access
    ) -> None:
        for limit in (None, 1):
            reading = connector.read(source, ReadRequest(table=self.table, limit=limit), access)
            reading.batches.close()
            assert reading.total_rows in (None, EXPECTED.num_rows)

    def test_a_wrong_column_is_named_with_those_there_are(
        self, connector: Connector, source: Source, access: Access
    ) -> None:
        with pytest.raises(SourceError) as caught:
            self._read(connector, source, access, columns=("id", "amuont"))
        assert "amuont" in caught.value.message
        assert "id, name and amount" in caught.value.message
        assert "amount" in caught.value.hint
        assert not caught.value.retryable

    @pytest.mark.parametrize("table", ["nope", 'a";--', "x'; DROP TABLE t--", "a.b.c"])
    def test_a_wrong_table_is_refused(
        self, connector: Connector, source: Source, access: Access, table: str
    ) -> None:
        with pytest.raises(SourceError) as caught:
            connector.read(source, ReadRequest(table=table), access).batches.read_all()
        assert not caught.value.retryable
        assert self._read(connector, source, access).num_rows == EXPECTED.num_rows

    def test_an_absent_source_is_an_error_and_stays_absent(
        self, connector: Connector, absent: Source, access: Access
    ) -> None:
        for _ in range(2):
            with pytest.raises(EtlError) as caught:
                self._read(connector, absent, access)
            assert not caught.value.retryable
            with pytest.raises(EtlError):
                connector.tables(absent, access)

    def test_a_reading_may_be_left_half_read(
        self, connector: Connector, source: Source, access: Access
    ) -> None:
        reading = connector.read(source, ReadRequest(table=self.table), access)
        reading.batches.read_next_batch()
        reading.batches.close()
        del reading
        assert self._read(connector, source, access).num_rows == EXPECTED.num_rows
