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

ALL = [{"id": n} for n in range(7)]
SIZE = 3


def read(api: Api, query: str = "", limit: int | None = None, **options: str) -> pa.Table:
    source = Source(name="r", kind="http", location=f"{api.url}/r{query}", options=options)
    request = ReadRequest(limit=limit)
    return HttpConnector(wait=lambda _: None).read(source, request, no_access()).batches.read_all()


def refusal(api: Api, query: str = "", **options: str) -> EtlError:
    with pytest.raises(EtlError) as caught:
        read(api, query, **options)
    return caught.value


def rows_from(start: int) -> list[dict[str, int]]:
    return ALL[start : start + SIZE]


def replies_by_cursor(
    name: str, parameter: str, holder: str = ""
) -> Callable[[ReceivedRequest], Reply]:
    """Answer with the number of the next record as the cursor; null at the end."""

    def answer(asked: ReceivedRequest) -> Reply:
        start = int(asked.query.get(parameter, "0"))
        after = str(start + SIZE) if start + SIZE < len(ALL) else None
        reported = {name: after} if not holder else {holder: {name: after}}
        return json_reply({"data": rows_from(start), **reported})

    return answer


@pytest.mark.parametrize(("query", "first"), [("", 1), ("?page=1", 1), ("?page=0", 0)])
def test_pages_are_counted(api: Api, query: str, first: int) -> None:
    api.answer = lambda asked: json_reply(rows_from((int(asked.query["page"]) - first) * SIZE))
    assert read(api, query, page="page").to_pylist() == ALL
    assert [asked.query["page"] for asked in api.asked] == [str(first + n) for n in range(4)]


def test_records_are_counted(api: Api) -> None:
    api.answer = lambda asked: json_reply(rows_from(int(asked.query.get("skip", "0"))))
    assert read(api, "?take=3", offset="skip").to_pylist() == ALL
    assert [asked.query.get("skip") for asked in api.asked] == [None, "3", "6", "7"]
    assert {asked.query["take"] for asked in api.asked} == {"3"}


@pytest.mark.parametrize("options", [{"next": "meta.after"}, {}])
def test_a_cursor_is_handed_back(api: Api, options: dict[str, str]) -> None:
    holder, name = ("meta", "after") if options else ("paging", "next_cursor")
    api.answer = replies_by_cursor(name, "c", holder)
    assert read(api, path="data", cursor="c", **options).to_pylist() == ALL


@pytest.mark.parametrize(
    ("name", "parameter", "holder"),
    [
        ("next_cursor", "cursor", ""),
        ("nextPageToken", "pageToken", ""),
        ("next_page_token", "page_token", "meta"),
    ],
)
def test_a_usual_cursor_is_found(api: Api, name: str, parameter: str, holder: str) -> None:
    api.answer = replies_by_cursor(name, parameter, holder)
    assert read(api, path="data").to_pylist() == ALL


@pytest.mark.parametrize("where", ["next", "@odata.nextLink", "links.next", "_links.next.href"])
@pytest.mark.parametrize("absolute", [True, False])
def test_a_url_in_the_answer_is_followed(api: Api, where: str, absolute: bool) -> None:
    def answer(asked: ReceivedRequest) -> Reply:
        start = int(asked.query.get("from", "0"))
        following = f"{api.url if absolute else ''}/r?from={start + SIZE}"
        document: dict[str, Any] = {"data": rows_from(start)}
        if start + SIZE < len(ALL):
            inner = document
            *outer, last = [where] if where.startswith("@") else where.split(".")
            for step in outer:
                inner = inner.setdefault(step, {})
            inner[last] = following
        return json_reply(document)

    api.answer = answer
    assert read(api, path="data").to_pylist() == ALL
    if not where.startswith("@"):
        assert read(api, path="data", next=where).to_pylist() == ALL


def test_the_link_header_is_followed(api: Api) -> None:
    def answer(asked: ReceivedRequest) -> Reply:
        start = int(asked.query.get("from", "0"))
        links = f'<{api.url}/r?from={start + SIZE}&x=a%2Cb>; rel="next", </r>; rel="first"'
        more = start + SIZE < len(ALL)
        return json_reply(rows_from(start), **({"Link": links} if more else {}))

    api.answer = answer
    assert read(api).to_pylist() == ALL
    assert api.asked[-1].query == {"from": "6", "x": "a,b"}


def test_pages_of_csv_by_the_link_header_are_one_table(api: Api) -> None:
    def answer(asked: ReceivedRequest) -> Reply:
        first = "page" not in asked.query
        links = {"Link": '</r?page=2>; rel="next"'} if first else {}
        body = b"id,name\n1,a\n" if first else b"id,name,x\n2,b,1.5\n"
        return Reply(body=body, headers={"Content-Type": "text/csv", **links})

    api.answer = answer
    assert read(api).to_pylist() == [
        {"id": 1, "name": "a", "x": None},
        {"id": 2, "name": "b", "x": 1.5},
    ]
    assert "Link header" in refusal(api, page="page").hint


def test_a_limit_fetches_no_page_more_than_it_takes(api: Api) -> None:
    api.answer = replies_by_cursor("next_cursor", "cursor")
    assert read(api, path="data", limit=4).to_pylist() == ALL[:4]
    assert len(api.asked) == 2


@pytest.mark.parametrize(
    "reported",
    [
        {"has_more": True},
        {"meta": {"hasNextPage": True}},
        {"page": 1, "total_pages": 3},
        {"next": "abc"},
        {"paging": {"next": 2}},
    ],
)
def test_an_answer_with_more_behind_it_is_never_taken_for_all(
    api: Api, reported: dict[str, object]
) -> None:
    api.answer = lambda asked: json_reply({"data": ALL, **reported})
    problem = refusal(api, path="data")
    assert "more pages" in problem.message
    assert "page=page" in problem.hint
    assert not problem.retryable
    assert read(api, path="data", next="none").num_rows == 7


@pytest.mark.parametrize(
    "reported",
    [
        {"has_more": False},
        {"page": 3, "total_pages": 3},
        {"next": None, "next_cursor": ""},
        {"links": []},
    ],
)
def test_an_answer_that_shows_it_is_the_last_is_all(api: Api, reported: dict[str, object]) -> None:
    api.answer = lambda asked: json_reply({"data": ALL, **reported})
    assert read(api, path="data").num_rows == 7


@pytest.mark.parametrize("options", [{"page": "p"}, {"offset": "o"}, {"cursor": "c"}])
def test_a_parameter_that_the_server_does_not_know_is_noticed(
    api: Api, options: dict[str, str]
) -> None:
    api.answer = lambda asked: json_reply({"data": ALL, "next_cursor": "x"})
    problem = refusal(api, path="data", **options)
    assert "repeats an earlier page" in problem.message
    assert not problem.retryable


def test_more_pages_than_allowed_are_an_error(api: Api) -> None:
    api.answer = lambda asked: json_reply([{"id": int(asked.query["page"])}])
    problem = refusal(api, page="page", pages="5")
    assert "more than 5 pages" in problem.message
    assert "pages=" in problem.hint
    assert len(api.asked) == 5
    assert not problem.retryable


def test_a_next_page_that_is_no_http(api: Api) -> None:
    api.answer = lambda asked: json_reply([], Link='<file:///etc/passwd>; rel="next"')
    assert "not an http or https URL" in refusal(api).message
