"""Signs of more pages in a response: links, cursors, flags, totals and positions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_etl.sources.http.values import alone, is_none, is_url, read_number, read_truth

_DEPTH = 5
"""Maximum depth of nested objects to search."""

_LINKS = frozenset({"link", "links"})
_ECHOES = frozenset(
    {"args", "echo", "filter", "filters", "input", "parameters", "params", "query", "request"}
    | {"responseheader", "shards"}
)
"""Objects that repeat the request, or count something other than records."""

_PAGERS = re.compile(r"meta(?:data)?|pag(?:e|er|ing|ination)\w*|cursors?|response(?:meta\w*)?")
"""Objects that describe pages, even if they contain a list of objects."""

_NEXT = re.compile(
    r"(?:odata)?next(?:page|records|results|set|items)?(url|link|links|href|uri|path)?"
)
_HREF = ("href", "url", "uri", "link")
_CURSOR = re.compile(
    r"next[ _-]?(?:cursor|page[ _-]?token|marker|max[ _-]?id|offset|start|skip)", re.I
)
_TOKEN = frozenset({"nexttoken"})
_MAYBE = re.compile(
    r"next(?:pagecursor|pagekey|pageid|pagenumber|pageno|cursor\w+|key|id|batch|position|query|"
    r"continuationtoken|partitionkey|rowkey|startat|startindex|scrollid|searchafter|pagestart)"
    r"|cursor|scrollid|after|(?:ms)?continuation(?:token)?|continue|endcursor|pagetoken"
    r"|lastevaluatedkey|bookmark|resumptiontoken|startingafter|searchafter|marker|continuationkey"
)
_MORE = re.compile(
    r"(?:is|has|have|there(?:is|are))?more(?:items|results|pages|data|records|rows|available|toread)?"
    r"|(?:have|has(?:a)?)next\w*|next(?:page)?(?:exists|available)|\w*truncated"
    r"|remaining(?:items?|results?|records?|rows?|pages?)(?:count)?|exceededtransferlimit|(?:results?)?limitexceeded|moreresults\w*"
)
_INCOMPLETE = re.compile(
    r"(?:is|has)?(?:incomplete|partial)(?:results?|data|search)?|timedout|terminatedearly"
)
_FAILURE = frozenset({"error", "errors"})
_SUCCESS = frozenset({"ok", "success"})
_LAST = re.compile(
    r"(?:is|on)?(?:the)?last(?:page)?|(?:is|at)?(?:the)?end(?:ofrecords|oflist|ofstream|ofresults|ofdata|reached)?|eof"
)
_DONE = re.compile(r"(?:is|job|query|search)?(?:all)?(?:done|final|finished|completed?|exhausted)")
"""True may refer to the request instead of the pages; false means that something is missing."""

_THINGS = (
    r"(?:items?|rows?|records?|results?|entries|elements?|objects?|hits?|documents?|docs?|features?"
    r"|matches|matched|found|resources?)"
)
_TOTAL = re.compile(
    rf"(?:grand|full|overall|estimated)?total(?:number)?(?:of)?{_THINGS}?(?:count|size|found|hits)?"
    rf"|(?:num|nb|number|numof|numberof){_THINGS}|{_THINGS}total|{_THINGS}?found|matched|fullcount"
)
_COUNT = re.compile(rf"(?:odata)?count|{_THINGS}(?:count)?")
_PAGES = re.compile(
    r"(?:total|num|nb|number|numof|numberof|max|count)?(?:of)?pages(?:count|total)?|(?:last|max)page(?:number)?"
    r"|page(?:total|count)s?|totalpage"
)
_PAGE = {
    "page": "",
    "pagenumber": "",
    "pageno": "",
    "pagenum": "",
    "currentpage": "page",
    "current": "page",
    "number": "page",
}
_OFFSET = ("startat", "offset", "start", "skip", "startindex", "resultoffset", "from")
_EARLIER = re.compile(r"(?:has)?prev(?:ious)?(?:page)?(?:url|link|href|uri)?")
_FIRST = re.compile(r"(?:is)?first(?:page)?")


@dataclass(frozen=True, kw_only=True)
class Position:
    """The position of a page, and the totals that it declares.

    Args:
        place: Place of the object that contains them, with dots.
        total: Total number of records; None if absent.
        total_name: Its name there.
        sure: Whether it is called a total; a count may be that of the page.
        pages: Total number of pages; None if absent.
        pages_name: Its name there.
        page: Number of this page, with the parameter that requests one.
        offset: Number of records before this page, with the parameter that requests them.
    """

    place: str
    total: int | None = None
    total_name: str = ""
    sure: bool = False
    pages: int | None = None
    pages_name: str = ""
    page: tuple[str, int] | None = None
    offset: tuple[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Signs:
    """Signs of further pages in one response, each with its place.

    Args:
        urls: URLs of a next page, the outermost first.
        cursors: ``(place, parameter, value)`` if the name determines the parameter.
        tokens: Cursors whose parameter is not known.
        more: Flags that announce more pages.
        incomplete: Flags that mark this page as incomplete.
        ended: Whether a flag marks this page as the last one.
        done: Whether a flag marks something as complete: the request or the records.
        earlier: Whether there is a page before this one.
        positions: Totals, pages and positions, one for each object that has some.
        found: Every place of a link or cursor, including null ones.
    """

    urls: tuple[tuple[str, str], ...] = ()
    cursors: tuple[tuple[str, str, str], ...] = ()
    tokens: tuple[tuple[str, object], ...] = ()
    more: tuple[tuple[str, object], ...] = ()
    incomplete: tuple[tuple[str, object], ...] = ()
    ended: bool = False
    done: bool = False
    earlier: bool = False
    positions: tuple[Position, ...] = ()
    found: tuple[tuple[str, object], ...] = ()


def find_signs(
    document: object, records: object, path: tuple[str, ...], headers: Mapping[str, object]
) -> Signs:
    """Search a response for signs of more pages, outside its records.

    Args:
        document: The body; searched if it is an object.
        records: The list of records inside it, which is skipped.
        path: Names that lead to the records.
        headers: Paging headers from `paging_headers`.
    """
    found = _Found()
    size = len(records) if isinstance(records, list) else 0
    found.group("header", list(headers.items()), size)
    if isinstance(document, dict):
        for place, entries in _groups(document, records, path, ()):
            found.group(".".join(place), entries, size)
    return found.signs()


def paging_headers(headers: Mapping[str, str]) -> dict[str, object]:
    """Return the headers that may concern paging, without their leading ``X-``."""
    import json

    found_headers: dict[str, object] = {}
    for name, value in headers.items():
        plain = name.lower()
        if plain == "content-range" and not value.lower().startswith("bytes"):
            found_headers["total"] = value.rpartition("/")[2].strip()
            found_headers["previous"] = not re.match(r"\D*0\s*-", value)
        if not plain.startswith(("x-", "total", "next-", "pagination", "link-next")):
            continue
        plain = plain.removeprefix("x-").removeprefix("wp-")
        plain = plain.removeprefix("pagination-").removeprefix("paging-")
        if plain in {"pagination", "paging"} and value.startswith("{"):
            try:
                inside = json.loads(value)
            except ValueError:
                continue
            found_headers.update(inside if isinstance(inside, dict) else {})
        else:
            found_headers[plain] = value
    return found_headers


def _groups(
    node: dict[str, Any], records: object, path: tuple[str, ...], place: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], list[tuple[str, object]]]]:
    """Yield the entries of an object and of nested objects, the outermost first."""
    yield place, [(key, value) for key, value in node.items() if value is not records]
    if len(place) >= _DEPTH:
        return
    for key, value in node.items():
        if value is records:
            continue
        inside = (*place, key)
        if isinstance(value, dict):
            if path[:1] == (key,):
                yield from _groups(value, records, path[1:], inside)
            elif plain(key) not in _ECHOES and not _is_another_list(key, value):
                yield from _groups(value, records, (), inside)
        elif isinstance(value, list) and plain(key) in _LINKS:
            yield inside, [entry for link in value if (entry := _relation(link))]


def _is_another_list(name: str, node: dict[str, Any]) -> bool:
    """Return whether an object contains its own records, so that its entries describe those."""
    return not _PAGERS.fullmatch(plain(name)) and any(
        isinstance(value, list)
        and plain(key) not in _LINKS
        and any(isinstance(v, dict) for v in value)
        for key, value in node.items()
    )


def _relation(link: object) -> tuple[str, object] | None:
    """Parse ``{"rel": "next", "href": ...}``, including the variants of FHIR and others."""
    if not isinstance(link, dict):
        return None
    named = {plain(key): value for key, value in link.items()}
    rel = named.get("rel") or named.get("relation") or ""
    names = rel if isinstance(rel, list) else str(rel).split()
    if "next" not in {str(name).lower() for name in names}:
        return None
    return "next", next((named[key] for key in _HREF if named.get(key)), None)


def plain(name: str) -> str:
    """Return a name in lower case without separators, so that all spellings are equal."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


