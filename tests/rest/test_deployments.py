"""From a notebook to a deployed pipeline and its runs, as openapi.yaml describes the answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from fakes.notebooks import write_notebook
from fakes.openapi import document
from jupyter_etl.services import Etl

DOCUMENT = document()
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "id": "a",
            "source": "day = '2025-03-02'  # which day",
            "metadata": {"tags": ["parameters"]},
            "outputs": [],
            "execution_count": None,
        }
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture
def etl(jp_root_dir: Path, home: Path) -> Iterator[Etl]:
    (jp_root_dir / "delays.ipynb").write_text(json.dumps(NOTEBOOK))
    (jp_root_dir / "trips.csv").write_text("id,fare\n1,4.5\n2,\n")
    opened = Etl.open()
    opened.sources.declare("trips", "trips.csv", base=jp_root_dir)
    yield opened
    opened.close()


def matches(value: object, name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(value)


async def test_from_a_notebook_to_a_cancelled_run(ask) -> None:
    async def good(name: str, path: str, method: str = "GET", body: object = None):
        answer = await ask(path, method, body=body)
        assert answer.status in {200, 201}, (path, answer.body)
        matches(answer.json, name)
        return answer.json

    before = await good("NotebookView", "/notebook?path=delays.ipynb")
    assert (before["pipeline"], before["parameters"][0]["name"]) == (None, "day")
    body = {"notebook": "delays.ipynb", "when": "daily at 07:00", "timezone": "Europe/Paris"}
    more = {"on_lost": "fail", "priority": -5, "memory_bytes": 2_000_000_000, "checkpoint": True}
    deployed = await good("Deployment", "/pipelines", "POST", {**body, **more})
    assert deployed["change"] == "new"
    assert deployed["pipeline"]["policy"].items() >= more.items()
    both = {"when": "", "after": ["a", "b"], "after_all": True}
    words = (await good("ScheduleView", "/schedule/preview", "POST", both))["words"]
    assert words == "after each of a and b"
    after = await good("NotebookView", "/notebook?path=delays.ipynb")
    assert (after["pipeline"]["name"], after["changed"]) == ("delays", False)

    run = await good("RunView", "/pipelines/delays/trigger", "POST", {"parameters": {"day": "x"}})
    assert run["state"] == "queued"
    detail = await good("RunDetail", f"/runs/{run['id']}")
    assert detail["parameters"] == {"day": "x"}
    log = await ask(f"/runs/{run['id']}/log")
    assert log.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "queued on request" in log.body.decode()
    assert "waits for a scheduler, and none is alive" in log.body.decode()
    assert detail["log_tail"].splitlines()[0] == log.body.decode().splitlines()[0]
    cancelled = await good("RunView", f"/runs/{run['id']}/cancel", "POST")
    assert cancelled["state"] == "cancelled"
    assert (await good("RetriedRun", f"/runs/{run['id']}/retry", "POST"))["state"] == "queued"
    await good("RunView", f"/runs/{run['id']}/cancel", "POST")
    again = await good("RetriedRun", f"/runs/{run['id']}/retry", "POST", {"from_failed_cell": True})
    assert (again["state"], again["why_not"]) == ("queued", "it was never attempted")
    assert again["words"].endswith("is queued again, from its first cell: it was never attempted.")

    assert (await good("PipelineViewPage", "/pipelines?filter=mine"))["total"] == 1
    assert (await good("PipelineView", "/pipelines/delays/pause", "POST"))["health"] == "paused"
    assert (await good("PipelineVersionItems", "/pipelines/delays/versions"))["items"]
    assert (await good("Summary", "/summary"))["runs_active"] == 1
    assert (await good("SourceDetail", "/sources/trips"))["tables"]
    preview = await good("Preview", "/sources/trips/preview?limit=1")
    assert preview["rows"] == [[1, 4.5]]
    assert (await good("RunViewPage", "/runs?state=queued"))["total"] == 1
    assert (await good("PublicationViewPage", "/publications"))["items"] == []
    assert (await good("ScheduleView", "/schedule/preview", "POST", {"when": "@daily"}))["next"]


async def test_a_run_is_given_parameters_of_the_deployed_version(
    etl: Etl, ask, jp_root_dir: Path
) -> None:
    place = jp_root_dir / "typed.ipynb"
    write_notebook(place, "%load_ext jupyter_etl\n%etl param n int = 1\n%etl param day date")
    body = {"notebook": "typed.ipynb", "on_demand": True, "parameters": {"day": "2026-01-02"}}
    assert (await ask("/pipelines", "POST", body=body)).status == 201
    write_notebook(place, "%load_ext jupyter_etl\n%etl param other")
    found = (await ask("/pipelines/typed/parameters")).json
    matches(found, "PipelineParameters")
    shown = [(one["name"], one["type"], one["default"]) for one in found["declared"]]
    assert shown == [("n", "int", "1"), ("day", "date", None)]
    assert found["values"] == {"day": "2026-01-02"}
    draft = {"parameters": {"n": 2}, "draft": True}
    run = (await ask("/pipelines/typed/trigger", "POST", body=draft)).json
    assert run["draft"] is True
    assert etl.runs.get(run["id"]).new.parameters == {"n": 2, "day": "2026-01-02"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"n": "many", "day": "2026-01-01"}, "parameters.n"),
        ({"n": 1, "day": "2026-02-30"}, "parameters.day"),
        ({"day": "2026-01-01", "m": 1}, "parameters.m"),
        ({"n": 1}, "parameters.day"),
    ],
)
async def test_a_wrong_value_is_reported_with_its_field(
    ask, jp_root_dir: Path, given: dict[str, object], field: str
) -> None:
    source = "%load_ext jupyter_etl\n%etl param n int = 1\n%etl param day date"
    write_notebook(jp_root_dir / "typed.ipynb", source)
    deploy = {"notebook": "typed.ipynb", "on_demand": True, "parameters": given}
    assert (await ask("/pipelines", "POST", body=deploy)).json["error"]["field"] == field


async def test_what_would_fail_is_deployed_only_anyway(etl: Etl, ask, jp_root_dir: Path) -> None:
    write_notebook(jp_root_dir / "lost.ipynb", "open('gone.csv')")
    body = {"notebook": "lost.ipynb", "when": "daily at 07:00"}
    (finding, *_) = (await ask("/notebook?path=lost.ipynb", "GET")).json["findings"]
    assert (finding["severity"], finding["kind"], finding["cell"]) == ("error", "file", 0)
    refused = await ask("/pipelines", "POST", body=body)
    assert refused.status == 400
    assert "'gone.csv'" in refused.json["error"]["message"]
    assert etl.pipelines.list() == []
    deployed = await ask("/pipelines", "POST", body={**body, "anyway": True})
    assert deployed.status == 201
    assert finding in deployed.json["findings"]


async def test_an_error_names_the_field_that_is_wrong(ask) -> None:
    wrong = await ask("/schedule/preview", "POST", body={"when": "@daily", "timezone": "Mars/Base"})
    assert wrong.json["error"]["field"] == "timezone"
    matches(wrong.json, "Error")
    other = await ask("/schedule/preview", "POST", body={"when": "sometimes"})
    assert "field" not in other.json["error"]


async def test_bad_input_is_one_sentence(etl: Etl, ask, jp_root_dir: Path) -> None:
    (jp_root_dir / "cut.ipynb").write_text('{"cells": [')
    body = {"notebook": "delays.ipynb", "when": "daily at 07:00"}
    for path, method, given, status in (
        ("/notebook?path=cut.ipynb", "GET", None, 400),
        ("/pipelines", "POST", {**body, "notebook": "cut.ipynb"}, 400),
        ("/pipelines", "POST", {**body, "when": "sometimes"}, 400),
        ("/pipelines", "POST", {**body, "when": "2001-01-01T00:00"}, 400),
        ("/pipelines", "POST", {**body, "timezone": "Mars/Base"}, 400),
        ("/pipelines", "POST", {**body, "parameters": {"nope": 1}}, 400),
        ("/pipelines", "POST", {**body, "catchup": "some"}, 400),
        ("/pipelines", "POST", {**body, "name": "../x"}, 400),
        ("/pipelines/absent", "GET", None, 404),
        ("/pipelines/absent/trigger", "POST", {}, 404),
        ("/runs/99/cancel", "POST", None, 404),
        ("/sources/absent/preview", "GET", None, 404),
        ("/publications/absent", "GET", None, 404),
        ("/publications/absent/content", "GET", None, 404),
    ):
        answer = await ask(path, method, body=given)
        assert answer.status == status, (path, given, answer.body)
        matches(answer.json, "Error")
        assert answer.error["message"]
    (jp_root_dir / "trips.csv").unlink()
    gone = await ask("/sources/trips")
    assert gone.status == 422
    assert gone.error["type"] == "SourceError"
    assert etl.pipelines.list() == []


@pytest.mark.parametrize(
    ("more", "changes"),
    [
        ({}, []),
        ({"when": "every 2h"}, ["schedule: every 1 h -> every 2 h"]),
        ({"on_demand": True}, ["schedule: every 1 h -> on demand"]),
        ({"retries": 0}, ["retries: 7 -> 0"]),
        ({"parameters": {}}, []),
        ({"checkpoint": False}, []),
        (
            {"reset": ["param", "checkpoint"]},
            ["parameter day: 2026-01-01 -> the notebook's default", "checkpoint: yes -> no"],
        ),
    ],
)
async def test_a_body_changes_only_what_it_says(
    ask, more: dict[str, object], changes: list[str]
) -> None:
    first = {"when": "every 1h", "retries": 7, "checkpoint": True}
    body = {"notebook": "delays.ipynb"}
    day = {"parameters": {"day": "2026-01-01"}}
    assert (await ask("/pipelines", "POST", body={**body, **first, **day})).status == 201
    again = await ask("/pipelines", "POST", body={**body, **more})
    assert again.status == 201
    matches(again.json, "Deployment")
    assert again.json["changes"] == changes


async def test_a_notebook_that_was_renamed_is_relinked(jp_root_dir: Path, ask) -> None:
    assert (await ask("/pipelines", "POST", body={"notebook": "delays.ipynb"})).status == 201
    assert (await ask("/pipelines/delays")).json["missing"] is False
    (jp_root_dir / "delays.ipynb").rename(jp_root_dir / "late.ipynb")
    view = (await ask("/pipelines/delays")).json
    assert (view["missing"], view["notebook_path"]) == (True, "delays.ipynb")
    for body in ({}, {"notebook": "late.ipynb"}):
        answer = await ask("/pipelines/delays/relink", "POST", body=body)
        matches(answer.json, "PipelineView")
        assert (answer.json["missing"], answer.json["notebook_path"]) == (False, "late.ipynb")
    outside = await ask("/pipelines/delays/relink", "POST", body={"notebook": "../x.ipynb"})
    assert outside.status == 404


async def test_a_retry_shows_what_it_deployed(jp_root_dir: Path, ask) -> None:
    await ask("/pipelines", "POST", body={"notebook": "delays.ipynb"})
    run = (await ask("/pipelines/delays/trigger", "POST", body={"parameters": {"day": "x"}})).json
    await ask(f"/runs/{run['id']}/cancel", "POST")
    (jp_root_dir / "delays.ipynb").unlink()
    body = {"from_failed_cell": True}
    retried = (await ask(f"/runs/{run['id']}/retry", "POST", body=body)).json
    matches(retried, "RetriedRun")
    assert retried["deployed"] is None
    assert retried["note"].startswith("There is no notebook at")


async def test_local_files_of_a_deployment(ask, jp_root_dir: Path) -> None:
    (jp_root_dir / "helper.py").write_text("VALUE = 1\n")
    (jp_root_dir / "a.txt").write_text("1")
    book = json.loads(json.dumps(NOTEBOOK))
    book["cells"][0]["source"] = "import helper"
    (jp_root_dir / "local.ipynb").write_text(json.dumps(book))

    async def deploy(**more: object) -> dict:
        body = {"notebook": "local.ipynb", "when": "@daily", **more}
        answer = await ask("/pipelines", "POST", body=body)
        assert answer.status == 201, answer.body
        matches(answer.json, "Deployment")
        return answer.json

    def paths(files: list[dict]) -> list[str]:
        return [file["path"] for file in files]

    before = (await ask("/notebook?path=local.ipynb")).json
    matches(before, "NotebookView")
    assert (paths(before["files"]), before["include"]) == (["helper.py"], [])
    assert paths((await deploy(include=["*.txt"]))["files"]) == ["a.txt", "helper.py"]
    (jp_root_dir / "helper.py").write_text("VALUE = 2\n")
    shown = (await ask("/notebook?path=local.ipynb")).json
    assert (shown["changed"], shown["include"]) == (True, ["*.txt"])
    second = await deploy()
    assert second["pipeline"]["version"] == 2
    assert second["file_changes"] == [{"path": "helper.py", "change": "changed"}]
    assert paths((await deploy(include=[""]))["files"]) == ["helper.py"]
    versions = (await ask("/pipelines/local/versions")).json
    matches(versions, "PipelineVersionItems")
    assert [one["file_changes"] for one in versions["items"]] == [
        [{"path": "a.txt", "change": "removed"}],
        [{"path": "helper.py", "change": "changed"}],
        [{"path": "a.txt", "change": "added"}, {"path": "helper.py", "change": "added"}],
    ]
    for pattern, said in (("nothing*", "matches no file"), ("../x", "leads out of the project")):
        body = {"notebook": "local.ipynb", "include": [pattern]}
        refused = await ask("/pipelines", "POST", body=body)
        assert (refused.status, said in refused.error["message"]) == (400, True)
