"""Endpoints over HTTP: queries and functions that are answered by real workers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakes.gateways import (
    Gateway,
    kind_of,
    open_ledger,
    publish_function,
    publish_query,
    publish_table,
)
from fakes.patience import until
from jupyter_etl.services.etl import Etl

SCORE = """
def score(age: float, fare: float = 7.25) -> dict[str, float]:
    "How likely a passenger is to survive."
    return {"p": (age + fare) / 100}
"""
BY_CUSTOMER = """
-- Sales of a customer by day.
select cust, day, sum(amount) as amount from sales.daily
where cust = {{cust: int}} and day >= {{since: date = 2026-01-01}} group by all order by day
"""
SALES = pa.table(
    {
        "cust": pa.array([1, 1, 2, 2, 2], pa.int32()),
        "day": [date(2026, 1, day) for day in range(1, 6)],
        "region": ["EU", "US", "EU", None, "EU"],
        "amount": [0.0, 1.5, 2.0, 3.0, 4.0],
    }
)
NEXT = {"columns", "rows", "next", "version"}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etl]:
    """A ledger with endpoints."""
    etl = open_ledger(tmp_path_factory.mktemp("gateway"))
    publish_table(etl, "sales.daily", SALES)
    publish_query(etl, "sales.by_customer", BY_CUSTOMER, key=["cust"])
    publish_query(
        etl, "sales.of_days", "select * from sales.daily where day in {{days: list[date]}}"
    )
    publish_function(etl, "score", SCORE, samples=['{"age": 40}'])
    publish_function(etl, "score", SCORE.replace("100", "50"))
    etl.endpoints.rollback("score", 1)
    publish_function(etl, "score", SCORE.replace("100", "10"), draft=True)
    yield etl
    etl.close()


@pytest.fixture(scope="module")
def gateway(ledger: Etl) -> Iterator[Gateway]:
    with Gateway(ledger).running() as running:
        yield running


# -- answers


def test_a_function_answers(gateway: Gateway) -> None:
    answer = gateway.post("/functions/score", {"age": 42.75})
    assert (answer.status_code, answer.json()) == (200, {"result": {"p": 0.5}})
    assert answer.headers["x-version"] == "1"
    assert len(answer.headers["x-call-id"]) == 32
    assert answer.headers["server-timing"].startswith("call;dur=")
    many = gateway.post("/functions/score/batch", [{"age": 1, "fare": 2}, {"age": 2.75}])
    assert many.json() == {"result": [{"p": 0.03}, {"p": 0.1}]}


def test_a_version_and_a_draft_are_called_by_their_address(gateway: Gateway, ledger: Etl) -> None:
    second = gateway.post("/functions/score/versions/2", {"age": 42.75})
    assert (second.json(), second.headers["x-version"]) == ({"result": {"p": 1.0}}, "2")
    assert gateway.post("/functions/score/versions/2/batch", []).json() == {"result": []}
    mine = ledger.tokens.create("sams", call=["*"]).value
    draft = gateway.post("/drafts/functions/score", {"age": 2.75}, token=mine)
    assert (draft.json(), draft.headers["x-version"]) == ({"result": {"p": 1.0}}, "1")


def test_a_draft_is_only_for_tokens_of_its_owner(gateway: Gateway, ledger: Etl) -> None:
    other = open_ledger(ledger.settings.home, owner="kim")
    token = other.tokens.create("kims", call=["**"]).value
    other.close()
    assert gateway.post("/functions/score", {"age": 1}, token=token).status_code == 200
    answer = gateway.post("/drafts/functions/score", {"age": 1}, token=token)
    assert kind_of(answer) == (404, "NotFound")


def test_a_query_answers_page_by_page(gateway: Gateway) -> None:
    first = gateway.get("/queries/sales.by_customer?cust=2&limit=2").json()
    assert set(first) == NEXT
    assert first["columns"][0] == {"name": "cust", "type": "int32"}
    assert first["rows"] == [
        {"cust": 2, "day": "2026-01-03", "amount": 2.0},
        {"cust": 2, "day": "2026-01-04", "amount": 3.0},
    ]
    rest = gateway.get(f"/queries/sales.by_customer?cust=2&limit=2&next={first['next']}").json()
    assert rest["rows"] == [{"cust": 2, "day": "2026-01-05", "amount": 4.0}]
    assert (rest["next"], rest["version"]) == (None, 1)


def test_a_query_takes_its_parameters_as_json(gateway: Gateway) -> None:
    answer = gateway.post("/queries/sales.by_customer", {"cust": 2, "since": "2026-01-05"})
    assert answer.json()["rows"] == [{"cust": 2, "day": "2026-01-05", "amount": 4.0}]
    assert gateway.post("/queries/sales.by_customer?limit=1", {"cust": 1}).json()["next"]


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/csv", "text/csv"),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("application/json", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
    ],
)
def test_the_format_is_negotiated(gateway: Gateway, accept: str, media: str) -> None:
    path = "/queries/sales.by_customer?cust=1&limit=1"
    answer = gateway.get(path, headers={"Accept": accept})
    assert answer.headers["content-type"].startswith(media)
    assert answer.headers["x-next"]
    rows = {"cust": [1], "day": [date(2026, 1, 1)], "amount": [0.0]}
    match media:
        case "text/csv":
            assert answer.text == "cust,day,amount\n1,2026-01-01,0.0\n"
        case "application/vnd.apache.arrow.stream":
            assert pa.ipc.open_stream(answer.content).read_all().to_pydict() == rows
        case "application/vnd.apache.parquet":
            assert pq.read_table(io.BytesIO(answer.content)).to_pydict() == rows
        case _:
            assert len(answer.json()["rows"]) == 1


@pytest.mark.parametrize(
    "path", ["/queries/sales.by_customer?cust=2&limit=1", "/tables/sales.daily?cust=2&limit=1"]
)
def test_what_has_not_changed_is_not_sent(gateway: Gateway, path: str) -> None:
    first = gateway.get(path)
    etag = first.headers["etag"]
    again = gateway.get(path, headers={"If-None-Match": f'"x", W/{etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert (again.headers["etag"], again.headers["x-version"]) == (etag, "1")
    assert gateway.get(path.replace("2", "1"), headers={"If-None-Match": etag}).status_code == 200


def test_head_has_the_headers_of_get(gateway: Gateway) -> None:
    path = "/queries/sales.by_customer?cust=2"
    head, get = gateway.request("HEAD", path), gateway.get(path)
    assert head.status_code == 200
    for name in ("etag", "content-type", "x-version", "content-length"):
        assert head.headers[name] == get.headers[name]


# -- filters of tables


@pytest.mark.parametrize(
    ("query", "amounts"),
    [
        ("region=EU&day__gte=2026-01-02", [2.0, 4.0]),
        ("day__gt=2026-01-02&day__lt=2026-01-04", [2.0]),
        ("amount__lte=1.5", [0.0, 1.5]),
        ("cust__in=1,3&region__in=EU,US", [0.0, 1.5]),
        ("region=", []),
        ("region=EU' or '1'='1", []),
    ],
)
def test_a_table_is_filtered(gateway: Gateway, query: str, amounts: list[float]) -> None:
    answer = gateway.get(f"/tables/sales.daily?{query}")
    assert set(answer.json()) == NEXT
    assert [row["amount"] for row in answer.json()["rows"]] == amounts
    assert answer.headers["x-version"] == "1"


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("country=EU", "$.country"),
        ("day__gte=soon", "$.day__gte"),
        ("cust=1.5", "$.cust"),
        ("cust__in=1,two", "$.cust__in"),
        ("cust__like=1", "$.cust__like"),
        ("cust=1&limit=0", "$.limit"),
        ("cust=1&offset=1", "$.offset"),
    ],
)
def test_a_wrong_filter_is_422_with_its_field(gateway: Gateway, query: str, path: str) -> None:
    answer = gateway.get(f"/tables/sales.daily?{query}")
    assert kind_of(answer) == (422, "InvalidParameters")
    assert [one["path"] for one in answer.json()["error"]["fields"]] == [path]


def test_pages_stay_on_their_version(gateway: Gateway, ledger: Etl) -> None:
    publish_table(ledger, "moving", SALES.slice(0, 4))
    publish_query(ledger, "of_moving", "select amount from moving order by amount")
    until("the query", lambda: "of_moving" in gateway.endpoints.served.endpoints)
    paths = ["/queries/of_moving?limit=3", "/tables/moving?cust__gte=1&limit=3&columns=amount"]
    first = [gateway.get(path).json() for path in paths]
    publish_table(ledger, "moving", SALES.slice(4))
    publish_query(ledger, "of_moving", "select 7 as seven from moving")
    until(
        "the second versions",
        lambda: (
            [gateway.get(path).json()["rows"] for path in paths]
            == [[{"seven": 7}], [{"amount": 4.0}]]
        ),
    )
    for path, page in zip(paths, first, strict=True):
        rest = gateway.get(f"{path}&next={page['next']}")
        assert rest.json()["rows"] == [{"amount": 3.0}]
        assert rest.headers["x-version"] == "1"


# -- bad input

BODIES = {
    "no JSON": (b"age=1", 400, "InvalidJson"),
    "empty": (b"", 400, "InvalidJson"),
    "not UTF-8": (b'{"age": "\xff"}', 400, "InvalidJson"),
    "NaN": (b'{"age": NaN}', 400, "InvalidJson"),
    "Infinity": (b'{"age": -Infinity}', 400, "InvalidJson"),
    "1e400": (b'{"age": 1e400}', 400, "InvalidJson"),
    "nested": (b"[" * 100_000, 400, "InvalidJson"),
    "unknown field": (b'{"age": 1, "agee": 2}', 422, "InvalidRequest"),
    "missing field": (b"{}", 422, "InvalidRequest"),
    "another type": (b'{"age": "old"}', 422, "InvalidRequest"),
    "no object": (b"[1]", 422, "InvalidRequest"),
    "20 MB": (b'{"age": "' + b"9" * (20 << 20) + b'"}', 413, "BodyTooLarge"),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_is_not_valid(gateway: Gateway, what: str) -> None:
    body, status, kind = BODIES[what]
    answer = gateway.post("/functions/score", body)
    assert kind_of(answer) == (status, kind)
    assert answer.headers["x-call-id"]
    assert gateway.post("/functions/score", {"age": 1}).status_code == 200


QUERIES = {
    "no JSON": (b"cust=1", 400, "InvalidJson"),
    "NaN": (b'{"cust": NaN}', 400, "InvalidJson"),
    "1e400": (b'{"cust": 1e400}', 400, "InvalidJson"),
    "no object": (b"[1]", 400, "InvalidJson"),
    "unknown field": (b'{"cust": 1, "x": 2}', 422, "InvalidParameters"),
    "another type": (b'{"cust": "1"}', 422, "InvalidParameters"),
    "missing": (b"{}", 422, "InvalidParameters"),
}


@pytest.mark.parametrize("what", QUERIES)
def test_a_body_that_is_not_valid_for_a_query(gateway: Gateway, what: str) -> None:
    body, status, kind = QUERIES[what]
    assert kind_of(gateway.post("/queries/sales.by_customer", body)) == (status, kind)


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("", 422, "InvalidParameters"),
        ("cust=two", 422, "InvalidParameters"),
        ("cust=1&cust=2", 422, "InvalidParameters"),
        ("cust=1&x=2", 422, "InvalidParameters"),
        ("cust=1&limit=1001", 422, "InvalidParameters"),
        ("cust=1e400", 422, "InvalidParameters"),
        ("cust=1&next=x", 400, "InvalidToken"),
        ("cust=1&format=xml", 422, "InvalidParameters"),
        ("cust=1&format=", 422, "InvalidParameters"),
    ],
)
def test_a_query_string_that_is_not_valid(
    gateway: Gateway, query: str, status: int, kind: str
) -> None:
    assert kind_of(gateway.get(f"/queries/sales.by_customer?{query}")) == (status, kind)


def test_parameters_are_in_the_body_or_in_the_query_string(gateway: Gateway) -> None:
    answer = gateway.post("/queries/sales.by_customer?cust=1", {"cust": 2})
    assert kind_of(answer) == (422, "InvalidParameters")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = gateway.post("/queries/sales.by_customer", b"cust=1", headers=form)
    assert kind_of(answer) == (415, "UnsupportedMediaType")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/functions/nothing", 404),
        ("/functions/sales.by_customer", 404),
        ("/functions/sales.daily", 404),
        ("/queries/score", 404),
        ("/functions/score/versions/7", 404),
        ("/functions/score/versions/x", 404),
        ("/drafts/functions/trouble", 404),
        ("/drafts/queries/sales.by_customer", 404),
        ("/queries/sales.by_customer/batch", 404),
        ("/functions/..%2Fscore", 404),
        ("/openapi.json", 405),
        ("/tables/sales.daily", 405),
    ],
)
def test_what_is_not_there(gateway: Gateway, path: str, status: int) -> None:
    assert kind_of(gateway.post(path, {}))[0] == status


def test_a_method_that_is_not_allowed(gateway: Gateway) -> None:
    answer = gateway.get("/functions/score")
    assert kind_of(answer) == (405, "MethodNotAllowed")
    assert answer.headers["allow"] == "POST"
    assert "POST" in answer.json()["error"]["hint"]


def test_tokens_are_checked(gateway: Gateway, ledger: Etl) -> None:
    body = {"age": 1}
    made = {
        "reader": ledger.tokens.create("reader", read=["**"], call=["sales.*"]),
        "expired": ledger.tokens.create("expired", call=["*"], expires_s=0.001),
        "revoked": ledger.tokens.create("revoked", call=["*"]),
    }
    right = made["revoked"].value
    assert gateway.post("/functions/score", body, token=right).status_code == 200
    ledger.tokens.revoke("revoked")
    until(
        "the revocation",
        lambda: gateway.post("/functions/score", body, token=right).status_code == 401,
    )
    reader = made["reader"].value
    assert kind_of(gateway.post("/functions/score", body, token=reader)) == (404, "NotFound")
    path = "/queries/sales.by_customer?cust=1"
    assert gateway.get(path, token=reader).status_code == 200
    for token in ("", "wrong", made["expired"].value):
        assert kind_of(gateway.post("/functions/score", body, token=token))[0] == 401
    for name in ("token", "access_token", "x"):
        assert kind_of(gateway.get(f"{path}&{name}={reader}", token=reader))[0] == 401


# -- traffic and counts


def test_calls_become_a_table(gateway: Gateway, ledger: Etl) -> None:
    publish_function(ledger, "counted", SCORE, function="score")
    until("the function", lambda: "counted" in gateway.endpoints.served.endpoints)
    called = gateway.post("/functions/counted", {"age": 1})
    gateway.post("/functions/counted", {"age": "old"})
    for step in (gateway.endpoints.flush, gateway.endpoints.publish_calls) * 2:
        gateway.run(step)
    rows = ledger.publications.read("counted.calls").to_pylist()
    assert [(row["version"], row["role"], row["status"]) for row in rows] == [
        (1, "live", 200),
        (1, "live", 422),
    ]
    assert rows[0]["call_id"] == called.headers["x-call-id"]
    assert ledger.endpoints.get("counted").statistics.calls == 2


def test_a_shadow_is_compared(gateway: Gateway, ledger: Etl) -> None:
    for divisor in ("100", "50"):
        publish_function(ledger, "shadowed", SCORE.replace("100", divisor), function="score")
    ledger.endpoints.promote("shadowed", 1)
    ledger.endpoints.promote("shadowed", 2, shadow=True)
    served = gateway.endpoints.served
    until(
        "the shadow",
        lambda: (
            (one := gateway.endpoints.served.endpoints.get("shadowed"))
            and one.traffic
            and one.traffic.shadow == 2
        ),
    )
    assert served is not gateway.endpoints.served
    for age in range(10):
        answer = gateway.post("/functions/shadowed", {"age": age})
        assert answer.headers["x-version"] == "1"
    until("10 comparisons", lambda: ledger.endpoints.compare("shadowed", 1, 2).compared == 10)
    found = ledger.endpoints.compare("shadowed", 1, 2)
    assert found.differing.share == 1.0
    assert found.gap_p95 == pytest.approx((9 + 7.25) / 100, rel=0.05)


def test_json_numbers_keep_their_digits(gateway: Gateway) -> None:
    answer = gateway.post("/functions/score", b'{"age": 0.1, "fare": 0.2}')
    assert json.loads(answer.text)["result"]["p"] == (0.1 + 0.2) / 100
