"""Where an API goes on: by what its answer says, or by counting."""

from __future__ import annotations

import httpx

from jupyter_etl.errors import SourceError
from jupyter_etl.sources.http_exchange import Answer
from jupyter_etl.sources.http_options import HttpTarget

_CONTAINERS = ((), ("links",), ("_links",), ("meta",), ("paging",), ("pagination",))
_URLS = ("next", "next_page_url", "next_url", "nextLink", "@odata.nextLink", "nextPageUrl")
_CURSORS = {
    "next_cursor": "cursor",
    "nextCursor": "cursor",
    "next_page_token": "page_token",
    "nextPageToken": "pageToken",
    "next_token": "next_token",
    "nextToken": "nextToken",
}
"""Where answers give a cursor, and the parameter that by convention takes it."""

_MORE = ("has_more", "hasMore", "has_next", "hasNext", "has_next_page", "hasNextPage")


def first_url(target: HttpTarget) -> httpx.URL:
    """Return the URL of the first page; counted pages begin with 1 unless the URL says otherwise."""
    url = httpx.URL(target.url)
    paging = target.paging
    if paging.style == "page" and paging.parameter not in url.params:
        return url.copy_set_param(paging.parameter, "1")
    return url


def next_url(
    target: HttpTarget, url: httpx.URL, answer: Answer, document: object, records: int
) -> httpx.URL | None:
    """Return the URL of the page after this one; None at the end.

    Args:
        target: The API.
        url: That was asked for.
        answer: What came.
        document: Its body as JSON; None for another format.
        records: How many this page has.

    Raises:
        SourceError: The answer says that there is more, and not where.
    """
    paging = target.paging
    if paging.style == "none":
        return None
    if paging.style in {"page", "offset"}:
        if not records:
            return None
        return _counted(target, url, 1 if paging.style == "page" else records)
    if paging.style == "next":
        found = _at(document, tuple(paging.path.split(".")))
        return _joined(target, answer, found) if found else None
    if paging.style == "cursor":
        return _after_cursor(target, url, document)
    if answer.link:
        return _joined(target, answer, answer.link)
    return _said(target, url, answer, document)


def _counted(target: HttpTarget, url: httpx.URL, step: int) -> httpx.URL:
    name = target.paging.parameter
    now = url.params.get(name, "0")
    if not now.isdecimal():
        raise SourceError(
            f"Source '{target.name}': the parameter {name} in its URL is '{now}', no number.",
            hint=f"Leave {name} out of the URL, or let it be the number to begin with.",
            retryable=False,
        )
    return url.copy_set_param(name, str(int(now) + step))


def _after_cursor(target: HttpTarget, url: httpx.URL, document: object) -> httpx.URL | None:
    paging = target.paging
    if paging.path:
        found = _at(document, tuple(paging.path.split(".")))
    else:
        places = [(*holder, name) for holder in _CONTAINERS for name in (*_CURSORS, "next")]
        found = next((value for place in places if (value := _at(document, place))), None)
    return url.copy_set_param(paging.parameter, _text(found)) if found else None


def _said(target: HttpTarget, url: httpx.URL, answer: Answer, document: object) -> httpx.URL | None:
    """Go where the answer itself says, by the names that are in use for it."""
    for holder in _CONTAINERS:
        for name in _URLS:
            found = _at(document, (*holder, name))
            found = _at(found, ("href",)) or found
            if isinstance(found, str) and found.startswith(("http://", "https://", "/", "?")):
                return _joined(target, answer, found)
            if found:
                raise _unclear(target, ".".join((*holder, name)), found)
        for name, parameter in _CURSORS.items():
            if found := _at(document, (*holder, name)):
                return url.copy_set_param(parameter, _text(found))
        for name in _MORE:
            if _at(document, (*holder, name)) is True:
                raise _unclear(target, ".".join((*holder, name)), True)
        page, last = (
            next((v for n in names if isinstance(v := _at(document, (*holder, n)), int)), None)
            for names in (("page", "current_page", "currentPage"), ("total_pages", "totalPages"))
        )
        if last is not None and (page or 1) < last:
            raise _unclear(target, ".".join((*holder, "total_pages")), last)
    return None


def _unclear(target: HttpTarget, place: str, value: object) -> SourceError:
    return SourceError(
        f"Source '{target.name}': there are more pages ({place} is {str(value)[:80]}), and the "
        "answer does not say where.",
        hint="Say which parameter asks for them: --option page=page, offset=offset or "
        "cursor=cursor (with next=PATH of the cursor in the answer); or --option next=none to "
        "read this page alone.",
        retryable=False,
        data={"place": place},
    )


def _joined(target: HttpTarget, answer: Answer, found: object) -> httpx.URL:
    try:
        joined = answer.url.join(str(found))
    except httpx.InvalidURL:
        joined = httpx.URL("")
    if joined.scheme not in {"http", "https"}:
        raise SourceError(
            f"Source '{target.name}': its next page is at '{target.masked(str(found))[:100]}', "
            "which is no http or https URL.",
            retryable=False,
        )
    return joined


def _at(document: object, path: tuple[str, ...]) -> object:
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)
