"""Endpoints that a notebook publishes, called through a gateway with real workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from starlette.testclient import TestClient

from fakes.notebook_cells import run_cell
from fakes.patience import until
from jupyter_etl.gateway.application import create_app
from jupyter_etl.gateway.endpoints import Endpoints, served_endpoints
from jupyter_etl.gateway.tokens import KnownTokens
from jupyter_etl.notebook import kernel_state
from jupyter_etl.notebook.endpoints import publish_function, publish_query
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.scoring import apply
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.services.etl import Etl

TOKEN = "operator-" + "x" * 30
SCORE = """
def score(age: float, fare: float = 7.25) -> dict[str, float]:
    "How likely a passenger is to survive."
    return {"p": (age + fare) / FACTOR}
"""
BY_CUSTOMER = """
-- Sales of a customer by day.
select cust, day, sum(amount) as amount from sales.daily
where cust = {{cust: int}} and day >= {{since: date = 2026-01-01}} group by all order by day
"""


@pytest.fixture
def session(etl: Etl, here: Path) -> DataSession:
    return kernel_state.data_session({})


@pytest.fixture
def endpoints(etl: Etl) -> Endpoints:
    return served_endpoints(etl)


@pytest.fixture
def gateway(etl: Etl, session: DataSession, endpoints: Endpoints) -> Iterator[TestClient]:
    days = pd.date_range("2026-01-01", periods=5, tz="UTC").date
    sales = pd.DataFrame({"cust": [1, 1, 2, 2, 2], "day": days, "amount": range(5)})
    publish_table(session, "sales.daily", sales, live=True)
    publish_query(session, "sales.by_customer", BY_CUSTOMER, key=["cust"], live=True)
    score(session, 100)
    app = create_app(
        etl,
        lambda: TOKEN,
        tokens=KnownTokens(etl.tokens.list, etl.tokens.note_uses),
        endpoints=endpoints,
    )
    with TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


def score(session: DataSession, factor: float, *, live: bool = True) -> None:
    names = run_cell(f"FACTOR = {factor}\n{SCORE}")
    publish_function(session, "score", names["score"], samples=['{"age": 40}'], live=live)


def until_served(endpoints: Endpoints, what: str, value: object) -> None:
    """Wait until the gateway follows a change of the traffic of ``score``."""
    until(
        f"{what} {value}",
        lambda: getattr(endpoints.served.endpoints["score"].traffic, what) == value,
    )


def test_a_function_answers(gateway: TestClient) -> None:
    answer = gateway.post("/functions/score", json={"age": 42.75})
    assert answer.json() == {"result": {"p": 0.5}}
    assert answer.headers["x-version"] == "1"
    assert answer.headers["x-call-id"]
    many = gateway.post("/functions/score/batch", json=[{"age": 1, "fare": 2}, {"age": 2.75}])
    assert many.json() == {"result": [{"p": 0.03}, {"p": 0.1}]}
    wrong = gateway.post("/functions/score", json={"age": "old"})
    assert wrong.status_code == 422
    assert wrong.json()["error"]["fields"][0]["path"] == "$.age"


def test_a_query_answers_page_by_page(gateway: TestClient) -> None:
    first = gateway.get("/queries/sales.by_customer?cust=2&limit=2").json()
    assert first["rows"] == [
        {"cust": 2, "day": "2026-01-03", "amount": 2},
        {"cust": 2, "day": "2026-01-04", "amount": 3},
    ]
    rest = gateway.get(f"/queries/sales.by_customer?cust=2&limit=2&next={first['next']}").json()
    assert rest["rows"] == [{"cust": 2, "day": "2026-01-05", "amount": 4}]
    assert (rest["next"], rest["version"]) == (None, 1)
    wrong = gateway.get("/queries/sales.by_customer?cust=two")
    assert wrong.status_code == 422


def test_what_is_not_there(gateway: TestClient) -> None:
    for path in ("/functions/nothing", "/functions/sales.by_customer"):
        answer = gateway.post(path, json={})
        assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "NotFound")
    assert gateway.post("/functions/score/versions/7", json={}).status_code == 404
    assert gateway.post("/drafts/functions/score", json={}).status_code == 404


def test_the_document_describes_what_can_be_called(gateway: TestClient) -> None:
    document = gateway.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/functions/score",
        "/functions/score/batch",
        "/queries/sales.by_customer",
    }
    assert "How likely a passenger" in gateway.get("/docs").text
    metrics = gateway.get("/metrics").text
    assert "jupyter_etl_workers" in metrics or "jupyter_etl_calls" in metrics


def test_promotion_and_rollback(
    gateway: TestClient, session: DataSession, etl: Etl, endpoints: Endpoints
) -> None:
    score(session, 10)
    etl.endpoints.split("score", {1: 0.5, 2: 0.5}, by="age")
    until_served(endpoints, "mode", "split")
    versions = {
        gateway.post("/functions/score", json={"age": age}).headers["x-version"]
        for age in range(20)
    }
    assert versions == {"1", "2"}
    etl.publications.rollback("score", 1)
    until_served(endpoints, "live", 1)
    answers = {
        gateway.post("/functions/score", json={"age": age}).headers["x-version"]
        for age in range(20)
    }
    assert answers == {"1"}
    pinned = gateway.post("/functions/score/versions/2", json={"age": 2.75})
    assert (pinned.json(), pinned.headers["x-version"]) == ({"result": {"p": 1.0}}, "2")


def test_a_shadow_is_compared(
    gateway: TestClient, session: DataSession, etl: Etl, endpoints: Endpoints
) -> None:
    score(session, 50)
    etl.endpoints.promote("score", 1)
    etl.endpoints.promote("score", 2, shadow=True)
    until_served(endpoints, "shadow", 2)
    for age in range(10):
        answer = gateway.post("/functions/score", json={"age": age})
        assert answer.headers["x-version"] == "1"
    until("10 comparisons", lambda: etl.endpoints.compare("score", 1, 2).compared == 10)
    found = etl.endpoints.compare("score", 1, 2)
    assert found.differing.share == 1.0
    assert found.gap_p95 == pytest.approx((9 + 7.25) / 100, rel=0.05)


def test_batch_scoring_gives_the_answers_of_the_api(
    gateway: TestClient, session: DataSession
) -> None:
    frame = pd.DataFrame({"age": [0.1, 1 / 3, 1e-9], "other": ["a", "b", "c"]}, index=[7, 8, 9])
    scored = apply(session, "score", frame)
    assert list(scored.index) == [7, 8, 9]
    for row, p in zip(frame.to_dict("records"), scored["p"], strict=True):
        answer = gateway.post("/functions/score", json={"age": row["age"]})
        assert answer.json()["result"]["p"] == p


def test_calls_become_a_table(gateway: TestClient, etl: Etl, endpoints: Endpoints) -> None:
    called = gateway.post("/functions/score", json={"age": 1})
    gateway.post("/functions/score", json={"age": "old"})
    portal = gateway.portal
    assert portal is not None
    for step in (endpoints.flush, endpoints.publish_calls, endpoints.publish_calls):
        portal.call(step)
    rows = etl.publications.read("score.calls").to_pylist()
    assert [(row["version"], row["role"], row["status"]) for row in rows] == [
        (1, "live", 200),
        (1, "live", 422),
    ]
    assert rows[0]["call_id"] == called.headers["x-call-id"]
    assert etl.endpoints.get("score").statistics.calls == 2
