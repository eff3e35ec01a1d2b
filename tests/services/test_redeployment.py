"""What a redeployment keeps, resets and reports."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fakes.notebooks import code, write_notebook
from jupyter_etl.errors import Conflict, DeclarationError, EtlError, NotFound
from jupyter_etl.language.notebooks.notebook import parse_notebook
from jupyter_etl.model import Catchup, OnLost, Overlap, Policy
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.pipelines.publication_names import published_names

FIRST: dict[str, Any] = {
    "when": "every 1h",
    "timezone": "Europe/Paris",
    "parameters": {"n": "3", "who": "eve"},
    "retries": 7,
    "timeout_s": 90.0,
    "catchup": "all",
    "overlap": "queue",
    "on_lost": "fail",
    "priority": 5,
    "memory_bytes": 2_000_000_000,
    "checkpoint": True,
    "cold": True,
}
KEPT = Policy(
    retries=7,
    timeout_s=90.0,
    catchup=Catchup.ALL,
    overlap=Overlap.QUEUE,
    on_lost=OnLost.FAIL,
    priority=5,
    memory_bytes=2_000_000_000,
    checkpoint=True,
    warm=False,
)
PARAMETERS = code("n = 1\nwho = 'ann'", "parameters")


@pytest.fixture
def notebook(here: Path) -> Path:
    return write_notebook(here / "sales.ipynb", PARAMETERS, "print(n)", "print(who)")


@pytest.fixture
def deployed(etl: Etl, notebook: Path) -> Path:
    etl.pipelines.schedule(notebook, **FIRST)
    return notebook


def test_nothing_given_changes_nothing(etl: Etl, deployed: Path) -> None:
    before = etl.pipelines.get("sales")
    again = etl.pipelines.schedule(deployed)
    assert (again.change, again.changes, again.pipeline) == ("unchanged", (), before)
    assert again.pipeline.policy == KEPT
    assert again.words == "every 1 h"
    assert len(again.next) == 5


@pytest.mark.parametrize(
    ("given", "change"),
    [
        (
            {"when": "daily at 06:00"},
            "schedule: every 1 h -> every day at 06:00, Europe/Paris",
        ),
        ({"timezone": "UTC"}, "timezone: Europe/Paris -> UTC"),
        ({"when": "every 60m"}, "schedule: now written 'every 60m', with the same times"),
        ({"on_demand": True}, "schedule: every 1 h -> on demand"),
        ({"reset": ["schedule"]}, "schedule: every 1 h -> on demand"),
        ({"parameters": {"n": "4"}}, "parameter n: 3 -> 4"),
        ({"reset": ["param.n"]}, "parameter n: 3 -> the notebook's default"),
        ({"retries": 0}, "retries: 7 -> 0"),
        ({"reset": ["retries"]}, "retries: 7 -> 3"),
        ({"timeout_s": 60}, "timeout: 1 min 30 s -> 1 min"),
        ({"catchup": "none"}, "catchup: all -> none"),
        ({"overlap": "skip"}, "overlap: queue -> skip"),
        ({"on_lost": "retry"}, "on-lost: fail -> retry"),
        ({"priority": 0}, "priority: 5 -> 0"),
        ({"memory_bytes": 3_000_000_000}, "memory: 2 GB -> 3 GB"),
        ({"reset": ["memory"]}, "memory: 2 GB -> the setting"),
        ({"reset": ["checkpoint"]}, "checkpoint: yes -> no"),
        ({"reset": ["cold"]}, "cold: yes -> no"),
        ({"tags": {"team": "ops", "cost": "7"}}, "tag: none -> cost=7 team=ops"),
    ],
)
def test_one_thing_given_changes_that_alone(
    etl: Etl, deployed: Path, given: dict[str, Any], change: str
) -> None:
    done = etl.pipelines.schedule(deployed, **given)
    assert (done.change, done.changes) == ("changed", (change,))
    assert done.pipeline.version == 2
    assert etl.pipelines.schedule(deployed).change == "unchanged"


def test_tags_are_merged_and_select_pipelines_and_their_runs(etl: Etl, deployed: Path) -> None:
    etl.pipelines.schedule(deployed, tags={"team": "ops"})
    etl.pipelines.schedule(deployed, tags={"cost": "7"})
    run = etl.runs.trigger("sales")
    for tags, found in (({"team": "ops", "cost": "7"}, True), ({"team": "data"}, False)):
        assert [one.name for one in etl.pipelines.list(tags=tags)] == ["sales"] * found
        assert [one.id for one in etl.runs.list(tags=tags)] == [run.id] * found
    assert etl.pipelines.schedule(deployed, reset=["tag"]).pipeline.policy.tags == {}
    with pytest.raises(DeclarationError, match="not a valid tag"):
        etl.pipelines.schedule(deployed, tags={"a b": "c"})


def test_all_goes_back_to_the_defaults(etl: Etl, deployed: Path) -> None:
    done = etl.pipelines.schedule(deployed, reset=["all"], retries=2)
    assert done.pipeline.policy == Policy(retries=2)
    assert (done.pipeline.schedule, done.pipeline.parameters) == (None, {})
    assert len(done.changes) == 12


def test_reset_precedes_what_is_given(etl: Etl, deployed: Path) -> None:
    done = etl.pipelines.schedule(deployed, reset=["param"], parameters={"who": "bob"})
    assert done.pipeline.parameters == {"who": "bob"}
    assert done.pipeline.policy == KEPT


@pytest.mark.parametrize(
    ("cells", "change"),
    [
        ((PARAMETERS, "print(n + 1)", "print(who, 1)"), "notebook: 2 cells changed"),
        ((PARAMETERS, "print(n)"), "notebook: 1 cell removed"),
        ((PARAMETERS, "print(n)", "1", "2", "print(who)"), "notebook: 2 cells added"),
        (
            (PARAMETERS, "print(0)", "print(who)", "3"),
            "notebook: 1 cell changed, 1 cell added",
        ),
        (
            (PARAMETERS, code("print(n)", "tag"), "print(who)"),
            "notebook: only its metadata changed",
        ),
    ],
)
def test_cells_that_differ_are_counted(
    etl: Etl, deployed: Path, cells: tuple[Any, ...], change: str
) -> None:
    write_notebook(deployed, *cells)
    assert etl.pipelines.schedule(deployed).changes == (change,)


def test_another_kernel(etl: Etl, deployed: Path) -> None:
    write_notebook(deployed, PARAMETERS, "print(n)", "print(who)", kernel="py312")
    done = etl.pipelines.schedule(deployed, anyway=True)
    assert done.changes == ("notebook: kernel python3 -> py312",)


def test_a_value_of_a_removed_parameter(etl: Etl, deployed: Path) -> None:
    write_notebook(deployed, code("n = 1", "parameters"), "print(n)")
    done = etl.pipelines.schedule(deployed)
    assert done.pipeline.parameters == {"n": "3"}
    assert "parameter who: eve -> the notebook's default" in done.changes


def test_the_line_of_the_notebook_precedes_what_is_deployed(etl: Etl, deployed: Path) -> None:
    line = '%etl schedule "daily at 05:00" --tz Asia/Tokyo --retries 1'
    write_notebook(deployed, PARAMETERS, "print(n)", "print(who)", line)
    done = etl.pipelines.schedule(deployed, priority=9)
    assert done.words == "every day at 05:00, Asia/Tokyo"
    policy = done.pipeline.policy
    assert (policy.retries, policy.priority, policy.timeout_s) == (1, 9, 90.0)
    assert etl.pipelines.schedule(deployed, "every 2h").words == "every 2 h"
    assert etl.pipelines.schedule(deployed, on_demand=True).pipeline.schedule is None
    assert etl.pipelines.schedule(deployed).words == "every day at 05:00, Asia/Tokyo"


def test_the_name_is_kept_too(etl: Etl, notebook: Path) -> None:
    etl.pipelines.schedule(notebook, "@daily", name="first")
    assert etl.pipelines.schedule(notebook).pipeline.name == "first"
    etl.pipelines.schedule(notebook, "@hourly", name="second")
    with pytest.raises(Conflict, match=r"first and second") as caught:
        etl.pipelines.schedule(notebook)
    assert "--name first" in caught.value.hint
    assert len(etl.pipelines.list()) == 2
    etl.pipelines.schedule(notebook, name="sales")
    assert etl.pipelines.schedule(notebook).pipeline.name == "sales"


def test_a_schedule_that_has_fired_for_the_last_time_is_kept(etl: Etl, notebook: Path) -> None:
    soon = datetime(2999, 1, 1, tzinfo=UTC)
    etl.pipelines.schedule(notebook, soon.isoformat())
    spent = etl.pipelines.get("sales")
    assert spent.schedule is not None
    etl.pipelines._clock = _At(datetime(3000, 1, 1, tzinfo=UTC))  # type: ignore[attr-defined]
    write_notebook(notebook, "print('fixed')")
    done = etl.pipelines.schedule(notebook)
    assert (done.pipeline.schedule, done.next) == (spent.schedule, ())


class _At:
    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now


def test_after_all_stays_with_after(etl: Etl, notebook: Path) -> None:
    etl.pipelines.schedule(notebook, after=["a", "b"], after_all=True, expect=True)
    done = etl.pipelines.schedule(notebook, after=["a", "c"], expect=True)
    assert done.changes == ("schedule: after each of a and b -> after each of a and c",)
    any_one = etl.pipelines.schedule(notebook, after=["a", "c"], reset=["schedule"], expect=True)
    assert any_one.words == "after each new version of a or c"
    assert etl.pipelines.schedule(notebook, after_all=True).words == "after each of a and c"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"on_demand": True, "when": "@daily"}, "on demand"),
        ({"on_demand": True, "after": ["a"]}, "on demand"),
        ({"reset": ["retry"]}, "Did you mean 'retries'?"),
        ({"reset": ["param.m"]}, "It has n and who."),
    ],
)
def test_what_makes_no_sense(etl: Etl, deployed: Path, given: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        etl.pipelines.schedule(deployed, **given)
    problem: EtlError = caught.value
    assert words in problem.message
    assert etl.pipelines.get("sales").version == 1


def test_a_pipeline_that_was_removed_starts_anew(etl: Etl, deployed: Path) -> None:
    etl.pipelines.unschedule("sales")
    done = etl.pipelines.schedule(deployed)
    assert (done.change, done.changes, done.pipeline.policy) == ("new", (), Policy())


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
