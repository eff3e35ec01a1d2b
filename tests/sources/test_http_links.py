"""Links and page numbers in the answers of APIs: followed to the end, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.http_api import Api, ReceivedRequest, Reply, json_reply
from fakes.paged_api import ALL, COUNT, SIZE, Envelope, nested, read, served

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
    def answer(asked: ReceivedRequest) -> Reply:
        start = int(asked.query.get("from", "0"))
        more = {"Link": header.format(start=start + SIZE)} if start + SIZE < COUNT else {}
        return json_reply({"rows": ALL[start : start + SIZE]}, **more)

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
    def answer(asked: ReceivedRequest) -> Reply:
        start = int(asked.query.get("startIndex", "1"))
        rows = ALL[start - 1 : start - 1 + SIZE]
        return json_reply({"rows": rows, "startIndex": start, "totalResults": COUNT})

    api.answer = answer
    assert read(api).num_rows == COUNT
    assert read(api, "?startIndex=1").num_rows == COUNT
    assert read(api, "?startIndex=4").num_rows == COUNT - 3


def test_headers_announce_pages(api: Api) -> None:
    def answer(asked: ReceivedRequest) -> Reply:
        page = int(asked.query.get("page", "1"))
        rows = ALL[(page - 1) * SIZE : page * SIZE]
        following = str(page + 1) if page < 3 else ""
        return json_reply({"rows": rows}, X_Next_Page=following, X_Total=str(COUNT))

    api.answer = answer
    assert read(api).num_rows == COUNT
