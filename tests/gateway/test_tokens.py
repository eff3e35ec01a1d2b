"""Tokens of consumers at the gateway: scopes, states, rates, and several gateways on one ledger."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta

import anyio
import httpx
import pytest

from fakes.serving import NOW, TOKEN, Client, FakeCatalogue, FakePublications
from jupyter_etl.errors import StoreError
from jupyter_etl.gateway import tokens as gateway_tokens
from jupyter_etl.gateway.application import create_app
from jupyter_etl.gateway.sign_in import COOKIE, Cookies
from jupyter_etl.gateway.tokens import REFRESH_S, STALE_S, Access, KnownTokens, Refusal
from jupyter_etl.model import AccessToken
from jupyter_etl.services import Etl
from jupyter_etl.services.tokens import digest_of

MINUTE = timedelta(minutes=1)
BROWSER = {"Accept": "text/html"}


def value_of(name: str) -> str:
    return f"jetl_{name}{'x' * 40}"


def a_token(name: str, *read: str, **facts: object) -> AccessToken:
    return AccessToken(
        name=name,
        digest=digest_of(value_of(name)),
        read=read,
        owner="sam",
        created_at=NOW,
        **facts,  # type: ignore[arg-type]
    )


TOKENS = [
    a_token("all", "*"),
    a_token("sales", "sales"),
    a_token("files", "export", "b*"),
    a_token("elsewhere", "other.**"),
    a_token("calls", call=("*",)),
    a_token("later", "*", expires_at=NOW + MINUTE),
    a_token("expired", "*", expires_at=NOW),
    a_token("revoked", "*", revoked_at=NOW, revoked_by="kim"),
    a_token("both", "*", revoked_at=NOW, revoked_by="kim", expires_at=NOW),
]


class Ledger:
    """A table of tokens that may not answer, with the time."""

    def __init__(self, *tokens: AccessToken) -> None:
        self.tokens, self.problem, self.seconds = tokens, False, 1000.0
        self.asked = 0
        self.noted: list[Mapping[str, datetime]] = []

    def load(self) -> tuple[AccessToken, ...]:
        self.asked += 1
        if self.problem:
            raise StoreError("The ledger is away.")
        return self.tokens

    def known(self) -> KnownTokens:
        return KnownTokens(
            self.load, self.noted.append, now=lambda: NOW, monotonic=lambda: self.seconds
        )


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(*TOKENS)


@pytest.fixture
def app(publications: FakePublications, ledger: Ledger) -> Client:
    return Client(publications, tokens=ledger.known())


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value_of(name)}"}


def cookie(name: str, *, operator: str = TOKEN) -> dict[str, str]:
    access = Access(token=next(token for token in TOKENS if token.name == name))
    return {**BROWSER, "Cookie": f"{COOKIE}={Cookies(token=operator).make(access)}"}


SALES, EXPORT, BRIEF = "/tables/sales", "/files/export", "/reports/brief"
LISTING = "/publications"
ROWS = [
    (name, path, status)
    for name, statuses in {
        "all": {SALES: 200, EXPORT: 200, BRIEF: 200, "/tables/none": 404, LISTING: 200},
        "sales": {SALES: 200, f"{SALES}?version=1": 200, EXPORT: 404, BRIEF: 404, LISTING: 200},
        "files": {SALES: 404, EXPORT: 200, f"{EXPORT}/versions/1": 200, BRIEF: 200},
        "elsewhere": {SALES: 404, EXPORT: 404, f"{BRIEF}/versions/1": 404, LISTING: 200},
        "calls": {SALES: 404, EXPORT: 404, BRIEF: 404, LISTING: 200, "/": 200},
        "later": {SALES: 200},
        "expired": {SALES: 401, LISTING: 401, "/": 401, "/nope": 401, "/healthz": 200},
        "revoked": {SALES: 401, LISTING: 401, "/tables/none": 401},
        "unknown": {SALES: 401, LISTING: 401},
    }.items()
    for path, status in statuses.items()
]


@pytest.mark.parametrize(("name", "path", "status"), ROWS)
def test_what_a_token_may_read(app: Client, name: str, path: str, status: int) -> None:
    assert app.get(path, bearer(name)).status_code == status


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("all", ["brief", "export", "sales"]),
        ("sales", ["sales"]),
        ("files", ["brief", "export"]),
        ("elsewhere", []),
        ("calls", []),
    ],
)
def test_listings_contain_what_a_token_may_read(app: Client, name: str, listed: list[str]) -> None:
    items = app.get(LISTING, bearer(name)).json()["items"]
    assert [item["name"] for item in items] == listed
    page = app.get("/", cookie(name)).text
    assert [one for one in ("brief", "export", "sales") if f">{one}</a>" in page] == listed


@pytest.mark.parametrize(
    "path",
    ["/tables/{}", "/tables/{}?limit=x", "/tables/{}?version=9", "/files/{}", "/reports/{}",
     "/files/{}/versions/1", "/reports/{}/versions/9", "/reports/{}/versions/x"],
)  # fmt: skip
def test_a_name_beyond_the_scope_is_answered_like_an_unknown_one(app: Client, path: str) -> None:
    answers = []
    for name in ("sales", "export", "brief", "only-draft", "never-there"):
        answer = app.get(path.format(name), bearer("elsewhere"))
        assert answer.status_code == 404
        headers = {key: one for key, one in answer.headers.items() if key != "content-length"}
        answers.append((answer.text.replace(name, "x"), headers))
    assert answers == [answers[0]] * 5


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("expired", "The token 'expired' expired on 2026-01-01 at 00:00 UTC."),
        ("revoked", "The token 'revoked' was revoked on 2026-01-01 at 00:00 UTC."),
        ("both", "The token 'both' was revoked on 2026-01-01 at 00:00 UTC."),
        ("unknown", "This needs a token of the service."),
    ],
)
def test_a_token_that_is_not_valid_is_told_so(app: Client, name: str, said: str) -> None:
    answer = app.get(SALES, bearer(name))
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert (error["kind"], error["message"], error["fields"]) == ("Unauthorized", said, [])
    assert error["hint"]
    assert answer.headers["www-authenticate"].startswith("Bearer")
    form = app.request("POST", "/sign-in", data={"token": value_of(name), "next": "/"})
    assert form.status_code == 401
    assert "set-cookie" not in form.headers
    assert value_of(name) not in answer.text + form.text


@pytest.mark.parametrize("query", ["token", "access_token", "key", "q"])
def test_a_token_in_the_url_is_refused(app: Client, query: str) -> None:
    for headers in ({}, bearer("all"), cookie("all")):
        answer = app.get(f"{SALES}?{query}={value_of('all')}", headers)
        assert answer.status_code == 401
        assert "URL" in answer.text


def test_a_browser_signs_in_with_a_token_of_a_consumer(app: Client) -> None:
    answer = app.request("POST", "/sign-in", data={"token": value_of("sales"), "next": SALES})
    assert (answer.status_code, answer.headers["location"]) == (303, SALES)
    kept = answer.headers["set-cookie"].partition(";")[0]
    assert value_of("sales") not in kept
    assert TOKENS[1].digest not in kept
    given = {**BROWSER, "Cookie": kept}
    assert app.get(SALES, given).status_code == 200
    assert app.get(EXPORT, given).status_code == 404
    assert app.request("POST", SALES, given).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (cookie("sales"), 200),
        (cookie("sales", operator="u" * 43), 401),
        (cookie("expired"), 401),
        (cookie("revoked"), 401),
        ({"Cookie": cookie("sales")["Cookie"].replace(b"sales".hex(), b"all".hex())}, 401),
        ({"Cookie": cookie("sales")["Cookie"].replace(b"sales".hex(), "")}, 401),
        ({"Cookie": cookie("sales")["Cookie"].replace(b"sales".hex(), "zz")}, 401),
        ({"Cookie": cookie("sales")["Cookie"].replace(b"sales".hex(), b"no".hex())}, 401),
        ({**cookie("sales"), "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 401),
    ],
)
def test_a_cookie_holds_as_long_as_its_token(
    app: Client, headers: dict[str, str], status: int
) -> None:
    assert app.get(SALES, headers).status_code == status


def test_a_browser_reads_why_its_cookie_is_refused(app: Client) -> None:
    page = app.get(SALES, cookie("revoked")).text
    assert "was revoked on" in page
    assert 'action="/sign-in"' in page


def test_more_requests_than_the_rate_wait(publications: FakePublications) -> None:
    ledger = Ledger(a_token("two", "*", rate=2.0), a_token("slow", "*", rate=0.1))
    app = Client(publications, tokens=ledger.known())

    def statuses(name: str, count: int) -> list[int]:
        return [app.get("/", bearer(name)).status_code for _ in range(count)]

    assert statuses("two", 4) == [200, 200, 429, 429]
    assert statuses("slow", 2) == [200, 429]
    answer = app.get(SALES, bearer("slow"))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    error = answer.json()["error"]
    assert (error["kind"], error["fields"]) == ("TooManyRequests", [])
    assert "0.1/s" in error["message"]
    ledger.seconds += 0.5
    assert statuses("two", 2) == [200, 429]
    ledger.seconds += 60
    assert statuses("two", 3) == [200, 200, 429]
    assert app.get("/", {"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_the_last_known_tokens_are_accepted_for_a_while(app: Client, ledger: Ledger) -> None:
    assert app.get(SALES, bearer("all")).status_code == 200
    ledger.problem = True
    ledger.seconds += STALE_S
    assert app.get(SALES, bearer("all")).status_code == 200
    assert app.get(SALES, bearer("revoked")).status_code == 401
    ledger.seconds += 0.1
    for name in ("all", "revoked", "unknown"):
        answer = app.get(SALES, bearer(name))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert app.get(SALES, cookie("all")).status_code == 503
    assert app.get(SALES).status_code == 401
    assert app.get(SALES, {"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    ledger.problem = False
    assert app.get(SALES, bearer("all")).status_code == 200


def test_the_ledger_is_not_queried_for_each_request(
    publications: FakePublications, ledger: Ledger
) -> None:
    app = create_app(FakeCatalogue(publications), lambda: TOKEN, tokens=ledger.known())

    async def send_twenty() -> None:
        transport = httpx.ASGITransport(app)
        client = httpx.AsyncClient(transport=transport, base_url="http://serve")
        async with app.router.lifespan_context(app), client:
            ledger.problem = True
            for _ in range(20):
                assert (await client.get("/", headers=bearer("all"))).status_code == 200
            asked = ledger.asked
            ledger.problem = False
            with anyio.fail_after(30):
                while ledger.asked < asked + 2:
                    await anyio.sleep(0.01)

    anyio.run(send_twenty)
    assert REFRESH_S <= 0.5


def test_a_new_token_is_accepted_at_once(
    publications: FakePublications, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_tokens, "REFRESH_S", 3600)
    ledger = Ledger()
    known = replace(ledger.known(), monotonic=time.monotonic)
    app = create_app(FakeCatalogue(publications), lambda: TOKEN, tokens=known)

    async def statuses(client: httpx.AsyncClient, *names: str) -> set[int]:
        found: set[int] = set()

        async def ask(name: str) -> None:
            found.add((await client.get(SALES, headers=bearer(name))).status_code)

        async with anyio.create_task_group() as group:
            for name in names:
                group.start_soon(ask, name)
        return found

    async def live() -> None:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://serve")
        async with app.router.lifespan_context(app), client:
            assert await statuses(client, "all") == {401}
            ledger.tokens = (TOKENS[0],)
            assert await statuses(client, *["all"] * 20) == {200}
            asked = ledger.asked
            assert await statuses(client, *["unknown"] * 100) == {401}
            assert ledger.asked < asked + 10
            ledger.problem = True
            assert await statuses(client, "unknown", "all") == {401, 200}

    anyio.run(live)


def test_a_slow_query_does_not_replace_a_later_one(ledger: Ledger) -> None:
    known = ledger.known()

    def load_slowly() -> tuple[AccessToken, ...]:
        before, ledger.tokens = ledger.tokens, ()
        ledger.seconds += 1
        known.load = ledger.load
        known.refresh()
        return before

    known.load = load_slowly
    known.refresh()
    assert isinstance(known.decide(value_of("all")), Refusal)


def test_uses_are_noted_to_the_minute(ledger: Ledger) -> None:
    known = replace(ledger.known(), now=lambda: NOW + timedelta(seconds=90))
    known.refresh()
    for name in ("all", "all", "expired"):
        known.decide(value_of(name))
    assert known._uses == {"all": NOW + MINUTE}
    ledger.tokens = (replace(TOKENS[0], last_used_at=NOW + MINUTE),)
    known._uses.clear()
    known.refresh()
    known.decide(value_of("all"))
    assert known._uses == {}


def test_two_gateways_on_one_ledger_learn_of_new_revoked_and_used_tokens(
    etl: Etl, publications: FakePublications, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_tokens, "REFRESH_S", 0.01)
    monkeypatch.setattr(gateway_tokens, "_NOTE_S", 0.01)
    apps = [
        create_app(
            FakeCatalogue(publications),
            lambda: TOKEN,
            tokens=KnownTokens(etl.tokens.list, etl.tokens.note_uses),
        )
        for _ in range(2)
    ]

    async def until(clients: list[httpx.AsyncClient], value: str, status: int) -> None:
        headers = {"Authorization": f"Bearer {value}"}
        with anyio.fail_after(30):
            for client in clients:
                while (await client.get(SALES, headers=headers)).status_code != status:
                    await anyio.sleep(0.01)

    async def live() -> None:
        async with AsyncExitStack() as stack:
            clients = []
            for app in apps:
                await stack.enter_async_context(app.router.lifespan_context(app))
                client = httpx.AsyncClient(
                    transport=httpx.ASGITransport(app), base_url="http://serve"
                )
                clients.append(await stack.enter_async_context(client))
            made = await anyio.to_thread.run_sync(lambda: etl.tokens.create("shop", read=["sales"]))
            await until(clients, made.value, 200)
            with anyio.fail_after(30):
                while etl.tokens.list()[0].last_used_at is None:
                    await anyio.sleep(0.01)
            await anyio.to_thread.run_sync(etl.tokens.revoke, "shop")
            await until(clients, made.value, 401)

    anyio.run(live)
