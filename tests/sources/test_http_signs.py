"""Envelopes of APIs: all rows, or a refusal that names the option."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from contracts.connector_contract import no_access
from fakes.http_api import Api, Asked, Said, api_server, said_json
from jupyter_etl.errors import EtlError, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import ReadRequest
from jupyter_etl.sources.http.connector import HttpConnector

ALL = [{"id": n, "next": "x", "has_more": True, "total": 99} for n in range(7)]
"""Names in records are never treated as signs."""

SIZE = 3
COUNT = len(ALL)


@pytest.fixture(scope="module")
def server() -> Iterator[Api]:
    with api_server() as running:
        yield running


@pytest.fixture
def api(server: Api) -> Api:
    server.asked.clear()
    return server


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
"""Makes an answer from the number of the first record and whether there are more."""


def served(api: Api, parameter: str, envelope: Envelope, *, by: str = "offset") -> None:
    """Answer page after page as ``parameter`` asks.

    Args:
        by: ``offset`` (the parameter is a record's number), ``page`` (from 1) or ``page0``.
    """

    def answer(asked: Asked) -> Said:
        text = asked.query.get(parameter, "")
        number = int(text.removeprefix("c")) if text else (1 if by == "page" else 0)
        start = {"offset": number, "page": (number - 1) * SIZE, "page0": number * SIZE}[by]
        rows = ALL[start : start + SIZE]
        return said_json({"rows": rows, **envelope(start, start + SIZE < COUNT)})

    api.answer = answer


def nested(path: str, value: object) -> dict[str, Any]:
    *outer, last = path.split("/")
    made: dict[str, Any] = {last: value}
    for step in reversed(outer):
        made = {step: made}
    return made


URLS = [
    "next",
    "next_page",
    "nextPage",
    "Next",
    "next_url",
    "nextUrl",
    "next_page_url",
    "nextPageLink",
    "nextLink",
    "@odata.nextLink",
    "odata.nextLink",
    "NextLink",
    "nextRecordsUrl",
    "next_href",
    "links/next",
    "links/next/href",
    "_links/next/href",
    "_links/next",
    "paging/next",
    "paging/next/link",
    "meta/next",
    "meta/paging/next",
    "pagination/next_url",
    "pagination/links/next",
    "response/meta/page_info/next_uri",
    "next_page/uri",
]


@pytest.mark.parametrize("place", URLS)
@pytest.mark.parametrize("form", ["{url}/r?from={start}", "/r?from={start}", "?from={start}"])
def test_a_link_at_any_place_is_followed(api: Api, place: str, form: str) -> None:
    served(
        api,
        "from",
        lambda start, more: nested(
            place, form.format(url=api.url, start=start + SIZE) if more else None
        ),
    )
    assert read(api).num_rows == COUNT
    dotted = place.replace("/", ".")
    if "@" not in place and place != "odata.nextLink":
        assert read(api, next=dotted).num_rows == COUNT


@pytest.mark.parametrize(
    "link",
    [
        {"rel": "next", "href": "/r?from={start}"},
        {"relation": "next", "url": "/r?from={start}"},
        {"rel": ["next"], "href": "r?from={start}"},
        {"Rel": "NEXT", "Href": "?from={start}"},
    ],
)
@pytest.mark.parametrize("key", ["links", "link", "_links"])
def test_a_list_of_links_is_searched(api: Api, key: str, link: dict[str, Any]) -> None:
    def envelope(start: int, more: bool) -> dict[str, Any]:
        href = next(k for k in link if k.lower() in {"href", "url"})
        made = {**link, href: link[href].format(start=start + SIZE)}
        return {key: [{"rel": "self", "href": "/r"}, *([made] if more else [])]}

    served(api, "from", envelope)
    assert read(api).num_rows == COUNT


@pytest.mark.parametrize(
    "header",
    [
        '</r?from={start}>; rel="next"',
        "</r?from={start}>; rel=next",
        '</r?from={start}>; Rel="Next"',
        '</r>; rel="prev", </r?from={start}>; title="a, b"; rel="next last"',
    ],
)
def test_the_link_header_in_any_spelling(api: Api, header: str) -> None:
    def answer(asked: Asked) -> Said:
        start = int(asked.query.get("from", "0"))
        more = {"Link": header.format(start=start + SIZE)} if start + SIZE < COUNT else {}
        return said_json({"rows": ALL[start : start + SIZE]}, **more)

    api.answer = answer
    assert read(api).num_rows == COUNT


@pytest.mark.parametrize(
    ("parameter", "by", "envelope"),
    [
        # Slack, Notion, GCP, AWS, Airtable
        ("cursor", "offset", lambda s, m: {"response_metadata": {"next_cursor": f"c{s + SIZE}" if m else ""}}),
        ("cursor", "offset", lambda s, m: {"has_more": m, "next_cursor": f"c{s + SIZE}"}),
        ("pageToken", "offset", lambda s, m: {"nextPageToken": f"c{s + SIZE}"} if m else {}),
        ("page_token", "offset", lambda s, m: {"next_page_token": f"c{s + SIZE}" if m else None}),
        ("NextToken", "offset", lambda s, m: {"NextToken": f"c{s + SIZE}" if m else None}),
        ("marker", "offset", lambda s, m: {"IsTruncated": m, "NextMarker": f"c{s + SIZE}"}),
        ("offset", "offset", lambda s, m: {"offset": f"c{s + SIZE}"} if m else {}),
        ("cursor", "offset", lambda s, m: {"next_cursor": s + SIZE if m else 0}),
        # Numbers of the next page or record
        ("page", "page", lambda s, m: {"next_page": s // SIZE + 2 if m else None}),
        ("page", "page", lambda s, m: {"meta": {"nextPage": str(s // SIZE + 2) if m else ""}}),
        ("offset", "offset", lambda s, m: {"next_offset": s + SIZE if m else None}),
        ("start", "offset", lambda s, m: {"paging": {"nextStart": s + SIZE if m else None}}),
        # Jira, Solr, CKAN, skip and limit, 1-based SCIM
        ("startAt", "offset", lambda s, m: {"startAt": s, "maxResults": SIZE, "total": COUNT}),
        ("start", "offset", lambda s, m: {"response": {"numFound": COUNT, "start": s}}),
        ("offset", "offset", lambda s, m: {"meta": {"offset": s, "limit": SIZE, "total_count": COUNT}}),
        ("skip", "offset", lambda s, m: {"skip": s, "limit": SIZE, "total": COUNT}),
        ("startAt", "offset", lambda s, m: {"startAt": s, "isLast": not m}),
        # Laravel, Spring, Kaminari and other page counts
        ("page", "page", lambda s, m: {"current_page": s // SIZE + 1, "last_page": 3, "total": COUNT}),
        ("page", "page", lambda s, m: {"page": s // SIZE + 1, "pages": 3}),
        ("page", "page", lambda s, m: {"page": s // SIZE + 1, "per_page": SIZE, "total": COUNT}),
        ("page", "page", lambda s, m: {"meta": {"pagination": {"current_page": s // SIZE + 1, "total_pages": 3}}}),
        ("pageNumber", "page", lambda s, m: {"pageNumber": s // SIZE + 1, "totalPages": 3}),
        ("page", "page0", lambda s, m: {"page": {"number": s // SIZE, "totalPages": 3, "size": SIZE}}),
        ("page", "page0", lambda s, m: {"number": s // SIZE, "last": not m, "totalElements": COUNT}),
        ("page", "page", lambda s, m: {"page": s // SIZE + 1, "has_next": m}),
    ],
)  # fmt: skip
def test_a_way_that_the_answer_names_is_followed(
    api: Api, parameter: str, by: str, envelope: Envelope
) -> None:
    served(api, parameter, envelope, by=by)
    table = read(api)
    assert table["id"].to_pylist() == list(range(COUNT))


def test_records_that_are_counted_from_1(api: Api) -> None:
    def answer(asked: Asked) -> Said:
        start = int(asked.query.get("startIndex", "1"))
        rows = ALL[start - 1 : start - 1 + SIZE]
        return said_json({"rows": rows, "startIndex": start, "totalResults": COUNT})

    api.answer = answer
    assert read(api).num_rows == COUNT
    assert read(api, "?startIndex=1").num_rows == COUNT
    assert read(api, "?startIndex=4").num_rows == COUNT - 3


def test_headers_announce_pages(api: Api) -> None:
    def answer(asked: Asked) -> Said:
        page = int(asked.query.get("page", "1"))
        rows = ALL[(page - 1) * SIZE : page * SIZE]
        following = str(page + 1) if page < 3 else ""
        return said_json({"rows": rows}, X_Next_Page=following, X_Total=str(COUNT))

    api.answer = answer
    assert read(api).num_rows == COUNT


MORE: list[dict[str, Any]] = [
    {"done": False},
    {"has_more": True},
    {"hasMore": True},
    {"has-more": "true"},
    {"HasMore": 1},
    {"more": True},
    {"moreResultsAvailable": True},
    {"meta": {"hasNextPage": True}},
    {"pageInfo": {"hasNextPage": True, "endCursor": "x"}},
    {"data": {"orders": {"page_info": {"has_next_page": True}}}},
    {"has_next": True},
    {"isLast": False},
    {"last": False},
    {"last_page": False},
    {"endOfRecords": False},
    {"incomplete_results": True},
    {"truncated": True},
    {"IsTruncated": True},
    {"exceededTransferLimit": True},
    {"complete": False},
    {"cursor": "abc"},
    {"pagination": {"cursor": "abc"}},
    {"paging": {"cursors": {"after": "abc", "before": "abb"}}},
    {"paging": {"next": {"after": "abc"}}},
    {"after": "t3_abc"},
    {"continuation": "abc"},
    {"continuationToken": "abc"},
    {"continue": {"rocontinue": "2026|7", "continue": "-||"}},
    {"LastEvaluatedKey": {"id": {"N": "7"}}},
    {"endCursor": "abc"},
    {"_scroll_id": "abc"},
    {"next": "abc"},
    {"next": {"page": 2, "limit": 7}},
    {"paging": {"next": 2}},
    {"next_id": "abc"},
    {"total": 8},
    {"totalSize": 8},
    {"total_count": 8},
    {"totalCount": "8"},
    {"count": 8},
    {"@odata.count": 8},
    {"totalResults": 8},
    {"total_results": 8},
    {"numFound": 8},
    {"nbHits": 8},
    {"totalElements": 8},
    {"numberMatched": 8, "numberReturned": 7},
    {"hits": {"total": {"value": 8, "relation": "eq"}}},
    {"hits": {"total": 8}},
    {"meta": {"pagination": {"total": 8, "count": 7}}},
    {"paging": {"count": 7, "total": 8}},
    {"total": 2, "records": 8},
    {"total_pages": 2},
    {"totalPages": 2},
    {"lastPage": 2},
    {"pages": 2},
    {"nbPages": 2},
    {"page_count": 2},
    {"total": [8]},
    {"total": 8.0},
    {"has_more": "yes"},
    {"is_done": 0},
    {"pagination": {"total": 8, "pages_shown": [{"n": 1}, {"n": 2}]}},
    {"offset": 7, "total": 8},
    {"offset": 7, "hasMore": True},
    {"d": {"__count": "8"}},
    {"meta": {"pagination": {"total_pages": 2}}},
    {"hits": {"total": {"value": 7, "relation": "gte"}}},
    {"timed_out": True},
    {"_shards": {"total": 5, "failed": 1}},
    {"incompleteSearch": True},
    {"jobComplete": False},
    {"end_of_stream": False},
    {"meta": {"found": ">7"}},
    {"metadata": {"remainingItemCount": 5}},
    {"errors": [{"message": "a field failed"}]},
    {"ok": False, "error": "ratelimited"},
    {"success": False},
]  # fmt: skip


@pytest.mark.parametrize("told", MORE, ids=str)
def test_a_sign_of_more_is_never_taken_for_the_end(api: Api, told: dict[str, Any]) -> None:
    api.answer = lambda asked: said_json({"rows": ALL, **told})
    problem = refusal(api)
    assert isinstance(problem, SourceError)
    assert "--option next=none" in problem.hint
    assert "page=page" in problem.hint
    assert not problem.retryable
    assert read(api, next="none").num_rows == COUNT


def test_an_offset_that_the_url_does_not_have_is_that_of_the_next_page(api: Api) -> None:
    api.answer = lambda asked: said_json({"rows": ALL, "offset": 7, "limit": 7, "total": 10})
    assert "total is 10" in refusal(api, "?limit=7").message


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Total-Count": "8"},
        {"X-Total": "8"},
        {"X-WP-Total": "8"},
        {"Total-Count": "8"},
        {"X-Total-Pages": "2"},
        {"X-Pagination-Page-Count": "2"},
        {"X-Has-More": "true"},
        {"X-Pagination": '{"TotalCount": 8, "HasNext": true}'},
        {"X-MS-ContinuationToken": "abc"},
        {"Content-Range": "items 0-6/8"},
    ],
    ids=str,
)
@pytest.mark.parametrize("envelope", [True, False])
def test_a_header_that_shows_more(api: Api, headers: dict[str, str], envelope: bool) -> None:
    body = {"rows": ALL} if envelope else ALL
    path = "rows" if envelope else ""
    api.answer = lambda asked: said_json(body, **headers)
    assert "--option next=none" in refusal(api, path=path).hint
    assert read(api, path=path, next="none").num_rows == COUNT


@pytest.mark.parametrize("range_", [{}, {"Content-Range": "bytes 0-99/1000"}])
def test_partial_content_is_not_all(api: Api, range_: dict[str, str]) -> None:
    said = said_json({"rows": ALL}, **range_)
    api.answer = lambda asked: Said(status=206, body=said.body, headers=said.headers)
    assert "206" in refusal(api).message
    assert read(api, next="none").num_rows == COUNT
    whole = said_json({"rows": ALL}, Content_Range="items 0-6/7")
    api.answer = lambda asked: Said(status=206, body=whole.body, headers=whole.headers)
    assert read(api).num_rows == COUNT


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"next": None, "next_cursor": "", "has_more": False},
        {"next": False, "links": [], "_links": {}},
        {"links": {"next": None, "prev": None, "self": "/r"}},
        {"links": [{"rel": "self", "href": "/r"}, {"rel": "next", "href": None}]},
        {"total": 7},
        {"total": "7"},
        {"total": 7, "count": 100},
        {"paging": {"count": 100, "total": 7, "page": 1, "pages": 1}},
        {"count": 7},
        {"count": 3},
        {"total": 7, "page": 1, "per_page": 100, "total_pages": 1},
        {"page": {"number": 0, "totalPages": 1, "size": 20, "totalElements": 7}},
        {"startAt": 0, "maxResults": 50, "total": 7},
        {"offset": 0, "limit": 100},
        {"current_page": 1, "last_page": 1, "next_page_url": None},
        {"hits": {"total": {"value": 7, "relation": "eq"}}, "_shards": {"total": 50}},
        {"total": 7, "_scroll_id": "abc"},
        {"cursor": "abc", "has_more": False},
        {"pageInfo": {"hasNextPage": False, "endCursor": "abc"}},
        {"done": True, "totalSize": 7},
        {"last": True, "first": True, "number": 0, "size": 20},
        {"isLast": True},
        {"incomplete_results": False, "total_count": 7},
        {"truncated": False},
        {"next_cursor": 0, "next_cursor_str": "0"},
        {"next_run_at": "2026-01-01", "next_update": 5, "nextBillingDate": "2026-01-01"},
        {"responseHeader": {"params": {"rows": "100", "start": "0", "cursor": "*"}}},
        {"request": {"next": "x", "count": 100}},
        {"others": {"total": 50, "next": "/x", "rows": [{"id": 1}]}},
        {"sums": {"total": 12.5}, "view_count": 800},
        {"created": "2026-01-01", "status": "ok", "version": 3},
        {"timed_out": False, "_shards": {"total": 5, "successful": 5, "failed": 0}},
        {"errors": [], "error": None, "ok": True, "success": True},
        {"error": 0.05},
        {"jobComplete": True, "end_of_stream": True, "incompleteSearch": False},
        {"rate_limit": {"limit": 100, "remaining": 99}, "remaining": 99},
        {"found": ">3"},
        {"data": {"errors": [{"n": 1}]}, "sums": {"success": False}},
    ],
    ids=str,
)
def test_an_answer_that_is_all_is_read_with_one_request(api: Api, told: dict[str, Any]) -> None:
    api.answer = lambda asked: said_json({"rows": ALL, **told})
    assert read(api).num_rows == COUNT
    assert len(api.asked) == 1


def test_fewer_records_than_the_total_are_an_error_after_all_pages(api: Api) -> None:
    served(api, "from", lambda start, more: {
        "count": 9, "next": f"/r?from={start + SIZE}" if more else None
    })  # fmt: skip
    problem = refusal(api)
    assert "declares 9 records" in problem.message
    assert "7 arrived in 3 pages" in problem.message
    assert read(api, total="none").num_rows == COUNT
    assert "declares 9" in refusal(api, next="next").message
    served(api, "page", lambda start, more: {"total": 9}, by="page")
    assert "declares 9" in refusal(api, page="page").message
    assert read(api, page="page", total="none").num_rows == COUNT


def test_reading_from_the_middle_is_no_missing_record(api: Api) -> None:
    served(api, "page", lambda s, m: {"page": s // SIZE + 1, "pages": 3, "total": COUNT}, by="page")
    assert read(api, "?page=2")["id"].to_pylist() == [3, 4, 5, 6]
    served(api, "skip", lambda start, more: {"skip": start, "total": COUNT})
    assert read(api, "?skip=3")["id"].to_pylist() == [3, 4, 5, 6]
    assert read(api, "?skip=3", offset="skip")["id"].to_pylist() == [3, 4, 5, 6]


def test_a_link_that_never_ends_ends_with_the_total(api: Api) -> None:
    served(api, "from", lambda s, m: {"total": COUNT, "_links": {"next": f"/r?from={s + SIZE}"}})
    assert read(api).num_rows == COUNT


def test_two_links_that_differ_are_refused(api: Api) -> None:
    api.answer = lambda asked: said_json({"rows": ALL, "a": {"next": "/x"}, "b": {"next": "/y"}})
    problem = refusal(api)
    assert "a.next and b.next" in problem.message
    served(api, "from", lambda start, more: {
        "next": f"/r?from={start + SIZE}" if more else None,
        "links": {"next": f"{api.url}/r?from={start + SIZE}" if more else None},
    })  # fmt: skip
    assert read(api).num_rows == COUNT


def test_a_link_to_an_empty_page_is_the_end(api: Api) -> None:
    end = '</r?from=9>; rel="next"; results="false"'
    api.answer = lambda asked: said_json({"rows": ALL}, Link=end)
    assert read(api).num_rows == COUNT


def test_a_path_may_have_names_with_dots(api: Api) -> None:
    served(api, "from", lambda start, more: {
        "@odata.nextLink": f"/r?from={start + SIZE}" if more else None
    })  # fmt: skip
    assert read(api, next="@odata.nextLink").num_rows == COUNT


def test_signs_are_found_where_types_are_declared(api: Api) -> None:
    served(api, "startAt", lambda start, more: {"startAt": start, "total": COUNT})
    assert read(api, **{"type.id": "text"})["id"].to_pylist() == [str(n) for n in range(COUNT)]
    served(api, "page", lambda s, m: {"next_page": s // SIZE + 2 if m else 0}, by="page")
    assert read(api, **{"type.id": "text"}).num_rows == COUNT
    api.answer = lambda asked: said_json({"rows": ALL, "total": 8})
    assert "--option next=none" in refusal(api, **{"type.id": "text"}).hint


def test_lines_of_other_kinds_are_compared_with_the_total(api: Api) -> None:
    def said(total: int) -> Said:
        headers = {"Content-Type": "text/csv", "X-Total-Count": str(total)}
        return Said(body=b"id\n1\n2\n", headers=headers)

    api.answer = lambda asked: said(2)
    assert read(api, path="").num_rows == 2
    api.answer = lambda asked: said(3)
    assert "declares 3 records" in refusal(api, path="").message
    assert read(api, path="", next="none").num_rows == 2
    assert read(api, path="", total="none").num_rows == 2
    ranged = {"Content-Type": "text/csv", "Content-Range": "bytes 0-9/99"}
    api.answer = lambda asked: Said(status=206, body=b"id\n1\n", headers=ranged)
    assert "206" in refusal(api, path="").message


# -- counted pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behind",
    [
        Said(status=404),
        Said(status=416),
        Said(status=204),
        Said(body=b"", headers={"Content-Type": "application/json"}),
        Said(body=b""),
        said_json({"rows": []}),
        said_json({"rows": None}),
        said_json({}),
        said_json(None),
        said_json({"page": 4, "total": COUNT}),
    ],
)
@pytest.mark.parametrize("option", ["page", "offset"])
def test_counted_pages_end_behind_the_last(api: Api, behind: Said, option: str) -> None:
    def answer(asked: Asked) -> Said:
        number = int(asked.query.get(option, "0"))
        start = (number - 1) * SIZE if option == "page" else number
        return said_json({"rows": ALL[start : start + SIZE]}) if start < COUNT else behind

    api.answer = answer
    assert read(api, **{option: option})["id"].to_pylist() == list(range(COUNT))
    api.answer = lambda asked: behind
    if behind.status in {404, 416} or behind.body not in {b"", b'{"rows": []}'}:
        assert isinstance(refusal(api, **{option: option}), SourceError)


@pytest.mark.parametrize(
    "behind",
    [
        Said(status=403),
        Said(status=400),
        said_json({"rows": None, "error": "too many requests"}),
        said_json({"message": "an internal error"}),
        Said(body=b"<html>", headers={"Content-Type": "text/html"}),
    ],
)
def test_an_error_is_not_the_end(api: Api, behind: Said) -> None:
    api.answer = lambda asked: said_json({"rows": ALL}) if asked.query["page"] == "1" else behind
    assert isinstance(refusal(api, page="page"), SourceError)


def test_pages_that_begin_with_0_are_not_read_from_1(api: Api) -> None:
    for first in ({"first": False}, {"previous": "/r?page=0"}, {"has_prev": True}):
        served(api, "page", lambda s, m, first=first: {} if s == 0 else first, by="page0")
        problem = refusal(api, page="page")
        assert "page=1 is not the first page" in problem.message
        assert "page=0" in problem.hint
        assert read(api, "?page=0", page="page").num_rows == COUNT
    served(api, "page", lambda s, m: {"totalElements": COUNT}, by="page0")
    assert "declares 7" in refusal(api, page="page").message


def test_records_that_are_counted_from_1_are_read_once(api: Api) -> None:
    def answer(asked: Asked) -> Said:
        start = int(asked.query.get("startIndex", "1"))
        rows = ALL[start - 1 : start - 1 + SIZE]
        return said_json({"rows": rows, "startIndex": start, "itemsPerPage": SIZE})

    api.answer = answer
    assert read(api, offset="startIndex")["id"].to_pylist() == list(range(COUNT))


@pytest.mark.parametrize("told", [{"has_more": True}, {"page": 1, "pages": 3}])
@pytest.mark.parametrize("behind", [Said(status=404), None])
def test_an_end_before_what_the_answer_declares(
    api: Api, told: dict[str, Any], behind: Said | None
) -> None:
    last = behind or said_json({"rows": [], **told})
    api.answer = lambda asked: (
        said_json({"rows": ALL, **told}) if asked.query["page"] == "1" else last
    )
    assert "incomplete" in refusal(api, page="page").message


@pytest.mark.parametrize("told", [{"page": 1, "has_next": True}, {"page": 1, "pages": 3}])
@pytest.mark.parametrize("behind", [Said(status=404), Said(status=204), said_json({})])
def test_an_end_before_what_a_followed_answer_declares(
    api: Api, told: dict[str, Any], behind: Said
) -> None:
    api.answer = lambda asked: behind if "page" in asked.query else said_json({"rows": ALL, **told})
    assert "incomplete" in refusal(api).message


def test_a_flag_that_is_true_before_an_empty_page(api: Api) -> None:
    # Some servers report more pages whenever a page is full.
    api.answer = lambda asked: (
        said_json({"rows": ALL, "has_more": True})
        if asked.query["page"] == "1"
        else said_json({"rows": [], "has_more": False})
    )
    assert read(api, page="page").num_rows == COUNT


def test_a_404_before_the_total_is_reached_is_an_error(api: Api) -> None:
    api.answer = lambda asked: (
        said_json({"rows": ALL, "total": 8}) if asked.query["page"] == "1" else Said(status=404)
    )
    assert "declares 8" in refusal(api, page="page").message


def test_the_last_page_again_is_the_end_where_the_total_is_reached(api: Api) -> None:
    def answer(asked: Asked) -> Said:
        page = min(int(asked.query["page"]), 3)
        return said_json({"rows": ALL[(page - 1) * SIZE : page * SIZE], "total": COUNT})

    api.answer = answer
    assert read(api, page="page").num_rows == COUNT


# -- options whose place does not exist --------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "told", "says"),
    [
        ({"next": "meta.nxt"}, {"meta": {"next": "/r?from=3", "size": 3}}, "next and size"),
        ({"next": "mta.next"}, {"meta": {"next": "/r?from=3"}}, "rows and meta"),
        ({"next": "next"}, {}, "rows"),
        ({"cursor": "after"}, {}, "a cursor"),
        ({"cursor": "after", "next": "paging.afer"}, {"paging": {"after": "x"}}, "after"),
    ],
)
def test_an_option_that_is_not_in_the_answer_is_an_error(
    api: Api, options: dict[str, str], told: dict[str, Any], says: str
) -> None:
    api.answer = lambda asked: said_json({"rows": ALL, **told})
    problem = refusal(api, **options)
    assert "not in the response" in problem.message
    assert says in problem.message
    assert "next=PATH?" in problem.hint
    if options.get("next") == "meta.nxt":
        assert "Did you mean 'next'?" in problem.hint


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"next": "meta.next"}, {"meta": {"next": None}}),
        ({"next": "meta.next"}, {"meta": None}),
        ({"next": "meta.next?"}, {}),
        ({"next": "nextRecordsUrl"}, {"done": True}),
        ({"next": "next"}, {"total": COUNT}),
        ({"cursor": "after"}, {"next_cursor": None}),
        ({"cursor": "after"}, {"has_more": False}),
        ({"cursor": "after", "next": "paging.after?"}, {}),
    ],
)
def test_an_answer_may_lack_what_is_behind_its_last_page(
    api: Api, options: dict[str, str], told: dict[str, Any]
) -> None:
    api.answer = lambda asked: said_json({"rows": ALL, **told})
    assert read(api, **options).num_rows == COUNT


@pytest.mark.parametrize("told", [{"result_count": COUNT}, {"count": COUNT}, {"total": COUNT}])
def test_a_parameter_that_is_ignored_is_noticed_in_spite_of_a_count(
    api: Api, told: dict[str, Any]
) -> None:
    api.answer = lambda asked: said_json({"rows": ALL, **told})
    assert "repeats an earlier page" in refusal(api, page="pgae").message
    api.answer = lambda asked: said_json({"rows": ALL, "next_cursor": "x", **told})
    assert "repeats an earlier page" in refusal(api).message


def test_an_empty_page_that_counts_itself_is_not_the_end(api: Api) -> None:
    pages = {"": (ALL[:3], 3), "1": ([], 0), "2": (ALL[3:], 4)}

    def answer(asked: Asked) -> Said:
        here = asked.query.get("from", "")
        rows, count = pages[here]
        following = {"": "/r?from=1", "1": "/r?from=2"}.get(here)
        return said_json({"rows": rows, "count": count, "next": following})

    api.answer = answer
    assert read(api).num_rows == COUNT


def test_an_end_that_contradicts_a_flag_is_refused(api: Api) -> None:
    api.answer = lambda asked: said_json({"rows": ALL, "next": None, "has_more": True})
    assert "has_more" in refusal(api, next="next").message
    api.answer = lambda asked: said_json({"rows": ALL, "links": {"prev": None, "next": "/r?p=2"}})
    assert "links.next" in refusal(api, next="links.prev").message
    api.answer = lambda asked: said_json({"rows": ALL, "after": None, "next_cursor": "x"})
    assert "next_cursor" in refusal(api, cursor="after", next="after").message
    api.answer = lambda asked: said_json({"rows": ALL, "next": None, "page": 1, "pages": 2})
    assert "pages is 2" in refusal(api, next="next").message
    api.answer = lambda asked: said_json({"rows": ALL, "next": "/r?p=2"})
    assert "next is /r?p=2" in refusal(api, cursor="after").message


@pytest.mark.parametrize("options", [{"page": ""}, {"page": "p", "next": "none"}, {"total": "5"}])
def test_options_that_mean_nothing_are_refused(api: Api, options: dict[str, str]) -> None:
    assert "option" in refusal(api, **options).message
    assert not api.asked
