"""Finds the next page of an API, and checks that all records have been read."""

from __future__ import annotations

from dataclasses import replace

import httpx

from jupyter_etl.errors import SourceError
from jupyter_etl.language.names import listed
from jupyter_etl.language.numbers import parse_id
from jupyter_etl.sources.http.exchange import Answer
from jupyter_etl.sources.http.options import HttpTarget
from jupyter_etl.sources.http.refusals import absent, ignored, incomplete, lacking, unclear
from jupyter_etl.sources.http.signs import Position, Signs, find_signs, paging_headers, plain

_COUNTED = frozenset({"page", "offset"})
_ENDS = frozenset({404, 416})
"""Statuses that APIs return for requests after the last page."""

_ALWAYS = frozenset({"scrollid", "bookmark"})
"""Cursors that are also present on the last page."""


class Trail:
    """The sequence of pages of one reading.

    Args:
        path: Names that lead to the records of a page, with dots.

    Attributes:
        target: The API.
        declared: Total number of records in the last response that declares it; None for none.
        rows: Number of records read; 0 for formats that do not show them.
        pages: Number of pages read.
    """

    def __init__(self, target: HttpTarget, path: str) -> None:
        self.declared: int | None = None
        self.rows = 0
        self.pages = 0
        self.target = target
        self._paging = target.paging
        self._path = tuple(filter(None, path.split(".")))
        self._total: tuple[str, int] | None = None
        self._sure: int | None = None
        self._start = 0
        self._partial = False
        self._from_zero = False
        self._by_url = False
        self._expected: tuple[str, bool, int] | None = None
        self._open: list[tuple[str, object]] = []

    @property
    def counts(self) -> bool:
        """Whether pages are requested by number, so a page after the last may be requested."""
        return self.pages > 0 and (self._paging.style in _COUNTED or self._expected is not None)

    @property
    def by_parameter(self) -> bool:
        """Whether pages differ by a query parameter, which the server may ignore."""
        return self._paging.style != "none" and not self._by_url

    @property
    def complete(self) -> bool:
        """Whether as many records as the declared total have been read."""
        return self._sure is not None and self.rows + self._start >= self._sure

    def first_url(self) -> httpx.URL:
        """Return the URL of the first page; numbers start at 1 unless the URL has one."""
        url = httpx.URL(self.target.url)
        if self._paging.style == "page" and self._paging.parameter not in url.params:
            return url.copy_set_param(self._paging.parameter, "1")
        return url

    def is_end(self, problem: SourceError) -> bool:
        """Return whether a rejected page is after the last one.

        Args:
            problem: An error from `Exchange.get`.
        """
        status = problem.data.get("status")
        return self.counts and (status in _ENDS or (status in {400, 422} and self.complete))

    def following(
        self, url: httpx.URL, answer: Answer, document: object, records: list[object] | None
    ) -> httpx.URL | None:
        """Return the URL of the next page; None at the end.

        Args:
            document: The body as JSON; None for another format.
            records: Records of this page; None if the format does not show them.

        Raises:
            SourceError: The response has signs of more pages but not their URL; or it is the
                last one, and records are missing.
        """
        if self._paging.style == "none":
            return None
        signs = find_signs(document, records, self._path, paging_headers(answer.headers))
        declared_positions = signs.positions
        signs = replace(
            signs, positions=tuple(_asked_for(url, position) for position in declared_positions)
        )
        if signs.incomplete:
            raise lacking(self.target, *signs.incomplete[0])
        self.rows += len(records or ())
        self.pages += 1
        if self.pages == 1:
            self._begin(url, signs)
        elif records:
            self._refuse_standstill(declared_positions)
        self._take_total(signs, records)
        found = self._next(url, answer, document, records, signs)
        if found is None:
            self.finish()
        return found

    def finish(self) -> None:
        """Compare the number of records with the declared total.

        Raises:
            SourceError: There are fewer records.
        """
        if self._open and not self.complete:
            raise unclear(self.target, *self._open[0])
        if self._total is None or self._partial:
            return
        place, total = self._total
        rows = self.rows + self._start
        if rows < total:
            raise incomplete(self.target, place, total, rows=rows, pages=self.pages)

    def _take_total(self, signs: Signs, records: list[object] | None) -> None:
        totals = [
            (p.total, f"{p.place}.{p.total_name}".lstrip("."))
            for p in signs.positions
            if p.total is not None
        ]
        if not totals or not self._paging.counted:
            return
        self.declared, place = max(totals)
        # An empty page may include itself in the count.
        if records or self._total is None or self.declared >= self._total[1]:
            self._total = None if records is None else (place, self.declared)
        sure = [p.total for p in signs.positions if p.sure and p.total is not None]
        # A page after the last one may declare no total.
        self._sure = max([*sure, self._sure or 0]) if sure else self._sure

    def _begin(self, url: httpx.URL, signs: Signs) -> None:
        parameter = url.params.get(self._paging.parameter, "") if self._paging.parameter else ""
        number = parse_id(parameter) or 0
        pages = [p.page[1] for p in signs.positions if p.page]
        starts = [p.offset[1] for p in signs.positions if p.offset]
        self._from_zero = 0 in pages
        self._start = number if self._paging.style == "offset" else max(starts, default=0)
        # Some APIs count records from 1.
        self._start = 0 if self._start == 1 else self._start
        self._partial = (
            signs.earlier
            or max(pages, default=0) > 1
            or (self._paging.style == "page" and number > 1)
        )
        if self._paging.style == "page" and signs.earlier and number == 1:
            name = self._paging.parameter
            raise SourceError(
                f"Source '{self.target.name}': {name}=1 is not the first page.",
                hint=f"To start with page 0, write {name}=0 in the URL.",
                retryable=False,
            )

    def _next(
        self,
        url: httpx.URL,
        answer: Answer,
        document: object,
        records: list[object] | None,
        signs: Signs,
    ) -> httpx.URL | None:
        style = self._paging.style
        if style in _COUNTED:
            return self._counted(url, records, signs)
        if style == "next":
            return self._at_path(answer, document, signs)
        if style == "cursor":
            return self._after_cursor(url, document, signs)
        if records == [] and self.complete and self.pages > 1:
            return None
        return self._announced(url, answer, records, signs)

    def _counted(
        self, url: httpx.URL, records: list[object] | None, signs: Signs
    ) -> httpx.URL | None:
        self._open = [*signs.more, *self._missing_pages(signs)]
        if not records:
            if self._open:
                raise unclear(self.target, *self._open[0])
            return None
        name = self._paging.parameter
        step = 1 if self._paging.style == "page" else len(records)
        # If the parameter is omitted, the response may show that it counts from 1.
        offsets = [p.offset for p in signs.positions if p.offset]
        first = next((number for key, number in offsets if plain(key) == plain(name)), 0)
        now = url.params.get(name) or str(first)
        number = parse_id(now)
        if number is None:
            raise SourceError(
                f"Source '{self.target.name}': the parameter {name} in its URL is '{now}', not a "
                "number.",
                hint=f"Leave {name} out of the URL, or set it to the first number.",
                retryable=False,
            )
        return url.copy_set_param(name, str(number + step))

    def _at_path(self, answer: Answer, document: object, signs: Signs) -> httpx.URL | None:
        found = self._given(document, signs)
        if isinstance(found, dict):
            found = next(
                (v for k, v in found.items() if plain(k) in {"href", "url", "link"}), found
            )
        if not found:
            self._end(signs)
            return None
        if not isinstance(found, str):
            raise unclear(self.target, self._paging.path, found)
        self._by_url = True
        return self._joined(answer, found)

    def _after_cursor(self, url: httpx.URL, document: object, signs: Signs) -> httpx.URL | None:
        if self._paging.path:
            found = self._given(document, signs)
        else:
            if self.pages == 1 and not signs.found and not self._is_last(signs):
                raise absent(self.target, "", document)
            given = [value for *_, value in (*signs.cursors, *signs.tokens)]
            found = next((v for v in given if not isinstance(v, dict | list)), None)
            if found is None and (signs.urls or signs.tokens):
                raise unclear(self.target, *(*signs.urls, *signs.tokens)[0])
        if signs.ended or found in (None, "", 0, False):
            self._end(signs)
            return None
        return url.copy_set_param(self._paging.parameter, str(found))

    def _end(self, signs: Signs) -> None:
        """Raise an error if other signs of the response contradict an end."""
        cursors = [] if signs.ended else [(place, value) for place, _, value in signs.cursors]
        left = [*signs.more, *signs.urls, *cursors, *self._missing_pages(signs)]
        if left:
            raise unclear(self.target, *left[0])

    def _given(self, document: object, signs: Signs) -> object:
        """Return the value at the path of the option next; None if a later page lacks it."""
        steps = tuple(self._paging.path.split("."))
        found = document
        while steps:
            inside = found if isinstance(found, dict) else {}
            # A name may contain dots: @odata.nextLink.
            sizes = range(len(steps), 0, -1)
            size = next((n for n in sizes if ".".join(steps[:n]) in inside), 0)
            if not size:
                if found is None:
                    return None
                if self.pages == 1 and not self._paging.optional and not self._is_last(signs):
                    raise absent(self.target, steps[0], found)
                return None
            found, steps = inside[".".join(steps[:size])], steps[size:]
        return found

    def _is_last(self, signs: Signs) -> bool:
        """Return whether the response shows that it is the last page."""
        return (signs.ended or signs.done or self.complete) and not signs.more

    def _announced(
        self, url: httpx.URL, answer: Answer, records: list[object] | None, signs: Signs
    ) -> httpx.URL | None:
        """Return the URL of the link or cursor in the response, by its usual names."""
        links = [("the Link header", answer.link)] if answer.link else list(signs.urls)
        if links:
            self._by_url = True
            return self._one_of(answer, links)
        if signs.cursors and not signs.ended:
            self._by_url = False
            _, parameter, value = signs.cursors[0]
            return url.copy_set_param(parameter, value)
        more: list[tuple[str, object]] = list(signs.more)
        if not signs.ended and not self._by_url:
            more += [
                (place, value)
                for place, value in signs.tokens
                if not (self.complete and plain(place.rpartition(".")[2]) in _ALWAYS)
            ]
        lacking = [p for p in signs.positions if self._lacks(p, records)]
        if lacking:
            position = lacking[0]
            name = position.total_name if position.pages is None else position.pages_name
            number = position.total if position.pages is None else position.pages
            more.append((f"{position.place}.{name}".lstrip("."), number))
        if more and records and not self._by_url:
            for position in (*lacking, *signs.positions):
                if (found := self._by_position(url, position, len(records))) is not None:
                    self._open = more
                    return found
        if not more and not records and not signs.positions:
            # An empty response after one that declares more.
            more = self._open
        self._open = []
        if more:
            raise unclear(self.target, *more[0])
        if answer.partial and self._total is None and not self._by_url:
            raise unclear(self.target, "its status", "206 Partial Content")
        return None

    def _lacks(self, position: Position, records: list[object] | None) -> bool:
        if position.pages is not None and position.page is not None:
            return position.page[1] + (1 if self._from_zero else 0) < position.pages
        if position.pages is not None and not self._partial and self.pages < position.pages:
            return not self._by_url
        if position.total is None or records is None or not self._paging.counted:
            return False
        return self.rows + max(self._start - 1, 0) < position.total and not self._by_url

    def _missing_pages(self, signs: Signs) -> list[tuple[str, object]]:
        """Return the places that declare further pages."""
        return [
            (f"{position.place}.{position.pages_name}".lstrip("."), position.pages)
            for position in signs.positions
            if position.pages
            and position.page
            and position.page[1] + int(self._from_zero) < position.pages
        ]

    def _by_position(self, url: httpx.URL, position: Position, size: int) -> httpx.URL | None:
        if position.page is not None:
            parameter, number = position.page[0], position.page[1] + 1
        elif position.offset is not None:
            parameter, number = position.offset[0], position.offset[1] + size
        else:
            return None
        self._expected = (position.place, position.page is not None, number)
        return url.copy_set_param(parameter, str(number))

    def _refuse_standstill(self, positions: tuple[Position, ...]) -> None:
        if self._expected is None:
            return
        place, by_page, number = self._expected
        for position in positions:
            now = position.page if by_page else position.offset
            if position.place == place and now is not None and now[1] != number:
                raise ignored(self.target, now[0], asked=number, answered=now[1])

    def _one_of(self, answer: Answer, links: list[tuple[str, str]]) -> httpx.URL:
        """Choose the outermost link; two different ones are an error."""
        places: dict[int, dict[httpx.URL, str]] = {}
        for place, link in links:
            places.setdefault(place.count("."), {})[self._joined(answer, link)] = place
        outermost = places[min(places)]
        if len(outermost) > 1:
            raise unclear(self.target, listed(outermost.values()), "different URLs")
        return next(iter(outermost))

    def _joined(self, answer: Answer, found: str) -> httpx.URL:
        try:
            joined = answer.url.join(found)
        except httpx.InvalidURL:
            joined = httpx.URL("")
        if joined.scheme not in {"http", "https"}:
            raise SourceError(
                f"Source '{self.target.name}': its next page is at "
                f"'{self.target.masked(found)[:100]}', which is not an http or https URL.",
                retryable=False,
            )
        return joined


def _asked_for(url: httpx.URL, position: Position) -> Position:
    """Ignore an offset that is not in the URL: it may be that of the next page."""
    if position.offset is None or position.offset[1] <= 1:
        return position
    key, number = position.offset
    asked = {plain(name): value for name, value in url.params.items()}
    is_there = asked.get(plain(key)) == str(number) or str(number) in url.path.split("/")
    return position if is_there else replace(position, offset=None)
