"""Every route of the consumers' service, and what it does with hostile requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes.serving import TOKEN, Client
from jupyter_etl.gateway.application import create_app
from jupyter_etl.gateway.sign_in import COOKIE, SIGN_IN_PATH, Cookies
from jupyter_etl.gateway.tokens import Access, KnownTokens
from jupyter_etl.services.tokens import NewToken
from security.conftest import BODIES, NAMES, TEXTS, Seen, Target

ROUTES = {
    "/": (), "/healthz": (), "/publications": (), "/sign-out": (),
    "/tables/{name}": ("columns", "limit", "offset", "format", "version", "where", "draft"),
    "/files/{name}": (), "/files/{name}/versions/{number}": (),
    "/reports/{name}": (), "/reports/{name}/versions/{number}": (),
}  # fmt: skip
"""All routes, with the arguments that their query strings may have, and some that they have not."""

METHODS = ("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "EVIL")
REFUSED = {400, 404, 405, 413, 414, 422}
KNOWN = {"Authorization": f"Bearer {TOKEN}"}
SECRETS = (b"root:", b"/root_dir", b"ledger.sqlite", b"Traceback")


@pytest.fixture
def consumers(target: Target) -> dict[str, NewToken]:
    """Tokens that cover nothing that is published, or are not valid any more."""
    made = {
        "narrow": target.etl.tokens.create("narrow", read=["other.**"], call=["*"]),
        "revoked": target.etl.tokens.create("revoked", read=["*"]),
        "expired": target.etl.tokens.create("expired", read=["*"], expires_s=0.001),
    }
    target.etl.tokens.revoke("revoked")
    return made


@pytest.fixture
def attacked(target: Target, consumers: dict[str, NewToken]) -> Iterator[tuple[Client, Target]]:
    before = target.state()
    tokens = target.etl.tokens.list()
    # Without uses: recording them changes the ledger.
    known = KnownTokens(lambda: tokens)
    yield Client(target.etl.publications, tokens=known), target  # type: ignore[arg-type]
    assert target.state() == before


def filled(path: str, name: str = "sales", number: str = "1") -> str:
    return path.replace("{name}", name).replace("{number}", number)


def test_every_route_has_a_row(target: Target) -> None:
    app = create_app(target.etl, lambda: TOKEN)
    assert {route.path for route in app.routes} == set(ROUTES)  # type: ignore[attr-defined]


def test_without_a_valid_token_nothing_is_reached(
    attacked: tuple[Client, Target], consumers: dict[str, NewToken]
) -> None:
    seen, (app, _) = Seen(), attacked
    narrow, revoked, ended = (consumers[one] for one in ("narrow", "revoked", "expired"))
    cookies = Cookies(token=TOKEN)
    theirs = cookies.make(Access(token=narrow.token))
    more = theirs.replace(b"narrow".hex(), "")
    forged = Cookies(token="another").make()
    expired = "1." + Cookies(token=TOKEN).make().partition(".")[2]
    credentials: list[dict[str, str]] = [
        {}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer " + "a" * 10_000},
        {"Cookie": f"{COOKIE}={forged}"}, {"Cookie": f"{COOKIE}={expired}"},
        {"Cookie": f"{COOKIE}=x.y"}, {"Cookie": f"{COOKIE}={'9' * 5_000}.x"},
        {"Authorization": f"Bearer {revoked.value}"}, {"Authorization": f"Bearer {ended.value}"},
        {"Authorization": f"Bearer {narrow.token.digest}"},
        {"Cookie": f"{COOKIE}={cookies.make(Access(token=revoked.token))}"},
        {"Cookie": f"{COOKIE}={more}"}, {"Cookie": f"{COOKIE}={more.replace('..', '.')}"},
        {"X-Forwarded-For": "127.0.0.1", "X-Original-URL": "/healthz"},
    ]  # fmt: skip
    for path in ROUTES:
        for given in credentials:
            for method in ("GET", "POST", "HEAD"):
                answer = app.request(method, filled(path), given)
                open_to_all = path == "/healthz"
                seen.note(
                    (method, path, given), answer.status_code, {200, 405} if open_to_all else {401}
                )
    seen.done(400)


def test_a_token_reaches_nothing_beyond_its_scope(
    attacked: tuple[Client, Target], consumers: dict[str, NewToken]
) -> None:
    seen, (app, _) = Seen(), attacked
    known = {"Authorization": f"Bearer {consumers['narrow'].value}"}
    for path in (one for one in ROUTES if "{" in one):
        for name in ("sales", "SALES", "other/../sales", "sales%00", *NAMES[2:]):
            answer = app.get(filled(path, name), known)
            seen.note((path, name), answer.status_code, {404, 307})
            _tells_nothing(answer.headers, answer.content)
    assert app.get("/publications", known).json() == {"items": []}
    seen.done(200)


def test_only_get_is_taken(attacked: tuple[Client, Target]) -> None:
    seen, (app, _) = Seen(), attacked
    for path in ROUTES:
        for method in METHODS:
            expected = {200, 303, 404} if method == "HEAD" else {405}
            status = app.request(method, filled(path), KNOWN).status_code
            seen.note((method, path), status, expected)
    seen.done(60)


def test_no_address_leads_elsewhere(attacked: tuple[Client, Target]) -> None:
    seen, (app, _) = Seen(), attacked
    for path in (one for one in ROUTES if "{" in one):
        # The client itself resolves the first two.
        for name in NAMES[2:]:
            for address in {filled(path, name), filled(path, "sales", name)}:
                answer = app.get(address, KNOWN)
                known = "/tables/" in path and "{number}" not in path and "sales" in address
                seen.note(address, answer.status_code, {200} if known else {*REFUSED, 307})
                _tells_nothing(answer.headers, answer.content)
    seen.done(200)


def test_no_argument_of_a_query_breaks_a_table(attacked: tuple[Client, Target]) -> None:
    seen, (app, _) = Seen(), attacked
    for argument in ROUTES["/tables/{name}"]:
        for value in NAMES:
            answer = app.get(f"/tables/sales?{argument}={value}", KNOWN)
            seen.note((argument, value), answer.status_code, {200, *REFUSED})
            _tells_nothing(answer.headers, answer.content)
    seen.done(200)


def test_no_header_breaks_an_answer(attacked: tuple[Client, Target]) -> None:
    seen, (app, _) = Seen(), attacked
    headers = [
        ("Range", "bytes=-1"), ("Range", "bytes=0-,0-,0-"), ("Range", "bytes=9999999999999999999-"),
        ("Range", "lines=1"), ("If-None-Match", '"' + "a" * 10_000), ("If-Modified-Since", "x"),
        ("If-Modified-Since", "9" * 40), ("Accept", "a" * 10_000), ("Accept", "text/html;q=NaN"),
        ("Accept-Encoding", "gzip;q=1e999"), ("Host", "evil.example"), ("Origin", "https://evil"),
        ("X-Forwarded-Host", "evil.example"), ("X-HTTP-Method-Override", "DELETE"),
        ("Content-Length", "-1"), ("Cookie", "\xff" * 10),
    ]  # fmt: skip
    for path in ROUTES:
        for name, value in headers:
            answer = app.request(
                "GET", filled(path), [*KNOWN.items(), (name, value.encode("latin-1"))]
            )
            seen.note((path, name, value), answer.status_code, {200, 206, 303, 304, 416, *REFUSED})
            _tells_nothing(answer.headers, answer.content)
            assert b"evil.example" not in answer.content
            assert "evil.example" not in str(answer.headers)
    seen.done(140)


def test_no_form_signs_in_or_leads_elsewhere(attacked: tuple[Client, Target]) -> None:
    seen, (app, _) = Seen(), attacked
    elsewhere = ("https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example",
                 "javascript:alert(1)", "/x\r\nX-Evil: 1", "\\\\evil.example")  # fmt: skip
    for text in TEXTS:
        answer = app.request("POST", SIGN_IN_PATH, data={"token": text, "next": "/"})
        seen.note(("token", text), answer.status_code, {200, 401, 403, 413})
        assert "set-cookie" not in answer.headers
    for place in elsewhere:
        answer = app.request("POST", SIGN_IN_PATH, data={"token": TOKEN, "next": place})
        seen.note(("next", place), answer.status_code, {303})
        assert answer.headers["location"] == "/"
        assert "x-evil" not in answer.headers
    for what in BODIES:
        body = {"token": BODIES[what].decode("latin-1")[:20_000]}
        answer = app.request("POST", SIGN_IN_PATH, data=body)
        seen.note(("body", what), answer.status_code, {200, 401, 403, 413})
        assert "set-cookie" not in answer.headers
    seen.done(40)


def _tells_nothing(headers: object, content: bytes) -> None:
    assert "x-evil" not in str(headers).lower()
    assert not [one for one in SECRETS if one in content]