@dataclass
class _Found:
    urls: list[tuple[str, str]] = field(default_factory=list)
    cursors: list[tuple[str, str, str]] = field(default_factory=list)
    tokens: list[tuple[str, object]] = field(default_factory=list)
    more: list[tuple[str, object]] = field(default_factory=list)
    incomplete: list[tuple[str, object]] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    found: list[tuple[str, object]] = field(default_factory=list)
    ended: bool = False
    done: bool = False
    earlier: bool = False

    def group(self, place: str, entries: list[tuple[str, object]], size: int) -> None:
        """Collect all entries of one object."""
        entries = [(key, alone(value)) for key, value in entries]
        for key, value in entries:
            where = f"{place}.{key}" if place else key
            if not (self._link(where, key, value) or self._cursor(where, key, value)):
                self._flag(where, key, value)
        self._failure(place, {plain(key): value for key, value in entries}, size)
        position = _position(place, entries, size)
        if position is not None:
            self.positions.append(position)

    def signs(self) -> Signs:
        """Return the collected signs."""
        return Signs(
            urls=tuple(self.urls),
            cursors=tuple(self.cursors),
            tokens=tuple(self.tokens),
            more=tuple(self.more),
            incomplete=tuple(self.incomplete),
            ended=self.ended,
            done=self.done,
            earlier=self.earlier,
            positions=tuple(self.positions),
            found=tuple(self.found),
        )

    def _link(self, where: str, key: str, value: object) -> bool:
        matched = _NEXT.fullmatch(plain(key))
        if not matched:
            return False
        if isinstance(value, dict):
            inner = next((k for name in _HREF for k in value if plain(k) == name), "")
            where, value = (f"{where}.{inner}", value[inner]) if inner else (where, value)
        self.found.append((where, value))
        if is_none(value) or (isinstance(value, dict) and all(map(is_none, value.values()))):
            return True
        number = read_number(value)
        if value is True or read_truth(value) is True:
            self.more.append((where, value))
        elif number is not None and plain(key) == "nextpage":
            self.cursors.append((where, "page", str(number)))
        elif isinstance(value, str) and (matched[1] or is_url(value)):
            self.urls.append((where, value))
        elif read_truth(value) is not False:
            self.tokens.append((where, value))
        return True

    def _cursor(self, where: str, key: str, value: object) -> bool:
        name = plain(key)
        known = _CURSOR.fullmatch(key) or name in _TOKEN
        token = name == "offset" and isinstance(value, str) and read_number(value) is None
        if not known and not token and not _MAYBE.fullmatch(name):
            return False
        if isinstance(value, dict) and name in {"cursor", "after"}:
            return True
        self.found.append((where, value))
        if not is_none(value):
            if (known or token) and not isinstance(value, dict | list):
                self.cursors.append((where, _parameter(key), str(value)))
            else:
                self.tokens.append((where, value))
        return True

    def _flag(self, where: str, key: str, value: object) -> None:
        name, truth = plain(key), read_truth(value)
        if (
            truth is None
            and read_number(value) in {0, 1}
            and name.startswith(("is", "done", "compl"))
        ):
            truth = bool(read_number(value))
        if _MORE.fullmatch(name):
            if truth or (truth is None and read_number(value)):
                self.more.append((where, value))
            self.ended |= truth is False
        elif _INCOMPLETE.fullmatch(name) and truth:
            self.incomplete.append((where, value))
        elif (_LAST.fullmatch(name) or _DONE.fullmatch(name)) and truth is not None:
            if not truth:
                self.more.append((where, value))
            elif _DONE.fullmatch(name):
                self.done = True
            else:
                self.ended = True
        elif _EARLIER.fullmatch(name):
            self.earlier |= truth is not False and not is_none(value)
        elif _FIRST.fullmatch(name):
            self.earlier |= truth is False

    def _failure(self, place: str, named: Mapping[str, object], size: int) -> None:
        """Record that a part of the response failed, or that a total is a lower bound."""
        shards = named.get("shards")
        if isinstance(shards, dict) and read_number(shards.get("failed")):
            self.incomplete.append(("_shards.failed", shards["failed"]))
        if named.get("relation") in {"gte", "gt"} and read_number(named.get("value")) == size:
            self.incomplete.append((f"{place}.relation", named["relation"]))
        if place:
            return
        for name, value in named.items():
            failed = name in _FAILURE and value and isinstance(value, str | list | dict)
            if failed or (name in _SUCCESS and value is False):
                self.incomplete.append((name, value))


