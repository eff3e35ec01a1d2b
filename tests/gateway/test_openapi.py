"""What a gateway says about its endpoints, and whether it does what it says for any input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from types import SimpleNamespace
from typing import Any

import httpx
import pyarrow as pa
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from fakes.gateways import Gateway, open_ledger, publish_function, publish_query, publish_table
from fakes.injections import INJECTIONS
from fakes.patience import until
from jupyter_etl.gateway.endpoints.metrics import metrics_text
from jupyter_etl.services.etl import Etl
from jupyter_etl.serving.workers.pool import PoolStatistics

SALES = pa.table(
    {
        "cust": [1, 2, 2],
        "day": [date(2026, 1, day) for day in (1, 2, 3)],
        "region": ["EU", "US", None],
        "amount": [0.5, 1.5, 2.5],
    }
)
SCORE = """
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Literal, Optional
from uuid import UUID
class Cabin(Enum):
    FIRST = "first"
    SECOND = "second"
@dataclass
class Leg:
    airport: str
    at: datetime
    cabins: list[Cabin] = field(default_factory=list)
def score(
    age: float, legs: list[Leg], kind: Literal["a", "b"] = "a", born: Optional[date] = None,
    n: int = 3, fee: Decimal = Decimal("1.5"), ids: list[UUID] = [],
    more: Optional[dict[str, bool]] = None,
) -> dict[str, float]:
    "How likely a passenger is to survive."
    return {"p": min(1.0, max(0.0, age / 100))}
"""
SAMPLE = '{"age": 40, "legs": [{"airport": "VIE", "at": "2026-01-01T00:00:00Z"}]}'
BY_CUSTOMER = """
-- Sales of a customer by day.
select cust, day, sum(amount) as amount from sales.daily
where cust = {{cust: int}} and day >= {{since: date = 2026-01-01}}
    and day in {{days: list[date] = ['2026-01-01', '2026-01-02']}} group by all order by day
