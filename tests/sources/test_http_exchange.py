from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pyarrow as pa
import pytest

from contracts.connector_contract import no_access
from fakes.http_api import Api, ReceivedRequest, Reply, api_server, json_reply
from jupyter_etl.errors import DeclarationError, EtlError, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import ReadRequest
from jupyter_etl.sources.http.connector import HttpConnector
from jupyter_etl.sources.http.exchange import TRIES

SECRET = "s3cr3t/&canary"
ROWS = [{"id": 1}, {"id": 2}]


@pytest.fixture
def other() -> Iterator[Api]:
    with api_server() as running:
        yield running


def source_of(api: Api, path: str = "/rates", **options: str) -> Source:
    return Source(name="rates", kind="http", location=api.url + path, options=options)


def keyed(api: Api, path: str = "/rates", **options: str) -> Source:
    return replace(source_of(api, path, **options), secrets=("rates_key",))


def read(source: Source, waits: list[float] | None = None, secret: str = SECRET) -> pa.Table:
    waited = [] if waits is None else waits
    access = replace(no_access(), secret=lambda name: secret)
    return HttpConnector(wait=waited.append).read(source, ReadRequest(), access).batches.read_all()


def refusal(source: Source, waits: list[float] | None = None, secret: str = SECRET) -> EtlError:
    with pytest.raises(EtlError) as caught:
        read(source, waits, secret)
    return caught.value


@pytest.mark.parametrize(
    ("options", "user", "name", "value"),
    [
        ({}, "", "authorization", f"Bearer {SECRET}"),
        ({"auth": "bearer"}, "", "authorization", f"Bearer {SECRET}"),
        ({"auth": "header:X-Api-Key"}, "", "x-api-key", SECRET),
        (
            {},
            "sam@",
            "authorization",
            "Basic " + base64.b64encode(f"sam:{SECRET}".encode()).decode(),
        ),
        (
            {"auth": "basic"},
            "",
            "authorization",
            "Basic " + base64.b64encode(SECRET.encode()).decode(),
        ),
    ],
)
def test_the_secret_is_sent_as_declared(
    api: Api, options: dict[str, str], user: str, name: str, value: str
) -> None:
    api.answer = lambda asked: json_reply(ROWS)
    source = keyed(api, **options)
    source = replace(source, location=source.location.replace("http://", f"http://{user}"))
    read(source, secret=SECRET + "\n")
    assert api.asked[0].headers[name] == value


