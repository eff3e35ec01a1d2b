"""Calls: bodies in, answers out, with the status and the JSON path of what is wrong."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from fakes.served_functions import called, loaded
from jupyter_etl.serving.functions.answers import JSON
from jupyter_etl.serving.functions.decoding import ARROW, MAX_BODY_BYTES

ACCEPTED = [
    ("x: int", 3, "3"),
    ("x: int", 10**30, str(10**30)),
    ("x: float", 3, "3.0"),
    ("x: bool", True, "True"),
    ("x: str", "ä\u2028", "'ä\\u2028'"),
    ("x: bytes", "AAE=", "b'\\x00\\x01'"),
    ("x: date", "2026-01-02", "datetime.date(2026, 1, 2)"),
    ("x: Decimal", "0.10", "Decimal('0.10')"),
    ("x: Decimal", 3, "Decimal('3')"),
    ("x: UUID", "12345678-1234-5678-1234-567812345678",
     "UUID('12345678-1234-5678-1234-567812345678')"),
    ("x: Literal['a', 1]", 1, "1"),
    ("x: Optional[int]", None, "None"),
    ("x: int | str", "a", "'a'"),
    ("x: list[int]", [1, 2], "[1, 2]"),
    ("x: tuple[int, str]", [1, "a"], "(1, 'a')"),
    ("x: dict[int, float]", {"1": 2}, "{1: 2.0}"),
    ("x: Any", {"a": [None]}, "{'a': [None]}"),
    ("x: Pair", [1], "Pair(a=1, b=2.0)"),
    ("x: Row", {"x": 1}, "{'x': 1}"),
    ("x: Row", {"x": 1, "y": "b"}, "{'x': 1, 'y': 'b'}"),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "given", "received"), ACCEPTED)
def test_the_function_receives_the_annotated_type(
    parameter: str, given: Any, received: str
) -> None:
    source = f"def score({parameter}): return repr(x)"
    assert called(source, {"x": given}) == (200, {"result": received})


def test_dataclasses_and_datetimes_are_objects_of_the_notebooks_classes() -> None:
    source = """
def score(leg: Leg) -> dict[str, Any]:
    assert type(leg) is Leg and type(leg.kids[0]) is Leg
    return {"at": leg.at, "offset": leg.at.utcoffset().total_seconds(), "leg": leg.kids[0]}
