"""Endpoints in the lake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.publisher_contract import PublisherContract
from jupyter_etl.errors import PublishError
from jupyter_etl.model import Endpoint, EndpointKind, PublicationKind, Sample, Staged
from jupyter_etl.ports import ReadRequest
from jupyter_etl.publishing.endpoints.publisher import EndpointPublisher
from jupyter_etl.scheduling.publish_gate import judge_difference

SCHEMA = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'
TEXT = SCHEMA.replace("integer", "string")


def function(**changes: object) -> Endpoint:
    given = {"kind": EndpointKind.FUNCTION, "request_schema": SCHEMA, "response_schema": "{}"}
    return Endpoint(**{**given, **changes})  # type: ignore[arg-type]


class TestFunctionContract(PublisherContract):
    has_rows = False

    def publisher(self) -> EndpointPublisher:
        return EndpointPublisher()

    def request(self, folder: Path, content: int) -> Staged:
        (folder / "function.pickle").write_bytes(b"x" * content)
        return Staged(
            name="score", kind=PublicationKind.API, folder=str(folder), endpoint=function()
        )

    def data(self, content: int) -> None:
        return None

    def test_where_it_lies(self, folders, lake: str) -> None:  # type: ignore[no-untyped-def]
        what = self.committed(self.staged(folders, 5), lake, 3, "run-8/score")
        assert what.location == f"{lake}/apis/score/3/function.pickle"
        assert (what.bytes, what.endpoint) == (5, function())

    def test_it_has_no_rows(self, folders, lake: str) -> None:  # type: ignore[no-untyped-def]
        version = self.version(self.committed(self.staged(folders, 5), lake, 1, "run-8/score"), 1)
        with pytest.raises(PublishError, match="'score' is an endpoint and has no rows"):
            self.publisher().read(version, ReadRequest())

    def test_its_declaration_is_needed(self, folders) -> None:  # type: ignore[no-untyped-def]
        with pytest.raises(PublishError, match="neither as a query nor as a function"):
            self.publisher().stage(replace(self.request(next(folders), 1), endpoint=None), None)

    @pytest.mark.parametrize(
        ("after", "reasons"),
        [
            ({}, ()),
            ({"replayed": (Sample(request="{}", response="7", seconds=0.001),)}, ()),
            (
                {"request_schema": TEXT},
                ("its contract changes: the parameter 'n' was integer and is string",),
            ),
            (
                {"replayed": (Sample(request="{}", response="null", seconds=0.001),)},
                ("its contract changes: the answer to {} was number and is null",),
            ),
        ],
    )
    def test_a_broken_contract_holds_the_run(  # type: ignore[no-untyped-def]
        self, folders, lake: str, after: dict[str, object], reasons: tuple[str, ...]
    ) -> None:
        samples = (Sample(request="{}", response="1", seconds=0.001),)
        before = replace(self.staged(folders, 1), endpoint=function(samples=samples))
        live = self.version(self.committed(before, lake, 1, "run-1/score"), 1)
        staged = replace(self.staged(folders, 2), endpoint=function(**after))
        difference = judge_difference(self.publisher().compare(staged, live), staged)
        assert difference.reasons == reasons


class TestQueryContract(PublisherContract):
    has_rows = False

    def publisher(self) -> EndpointPublisher:
        return EndpointPublisher()

    def request(self, folder: Path, content: int) -> Staged:
        return Staged(
            name="sales.by_customer",
            kind=PublicationKind.API,
            folder=str(folder),
            endpoint=function(kind=EndpointKind.QUERY, sql=f"select {content}"),
        )

    def data(self, content: int) -> None:
        return None

    def test_where_it_lies(self, folders, lake: str) -> None:  # type: ignore[no-untyped-def]
        what = self.committed(self.staged(folders, 5), lake, 3, "run-8/score")
        assert what.location == f"{lake}/apis/sales.by_customer/3/query.sql"
        assert Path(what.location).read_text() == "select 5"