def test_a_secret_in_the_query_stays_out_of_logs_and_messages(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.answer = lambda asked: (
        json_reply(ROWS) if asked.query.get("key") == SECRET else Reply(status=401)
    )
    assert read(keyed(api, auth="query:key")).num_rows == 2
    problem = refusal(keyed(api, auth="query:other"))
    said = caplog.text + str(problem) + repr(problem.data)
    assert "canary" not in said
    assert "query:other" in problem.hint
    assert not problem.retryable


def test_without_a_secret_a_401_asks_for_one(api: Api) -> None:
    api.answer = lambda asked: Reply(status=401)
    assert "--secret" in refusal(source_of(api)).hint


@pytest.mark.parametrize(
    ("options", "secrets", "secret"),
    [
        ({"auth": "digest"}, ("k",), SECRET),
        ({"auth": "header"}, ("k",), SECRET),
        ({"auth": "bearer"}, (), SECRET),
        ({}, ("k",), "two\nlines-canary"),
        ({"pages": "many"}, (), ""),
        ({"page": "page", "offset": "offset"}, (), ""),
        ({"page": "page", "next": "next"}, (), ""),
        ({"timeout": "soon"}, (), ""),
        ({"size": "big"}, (), ""),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    api: Api, options: dict[str, str], secrets: tuple[str, ...], secret: str
) -> None:
    source = replace(source_of(api, **options), secrets=secrets)
    problem = refusal(source, secret=secret)
    assert isinstance(problem, DeclarationError)
    assert "canary" not in str(problem)
    assert not api.asked


def test_a_redirect_to_another_host_does_not_take_the_secret_along(api: Api, other: Api) -> None:
    api.answer = lambda asked: Reply(status=302, headers={"Location": f"{other.url}/elsewhere"})
    other.answer = lambda asked: json_reply(ROWS)
    for options in ({}, {"auth": "header:X-Api-Key"}, {"auth": "query:key"}):
        read(keyed(api, **options))
    for asked in other.asked:
        assert "authorization" not in asked.headers
        assert "x-api-key" not in asked.headers
        assert not asked.query
    assert len(other.asked) == 3


def test_a_redirect_on_the_same_host_keeps_it(api: Api) -> None:
    api.answer = lambda asked: (
        json_reply(ROWS)
        if asked.path == "/new"
        else Reply(status=301, headers={"Location": "/new"})
    )
    read(keyed(api))
    assert api.asked[1].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_a_redirect_to_what_is_no_http_is_refused(api: Api, target: str) -> None:
    api.answer = lambda asked: Reply(status=302, headers={"Location": target})
    problem = refusal(source_of(api))
    assert "not http or https" in problem.message
    assert not problem.retryable


def test_redirects_in_a_circle_end(api: Api) -> None:
    api.answer = lambda asked: Reply(status=302, headers={"Location": asked.path})
    assert "circle" in refusal(source_of(api)).message


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_error_that_passes_is_tried_again(api: Api, status: int) -> None:
    answers = iter([Reply(status=status), Reply(status=status), json_reply(ROWS)])
    api.answer = lambda asked: next(answers)
    waits: list[float] = []
    assert read(source_of(api), waits).num_rows == 2
    assert len(waits) == 2
    assert all(0 < wait <= 2.0**TRIES for wait in waits)


def test_an_error_that_stays_ends_after_some_tries(api: Api) -> None:
    api.answer = lambda asked: Reply(status=503)
    problem = refusal(source_of(api))
    assert len(api.asked) == TRIES
    assert problem.retryable
    assert problem.data == {"host": "127.0.0.1", "status": 503}
    assert "127.0.0.1/rates answered 503 Service Unavailable" in problem.message


@pytest.mark.parametrize("status", [400, 403, 404, 410, 501])
def test_an_error_that_does_not_pass_is_not_tried_again(api: Api, status: int) -> None:
    api.answer = lambda asked: Reply(status=status)
    problem = refusal(source_of(api))
    assert len(api.asked) == 1
    assert not problem.retryable
    assert problem.data["status"] == status


def test_retry_after_is_kept(api: Api) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    answers = iter(
        [
            Reply(status=429, headers={"Retry-After": "7"}),
            Reply(status=503, headers={"Retry-After": later}),
            json_reply(ROWS),
        ]
    )
    api.answer = lambda asked: next(answers)
    waits: list[float] = []
    read(source_of(api), waits)
    assert waits[0] == 7.0
    assert 20 < waits[1] <= 40


def test_a_long_retry_after_is_left_to_the_scheduler(api: Api) -> None:
    api.answer = lambda asked: Reply(status=429, headers={"Retry-After": "3600"})
    waits: list[float] = []
    problem = refusal(source_of(api), waits)
    assert not waits
    assert problem.retryable
    assert problem.data["retry_after_s"] == 3600.0
    assert "3600 s" in problem.message


def test_an_answer_that_breaks_off_is_fetched_again_whole(api: Api) -> None:
    answers = iter([replace(json_reply(ROWS), cut=5), json_reply(ROWS)])
    api.answer = lambda asked: next(answers)
    assert read(source_of(api)).to_pylist() == ROWS


def test_an_answer_that_always_breaks_off_is_an_error(api: Api) -> None:
    api.answer = lambda asked: replace(json_reply(ROWS), cut=5)
    problem = refusal(source_of(api))
    assert "closed the connection" in problem.message
    assert problem.retryable


def test_no_reader() -> None:
    with api_server() as gone:
        source = source_of(gone)
    waits: list[float] = []
    problem = refusal(source, waits)
    assert isinstance(problem, SourceError)
    assert "127.0.0.1 cannot be reached" in problem.message
    assert problem.retryable
    assert len(waits) == TRIES - 1


def test_a_timeout_is_reported(api: Api) -> None:
    import threading

    ended = threading.Event()

    def answer(asked: ReceivedRequest) -> Reply:
        ended.wait(10)
        return json_reply(ROWS)

    api.answer = answer
    try:
        problem = refusal(source_of(api, timeout="0.05s"))
    finally:
        ended.set()
    assert "sent nothing for 0.05 s" in problem.message
    assert "timeout=" in problem.hint
    assert problem.retryable


def test_more_bytes_than_allowed_are_an_error_and_never_cut(api: Api) -> None:
    import gzip

    packed = gzip.compress(b"[" + b" " * 1_000_000 + b"]")
    api.answer = lambda asked: Reply(
        body=packed, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}
    )
    problem = refusal(source_of(api, size="100kB"))
    assert "larger than 100 kB" in problem.message
    assert "size=" in problem.hint
    assert not problem.retryable
    assert len(packed) < 100_000
