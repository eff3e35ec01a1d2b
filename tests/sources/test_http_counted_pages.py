"""APIs that count their pages: read to the last one, and an early end is an error."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.http_api import Api, ReceivedRequest, Reply, json_reply
from fakes.paged_api import ALL, COUNT, SIZE, read, refusal, served
from jupyter_etl.errors import SourceError


@pytest.mark.parametrize(
    "behind",
    [
        Reply(status=404),
        Reply(status=416),
        Reply(status=204),
        Reply(body=b"", headers={"Content-Type": "application/json"}),
        Reply(body=b""),
        json_reply({"rows": []}),
        json_reply({"rows": None}),
        json_reply({}),
        json_reply(None),
        json_reply({"page": 4, "total": COUNT}),
    ],
)
@pytest.mark.parametrize("option", ["page", "offset"])
def test_counted_pages_end_behind_the_last(api: Api, behind: Reply, option: str) -> None:
    def answer(asked: ReceivedRequest) -> Reply:
        number = int(asked.query.get(option, "0"))
        start = (number - 1) * SIZE if option == "page" else number
        return json_reply({"rows": ALL[start : start + SIZE]}) if start < COUNT else behind

    api.answer = answer
    assert read(api, **{option: option})["id"].to_pylist() == list(range(COUNT))
    api.answer = lambda asked: behind
    if behind.status in {404, 416} or behind.body not in {b"", b'{"rows": []}'}:
        assert isinstance(refusal(api, **{option: option}), SourceError)


@pytest.mark.parametrize(
    "behind",
    [
        Reply(status=403),
        Reply(status=400),
        json_reply({"rows": None, "error": "too many requests"}),
        json_reply({"message": "an internal error"}),
        Reply(body=b"<html>", headers={"Content-Type": "text/html"}),
    ],
)
def test_an_error_is_not_the_end(api: Api, behind: Reply) -> None:
    api.answer = lambda asked: json_reply({"rows": ALL}) if asked.query["page"] == "1" else behind
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
    def answer(asked: ReceivedRequest) -> Reply:
        start = int(asked.query.get("startIndex", "1"))
        rows = ALL[start - 1 : start - 1 + SIZE]
        return json_reply({"rows": rows, "startIndex": start, "itemsPerPage": SIZE})

    api.answer = answer
    assert read(api, offset="startIndex")["id"].to_pylist() == list(range(COUNT))


@pytest.mark.parametrize("reported", [{"has_more": True}, {"page": 1, "pages": 3}])
@pytest.mark.parametrize("behind", [Reply(status=404), None])
def test_an_end_before_what_the_answer_declares(
    api: Api, reported: dict[str, Any], behind: Reply | None
) -> None:
    last = behind or json_reply({"rows": [], **reported})
    api.answer = lambda asked: (
        json_reply({"rows": ALL, **reported}) if asked.query["page"] == "1" else last
    )
    assert "incomplete" in refusal(api, page="page").message


@pytest.mark.parametrize("reported", [{"page": 1, "has_next": True}, {"page": 1, "pages": 3}])
@pytest.mark.parametrize("behind", [Reply(status=404), Reply(status=204), json_reply({})])
def test_an_end_before_what_a_followed_answer_declares(
    api: Api, reported: dict[str, Any], behind: Reply
) -> None:
    api.answer = lambda asked: (
        behind if "page" in asked.query else json_reply({"rows": ALL, **reported})
    )
    assert "incomplete" in refusal(api).message


def test_a_flag_that_is_true_before_an_empty_page(api: Api) -> None:
    # Some servers report more pages whenever a page is full.
    api.answer = lambda asked: (
        json_reply({"rows": ALL, "has_more": True})
        if asked.query["page"] == "1"
        else json_reply({"rows": [], "has_more": False})
    )
    assert read(api, page="page").num_rows == COUNT


def test_a_404_before_the_total_is_reached_is_an_error(api: Api) -> None:
    api.answer = lambda asked: (
        json_reply({"rows": ALL, "total": 8}) if asked.query["page"] == "1" else Reply(status=404)
    )
    assert "declares 8" in refusal(api, page="page").message


def test_the_last_page_again_is_the_end_where_the_total_is_reached(api: Api) -> None:
    def answer(asked: ReceivedRequest) -> Reply:
        page = min(int(asked.query["page"]), 3)
        return json_reply({"rows": ALL[(page - 1) * SIZE : page * SIZE], "total": COUNT})

    api.answer = answer
    assert read(api, page="page").num_rows == COUNT
