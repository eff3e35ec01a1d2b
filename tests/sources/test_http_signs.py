"""Envelopes of APIs: all rows, or a refusal that names the option."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.http_api import Api, ReceivedRequest, Reply, json_reply
from fakes.paged_api import ALL, COUNT, SIZE, read, refusal, served
from jupyter_etl.errors import SourceError

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


@pytest.mark.parametrize("reported", MORE, ids=str)
def test_a_sign_of_more_is_never_taken_for_the_end(api: Api, reported: dict[str, Any]) -> None:
    api.answer = lambda asked: json_reply({"rows": ALL, **reported})
    problem = refusal(api)
    assert isinstance(problem, SourceError)
    assert "--option next=none" in problem.hint
    assert "page=page" in problem.hint
    assert not problem.retryable
    assert read(api, next="none").num_rows == COUNT


def test_an_offset_that_the_url_does_not_have_is_that_of_the_next_page(api: Api) -> None:
    api.answer = lambda asked: json_reply({"rows": ALL, "offset": 7, "limit": 7, "total": 10})
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
    api.answer = lambda asked: json_reply(body, **headers)
    assert "--option next=none" in refusal(api, path=path).hint
    assert read(api, path=path, next="none").num_rows == COUNT


@pytest.mark.parametrize("range_", [{}, {"Content-Range": "bytes 0-99/1000"}])
def test_partial_content_is_not_all(api: Api, range_: dict[str, str]) -> None:
    said = json_reply({"rows": ALL}, **range_)
    api.answer = lambda asked: Reply(status=206, body=said.body, headers=said.headers)
    assert "206" in refusal(api).message
    assert read(api, next="none").num_rows == COUNT
    whole = json_reply({"rows": ALL}, Content_Range="items 0-6/7")
    api.answer = lambda asked: Reply(status=206, body=whole.body, headers=whole.headers)
    assert read(api).num_rows == COUNT


@pytest.mark.parametrize(
    "reported",
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
def test_an_answer_that_is_all_is_read_with_one_request(api: Api, reported: dict[str, Any]) -> None:
    api.answer = lambda asked: json_reply({"rows": ALL, **reported})
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
    api.answer = lambda asked: json_reply({"rows": ALL, "a": {"next": "/x"}, "b": {"next": "/y"}})
    problem = refusal(api)
    assert "a.next and b.next" in problem.message
    served(api, "from", lambda start, more: {
        "next": f"/r?from={start + SIZE}" if more else None,
        "links": {"next": f"{api.url}/r?from={start + SIZE}" if more else None},
    })  # fmt: skip
    assert read(api).num_rows == COUNT


def test_a_link_to_an_empty_page_is_the_end(api: Api) -> None:
    end = '</r?from=9>; rel="next"; results="false"'
    api.answer = lambda asked: json_reply({"rows": ALL}, Link=end)
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
    api.answer = lambda asked: json_reply({"rows": ALL, "total": 8})
    assert "--option next=none" in refusal(api, **{"type.id": "text"}).hint


def test_lines_of_other_kinds_are_compared_with_the_total(api: Api) -> None:
    def said(total: int) -> Reply:
        headers = {"Content-Type": "text/csv", "X-Total-Count": str(total)}
        return Reply(body=b"id\n1\n2\n", headers=headers)

    api.answer = lambda asked: said(2)
    assert read(api, path="").num_rows == 2
    api.answer = lambda asked: said(3)
    assert "declares 3 records" in refusal(api, path="").message
    assert read(api, path="", next="none").num_rows == 2
    assert read(api, path="", total="none").num_rows == 2
    ranged = {"Content-Type": "text/csv", "Content-Range": "bytes 0-9/99"}
    api.answer = lambda asked: Reply(status=206, body=b"id\n1\n", headers=ranged)
    assert "206" in refusal(api, path="").message


# -- options whose place does not exist --------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "reported", "says"),
    [
        ({"next": "meta.nxt"}, {"meta": {"next": "/r?from=3", "size": 3}}, "next and size"),
        ({"next": "mta.next"}, {"meta": {"next": "/r?from=3"}}, "rows and meta"),
        ({"next": "next"}, {}, "rows"),
        ({"cursor": "after"}, {}, "a cursor"),
        ({"cursor": "after", "next": "paging.afer"}, {"paging": {"after": "x"}}, "after"),
    ],
)
def test_an_option_that_is_not_in_the_answer_is_an_error(
    api: Api, options: dict[str, str], reported: dict[str, Any], says: str
) -> None:
    api.answer = lambda asked: json_reply({"rows": ALL, **reported})
    problem = refusal(api, **options)
    assert "not in the response" in problem.message
    assert says in problem.message
    assert "next=PATH?" in problem.hint
    if options.get("next") == "meta.nxt":
        assert "Did you mean 'next'?" in problem.hint


@pytest.mark.parametrize(
    ("options", "reported"),
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
    api: Api, options: dict[str, str], reported: dict[str, Any]
) -> None:
    api.answer = lambda asked: json_reply({"rows": ALL, **reported})
    assert read(api, **options).num_rows == COUNT


@pytest.mark.parametrize("reported", [{"result_count": COUNT}, {"count": COUNT}, {"total": COUNT}])
def test_a_parameter_that_is_ignored_is_noticed_in_spite_of_a_count(
    api: Api, reported: dict[str, Any]
) -> None:
    api.answer = lambda asked: json_reply({"rows": ALL, **reported})
    assert "repeats an earlier page" in refusal(api, page="pgae").message
    api.answer = lambda asked: json_reply({"rows": ALL, "next_cursor": "x", **reported})
    assert "repeats an earlier page" in refusal(api).message


def test_an_empty_page_that_counts_itself_is_not_the_end(api: Api) -> None:
    pages = {"": (ALL[:3], 3), "1": ([], 0), "2": (ALL[3:], 4)}

    def answer(asked: ReceivedRequest) -> Reply:
        here = asked.query.get("from", "")
        rows, count = pages[here]
        following = {"": "/r?from=1", "1": "/r?from=2"}.get(here)
        return json_reply({"rows": rows, "count": count, "next": following})

    api.answer = answer
    assert read(api).num_rows == COUNT


def test_an_end_that_contradicts_a_flag_is_refused(api: Api) -> None:
    api.answer = lambda asked: json_reply({"rows": ALL, "next": None, "has_more": True})
    assert "has_more" in refusal(api, next="next").message
    api.answer = lambda asked: json_reply({"rows": ALL, "links": {"prev": None, "next": "/r?p=2"}})
    assert "links.next" in refusal(api, next="links.prev").message
    api.answer = lambda asked: json_reply({"rows": ALL, "after": None, "next_cursor": "x"})
    assert "next_cursor" in refusal(api, cursor="after", next="after").message
    api.answer = lambda asked: json_reply({"rows": ALL, "next": None, "page": 1, "pages": 2})
    assert "pages is 2" in refusal(api, next="next").message
    api.answer = lambda asked: json_reply({"rows": ALL, "next": "/r?p=2"})
    assert "next is /r?p=2" in refusal(api, cursor="after").message


@pytest.mark.parametrize("options", [{"page": ""}, {"page": "p", "next": "none"}, {"total": "5"}])
def test_options_that_mean_nothing_are_refused(api: Api, options: dict[str, str]) -> None:
    assert "option" in refusal(api, **options).message
    assert not api.asked
