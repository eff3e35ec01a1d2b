"""Every route of the Jupyter server, and what it does with hostile requests: refuse, change nothing."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from jupyter_etl.rest.routes import ROUTES
from security.conftest import BODIES, NAMES, TEXTS, WRONG, Seen, Target, as_json

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
REFUSED = {400, 404, 405, 409, 411, 413, 414, 415, 422, 431}
DENIED = {401, 403}


@dataclass(frozen=True)
class Row:
    """One verb of one route.

    Args:
        body: Names of the fields that its body may have, with values that would be taken.
        query: Names of the arguments that its query string may have.
    """

    body: dict[str, object] | None = None
    query: tuple[str, ...] = ()


NOTHING: dict[str, object] = {}
SCHEDULE = ("when", "timezone", "after", "after_all", "from", "to", "count")
DEPLOY: dict[str, object] = {
    "notebook": "delays.ipynb", "when": "daily at 07:00", "timezone": "UTC", "name": "delays",
    "parameters": {}, "retries": 1, "timeout_s": 60, "catchup": "none", "overlap": "skip",
    "on_lost": "retry", "priority": 0, "memory_bytes": 2**30, "checkpoint": False, "cold": False,
    "owner": "sam", "after": [], "after_all": False, "on_demand": False, "reset": [],
    "expect": False, "shared": False, "include": [], "anyway": False,
}  # fmt: skip

ROWS: dict[tuple[str, str], Row] = {
    ("GET", "/summary"): Row(),
    ("POST", "/schedulers"): Row(body=NOTHING),
    ("GET", "/sources"): Row(query=("limit", "offset")),
    ("GET", "/sources/{name}"): Row(),
    ("GET", "/sources/{name}/preview"): Row(query=("limit", "table")),
    ("GET", "/pipelines"): Row(query=("limit", "offset", "filter", "search")),
    ("POST", "/pipelines"): Row(body=DEPLOY),
    ("GET", "/pipelines/{name}"): Row(),
    ("DELETE", "/pipelines/{name}"): Row(body=NOTHING),
    ("POST", "/pipelines/{name}/pause"): Row(body=NOTHING),
    ("POST", "/pipelines/{name}/relink"): Row(body={"notebook": "delays.ipynb"}),
    ("POST", "/pipelines/{name}/resume"): Row(body=NOTHING),
    ("POST", "/pipelines/{name}/trigger"): Row(body={"parameters": {}, "draft": False}),
    ("POST", "/pipelines/{name}/trigger/lines"): Row(body={"parameters": {}, "draft": False}),
    ("GET", "/pipelines/{name}/parameters"): Row(),
    ("GET", "/pipelines/{name}/versions"): Row(),
    ("GET", "/pipelines/{name}/watermarks"): Row(),
    ("POST", "/pipelines/{name}/watermarks/reset"): Row(body={"table": "t", "since": "id"}),
    ("GET", "/runs"): Row(query=("limit", "offset", "pipeline", "state")),
    ("GET", "/runs/{id}"): Row(),
    ("POST", "/runs/{id}/cancel"): Row(body=NOTHING),
    ("POST", "/runs/{id}/retry"): Row(body={"from_failed_cell": False}),
    ("POST", "/runs/{id}/approve"): Row(body=NOTHING),
    ("POST", "/runs/{id}/reject"): Row(body=NOTHING),
    ("GET", "/holds"): Row(),
    ("GET", "/runs/{id}/notebook"): Row(),
    ("GET", "/runs/{id}/log"): Row(query=("offset",)),
    ("GET", "/publications"): Row(query=("limit", "offset")),
    ("GET", "/publications/{name}"): Row(query=("draft",)),
    ("GET", "/publications/{name}/preview"): Row(query=("limit", "version", "draft")),
    ("GET", "/publications/{name}/content"): Row(query=("version", "draft")),
    ("GET", "/publications/{name}/diff"): Row(query=("version", "to", "draft")),
    ("GET", "/publications/{name}/lineage"): Row(query=("depth",)),
    ("POST", "/publications/{name}/rollback"): Row(body={"to": 1, "keep_watermarks": False}),
    ("POST", "/publications/{name}/promote"): Row(body={"version": 1}),
    ("POST", "/schedule/preview"): Row(body={"when": "daily", "timezone": "UTC"}),
    ("POST", "/schedule/lines"): Row(body=DEPLOY),
    ("GET", "/notebook"): Row(query=("path",)),
}
"""All routes; one that is missing here, or is no longer there, fails `test_every_route_has_a_row`."""

OFFERED = [(one.method, one.path) for one in ROUTES]
WRITES = [one for one in ROWS if ROWS[one].body is not None]
READS = [one for one in ROWS if ROWS[one].body is None]


def filled(path: str, name: str = "delays", number: str = "1") -> str:
    named = "sales" if "publications" in path and name == "delays" else name
    named = "trips" if "sources" in path and name == "delays" else named
    return path.replace("{name}", named).replace("{id}", number)


@pytest.fixture
def attacked(server, target: Target) -> Iterator[Target]:
    """The target behind the server; nothing may have changed at the end."""
    before = target.state()
    yield target
    assert target.state() == before


def test_every_route_has_a_row() -> None:
    assert set(ROWS) == set(OFFERED)


async def test_without_the_token_nothing_is_reached(ask, attacked: Target) -> None:
    seen = Seen()
    wrong = ("token wrong", "token ", "Bearer x", "Basic YTpi", "token " + "a" * 4_000, "TOKEN\t")
    for verb, path in OFFERED:
        body = as_json(ROWS[verb, path].body) if (verb, path) in WRITES else None
        said = {"Content-Type": "application/json"}
        for header in (None, *wrong):
            headers = said if header is None else {**said, "Authorization": header}
            answer = await ask(filled(path), verb, body=body, login=False, headers=headers)
            seen.note((verb, path, header), answer.status, DENIED)
        answer = await ask(
            f"{filled(path)}?token=wrong", verb, body=body, login=False, headers=said
        )
        seen.note((verb, path, "?token="), answer.status, DENIED)
    seen.done(240)


async def test_only_the_declared_verbs_are_taken(ask, attacked: Target) -> None:
    seen = Seen()
    for path in sorted({one.path for one in ROUTES}):
        for verb in VERBS[:-1]:
            if (verb, path) not in OFFERED:
                body = b"{}" if verb in ("POST", "PUT", "PATCH") else None
                headers = {"Content-Type": "application/json"}
                answer = await ask(filled(path), verb, body=body, headers=headers)
                seen.note((verb, path), answer.status, {405})
        answer = await ask(filled(path), "OPTIONS")
        seen.note(("OPTIONS", path), answer.status, {200, 204, 405})
        for override in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
            if ("GET", path) in READS:
                query = "?path=delays.ipynb"
                answer = await ask(filled(path) + query, headers={override: "DELETE"})
                seen.note((override, path), answer.status, {200, *REFUSED})
    seen.done(180)


async def test_a_browser_of_another_site_changes_nothing(ask, attacked: Target, server) -> None:
    seen = Seen()
    token = server.identity_provider.token
    answer = await ask(f"/summary?token={token}", login=False)
    cookie = "; ".join(one.partition(";")[0] for one in answer.headers.get_list("Set-Cookie"))
    evil = {"Origin": "https://evil.example", "Referer": "https://evil.example/x"}
    forged: tuple[dict[str, str], ...] = (
        {}, evil, {"X-XSRFToken": "wrong"}, {**evil, "X-XSRFToken": "wrong"}, {"Origin": "null"},
    )  # fmt: skip
    for verb, path in WRITES:
        for said in ("application/json", "text/plain", "multipart/form-data"):
            for extra in forged:
                headers = {"Cookie": cookie, "Content-Type": said, **extra}
                body = as_json(ROWS[verb, path].body)
                answer = await ask(filled(path), verb, body=body, login=False, headers=headers)
                seen.note((verb, path, said, extra), answer.status, {400, 403, 404})
    for verb, path in READS:
        headers = {"Cookie": cookie, **evil}
        answer = await ask(filled(path), verb, login=False, headers=headers)
        seen.note((verb, path), answer.status, {403, 404})
    seen.done(200)


async def test_no_name_in_an_address_leads_elsewhere(ask, attacked: Target) -> None:
    seen = Seen()
    for verb, path in OFFERED:
        if "{" not in path:
            continue
        for name in NAMES:
            body = as_json(ROWS[verb, path].body) if (verb, path) in WRITES else None
            headers = {"Content-Type": "application/json"}
            address = filled(path, name, name)
            answer = await ask(address, verb, body=body, headers=headers)
            seen.note((verb, address), answer.status, REFUSED)
            assert "X-Evil" not in answer.headers
            assert b"root:" not in answer.body
    seen.done(900)


@pytest.mark.parametrize("what", BODIES)
async def test_no_body_is_taken_that_is_none(ask, attacked: Target, what: str) -> None:
    seen = Seen()
    headers = {"Content-Type": "application/json"}
    for verb, path in WRITES:
        answer = await ask(filled(path), verb, body=BODIES[what], headers=headers)
        seen.note((verb, path, what), answer.status, REFUSED)
        assert len(answer.body) < 10_000
    seen.done(len(WRITES))


async def test_no_field_takes_another_type(ask, attacked: Target) -> None:
    seen = Seen()
    for verb, path in WRITES:
        for field, good in (ROWS[verb, path].body or {}).items():
            for value in WRONG:
                if _fits(value, good):
                    continue
                body = {**(ROWS[verb, path].body or {}), field: value}
                headers = {"Content-Type": "application/json"}
                answer = await ask(filled(path), verb, body=as_json(body), headers=headers)
                seen.note((verb, path, field, value), answer.status, REFUSED)
    seen.done(150)


def _fits(value: object, good: object) -> bool:
    """Tell whether a value is of the type of one that is taken."""
    numbers = isinstance(good, int | float) and not isinstance(good, bool)
    if numbers:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(good) and not isinstance(good, str)


async def test_no_text_in_a_field_is_executed_or_followed(ask, attacked: Target) -> None:
    seen = Seen()
    headers = {"Content-Type": "application/json"}
    fields = {
        ("POST", "/pipelines"): ("notebook", "when", "timezone", "name", "catchup", "overlap"),
        ("POST", "/pipelines/{name}/relink"): ("notebook",),
        ("POST", "/pipelines/{name}/watermarks/reset"): ("table", "since"),
        ("POST", "/schedule/preview"): ("when", "timezone"),
    }
    for (verb, path), names in fields.items():
        for field in names:
            for text in filter(None, TEXTS):
                body = {**(ROWS[verb, path].body or {}), field: text}
                answer = await ask(filled(path), verb, body=as_json(body), headers=headers)
                seen.note((verb, path, field, text), answer.status, REFUSED)
                assert "X-Evil" not in answer.headers
    seen.done(150)


async def test_no_argument_of_a_query_breaks_a_route(ask, attacked: Target) -> None:
    seen = Seen()
    for verb, path in READS:
        for argument in ROWS[verb, path].query:
            for value in NAMES[::2]:
                address = f"{filled(path)}?{argument}={value}"
                answer = await ask(address, verb)
                seen.note((verb, address), answer.status, {200, *REFUSED})
                assert "X-Evil" not in answer.headers
                assert b"root:" not in answer.body
    seen.done(400)


RAW = {
    "two lengths": "POST {at}/pipelines HTTP/1.1\r\n{who}Content-Length: 2\r\nContent-Length: 9\r\n\r\n{{}}",
    "length and chunks": "POST {at}/schedulers HTTP/1.1\r\n{who}Content-Length: 2\r\n"
    "Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
    "negative length": "POST {at}/pipelines HTTP/1.1\r\n{who}Content-Length: -1\r\n\r\n{{}}",
    "length that is none": "POST {at}/pipelines HTTP/1.1\r\n{who}Content-Length: 0x2\r\n\r\n{{}}",
    "bad chunk": "POST {at}/pipelines HTTP/1.1\r\n{who}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n",
    "unknown encoding": "POST {at}/pipelines HTTP/1.1\r\n{who}Transfer-Encoding: gzip, evil\r\n\r\n{{}}",
    "folded header": "GET {at}/summary HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n\tAuthorization: token x\r\n\r\n",
    "blank in a header's name": "GET {at}/summary HTTP/1.1\r\nHost: h\r\nAuthorization : token x\r\n\r\n",
    "bare line feed": "GET {at}/summary\nX: 1 HTTP/1.1\r\nHost: h\r\n\r\n",
    "blank in the address": "GET {at}/pipelines/a b HTTP/1.1\r\nHost: h\r\n\r\n",
    "NUL in a header": "GET {at}/summary HTTP/1.1\r\nHost: h\r\nX: \0\r\n\r\n",
    "header of 100 kB": "GET {at}/summary HTTP/1.1\r\nHost: h\r\nX: " + "a" * 100_000 + "\r\n\r\n",
    "unknown method": "EVIL {at}/summary HTTP/1.1\r\n{who}\r\n",
    "no version": "GET {at}/summary\r\n\r\n",
    "version 9": "GET {at}/summary HTTP/9.9\r\n{who}\r\n",
}


async def test_no_raw_request_is_smuggled(attacked: Target, server, jp_base_url: str) -> None:
    seen = Seen()
    who = f"Host: h\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: token {server.identity_provider.token}\r\n"
    for what, text in RAW.items():
        sent = text.format(at=f"{jp_base_url}etl/v1", who=who)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent.encode())
        await writer.drain()
        writer.write_eof()
        answer = b""
        # One that waits for more of the request is closed here.
        with contextlib.suppress(TimeoutError, ConnectionError):
            while piece := await asyncio.wait_for(reader.read(65_536), 0.2):
                answer += piece
        writer.close()
        statuses = [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+)", answer)]
        # The connection may be closed without an answer.
        for status in statuses or [400]:
            seen.note((what, statuses), status, {*REFUSED, *DENIED, 501, 505})
    seen.done(len(RAW))
