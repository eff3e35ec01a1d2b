"""Every route of endpoints, and what it does with hostile requests."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pyarrow as pa
import pytest

from fakes.gateways import Gateway, open_ledger, publish_function, publish_query, publish_table
from jupyter_etl.services.etl import Etl
from security import test_serve
from security.conftest import BODIES, NAMES, Seen

FUNCTION = ("/functions/{name}", "/functions/{name}/versions/{number}", "/drafts/functions/{name}")
QUERY = ("/queries/{name}", "/queries/{name}/versions/{number}", "/drafts/queries/{name}")
CALLS = {
    **{path: "score" for one in FUNCTION for path in (one, f"{one}/batch")},
    **dict.fromkeys(QUERY, "by_id"),
}
PAGES = ("/openapi.json", "/docs", "/metrics")
OPEN = ("/readyz",)
"""Routes of which no token is required."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "EVIL")
REFUSED = {400, 404, 405, 406, 410, 413, 415, 422}
SECRETS = (*test_serve.SECRETS, b"site-packages")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etl]:
    etl = open_ledger(tmp_path_factory.mktemp("gateway"))
    publish_table(etl, "sales", pa.table({"id": [1, 2]}))
    for draft in (False, True):
        publish_query(etl, "by_id", "select id from sales where id = {{id: int}}", draft=draft)
        publish_function(etl, "score", "def score(id: int) -> int:\n    return id", draft=draft)
    yield etl
    etl.close()


@pytest.fixture(scope="module")
def gateway(ledger: Etl) -> Iterator[Gateway]:
    with Gateway(ledger).running() as running:
        yield running


@pytest.fixture(autouse=True)
def unchanged(ledger: Etl) -> Iterator[None]:
    """Nothing may be different after a test."""

    def state() -> object:
        rows = ledger.publications.read("sales").to_pylist()
        return rows, [(one.name, one.live, one.draft) for one in ledger.publications.list()]

    before = state()
    yield
    assert state() == before


def filled(path: str, name: str = "", number: str = "1") -> str:
    return path.replace("{name}", name or CALLS.get(path, "")).replace("{number}", number)


def is_taken(path: str, method: str) -> bool:
    """Return whether a route takes a method."""
    if path in FUNCTION or path.endswith("/batch"):
        return method == "POST"
    return method in (("GET", "HEAD", "POST") if path in QUERY else ("GET", "HEAD"))


def tells_nothing(answer: object) -> None:
    assert "x-evil" not in str(answer.headers).lower()  # type: ignore[attr-defined]
    assert not [one for one in SECRETS if one in answer.content]  # type: ignore[attr-defined]


def test_every_route_has_a_row(gateway: Gateway) -> None:
    routes = {route.path for route in gateway.app.routes}  # type: ignore[attr-defined]
    assert routes - set(test_serve.ROUTES) == {*CALLS, *PAGES, *OPEN}


def test_without_a_valid_token_nothing_is_reached(gateway: Gateway, ledger: Etl) -> None:
    seen = Seen()
    expired = ledger.tokens.create("expired", call=["*"], expires_s=0.001).value
    for path in (*CALLS, *PAGES):
        for token in ("", "wrong", expired, "a" * 10_000):
            for method in METHODS:
                answer = gateway.request(method, filled(path), token=token)
                seen.note((method, path, token), answer.status_code, {401})
    seen.done(400)


def test_a_token_calls_nothing_beyond_its_scope(gateway: Gateway, ledger: Etl) -> None:
    seen = Seen()
    token = ledger.tokens.create("narrow", read=["**"], call=["other.*"]).value
    for path, known in CALLS.items():
        for name in (known, known.upper(), f"{known}%00", f"other.x%2F..%2F{known}", *NAMES[2:]):
            answer = gateway.post(filled(path, name), {"id": 1}, token=token)
            seen.note((path, name), answer.status_code, {404, 307})
            tells_nothing(answer)
    assert gateway.get("/openapi.json", token=token).json()["paths"] == {}
    assert "score" not in gateway.get("/docs", token=token).text
    seen.done(200)


def test_only_the_declared_methods_are_taken(gateway: Gateway) -> None:
    seen = Seen()
    for path in (*CALLS, *PAGES, *OPEN):
        for method in METHODS:
            if not is_taken(path, method):
                answer = gateway.request(method, filled(path))
                seen.note((method, path), answer.status_code, {405})
    seen.done(80)


def test_no_name_in_an_address_leads_elsewhere(gateway: Gateway) -> None:
    seen = Seen()
    for path in CALLS:
        for name in NAMES[2:]:
            for address in {filled(path, name), filled(path, number=name)} - {filled(path)}:
                answer = gateway.post(address, {"id": 1})
                seen.note(address, answer.status_code, {*REFUSED, 307})
                tells_nothing(answer)
    seen.done(300)


@pytest.mark.parametrize("what", BODIES)
def test_no_body_is_taken_that_is_none(gateway: Gateway, what: str) -> None:
    seen = Seen()
    for path in CALLS:
        for kind in ("application/json", "text/plain", "application/vnd.apache.arrow.stream"):
            answer = gateway.post(filled(path), BODIES[what], headers={"Content-Type": kind})
            # An empty batch is answered with no results.
            empty = what == "array" and "batch" in path and "json" in kind
            seen.note((path, what, kind), answer.status_code, {200} if empty else REFUSED)
            tells_nothing(answer)
            assert len(answer.content) < 10_000
    seen.done(3 * len(CALLS))


def test_no_argument_of_a_query_breaks_it(gateway: Gateway) -> None:
    seen = Seen()
    for argument in ("id", "limit", "next", "format", "version", "columns", "where"):
        for value in NAMES[::2]:
            text = f"{argument}={value}" if argument == "id" else f"id=1&{argument}={value}"
            for path in ("/queries/by_id", "/tables/sales"):
                answer = gateway.get(f"{path}?{text}")
                seen.note((path, text), answer.status_code, {200, *REFUSED})
                tells_nothing(answer)
    seen.done(200)


def test_no_header_breaks_an_answer(gateway: Gateway) -> None:
    seen = Seen()
    headers = [
        ("If-None-Match", '"' + "a" * 10_000), ("Accept", "a" * 10_000), ("Accept", "*/*;q=1e999"),
        ("Accept", "text/html;q=NaN"), ("X-HTTP-Method-Override", "DELETE"), ("Range", "bytes=-1"),
        ("Content-Encoding", "gzip"), ("Content-Type", "application/json; charset=\xff"),
        ("Content-Type", "multipart/form-data; boundary=" + "x" * 5_000), ("Cookie", "\xff" * 10),
        ("X-Forwarded-Host", "evil.example"), ("Origin", "https://evil.example"),
    ]  # fmt: skip
    for path in (*CALLS, *PAGES, *OPEN):
        for name, value in headers:
            given = {name: value.encode("latin-1")}
            sent = b'{"id": 1}' if is_taken(path, "POST") else None
            method = "POST" if sent else "GET"
            answer = gateway.request(method, filled(path), content=sent, headers=given)
            seen.note((path, name, value), answer.status_code, {200, *REFUSED})
            tells_nothing(answer)
            assert b"evil.example" not in answer.content
    seen.done(140)


def test_a_name_in_the_documentation_is_escaped(gateway: Gateway) -> None:
    for text in ("<script>", "{{7*7}}", '"><img>'):
        answer = gateway.get(f"/docs?{quote(text)}=1", headers={"Host": "evil.example"})
        assert text not in answer.text
    assert gateway.get("/openapi.json").json()["servers"] == [{"url": "/"}]
