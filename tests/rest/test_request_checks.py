"""Values in the query and the body of a request have types and ranges."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from jupyter_etl.language.commands.schedule import ScheduleRequest
from rest.example import reached

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("retries", "a whole number from 0 to 1,000"),
        ("priority", "a whole number from -100 to 100"),
        ("timeout_s", "from 0.001 s to 3,162,240,000 s"),
        ("memory_bytes", "a whole number from 64 MB to 1000000 TB"),
    ],
)
async def test_numbers_of_a_deployment_have_ranges(ask, server, field: str, allowed: str) -> None:
    for number in (
        "1e12",
        "1e308",
        "1e400",
        "9" * 10_000,
        "-1e9",
        str(2**63),
        "true",
        '"3"',
        "[1]",
    ):
        raw = f'{{"notebook": "delays.ipynb", "{field}": {number}}}'
        answer = await ask("/pipelines", "POST", body=raw, headers=JSON)
        assert answer.status == 400, number[:20]
        assert answer.error["field"] == field
        assert allowed in f"{answer.error['message']} {answer.error['hint']}", number[:20]
    assert not reached(server)


async def test_a_time_limit_is_text_or_seconds(ask) -> None:
    for body, seconds in (
        ({"timeout": "1h30m"}, 5400),
        ({"timeout": "90"}, 90),
        ({"timeout": " "}, None),
        ({"timeout_s": 90}, 90),
    ):
        assert ScheduleRequest(notebook="n", **body).timeout_s == seconds, body
    for body in ({"timeout": "soon"}, {"timeout": "0s"}, {"timeout": "1h", "timeout_s": 3600}):
        for path in ("/pipelines", "/schedule/lines"):
            answer = await ask(path, "POST", body={"notebook": "delays.ipynb", **body})
            assert (answer.status, answer.error["field"]) == (400, "timeout"), body


@pytest.mark.parametrize("number", ["-1", "1e3", "9" * 10_000, str(2**63), "²", "NaN", "true"])
async def test_numbers_of_a_query_have_ranges(ask, number: str) -> None:
    for path, field in (
        ("/runs?limit=", "limit"),
        ("/runs?offset=", "offset"),
        ("/pipelines?limit=", "limit"),
        ("/sources/trips/preview?limit=", "limit"),
        ("/publications/flights.daily/preview?version=", "version"),
        ("/publications/flights.daily/preview?held=", "held"),
        ("/publications/flights.daily/diff?before=", "before"),
        ("/publications/flights.daily/lineage?depth=", "depth"),
    ):
        answer = await ask(path + quote(number))
        assert (answer.status, answer.error["field"]) == (400, field), path
        assert f"{field} is " in answer.error["message"]


async def test_bodies_are_checked(ask, server) -> None:
    good = {"notebook": "delays.ipynb"}
    for body, said in (
        ({}, "missing required field `notebook`"),
        ({**good, "nope": 1}, "unknown field `nope`"),
        ({**good, "retries": "3"}, "Expected `int | null`, got `str` - at `$.retries`"),
        ({**good, "retries": -1}, "retries is -1; it must be a whole number from 0 to 1,000."),
        ({**good, "timeout_s": 0}, "timeout_s is 0.0 s; it must be from 0.001 s to"),
        ({**good, "after": "x"}, "Expected `array`"),
        ({**good, "parameters": [1]}, "Expected `object`"),
    ):
        answer = await ask("/pipelines", "POST", body=body)
        assert answer.status == 400, body
        assert said in answer.error["message"]
    json_type = {"Content-Type": "application/json; charset=utf-8"}
    for text in ("[]", "{", "nul", '"x"', '{"notebook": NaN}', "\xff", "[" * 100_000):
        answer = await ask("/pipelines", "POST", body=text, headers=json_type)
        assert answer.status == 400, text[:20]
        assert answer.error["type"] == "DeclarationError"
    huge = json.dumps({**good, "when": "x" * 2_000_000})
    assert (await ask("/pipelines", "POST", body=huge, headers=json_type)).status == 400
    for path in ("/pipelines/delays/pause", "/runs/1/cancel", "/runs/1/retry"):
        assert (await ask(path, "POST", body={"force": True})).status == 400
    assert not reached(server)


async def test_arguments_are_checked(ask, server) -> None:
    for path in (
        "/runs?limit=0",
        "/runs?limit=1001",
        "/runs?limit=x",
        "/runs?offset=-1",
        "/runs?state=odd",
        "/sources/trips/preview?limit=1e3",
        "/publications/sales.daily/preview?draft=maybe",
        "/publications/sales.daily/preview?version=-1",
    ):
        answer = await ask(path)
        assert answer.status == 400, path
        assert "must be" in answer.error["message"]
    assert not reached(server)
