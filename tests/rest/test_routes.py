"""Behaviour of the routes that openapi.yaml cannot express."""

from __future__ import annotations

import asyncio
from threading import Event, Semaphore

import pytest

from contracts.store_values import a_run, claim_one, finish, start
from fakes.notebooks import write_notebook
from fakes.patience import PATIENCE_S
from fakes.published_endpoints import add_calls, add_versions
from jupyter_etl.errors import (
    CheckFailed,
    Conflict,
    DeclarationError,
    EtlError,
    MissingDependency,
    PermissionDenied,
    SourceError,
    StoreError,
)
from jupyter_etl.model import AttemptReport, Outcome, RunState
from jupyter_etl.rest.handler import SERVICE
from jupyter_etl.rest.service import EtlService
from jupyter_etl.services import Etl
from jupyter_etl.services.sources import Sources
from rest.example import FILE, HELD, TABLE, add_scheduler


async def test_summary(ask, etl: Etl) -> None:
    add_scheduler(etl)
    answer = await ask("/summary")
    assert (answer.json["failing"], answer.json["held"]) == (0, 1)
    (held,) = (await ask("/pipelines?filter=failing")).json["items"]
    assert (held["name"], held["health"]) == ("delays", "held")
    assert (answer.json["attention"], answer.json["well"]) == (1, False)
    assert (answer.json["runs"], answer.json["runs_active"]) == (2, 0)
    etl.holds.approve(HELD)
    answer = await ask("/summary")
    assert (answer.json["held"], answer.json["attention"], answer.json["well"]) == (0, 0, True)
    assert [s["id"] for s in answer.json["schedulers"]] == ["s1"]


async def test_lines_are_written_and_nothing_is_done(ask, etl) -> None:
    before = etl.pipelines.list(), etl.runs.list()
    body = {"notebook": "my notes.ipynb", "when": "daily at 06:00", "timezone": "Europe/Paris"}
    answer = await ask("/schedule/lines", "POST", body=body)
    assert answer.json == {
        "magic": '%etl schedule "daily at 06:00" --tz Europe/Paris',
        "shell": "jupyter etl schedule 'my notes.ipynb' 'daily at 06:00' --tz Europe/Paris",
    }
    answer = await ask("/pipelines/delays/trigger/lines", "POST", body={"parameters": {"n": 5}})
    assert answer.json == {
        "magic": "%etl trigger delays -p n=5",
        "shell": "jupyter etl trigger delays -p n=5",
    }
    assert (etl.pipelines.list(), etl.runs.list()) == before


async def test_previews_and_histories_have_the_lines_of_their_buttons(ask) -> None:
    preview = await ask("/sources/trips/preview")
    assert preview.json["line"] == "%etl preview trips"
    preview = await ask("/publications/sales.daily/preview?version=2")
    assert preview.json["line"] == 'etl.read("sales.daily", version=2)'
    history = (await ask("/publications/sales.daily")).json["history"]
    oldest = history[-1]
    assert oldest["lines"]["diff"] == ""
    assert oldest["lines"]["rollback"].startswith("jupyter etl rollback sales.daily --to ")


async def test_an_endpoint_says_how_it_is_called_and_is_promoted(ask, etl: Etl) -> None:
    add_versions(etl, "score", 2, promote=False)
    add_calls(etl, 1, calls=4, errors=1)
    found = (await ask("/publications/score")).json["endpoint"]
    assert (found["live"], found["versions"], found["answers"]) == (1, [2, 1], "version 1")
    assert (found["calls"], found["errors"]) == (4, 1)
    assert found["lines"]["promote"] == {
        "1": "jupyter etl promote score 1",
        "2": "jupyter etl promote score 2",
    }
    assert found["lines"]["curl"].endswith("-d '{}' http://127.0.0.1:8787/functions/score")
    compile(found["lines"]["python"], "line", "eval")
    answer = await ask("/publications/score/promote", "POST", body={"version": 2})
    assert answer.json["live"]["number"] == 2
    refused = await ask("/publications/score/promote", "POST", body={"version": 3})
    assert refused.status == 404
    table = await ask("/publications/sales.daily/promote", "POST", body={"version": 1})
    assert table.status == 409
    assert (await ask("/publications/sales.daily")).json["endpoint"] is None


async def test_runs_are_filtered_and_paged(ask, etl: Etl) -> None:
    store, now = etl.store, etl.clock.now()
    for number in range(3, 8):
        run = store.add_run(a_run(str(number), pipeline="brief", owner="kim"), now=now)
        claim = claim_one(store, now=now, run_id=run.id)
        start(store, claim, now=now)
        if number < 7:
            report = AttemptReport(outcome=Outcome.FAILED)
            finish(store, claim, report, state=RunState.FAILED, now=now)

    async def ids(query: str) -> list[int]:
        return [item["id"] for item in (await ask(f"/runs?{query}")).json["items"]]

    assert await ids("") == [7, 6, 5, 4, 3, 2, 1]
    assert await ids("pipeline=delays") == [2, 1]
    assert await ids("state=running,held") == [7, 2]
    assert await ids("state=running&state=succeeded") == [7, 1]
    assert await ids("limit=2&offset=1") == [6, 5]
    assert (await ask("/runs?limit=1&pipeline=brief")).json["total"] == 5


