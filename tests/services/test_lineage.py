"""What is made of what, from the ledger's record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from contracts.store_values import a_run, an_output, finish, started, succeeded
from jupyter_etl.errors import NotFound
from jupyter_etl.model import ColumnOrigin, Read
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.lineage.graph import LineageGraph, graph_view

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
