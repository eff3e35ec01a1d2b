"""Endpoints over HTTP whose functions fail, whose workers end, or that cannot start."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pyarrow as pa
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
def score(age: float) -> float:
    return age / 100
"""
TROUBLE = """
import os, time
def trouble(what: str) -> float:
    if what == "raise":
        raise ValueError("the secret is " + SECRET)
    if what == "exit":
        os._exit(3)
    if what == "hang":
        time.sleep(60)
    return float(what)
SECRET = "hunter2-hunter2"
"""
GREEDY = """
import time
def greedy(size: int) -> int:
    block = b"x" * size
    time.sleep(60)
    return len(block)
"""
SALES = pa.table({"region": ["EU", "US"], "amount": [0.0, 1.5]})


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etl]:
    """A ledger with endpoints."""
    etl = open_ledger(tmp_path_factory.mktemp("gateway"))
    publish_function(etl, "score", SCORE)
    publish_function(etl, "trouble", TROUBLE, timeout_s=1.0)
    publish_function(etl, "greedy", GREEDY, memory_bytes=256 << 20)
    publish_function(etl, "old", SCORE, function="score", packages={"numpy": "0.9.0"})
    yield etl
    etl.close()


@pytest.fixture(scope="module")
def gateway(ledger: Etl) -> Iterator[Gateway]:
    with Gateway(ledger).running() as running:
        yield running


@pytest.mark.parametrize(
    ("what", "status", "kind", "said"),
    [
        ("x", 500, "FunctionFailed", "ValueError"),
        ("nan", 500, "FunctionFailed", "NaN"),
        ("exit", 502, "WorkerDied", "exited with code 3"),
        ("hang", 504, "CallTimeout", "1 s"),
    ],
)
def test_a_function_that_fails(
    gateway: Gateway, what: str, status: int, kind: str, said: str
) -> None:
    answer = gateway.post("/functions/trouble", {"what": what})
    assert kind_of(answer) == (status, kind)
    assert said in answer.json()["error"]["message"]
    assert answer.headers["x-version"] == "1"
    assert gateway.post("/functions/trouble", {"what": "7"}).json() == {"result": 7.0}


def test_a_function_that_needs_too_much_memory(gateway: Gateway) -> None:
    answer = gateway.post("/functions/greedy", {"size": 400 << 20})
    assert kind_of(answer) == (502, "WorkerDied")
    assert "of memory" in answer.json()["error"]["message"]


def test_a_worker_that_is_killed_is_replaced(gateway: Gateway) -> None:
    gateway.post("/functions/score", {"age": 1})
    pids = {
        version.name: workers.pids
        for version, workers in gateway.endpoints.pools
        if version.number == 1
    }
    os.kill(pids["score"][0], signal.SIGKILL)
    # The call may have reached the worker before its end was noticed.
    assert gateway.post("/functions/score", {"age": 50}).status_code in (200, 502)
    assert gateway.post("/functions/score", {"age": 50}).json() == {"result": 0.5}


def test_the_values_of_secrets_are_not_shown(gateway: Gateway, ledger: Etl) -> None:
    ledger.secrets.set("db", "hunter2-hunter2")
    assert ledger.secret("db") == "hunter2-hunter2"
    answer = gateway.post("/functions/trouble", {"what": "raise"})
    assert kind_of(answer) == (500, "FunctionFailed")
    assert "hunter2" not in answer.text


def test_a_version_whose_packages_are_not_here_is_down(gateway: Gateway) -> None:
    answer = gateway.post("/functions/old", {"age": 1})
    assert kind_of(answer) == (503, "EndpointDown")
    assert "numpy" in answer.json()["error"]["message"]


def test_the_version_before_one_that_is_down_answers(gateway: Gateway, ledger: Etl) -> None:
    publish_function(ledger, "fallen", SCORE, function="score")
    publish_function(ledger, "fallen", SCORE, function="score", packages={"numpy": "0.9.0"})

    def versions() -> int:
        found = gateway.endpoints.served.endpoints.get("fallen")
        return 0 if found is None else len(found.versions)

    until("both versions", lambda: versions() == 2)
    answer = gateway.post("/functions/fallen", {"age": 50})
    assert (answer.json(), answer.headers["x-version"]) == ({"result": 0.5}, "1")
    asked = gateway.post("/functions/fallen/versions/2", {"age": 50})
    assert kind_of(asked) == (503, "EndpointDown")
    alerts = ledger.settings.home / "alerts.log"
    sent = until("the alert", lambda: alerts.exists() and alerts.read_text())
    assert "fallen is down | fallen version 2 cannot start, version 1 answers: " in sent


def test_a_query_whose_table_has_lost_a_column(gateway: Gateway, ledger: Etl) -> None:
    publish_table(ledger, "short", SALES)
    publish_query(ledger, "of_short", "select region from short")
    until("the query", lambda: "of_short" in gateway.endpoints.served.endpoints)
    assert gateway.get("/queries/of_short").status_code == 200
    publish_table(ledger, "short", SALES.drop_columns(["region"]))
    until("the table", lambda: gateway.get("/queries/of_short").status_code != 200)
    answer = gateway.get("/queries/of_short")
    assert kind_of(answer) == (500, "QueryFailed")
    assert "region" in answer.json()["error"]["message"]
