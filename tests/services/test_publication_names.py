"""Names of publications at deployment: whom a pipeline waits for, and what it publishes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes.notebooks import code, write_notebook
from jupyter_etl.errors import Conflict, NotFound
from jupyter_etl.language.notebooks.notebook import parse_notebook
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.pipelines.publication_names import published_names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("%etl publish table sales.daily df", {"sales.daily"}),
        ("%etl publish file out/{{day}}.csv df", {"out"}),
        ("%etl publish file out/sales.csv df --name s", {"s"}),
        ('%etl publish report "Morning brief"', {"morning-brief"}),
        ('%etl publish report "Morning brief" --name b', {"b"}),
        ("etl.publish('a.b', df)", {"a.b"}),
        ("etl.publish('out/x.csv', df, kind='file')", {"out.x"}),
        ("etl.publish('My page', kind='report')", {"my-page"}),
        ("etl.publish(name, df)", set()),
        ("etl.publish('x', df, kind=kind)", set()),
        ("print('%etl publish table t df')", set()),
        ("x = 1", set()),
    ],
)
def test_names_in_the_text(here: Path, source: str, names: set[str]) -> None:
    path = write_notebook(here / "n.ipynb", code(source))
    assert published_names(parse_notebook(path.read_text())) == names


def deploy(etl: Etl, path: Path, source: str, **given: Any) -> None:
    etl.pipelines.schedule(write_notebook(path, "df = 1", source), **given)


PUBLISH = "%etl publish table sales.daily df"


@pytest.fixture
def first(etl: Etl, here: Path) -> Path:
    deploy(etl, here / "first.ipynb", PUBLISH)
    return here / "first.ipynb"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"after": ["sales.dayly"]}, "'sales.daily'"),
        ({"when": "after sales.dayly"}, "'sales.daily'"),
        ({"after": ["sales.daily", "orders"]}, "no publication orders."),
        ({"after": ["x1", "y2"]}, "no publications x1 and y2."),
    ],
)
def test_no_pipeline_waits_for_what_nothing_publishes(
    etl: Etl, here: Path, first: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(NotFound) as caught:
        deploy(etl, here / "b.ipynb", "x = 1", **given)
    assert words in caught.value.message
    assert "--expect" in caught.value.hint
    assert [one.name for one in etl.pipelines.list()] == ["first"]
    deploy(etl, here / "b.ipynb", "x = 1", expect=True, **given)
    deploy(etl, here / "b.ipynb", "x = 2")
    assert etl.pipelines.get("b").version == 2


def test_a_deployed_notebook_need_not_have_run(etl: Etl, here: Path, first: Path) -> None:
    deploy(etl, here / "b.ipynb", "x = 1", after=["sales.daily"])
    schedule = etl.pipelines.get("b").schedule
    assert schedule is not None
    assert schedule.after == ("sales.daily",)


def test_the_line_of_the_notebook_is_checked_too(etl: Etl, here: Path) -> None:
    with pytest.raises(NotFound):
        deploy(etl, here / "b.ipynb", "%etl schedule --after late")
    deploy(etl, here / "b.ipynb", "%etl schedule --after late --expect")


@pytest.mark.parametrize(
    "source",
    [
        PUBLISH,
        "import jupyter_etl as etl\netl.publish('sales.daily', df)",
        "%etl publish file sales.daily.csv df --name sales.daily",
    ],
)
def test_a_name_is_of_one_pipeline(etl: Etl, here: Path, first: Path, source: str) -> None:
    with pytest.raises(Conflict) as caught:
        deploy(etl, here / "b.ipynb", source)
    assert caught.value.message == "The pipeline 'first' already publishes 'sales.daily'."
    assert "--shared" in caught.value.hint
    assert [one.name for one in etl.pipelines.list()] == ["first"]


@pytest.mark.parametrize("who", ["first", "second"])
def test_sharing(etl: Etl, here: Path, first: Path, who: str) -> None:
    if who == "first":
        etl.pipelines.schedule(first, shared=True)
    deploy(etl, here / "b.ipynb", PUBLISH, shared=who == "second")
    deploy(etl, here / "b.ipynb", f"{PUBLISH} --mode append")
    assert etl.pipelines.get("b").version == 2
    etl.pipelines.schedule(first, reset=["retries"])


def test_sharing_ends(etl: Etl, here: Path, first: Path) -> None:
    deploy(etl, here / "b.ipynb", PUBLISH, shared=True)
    with pytest.raises(Conflict):
        etl.pipelines.schedule(here / "b.ipynb", reset=["shared"])
    etl.pipelines.unschedule("first")
    done = etl.pipelines.schedule(here / "b.ipynb", reset=["shared"])
    assert done.changes == ("shared: yes -> no",)