"""
    kid = {"airport": "JFK", "at": "2026-01-01T00:00:00Z", "kids": []}
    body = {"leg": {"airport": "LGA", "at": "2026-01-01T00:00:00+01:00", "kids": [kid]}}
    result = {"at": "2026-01-01T00:00:00+01:00", "offset": 3600.0, "leg": kid}
    assert called(source, body) == (200, {"result": result})


def test_defaults_are_the_functions_own_and_parameters_may_be_of_any_kind() -> None:
    source = "def score(a: int, /, b: int = 2, *, c: list = [3], d: float = None): return [a,b,c,d]"
    assert called(source, {"a": 1}) == (200, {"result": [1, 2, [3], None]})
    assert called(source, {"c": [], "a": 1, "d": 4}) == (200, {"result": [1, 2, [], 4.0]})


INVALID = [
    ("x: int", {"x": "1"}, "$.x"),
    ("x: int", {"x": True}, "$.x"),
    ("x: int", {"x": 1.5}, "$.x"),
    ("x: int", {"x": None}, "$.x"),
    ("x: int", {}, "$.x"),
    ("x: int", {"x": 1, "z": 1}, "$.z"),
    ("x: int", [1], "$"),
    ("x: int", None, "$"),
    ("x: float", {"x": 10**400}, "$.x"),
    ("x: bytes", {"x": "@"}, "$.x"),
    ("x: date", {"x": "2026-02-30"}, "$.x"),
    ("x: datetime", {"x": "2026-01-01T00:00:00"}, "$.x"),
    ("x: list[datetime]", {"x": ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00"]}, "$.x[1]"),
    ("x: dict[str, datetime]", {"x": {"a": "2026-01-01T00:00:00"}}, "$.x[...]"),
    ("x: Decimal", {"x": "NaN"}, "$.x"),
    ("x: Decimal", {"x": "Infinity"}, "$.x"),
    ("x: Decimal", {"x": "1_0"}, "$.x"),
    ("x: UUID", {"x": "12"}, "$.x"),
    ("x: Literal['a']", {"x": "b"}, "$.x"),
    ("x: list[int]", {"x": [1, "2"]}, "$.x[1]"),
    ("x: Leg", {"x": {"airport": "JFK"}}, "$.x.at"),
    ("x: Leg", {"x": {"airport": "JFK", "at": "2026-01-01T00:00:00Z", "b": 1}}, "$.x.b"),
    ("x: Leg", {"x": {"airport": "JFK", "at": "2026-01-01T00:00:00"}}, "$.x.at"),
    ("x: Leg", {"x": {"airport": "XXX", "at": "2026-01-01T00:00:00Z"}}, "$.x"),
    ("x: Leg", {"x": {"airport": "JFK", "at": "2026-01-01T00:00:00Z",
                      "kids": [{"airport": 1}]}}, "$.x.kids[0].airport"),
    ("x: Row", {"x": {"x": 1, "z": 2}}, "$.x.z"),
    ("x: pd.DataFrame", {"x": {"a": 1}}, "$.x"),
    ("x: pd.DataFrame", {"x": [{"a": 1}, 2]}, "$.x[1]"),
    ("x: Annotated[float, msgspec.Meta(ge=0)]", {"x": -1}, "$.x"),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "body", "path"), INVALID)
def test_an_invalid_request_is_422_with_the_path(parameter: str, body: Any, path: str) -> None:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, answer = called(f"def score({parameter}): ...", text)
    error = answer["error"]
    assert (status, error["kind"]) == (422, "InvalidRequest")
    assert [one["path"] for one in error["fields"]] == [path]
    assert error["fields"][0]["message"] in error["message"]
    assert "`" not in error["message"]
    assert error["message"].endswith(".")


NOT_JSON = [
    (b"", "expecting value"),
    (b"{", "line 1 column 2"),
    (b'{"x": 1', "line 1"),
    (b'{"x": 1} 2', "extra data"),
    (b"{'x': 1}", "line 1"),
    (b'{"x": NaN}', "JSON has no NaN"),
    (b'{"x": Infinity}', "JSON has no Infinity"),
    (b'{"x": -Infinity}', "JSON has no Infinity"),
    (b'{"x": 1e400}', "1e400 is out of range"),
    (b'{"x": -1e400}', "-1e400 is out of range"),
    (b'{"y": [{"z": 1e999}], "x": "wrong"}', "1e999 is out of range"),
    (b'{"x": 1, "x": 2}', "'x' is given twice"),
    (b'{"x": {"a": 1, "\\u0061": 2}}', "'a' is given twice"),
    (b'{"x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "nested too deeply"),
    (b'{"x": ' + b'{"a":' * 20_000, "nested too deeply"),
    (b"\xff\xfe", "not UTF-8"),
    ('{"x": 1}'.encode("utf-16"), "not UTF-8"),
    (b'\xef\xbb\xbf{"x": 1}', "BOM"),
    (b'{"x": "\\ud800"}', ""),
    (b'{"x": ' + b"1" * 5000 + b"}", "digits"),
    (b'{"x": "a\nb"}', "control character"),
]


@pytest.mark.parametrize(("body", "reason"), NOT_JSON)
@pytest.mark.parametrize("annotation", ["Any", "float", "Decimal"])
def test_a_body_that_is_not_json_is_400(body: bytes, reason: str, annotation: str) -> None:
    status, answer = called(f"def score(x: {annotation}): ...", body)
    assert (status, answer["error"]["kind"]) == (400, "InvalidJson")
    assert reason in answer["error"]["message"]
    assert answer["error"]["hint"]


def test_a_large_body_is_413_and_another_content_type_415() -> None:
    source = "def score(x: Any): return 1"
    body = b'{"x": "' + b"a" * MAX_BODY_BYTES + b'"}'
    assert called(source, body)[0] == 413
    assert called(source, {"x": 1}, "text/plain")[0] == 415
    assert called(source, {"x": 1}, "application/x-www-form-urlencoded")[0] == 415
    assert called(source, b"", ARROW)[0] == 415
    for kind in ("", "application/json; charset=utf-8", "APPLICATION/JSON", "application/a+json"):
        assert called(source, {"x": 1}, kind)[0] == 200


def test_a_frame_is_given_as_records_or_as_arrow() -> None:
    source = """