"""
ECHO = """
select {{text: str}} as text, count(*) as n from sales.daily where region = {{text}}
"""
SCOPES = {
    "all": (["**"], {"/queries/echo", "/queries/sales.by_customer", "/functions/score"}),
    "one": (["score"], {"/functions/score"}),
    "none": ([], set()),
}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etl]:
    etl = open_ledger(tmp_path_factory.mktemp("gateway"))
    publish_table(etl, "sales.daily", SALES)
    publish_query(etl, "sales.by_customer", BY_CUSTOMER, key=["cust"])
    publish_query(etl, "echo", ECHO)
    publish_function(etl, "score", SCORE, samples=[SAMPLE])
    publish_function(etl, "score", SCORE, draft=True)
    yield etl
    etl.close()


@pytest.fixture(scope="module")
def gateway(ledger: Etl) -> Iterator[Gateway]:
    with Gateway(ledger).running() as running:
        yield running


@pytest.fixture(scope="module")
def document(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = gateway.get("/openapi.json").json()
    return found


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")
    post = document["paths"]["/functions/score"]["post"]
    assert post["summary"] == "How likely a passenger is to survive."
    content = post["requestBody"]["content"]["application/json"]
    assert content["examples"]["sample 1"]["value"]["age"] == 40


@pytest.mark.parametrize("name", SCOPES)
def test_the_document_shows_what_a_token_may_call(gateway: Gateway, ledger: Etl, name: str) -> None:
    globs, paths = SCOPES[name]
    token = ledger.tokens.create(name, read=["other"], call=globs).value
    found = gateway.get("/openapi.json", token=token).json()
    assert {path.removesuffix("/batch") for path in found["paths"]} == paths
    page = gateway.get("/docs", token=token).text
    assert ("curl" in page) is bool(paths)


def test_the_versions_of_a_canary_are_documented(gateway: Gateway, ledger: Etl) -> None:
    for _ in range(2):
        publish_function(ledger, "canary", SCORE, function="score", samples=[SAMPLE])
    ledger.endpoints.promote("canary", 1)
    ledger.endpoints.promote("canary", 2, canary=0.1)

    def paths() -> set[str]:
        document: dict[str, Any] = gateway.get("/openapi.json").json()
        validate(document)
        return {path for path in document["paths"] if "canary" in path}

    until("the canary", lambda: "/functions/canary/versions/2" in paths())
    assert paths() == {
        f"/functions/canary{suffix}{batch}"
        for suffix in ("", "/versions/2")
        for batch in ("", "/batch")
    }


def test_the_documentation_needs_nothing_from_elsewhere(gateway: Gateway) -> None:
    answer = gateway.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for word in ("<script", "<link", "<img", "@import", "url(", "https://"):
        assert word not in answer.text
    assert 'id="sales.by_customer"' in answer.text
    assert "How likely a passenger is to survive." in answer.text
    assert "http://serve/queries/sales.by_customer?cust=..." in answer.text


def test_metrics_are_for_the_operator(gateway: Gateway, ledger: Etl) -> None:
    for status, cust in ((200, "1"), (422, "x")):
        answer = gateway.get(f"/queries/sales.by_customer?cust={cust}")
        assert answer.status_code == status
    text = gateway.get("/metrics").text
    found = {
        (sample.name, sample.labels.get("outcome", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels["endpoint"] == "sales.by_customer"
    }
    assert found["jupyter_etl_calls_total", "succeeded"] >= 1
    assert found["jupyter_etl_calls_total", "refused"] >= 1
    assert found["jupyter_etl_calls_total", "failed"] == 0
    assert found["jupyter_etl_call_seconds_count", ""] >= 2
    assert found["jupyter_etl_workers", ""] == 1
    token = ledger.tokens.create("curious", call=["**"]).value
    assert gateway.get("/metrics", token=token).status_code == 403


def test_each_series_appears_once() -> None:
    counts = dict.fromkeys((field.name for field in fields(PoolStatistics)), 1)
    pool = SimpleNamespace(statistics=lambda: PoolStatistics(**counts))
    pools = [
        (SimpleNamespace(name="score", number=1, draft=draft), pool)
        for draft in (False, True, False)
    ]
    endpoints = SimpleNamespace(counter=SimpleNamespace(totals={}), pools=pools)
    lines = metrics_text(endpoints).decode().splitlines()  # type: ignore[arg-type]
    found = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    assert len({series for series, _, _ in found}) == len(found)
    (workers,) = (n for series, _, n in found if "workers{" in series and 'draft="false"' in series)
    assert float(workers) == 2


def test_probes_need_no_token(gateway: Gateway) -> None:
    for path in ("/healthz", "/readyz"):
        answer = gateway.get(path, token="")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.positive_data_acceptance,
    checks.negative_data_rejection,
]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_any_request_is_answered_as_documented(
    gateway: Gateway, document: dict[str, Any], mode: GenerationMode
) -> None:
    # Requests without a token are not generated: they have tests of their own.
    schema = schemathesis.openapi.from_dict({**document, "security": []})
    seen: Counter[tuple[str, int]] = Counter()
    for operation in [found.ok() for found in schema.get_all_operations()]:

        @settings(
            max_examples=12,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def answer(case: Any) -> None:
            given = case.as_transport_kwargs(base_url="http://serve")
            if mode is GenerationMode.POSITIVE:
                # Only a page can know a token of the next one.
                given["params"].pop("next", None)
            given["headers"].pop("Authorization", None)
            del given["cookies"]
            given["content"] = given.pop("data", None)
            try:
                answer = gateway.request(given.pop("method"), given.pop("url"), **given)
            except httpx.InvalidURL:
                # Longer than a server accepts.
                return
            seen[case.operation.label, answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)

        answer()
    assert sum(seen.values()) > 60


def test_no_parameter_is_more_than_a_value(gateway: Gateway, ledger: Etl) -> None:
    before = _state(ledger)
    assert len(INJECTIONS) >= 200
    for text in INJECTIONS:
        echoed = gateway.get("/queries/echo", params={"text": text})
        assert echoed.status_code == 200, (text, echoed.text)
        assert echoed.json()["rows"] == [{"text": text, "n": 0}]
        filtered = gateway.get("/tables/sales.daily", params={"region": text})
        assert (filtered.status_code, filtered.json()["rows"]) == (200, []), text
    for text in INJECTIONS[::8]:
        refused = [
            gateway.get("/queries/sales.by_customer", params={"cust": text}),
            gateway.post("/queries/sales.by_customer", {"cust": 1, "since": text}),
            gateway.get("/tables/sales.daily", params={f"x{text}": "1"}),
            gateway.get("/tables/sales.daily", params={"cust__in": text}),
            gateway.get("/tables/sales.daily", params={"region": "EU", "columns": f"x{text}"}),
        ]
        assert [answer.status_code for answer in refused] == [422] * 5, text
    assert _state(ledger) == before


def _state(ledger: Etl) -> dict[str, object]:
    return {
        one.name: (one.live and one.live.number, one.draft and one.draft.number)
        for one in ledger.publications.list()
    } | {"rows": ledger.publications.read("sales.daily").to_pylist()}
