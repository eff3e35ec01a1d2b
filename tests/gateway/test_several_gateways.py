"""Several gateways on one ledger: they follow the same traffic and tokens, and lose no call."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from fakes.gateways import Gateway, open_ledger, publish_function
from fakes.patience import until
from jupyter_etl.model import Traffic
from jupyter_etl.services.etl import Etl

VERSIONS = (1, 2, 3)
SOURCE = """
def score(user: str) -> int:
    return VERSION
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etl]:
    """A ledger with three versions of an endpoint, each of which answers with its number."""
    etl = open_ledger(tmp_path_factory.mktemp("gateways"))
    for number in VERSIONS:
        publish_function(etl, "score", f"VERSION = {number}\n{SOURCE}", workers=1)
    yield etl
    etl.close()


@pytest.fixture(scope="module")
def gateways(ledger: Etl) -> Iterator[list[Gateway]]:
    with Gateway(ledger).running() as first, Gateway(ledger).running() as second:
        yield [first, second]


def follow(gateways: list[Gateway], traffic: Traffic) -> None:
    """Wait until all gateways have this traffic."""

    def seen(gateway: Gateway) -> bool:
        return gateway.endpoints.served.endpoints["score"].traffic == traffic

    until("the traffic", lambda: all(map(seen, gateways)))


def versions(gateway: Gateway, users: range) -> list[str]:
    """Return the version that answers each user."""
    answers = [gateway.post("/functions/score", {"user": f"u{user}"}) for user in users]
    for answer in answers:
        assert answer.json() == {"result": int(answer.headers["x-version"])}
    return [answer.headers["x-version"] for answer in answers]


def test_changes_reach_all_gateways(gateways: list[Gateway], ledger: Etl) -> None:
    for number in (1, 3):
        follow(gateways, ledger.endpoints.promote("score", number))
        for gateway in gateways:
            assert set(versions(gateway, range(3))) == {str(number)}


def test_a_revoked_token_is_refused_by_all_gateways(gateways: list[Gateway], ledger: Etl) -> None:
    token = ledger.tokens.create("shop", call=["score"]).value

    def statuses() -> set[int]:
        body = {"user": "u"}
        return {one.post("/functions/score", body, token=token).status_code for one in gateways}

    assert statuses() == {200}
    ledger.tokens.revoke("shop")
    until("the revocation", lambda: statuses() == {401})


def test_a_split_is_the_same_on_all_gateways(gateways: list[Gateway], ledger: Etl) -> None:
    follow(gateways, ledger.endpoints.split("score", {1: 0.5, 2: 0.3, 3: 0.2}, by="user"))
    first, second = (versions(gateway, range(100)) for gateway in gateways)
    assert first == second
    assert first == versions(gateways[0], range(100))
    # The same users always: the shares are those of their hashes.
    assert Counter(first) == Counter({"1": 60, "2": 27, "3": 13})


def test_promotions_and_rollbacks_lose_no_call(gateways: list[Gateway], ledger: Etl) -> None:
    ended = False

    async def client(gateway: Gateway) -> Counter[tuple[int, object]]:
        found: Counter[tuple[int, object]] = Counter()
        while not ended:
            answer = await gateway.send("POST", "/functions/score", json={"user": "u"})
            body = answer.json()
            matches = body == {"result": int(answer.headers["x-version"])}
            found[answer.status_code, matches or answer.text] += 1
            # Four clients that never wait would take all of a core.
            await asyncio.sleep(0.02)
        return found

    follow(gateways, ledger.endpoints.promote("score", 3))
    clients = [gateway.start(client(gateway)) for gateway in gateways for _ in range(2)]
    try:
        for change in range(20):
            traffic = (
                ledger.endpoints.rollback("score", 1)
                if change % 2 == 0
                else ledger.endpoints.promote("score", 2 + change % 4 // 2)
            )
            follow(gateways, traffic)
    finally:
        ended = True
        found = sum((one.result() for one in clients), Counter())
    assert set(found) == {(200, True)}
    assert found.total() > 100