def score(frame: pd.DataFrame, factor: float = 2) -> list[float]:
    return (frame["a"] * factor).tolist()
"""
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    assert called(source, {"frame": frame.to_dict("records"), "factor": 3})[1] == {
        "result": [3.0, 6.0]
    }
    assert called(source, arrow(frame), ARROW) == (200, {"result": [2.0, 4.0]})
    assert called(source, b"no stream", ARROW)[0] == 400
    assert called(source, arrow(frame)[:-200], ARROW)[0] == 400
    status, answer = called("def score(frame: pd.DataFrame, n: int): ...", arrow(frame), ARROW)
    assert (status, answer["error"]["fields"][0]["path"]) == (422, "$.n")
    assert called("def score(frame: pd.DataFrame = None): return 1", {"frame": None})[0] == 200


def arrow(frame: pd.DataFrame) -> bytes:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


BATCH = "def score(x: float, at: date = date(2026, 1, 1)): return [1 / x, at]"


def batch(source: str, body: bytes, content_type: str = JSON) -> tuple[int, Any]:
    answer = loaded(source).batch(body, content_type)
    return answer.status, json.loads(answer.body)


def test_a_batch_answers_in_order() -> None:
    two = {"result": [[1.0, "2026-01-01"], [0.5, "2026-01-02"]]}
    body = b'[{"x": 1}, {"x": 2, "at": "2026-01-02"}]'
    assert batch(BATCH, body) == (200, two)
    frame = pd.DataFrame({"x": [1.0, 2.0], "at": [None, pd.Timestamp("2026-01-02").date()]})
    assert batch(BATCH, arrow(frame), ARROW) == (200, two)
    assert batch(BATCH, b"[]") == (200, {"result": []})


BAD_BATCHES = [
    (b'{"x": 1}', 422, "$"),
    (b"[1]", 422, "$[0]"),
    (b'[{"x": 1}, {"x": "a"}]', 422, "$[1].x"),
    (b'[{"x": 1}, {"x": 1, "y": 2}]', 422, "$[1].y"),
    (b'[{"x": 1}, {}]', 422, "$[1].x"),
    (b'[{"x": 1}, {"x": 0}]', 500, "$[1]"),
]


@pytest.mark.parametrize(("body", "status", "path"), BAD_BATCHES)
def test_one_bad_request_fails_a_batch_with_its_index(body: bytes, status: int, path: str) -> None:
    got, answer = batch(BATCH, body)
    assert (got, answer["error"]["fields"][0]["path"]) == (status, path)


def test_a_batch_ends_at_no_exception_of_the_function() -> None:
    status, answer = batch("def score(x: int): return next(iter([1] * x))", b'[{"x":1},{"x":0}]')
    assert (status, answer["error"]["fields"][0]["path"]) == (500, "$[1]")


def test_a_batch_of_rows_names_the_row_and_the_column() -> None:
    frame = pd.DataFrame({"x": [1.0, float("nan")], "z": [1, 2]})
    status, answer = batch(BATCH, arrow(frame), ARROW)
    assert (status, answer["error"]["fields"][0]["path"]) == (422, "$[0].z")
    table = pa.table({"x": pa.array([1.0, float("nan")])})
    status, answer = batch(BATCH, arrow_of(table), ARROW)
    assert (status, answer["error"]["fields"][0]["path"]) == (422, "$[1].x")
    assert batch("def score(frame: pd.DataFrame): ...", arrow(frame), ARROW)[0] == 415


def arrow_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def test_coroutine_functions_are_awaited() -> None:
    source = """
async def score(x: float) -> float:
    await asyncio.sleep(0)
    return 1 / x
"""
    function = loaded(source)
    assert function.is_async
    assert function.call(b'{"x": 2}', JSON).body == b'{"result":0.5}'
    assert function.batch(b'[{"x": 2}, {"x": 1}]', JSON).body == b'{"result":[0.5,1.0]}'
    assert function.batch(b'[{"x": 2}, {"x": 0}]', JSON).status == 500

    async def several() -> list[int]:
        bodies = [b'{"x": 2}', b'{"x": 0}', b'{"x": "a"}', b"no"]
        answers = await asyncio.gather(*(function.call_async(one, JSON) for one in bodies))
        return [one.status for one in answers]

    assert asyncio.run(several()) == [200, 500, 422, 400]
