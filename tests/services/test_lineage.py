"""What is made of what, from the ledger's record, and as events of OpenLineage."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.store_values import NOW, a_run, an_output, finish, started, succeeded
from jupyter_etl.errors import NotFound
from jupyter_etl.model import (
    AttemptReport,
    CheckResult,
    CheckRule,
    CheckStatus,
    ColumnOrigin,
    Outcome,
    Read,
    Source,
)
from jupyter_etl.ports import Claim
from jupyter_etl.runner.folders import save_claim
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.lineage.graph import LineageGraph, graph_view
from jupyter_etl.services.lineage.open_lineage import dataset_of, end_event, start_event
from jupyter_etl.services.processes.lineage_events import (
    LOG,
    append_event,
    record_end,
    record_start,
)

WH = Source(name="wh", kind="sql", location="postgresql+psycopg://sam@db.example/sales?key=hush")
CHECK = CheckResult(
    rule=CheckRule(text="day: unique", kind="unique", column="day"),
    status=CheckStatus.PASS,
    dataset="daily",
    failed_rows=0,
    total_rows=3,
    message="fine",
)
REPORT = replace(
    succeeded(an_output()),
    reads=(
        Read(source="wh", table="orders", rows=5, bytes=40),
        Read(source="ref.days", version="2"),
    ),
    checks=(CHECK,),
    origins={
        "sales.daily": (
            ColumnOrigin(column="day", source="wh", table="orders", source_column="at"),
        )
    },
)


@pytest.fixture
def claim(etl: Etl) -> Claim:
    return started(etl.store, a_run("a"))


def ended(claim: Claim, report: AttemptReport) -> Any:
    event = end_event(
        claim,
        report,
        at=NOW,
        sources={"wh": WH},
        versions={"sales.daily": 7},
        outputs={"daily": "sales.daily"},
    )
    return json.loads(json.dumps(event))


def test_the_first_and_the_last_event_are_of_one_run(claim: Claim) -> None:
    first, last = start_event(claim, at=NOW), ended(claim, REPORT)
    assert (first["eventType"], last["eventType"]) == ("START", "COMPLETE")
    assert first["run"]["runId"] == last["run"]["runId"]  # type: ignore[index]
    assert UUID(last["run"]["runId"]).hex != claim.attempt.token
    assert last["job"]["name"] == "orders"
    assert {"eventTime", "producer", "schemaURL"} <= last.keys()


def test_inputs_and_outputs_have_their_facets(claim: Claim) -> None:
    event = ended(claim, REPORT)
    orders, days = event["inputs"]
    assert (orders["namespace"], orders["name"]) == ("postgres://db.example:5432", "sales.orders")
    assert orders["inputFacets"]["inputStatistics"]["rowCount"] == 5
    assert (days["namespace"], days["name"]) == ("jupyter-etl", "ref.days")
    assert days["facets"]["version"]["datasetVersion"] == "2"
    (daily,) = event["outputs"]
    assert daily["facets"]["version"]["datasetVersion"] == "7"
    assert daily["facets"]["schema"]["fields"] == [{"name": "day", "type": "date32[day]"}]
    (origin,) = daily["facets"]["columnLineage"]["fields"]["day"]["inputFields"]
    assert origin == {
        "namespace": "postgres://db.example:5432",
        "name": "sales.orders",
        "field": "at",
    }
    (assertion,) = daily["facets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["column"], assertion["success"]) == ("day", True)
    assert daily["outputFacets"]["outputStatistics"]["rowCount"] == 3
    for facet in daily["facets"].values():
        assert facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/")
    assert "hush" not in json.dumps(event)
    assert "sam@" not in json.dumps(event)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.FAILED, "FAIL"),
        (Outcome.HELD, "FAIL"),
        (Outcome.TIMED_OUT, "FAIL"),
        (Outcome.CANCELLED, "ABORT"),
    ],
)
def test_a_bad_end_shows_its_error(claim: Claim, outcome: Outcome, kind: str) -> None:
    event = ended(claim, AttemptReport(outcome=outcome, error="no space"))
    assert event["eventType"] == kind
    assert event["run"]["facets"]["errorMessage"]["message"] == "no space"
    assert event["outputs"] == []


@pytest.mark.parametrize(
    ("kind", "location", "table", "dataset"),
    [
        ("csv", "/data/a.csv", "", ("file", "/data/a.csv")),
        ("sql", "sqlite:////data/a.db", "t", ("file", "/data/a.db.t")),
        ("sql", "mysql://u@h:3307/d", "t", ("mysql://h:3307", "d.t")),
        ("http", "https://u:p@api.example/v1/x?key=k", "", ("https://api.example", "v1/x")),
        ("parquet", "s3://bucket/a/*.parquet", "", ("s3://bucket", "a/*.parquet")),
        ("publication", "ref.days", "", ("jupyter-etl", "ref.days")),
        ("frame", "df", "", ("jupyter-etl:frame", "df")),
    ],
)
def test_datasets_are_named_without_credentials(
    kind: str, location: str, table: str, dataset: tuple[str, str]
) -> None:
    assert dataset_of(Source(name="x", kind=kind, location=location), table) == dataset


def test_the_file_stays_small_and_keeps_what_was_before(tmp_path: Path) -> None:
    path = tmp_path / "lineage.jsonl"
    for number in range(9):
        append_event(path, {"n": number}, most_bytes=20)
    kept = [
        json.loads(line)["n"]
        for p in sorted(tmp_path.iterdir())
        for line in p.read_text().splitlines()
    ]
    assert sorted(kept) == list(range(9))[-len(kept) :]
    assert [p.name for p in sorted(tmp_path.iterdir())] == [
        "lineage.jsonl",
        "lineage.jsonl.1",
        "lineage.jsonl.2",
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_several_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "lineage.jsonl"

    def write(who: int) -> None:
        for number in range(50):
            append_event(path, {"who": who, "n": number}, most_bytes=2_500)

    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(line) for p in tmp_path.iterdir() for line in p.read_text().splitlines()]
    assert len({(one["who"], one["n"]) for one in lines}) == len(lines)
    assert len(lines) == 200


def test_an_attempt_records_its_start_and_its_end(
    etl: Etl, claim: Claim, caplog: pytest.LogCaptureFixture
) -> None:
    folder = save_claim(etl.settings.home, claim)
    record_start(etl, folder)
    record_end(etl, folder, REPORT)
    log = etl.settings.home / LOG
    assert [json.loads(line)["eventType"] for line in log.read_text().splitlines()] == [
        "START",
        "COMPLETE",
    ]
    log.unlink()
    log.mkdir()
    record_end(etl, folder, REPORT)
    assert "No lineage event was written" in caplog.text


ORDERS = Read(source="wh", table="orders", rows=1000, bytes=8000)
AMOUNT = ColumnOrigin(column="total", source="wh", table="orders", source_column="amount")


@pytest.fixture
def chain(etl: Etl, here: Path) -> Etl:
    """Two pipelines: wh.orders -> ingest -> sales.daily -> brief -> sales.brief."""
    etl.sources.declare("wh", "sqlite:///wh.db", base=here)
    made(etl, "ingest", "a", ORDERS, output="sales.daily", columns=(AMOUNT,))
    made(etl, "ingest", "b", ORDERS, output="sales.daily", columns=(AMOUNT,))
    made(etl, "brief", "a", Read(source="sales.daily", version="1", rows=3), output="sales.brief")
    return etl


def made(etl: Etl, pipeline: str, key: str, *reads: Read, output: str, columns: tuple = ()) -> None:
    claim = started(etl.store, replace(a_run(key, pipeline=pipeline), owner="ada"))
    report = replace(
        succeeded(an_output(output, delta_version=None)),
        reads=reads,
        origins={output: columns} if columns else {},
    )
    finish(etl.store, claim, report)


def arrows(graph: LineageGraph) -> list[str]:
    return sorted(f"{edge.start} > {edge.end}" for edge in graph.edges)


WHOLE = [
    "pipeline:brief > publication:sales.brief",
    "pipeline:ingest > publication:sales.daily",
    "publication:sales.daily > pipeline:brief",
    "source:wh.orders > pipeline:ingest",
]


@pytest.mark.parametrize("name", ["sales.brief", "wh.orders", "sales.daily"])
def test_the_graph_is_the_same_from_each_end(chain: Etl, name: str) -> None:
    graph = chain.lineage.graph(name)
    assert arrows(graph) == WHOLE
    assert graph.nodes[0].id == graph.root
    assert graph.complete


def test_upwards_it_is_exact_and_downwards_the_newest(chain: Etl) -> None:
    up = chain.lineage.graph("sales.brief", down=False)
    (into,) = [edge for edge in up.edges if edge.end == "publication:sales.daily"]
    assert (into.version, into.run_id) == (1, 1)
    down = chain.lineage.graph("wh", up=False)
    assert {edge.run_id for edge in down.edges if "ingest" in edge.end} == {2}
    assert [edge.rows for edge in down.edges if edge.start == "source:wh"] == [1000]


def test_a_direction_and_a_depth_bound_it(chain: Etl) -> None:
    assert arrows(chain.lineage.graph("sales.daily", down=False)) == [WHOLE[1], WHOLE[3]]
    assert arrows(chain.lineage.graph("sales.daily", up=False)) == [WHOLE[0], WHOLE[2]]
    assert arrows(chain.lineage.graph("wh.orders", depth=1)) == [WHOLE[1], WHOLE[3]]


def test_a_circle_ends(chain: Etl) -> None:
    made(chain, "back", "a", Read(source="sales.brief", version="1"), output="sales.daily")
    made(chain, "brief", "b", Read(source="sales.daily", version="3"), output="sales.brief")
    graph = chain.lineage.graph("sales.daily")
    assert "publication:sales.brief > pipeline:back" in arrows(graph)
    assert [line.strip(" -").partition(":")[0] for line in graph.text().splitlines()[:-1]] == [
        "publication sales.daily",
        "is made of",
        "pipeline back",
        "publication sales.brief",
        "pipeline brief",
        "publication sales.daily",
        "goes into",
        "pipeline brief",
        "publication sales.brief",
        "pipeline back",
        "publication sales.daily",
    ]
    assert graph.html().count("<li>") == 8


def test_the_tree_shows_versions_rows_and_columns(chain: Etl) -> None:
    assert chain.lineage.graph("sales.daily").text().splitlines() == [
        "publication sales.daily: version 2, 3 rows",
        "  is made of",
        "    - pipeline ingest: version 1, run 2",
        "      - source wh.orders: 1,000 rows",
        "  goes into",
        "    - pipeline brief: version 1, run 3",
        "      - publication sales.brief: version 1, 3 rows",
        "  Columns:",
        "  total <- wh.orders.amount",
    ]
    assert "Columns: unknown" in chain.lineage.graph("sales.brief").text()
    assert "No run has" in chain.lineage.graph("wh", down=False).text()


def test_the_page_escapes_names_and_nests_lists(chain: Etl) -> None:
    odd = Read(source="wh", table="<b>x</b>", rows=1)
    made(chain, "odd", "a", odd, output="odd.out")
    page = chain.lineage.graph("odd.out").html()
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert page.count("<ul>") == page.count("</ul>") == 2


def test_the_data_are_plain(chain: Etl) -> None:
    view = msgspec.to_builtins(graph_view(chain.lineage.graph("sales.daily")))
    assert view["root"] == "publication:sales.daily"
    assert list(view["columns"]) == [
        {"column": "total", "source": "wh", "table": "orders", "source_column": "amount"}
    ]


def test_an_unknown_name_is_refused(chain: Etl) -> None:
    with pytest.raises(NotFound, match=r"sales\.dayly.*sales\.daily"):
        chain.lineage.graph("sales.dayly")