async def test_a_run_shows_no_token(ask, etl: Etl) -> None:
    (attempt,) = etl.runs.attempts(HELD)
    assert len(attempt.token) == 32
    for path in ("/runs", f"/runs/{HELD}"):
        answer = await ask(path)
        assert answer.status == 200
        assert attempt.token.encode() not in answer.body


async def test_a_run_is_not_retried_while_it_is_active(ask, etl) -> None:
    run = etl.runs.trigger("delays")
    answer = await ask(f"/runs/{run.id}/retry", "POST")
    assert answer.status == 409
    assert answer.error["type"] == "Conflict"


async def test_a_table_has_no_file(ask) -> None:
    answer = await ask(f"/publications/{TABLE}/content")
    assert answer.status == 422
    assert answer.error["type"] == "PublishError"


@pytest.mark.parametrize("is_link", [False, True])
async def test_a_missing_file_is_reported(ask, etl: Etl, tmp_path, is_link: bool) -> None:
    path = etl.publications.file(FILE)
    path.unlink()
    (tmp_path / "private").write_text("private")
    if is_link:
        path.symlink_to(tmp_path / "private")
    answer = await ask(f"/publications/{FILE}/content")
    assert (answer.status, answer.error["type"]) == (503, "StorageError")
    assert answer.headers["Content-Type"] == "application/json"
    assert "Content-Disposition" not in answer.headers


async def test_publications_are_searched(ask) -> None:
    (found,) = (await ask("/publications?search=BRIEF")).json["items"]
    assert found["name"] == "morning-brief"
    assert (await ask("/publications?search=absent")).json == {"items": [], "total": 0}


async def test_what_a_notebook_declares(ask, jp_root_dir) -> None:
    write_notebook(jp_root_dir / "other.ipynb", "1")
    write_notebook(jp_root_dir / "delays.ipynb", "%load_ext jupyter_etl\n%etl param day date\n1")
    mine = (await ask("/notebook?path=delays.ipynb")).json
    assert mine["pipeline"]["name"] == "delays"
    assert mine["changed"] is True
    assert mine["parameters"][0]["type"] == "date"
    other = (await ask("/notebook?path=other.ipynb")).json
    assert other["pipeline"] is None
    assert other["changed"] is False


async def test_of_several_pipelines_of_a_notebook_the_one_that_bears_its_name(
    ask, etl: Etl, jp_root_dir
) -> None:
    etl.pipelines.schedule(jp_root_dir / "delays.ipynb", name="a", on_demand=True)
    found = (await ask("/notebook?path=delays.ipynb")).json
    assert found["pipeline"]["name"] == "delays"


async def test_a_schedule_that_is_none_is_reported(ask) -> None:
    answer = await ask("/schedule/preview", "POST", body={"when": "sometimes"})
    assert (answer.status, answer.error["type"]) == (400, "DeclarationError")
    assert "'sometimes'" in answer.error["message"]
    assert "daily at 06:00" in answer.error["hint"]


async def test_a_hanging_source_blocks_no_other(ask, server, monkeypatch) -> None:
    hanging, release = Semaphore(0), Event()
    describe = Sources.describe

    def hang(self: Sources, name: str) -> object:
        hanging.release()
        release.wait(PATIENCE_S)
        return describe(self, name)

    monkeypatch.setattr(Sources, "describe", hang)
    slots = 4
    waiting = asyncio.gather(*(ask("/sources/trips") for _ in range(slots)))
    for _ in range(slots):
        assert await asyncio.to_thread(hanging.acquire, timeout=PATIENCE_S)
    assert (await ask("/sources")).status == 200
    assert not waiting.done()
    server.web_app.settings[SERVICE].slow_s = 0.05
    late = await ask("/sources/trips")
    assert (late.status, late.error["type"]) == (504, "GatewayTimeout")
    release.set()
    assert {answer.status for answer in await waiting} == {200}


async def test_a_missing_ledger_is_503(ask, server) -> None:
    def gone() -> Etl:
        raise StoreError("The ledger cannot be reached.", hint="Is the database up?")

    server.web_app.settings[SERVICE] = EtlService(gone)
    answer = await ask("/summary")
    assert answer.status == 503
    assert answer.error["hint"] == "Is the database up?"


def test_each_error_has_its_status() -> None:
    expected = {
        DeclarationError: 400,
        PermissionDenied: 403,
        Conflict: 409,
        CheckFailed: 422,
        SourceError: 422,
        MissingDependency: 501,
        StoreError: 503,
        EtlError: 500,
    }
    for kind, status in expected.items():
        assert kind("x").http_status == status
    assert StoreError("x", retryable=False).http_status == 500


def test_no_error_was_forgotten() -> None:
    silent = {kind for kind in EtlError.__subclasses__() if kind("x").http_status == 500}
    assert silent == set()
