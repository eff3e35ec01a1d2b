"""Errors about pages of an HTTP API; each names the option that helps."""

from __future__ import annotations

from jupyter_etl.errors import SourceError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.sources.http.options import HttpTarget

_OPTIONS = (
    "Declare how the next page is requested: --option page=page, offset=offset or cursor=cursor "
    "(the name of a parameter; for a cursor also next=PATH, its path in the response), or "
    "next=PATH of a URL; or --option next=none to read only this page."
)
_MOST_SHOWN = 80


def lacking(target: HttpTarget, place: str, value: object) -> SourceError:
    """Return the error for a response that is marked as incomplete; see `unclear`."""
    shown = target.masked(str(value))[:_MOST_SHOWN]
    return SourceError(
        f"Source '{target.name}': the response is incomplete: {place} is {shown}.",
        hint=_OPTIONS,
        retryable=False,
        data={"place": place},
    )


def unclear(target: HttpTarget, place: str, value: object) -> SourceError:
    """Return the error for a response with signs of more pages but not their URL.

    Args:
        place: Place of the sign, with dots.
        value: Value of the sign.
    """
    shown = target.masked(str(value))[:_MOST_SHOWN]
    return SourceError(
        f"Source '{target.name}': the response is incomplete: there are more pages or records "
        f"({place} is {shown}), but no way to request them was detected.",
        hint=_OPTIONS,
        retryable=False,
        data={"place": place},
    )


def incomplete(target: HttpTarget, place: str, total: int, *, rows: int, pages: int) -> SourceError:
    """Return the error for fewer records than a response declares.

    Args:
        place: Place of the object that declares the total.
        total: The declared total.
        rows: Number of records read, plus those that the URL skips at the start.
        pages: Number of pages read.
    """
    return SourceError(
        f"Source '{target.name}': the response declares {total:,} "
        f"records{f' (in {place})' if place else ''}, but {rows:,} arrived in {pages:,} "
        f"page{'s' if pages > 1 else ''}.",
        hint=f"{_OPTIONS} If this number does not count the records: --option total=none.",
        retryable=False,
        data={"total": total, "rows": rows, "pages": pages},
    )


def ignored(target: HttpTarget, parameter: str, *, asked: int, answered: int) -> SourceError:
    """Return the error for a response with another page than the requested one.

    Args:
        parameter: The parameter of the page.
    """
    return SourceError(
        f"Source '{target.name}': there are more pages, but for {parameter}={asked} the server "
        f"returned {parameter} {answered}.",
        hint=_OPTIONS,
        retryable=False,
        data={"parameter": parameter},
    )


def repeated(target: HttpTarget, number: int) -> SourceError:
    """Return the error for a repeated page.

    Args:
        number: Number of the page, from 1.
    """
    message = f"Source '{target.name}': page {number} repeats an earlier page"
    if target.paging.parameter:
        hint = "The parameter that asks for the next page may have another name."
    else:
        message, hint = (
            f"{message}, although the response shows that there are more pages",
            _OPTIONS,
        )
    return SourceError(f"{message}.", hint=hint, retryable=False, data={"page": number})


def absent(target: HttpTarget, step: str, inside: object) -> SourceError:
    """Return the error for an option whose place is not in the response.

    Args:
        step: The first missing name of the path; "" if no cursor is found.
        inside: The value that was searched.
    """
    paging = target.paging
    names = list(inside) if isinstance(inside, dict) else []
    there = f"there is {listed(names)}" if names else "there is no object"
    option = f"next={paging.path}" if step else f"cursor={paging.parameter}"
    what = paging.path if step else "a cursor"
    again = "If the response omits it on the last page, write next=PATH? with a question mark"
    return SourceError(
        f"Source '{target.name}': the option {option} needs {what}, which is not in the "
        f"response; {there}.",
        hint=f"{nearest(step, names)} {again}; --option next=none reads one page.".strip(),
        retryable=False,
        data={"option": option, "there": names[:50]},
    )
