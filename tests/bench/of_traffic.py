"""Endpoints whose versions change while they are called, and tables that they read."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from bench.figures import Figure
from bench.gateways import Service, gateway, under_load
from bench.living import platform
from bench.of_serving import CLIENTS, calls_of_score, p95
from bench.processes import need
from bench.sizes import Size
from fakes.gateways import publish_function, publish_query, publish_table
from fakes.http_load import Connection, Reply
from jupyter_etl.services.etl import Etl

_EVERY_S = 0.6
_SHARE = 0.1
_USERS = 200
_PAGES, _PAGE = 3, 100
_PAUSE_S = 0.04
_VERSION = """
def score(user: str = "") -> int:
    return VERSION
"""
_SLOW = """
import time
def score(age: float, fare: float = 7.25) -> dict[str, float]:
    time.sleep(0.005)
    return {"p": (age + fare) / 100}
"""


def promotions(folder: Path, size: Size) -> Iterator[Figure]:
    """Promotions, rollbacks, a canary and a split while four clients call."""
    with platform(folder) as at:
        for number in (1, 2):
            publish_function(at.etl, "score", f"VERSION = {number}\n{_VERSION}", workers=2)
        with gateway(at) as service:
            for number in (1, 2):
                service.until(
                    service.request("POST", f"/functions/score/versions/{number}", {}),
                    log=folder / "gateway.log",
                )
            yield from _changes(at.etl, service, size)
            yield _canary(at.etl, service, size)
            yield _split(at.etl, service, size)


def _changes(etl: Etl, service: Service, size: Size) -> Iterator[Figure]:
    replies: list[Reply] = []
    request = service.request("POST", "/functions/score", {"user": "u"})

    async def call(connection: Connection) -> None:
        replies.append(await connection.send(request))

    made: list[tuple[float, int]] = []
    begun = time.monotonic()
    with under_load(service, call, clients=CLIENTS):
        for number in range(size.promotions):
            time.sleep(max(0.0, begun + number * _EVERY_S - time.monotonic()))
            version = 1 if number % 2 == 0 else 2
            if version == 1:
                etl.endpoints.rollback("score", 1)
            else:
                etl.endpoints.promote("score", 2)
            made.append((time.monotonic(), version))
            _wait_until_visible(replies, made[-1])
        took = time.monotonic() - begun
    failed = [one for one in replies if one.status != 200 or one.json()["result"] != one.version]
    yield Figure(
        what=f"failed calls during {size.promotions} promotions and rollbacks, {CLIENTS} clients",
        value=len(failed),
        unit="calls",
        goal=0.0,
        detail=f"of {len(replies)} in {took:.3g} s"
        + (f"; {failed[0].status}: {failed[0].body[:200]!r}" if failed else ""),
    )
    delays = [
        (_last_other(replies, change, until), change[1])
        for change, (until, _) in zip(made, [*made[1:], (time.monotonic(), 0)], strict=True)
    ]
    yield Figure(
        what="from a rollback to the last call that another version answers",
        value=max(delay for delay, version in delays if version == 1),
        unit="s",
        goal=1.0,
        detail=f"slowest of {sum(version == 1 for _, version in delays)}; "
        f"median {statistics.median(delay for delay, version in delays if version == 1):.3g} s",
    )


def _wait_until_visible(replies: list[Reply], change: tuple[float, int]) -> None:
    at, version = change
    until = at + 10
    while not any(one.sent > at and one.version == version for one in replies[-100:]):
        need(time.monotonic() < until, f"version {version} does not answer after 10 s")
        time.sleep(0.005)


def _last_other(replies: list[Reply], change: tuple[float, int], until: float) -> float:
    """Return the seconds after a change until the last call that another version answered."""
    at, version = change
    other = [one.sent - at for one in replies if at < one.sent < until and one.version != version]
    return max(other, default=0.0)


def _canary(etl: Etl, service: Service, size: Size) -> Figure:
    etl.endpoints.rollback("score", 1) if etl.endpoints.traffic("score").live != 1 else None
    etl.endpoints.promote("score", 2, canary=_SHARE)
    _settle()
    request = service.request("POST", "/functions/score", {"user": "u"})
    replies = service.load([request] * size.canary_calls, clients=CLIENTS)
    share = sum(one.version == 2 for one in replies) / len(replies)
    return Figure(
        what=f"canary of {100 * _SHARE:g} %: distance of its share of {len(replies):,} calls",
        value=100 * abs(share - _SHARE),
        unit="points",
        goal=2.0,
        detail=f"it answered {100 * share:.3g} %",
    )


def _split(etl: Etl, service: Service, size: Size) -> Figure:
    etl.endpoints.split("score", {1: 0.5, 2: 0.5}, by="user")
    _settle()
    users = [f"u{number}" for number in range(min(_USERS, size.canary_calls // 5))] * 5
    random.Random(7).shuffle(users)
    versions: dict[str, set[int]] = {}
    for user in users:
        versions.setdefault(user, set())
    requests = {one: service.request("POST", "/functions/score", {"user": one}) for one in versions}
    for client in range(5):
        some = users[client::5]
        for user, reply in zip(
            some, service.load([requests[one] for one in some], clients=1), strict=True
        ):
            versions[user].add(reply.version)
    counts = Counter(version for found in versions.values() for version in found)
    return Figure(
        what="split by a field: values that more than one version answered",
        value=sum(len(found) > 1 for found in versions.values()),
        unit="values",
        goal=0.0,
        detail=f"of {len(versions)}; versions {dict(sorted(counts.items()))}",
    )


def _settle() -> None:
    """Wait until gateways have followed a change."""
    time.sleep(1.5)


def shadow(folder: Path, size: Size) -> Iterator[Figure]:
    """Calls that are repeated by another version."""
    with platform(folder) as at:
        for _ in (1, 2):
            publish_function(at.etl, "score", _SLOW, workers=2)
        with gateway(at) as service:
            pairs = []
            for number in range(size.data_pairs + 1):
                found = {}
                for shadowed in (False, True) if number % 2 else (True, False):
                    if shadowed:
                        at.etl.endpoints.promote("score", 1, shadow=True)
                    _settle()
                    found[shadowed] = service.load(
                        [service.request("POST", "/functions/score", {"age": 42.75})]
                        * (size.http_calls // 2),
                        clients=CLIENTS,
                        pause_s=_PAUSE_S,
                    )
                    if shadowed:
                        at.etl.endpoints.rollback("score")
                pairs.append((p95(found[True]), p95(found[False])))
            calls_of_score(service, "/functions/score", CLIENTS, clients=CLIENTS)
    yield Figure(
        what="p95 of calls that a shadow repeats, compared with calls without it",
        value=100 * (statistics.median(a / b for a, b in pairs[1:]) - 1),
        unit="%",
        goal=10.0,
        detail=f"{1000 * statistics.median(a for a, _ in pairs[1:]):.3g} ms against "
        f"{1000 * statistics.median(b for _, b in pairs[1:]):.3g} ms; a function of 5 ms, "
        f"{CLIENTS} clients with pauses of {1000 * _PAUSE_S:g} ms",
    )


def table_versions(folder: Path, size: Size) -> Iterator[Figure]:
    """Versions of a table that appear while its pages are read."""
    statuses: Counter[int] = Counter()
    chains: list[set[int]] = []

    def version(number: int) -> pa.Table:
        rows = _PAGE * _PAGES
        return pa.table({"id": range(rows), "v": [number] * rows})

    with platform(folder) as at:
        publish_table(at.etl, "bench.pages", version(1))
        publish_query(at.etl, "bench.all", "select id, v from bench.pages order by id")
        with gateway(at) as service:
            path = f"/queries/bench.all?limit={_PAGE}"

            async def read_chain(connection: Connection) -> None:
                following, found, count = "", set(), 0
                while True:
                    reply = await connection.send(service.request("GET", path + following))
                    statuses[reply.status] += 1
                    if reply.status != 200:
                        return
                    answer = reply.json()
                    found |= {row["v"] for row in answer["rows"]}
                    count += len(answer["rows"])
                    if not answer["next"]:
                        break
                    following = f"&next={answer['next']}"
                need(count == _PAGE * _PAGES, f"a chain has {count} rows")
                chains.append(found)

            service.until(service.request("GET", path), log=folder / "gateway.log")
            with under_load(service, read_chain, clients=CLIENTS):
                for number in range(2, size.table_versions + 2):
                    publish_table(at.etl, "bench.pages", version(number))
                    time.sleep(_EVERY_S)
    seen = {number for found in chains for number in found}
    yield Figure(
        what=f"calls of a query that failed while {size.table_versions} versions of its table appeared",
        value=sum(count for status, count in statuses.items() if status != 200),
        unit="calls",
        goal=0.0,
        detail=f"of {statuses.total()}; {len(seen)} versions were read; statuses {dict(statuses)}",
    )
    yield Figure(
        what=f"chains of {_PAGES} pages with rows of more than one version",
        value=sum(len(found) > 1 for found in chains),
        unit="chains",
        goal=0.0,
        detail=f"of {len(chains)}",
    )


MEASURES = {"promotions": promotions, "shadow": shadow, "table_versions": table_versions}