def _position(place: str, entries: list[tuple[str, object]], size: int) -> Position | None:
    totals: list[tuple[int, str]] = []
    counts: list[tuple[int, str]] = []
    pages: list[tuple[int, str]] = []
    page = offset = None
    for key, value in entries:
        name = plain(key)
        # Elasticsearch: "total": {"value": 10000, "relation": "gte"}.
        number = read_number(value.get("value") if isinstance(value, dict) else value)
        if number is None:
            continue
        if _PAGES.fullmatch(name):
            pages.append((number, key))
        elif _TOTAL.fullmatch(name):
            totals.append((number, key))
        elif name in _PAGE:
            page = page or (_PAGE[name] or key, number)
        elif name in _OFFSET:
            offset = offset or (key, number)
        elif _COUNT.fullmatch(name):
            counts.append((number, key))
    # Next to a total, `count` is often the size of a page; a total below the size counts pages.
    real = [found_headers for found_headers in totals if found_headers[0] >= size]
    if not totals and not counts and not pages and not page and not offset:
        return None
    total, total_name = max(real or counts, default=(None, ""))
    last, pages_name = max(pages, default=(None, ""))
    return Position(
        place=place,
        total=total,
        total_name=total_name,
        sure=bool(real),
        pages=last,
        pages_name=pages_name,
        page=page,
        offset=offset,
    )


def _parameter(key: str) -> str:
    """Return the parameter that by convention takes a cursor: ``next_cursor`` sets ``cursor``."""
    if plain(key) in _TOKEN or not key.lower().startswith("next"):
        return key
    rest = key[4:].lstrip("_- ")
    return rest[:1].lower() + rest[1:]
