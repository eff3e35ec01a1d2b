"""A paginated API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from contracts.connector_contract import no_access
from fakes.http_api import Api, ReceivedRequest, Reply, json_reply
from jupyter_etl.errors import EtlError
from jupyter_etl.model import Source
from jupyter_etl.ports import ReadRequest
from jupyter_etl.sources.http.connector import HttpConnector

ALL = [{"id": n, "next": "x", "has_more": True, "total": 99} for n in range(7)]
"""Names in records are never treated as signs of further pages."""

SIZE = 3
COUNT = len(ALL)


def read(api: Api, query: str = "", **options: str) -> pa.Table:
    source = Source(
        name="r", kind="http", location=f"{api.url}/r{query}", options={"path": "rows", **options}
    )
    connector = HttpConnector(wait=lambda _: None)
    return connector.read(source, ReadRequest(), no_access()).batches.read_all()


def refusal(api: Api, query: str = "", **options: str) -> EtlError:
    with pytest.raises(EtlError) as caught:
        read(api, query, **options)
    return caught.value


Envelope = Callable[[int, bool], dict[str, Any]]
"""Makes a response from the number of the first record and whether there are more."""


def served(api: Api, parameter: str, envelope: Envelope, *, by: str = "offset") -> None:
    """Serve pages as requested by ``parameter``.

    Args:
        by: ``offset`` (the parameter is a record's number), ``page`` (from 1) or ``page0``.
    """

    def answer(asked: ReceivedRequest) -> Reply:
        text = asked.query.get(parameter, "")
        number = int(text.removeprefix("c")) if text else (1 if by == "page" else 0)
        start = {"offset": number, "page": (number - 1) * SIZE, "page0": number * SIZE}[by]
        rows = ALL[start : start + SIZE]
        return json_reply({"rows": rows, **envelope(start, start + SIZE < COUNT)})

    api.answer = answer


def nested(path: str, value: object) -> dict[str, Any]:
    *outer, last = path.split("/")
    made: dict[str, Any] = {last: value}
    for step in reversed(outer):
        made = {step: made}
    return made
