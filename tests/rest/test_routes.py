"""Behaviour of the routes that openapi.yaml cannot express."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Semaphore
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, event

from contracts.store_values import a_pipeline, a_run, claim_one, finish, start
from fakes.notebooks import code, write_notebook
from fakes.patience import PATIENCE_S
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
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.model import AttemptReport, Outcome, RunState
from jupyter_etl.rest.handler import SERVICE
from jupyter_etl.rest.service import EtlService
from jupyter_etl.services import Etl
from jupyter_etl.services.sources import Sources
from rest.example import FILE, HELD, TABLE, add_scheduler, reached

JSON = {"Content-Type": "application/json"}
UNKNOWN = (
    "Whether its runs start warm is not known, because the snapshot of version 1 is missing from "
    "the ledger or damaged; deploy the notebook again."
)


def names(answer) -> list[str]:
    return [item["name"] for item in answer.json["items"]]


def deploy_many(etl: Etl, count: int) -> None:
    content = etl.store.save_snapshot("{}")
    for number in range(count):
        other = a_pipeline(
            f"extra{number}", owner="kim", content_hash=content, schedule=None, next_due=None
        )
        etl.store.deploy(other, now=etl.clock.now())


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements that all ledgers are sent."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *more: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield sent
    event.remove(Engine, "before_cursor_execute", note)


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


async def test_pipelines_are_filtered_and_paged(ask, etl: Etl) -> None:
    deploy_many(etl, 5)
    assert names(await ask("/pipelines?filter=mine")) == ["delays"]
    assert names(await ask("/pipelines?filter=failing")) == ["delays"]
    assert names(await ask("/pipelines?search=BRIEF")) == ["brief"]
    page = await ask("/pipelines?limit=2&offset=2&search=extra")
    assert names(page) == ["extra2", "extra3"]
    assert page.json["total"] == 5
    assert (await ask("/pipelines?filter=odd")).error["message"] == (
        "filter is 'odd'; it must be one of: all, mine, failing."
    )


async def test_a_long_page_of_pipelines_takes_no_more_statements(ask, etl: Etl) -> None:
    await ask("/pipelines")
    with statements() as few:
        assert len((await ask("/pipelines")).json["items"]) == 2
    deploy_many(etl, 98)
    # Each deployed notebook is read once.
    await ask("/pipelines")
    with statements() as many:
        assert len((await ask("/pipelines")).json["items"]) == 100
    assert 0 < len(few) == len(many)


async def test_a_page_loads_only_what_it_shows(ask, etl: Etl) -> None:
    now = etl.clock.now()
    for number in range(300):
        content = etl.store.save_snapshot(json.dumps({"metadata": {}, "number": number}))
        etl.store.deploy(a_pipeline(f"extra{number:03}", content_hash=content), now=now)
    await ask("/pipelines?search=brief")
    with statements() as one:
        assert names(await ask("/pipelines?limit=1&search=extra")) == ["extra000"]
    with statements() as many:
        page = await ask("/pipelines?limit=50&offset=100&search=extra")
    assert names(page) == [f"extra{number:03}" for number in range(100, 150)]
    assert page.json["total"] == 300
    assert len(many) == len(one) < 30


async def test_a_damaged_snapshot_costs_its_pipeline_only_what_it_tells(ask, etl: Etl) -> None:
    assert (await ask("/pipelines/delays")).json["cold_start"] == ""
    broken = {"missing": "0" * 64}
    for body in ("{", "[]", '{"metadata": []}', '{"metadata": {"kernelspec": 1}}'):
        broken[f"damaged{len(broken)}"] = etl.store.save_snapshot(body)
    for name, content in broken.items():
        etl.store.deploy(a_pipeline(name, content_hash=content), now=etl.clock.now())
    told = {item["name"]: item["cold_start"] for item in (await ask("/pipelines")).json["items"]}
    assert told == {"brief": "", "delays": "", **dict.fromkeys(broken, UNKNOWN)}
    assert (await ask("/pipelines/missing")).json["cold_start"] == UNKNOWN


async def test_where_a_notebook_lies(ask) -> None:
    items = {item["name"]: item for item in (await ask("/pipelines")).json["items"]}
    assert items["delays"]["notebook_path"] == "delays.ipynb"
    assert items["brief"]["notebook_path"] is None


async def test_a_notebook_is_deployed(ask, etl: Etl, jp_root_dir) -> None:
    notebook = write_notebook(
        jp_root_dir / "new.ipynb", code("n = []", "parameters"), "open('gone.csv')"
    )
    body = {
        "notebook": "new.ipynb",
        "when": "daily at 07:00",
        "name": "new",
        "parameters": {"n": [1, None, "x"]},
        "after": [],
        "timezone": None,
        "anyway": True,
    }
    answer = await ask("/pipelines", "POST", body=body)
    assert answer.status == 201
    assert answer.json["pipeline"]["name"] == "new"
    assert answer.json["pipeline"]["notebook"] == str(notebook)
    assert answer.json["findings"][0]["cell"] == 1
    assert etl.pipelines.get("new").parameters == {"n": [1, None, "x"]}


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("retries", "a whole number from 0 to 1,000"),
        ("priority", "a whole number from -100 to 100"),
        ("timeout_s", "from 0.001 s to 3,162,240,000 s"),
        ("memory_bytes", "a whole number from 64 MB to 1000000 TB"),
    ],
)
async def test_numbers_of_a_deployment_have_ranges(ask, server, field: str, allowed: str) -> None:
    for number in (
        "1e12",
        "1e308",
        "1e400",
        "9" * 10_000,
        "-1e9",
        str(2**63),
        "true",
        '"3"',
        "[1]",
    ):
        raw = f'{{"notebook": "delays.ipynb", "{field}": {number}}}'
        answer = await ask("/pipelines", "POST", body=raw, headers=JSON)
        assert answer.status == 400, number[:20]
        assert answer.error["field"] == field
        assert allowed in f"{answer.error['message']} {answer.error['hint']}", number[:20]
    assert not reached(server)


async def test_a_time_limit_is_text_or_seconds(ask) -> None:
    for body, seconds in (
        ({"timeout": "1h30m"}, 5400),
        ({"timeout": "90"}, 90),
        ({"timeout": " "}, None),
        ({"timeout_s": 90}, 90),
    ):
        assert ScheduleRequest(notebook="n", **body).timeout_s == seconds, body
    for body in ({"timeout": "soon"}, {"timeout": "0s"}, {"timeout": "1h", "timeout_s": 3600}):
        for path in ("/pipelines", "/schedule/lines"):
            answer = await ask(path, "POST", body={"notebook": "delays.ipynb", **body})
            assert (answer.status, answer.error["field"]) == (400, "timeout"), body


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


@pytest.mark.parametrize("number", ["-1", "1e3", "9" * 10_000, str(2**63), "²", "NaN", "true"])
async def test_numbers_of_a_query_have_ranges(ask, number: str) -> None:
    for path, field in (
        ("/runs?limit=", "limit"),
        ("/runs?offset=", "offset"),
        ("/pipelines?limit=", "limit"),
        ("/sources/trips/preview?limit=", "limit"),
        ("/publications/flights.daily/preview?version=", "version"),
        ("/publications/flights.daily/preview?held=", "held"),
        ("/publications/flights.daily/diff?before=", "before"),
        ("/publications/flights.daily/lineage?depth=", "depth"),
    ):
        answer = await ask(path + quote(number))
        assert (answer.status, answer.error["field"]) == (400, field), path
        assert f"{field} is " in answer.error["message"]


async def test_bodies_are_checked(ask, server) -> None:
    good = {"notebook": "delays.ipynb"}
    for body, said in (
        ({}, "missing required field `notebook`"),
        ({**good, "nope": 1}, "unknown field `nope`"),
        ({**good, "retries": "3"}, "Expected `int | null`, got `str` - at `$.retries`"),
        ({**good, "retries": -1}, "retries is -1; it must be a whole number from 0 to 1,000."),
        ({**good, "timeout_s": 0}, "timeout_s is 0.0 s; it must be from 0.001 s to"),
        ({**good, "after": "x"}, "Expected `array`"),
        ({**good, "parameters": [1]}, "Expected `object`"),
    ):
        answer = await ask("/pipelines", "POST", body=body)
        assert answer.status == 400, body
        assert said in answer.error["message"]
    json_type = {"Content-Type": "application/json; charset=utf-8"}
    for text in ("[]", "{", "nul", '"x"', '{"notebook": NaN}', "\xff", "[" * 100_000):
        answer = await ask("/pipelines", "POST", body=text, headers=json_type)
        assert answer.status == 400, text[:20]
        assert answer.error["type"] == "DeclarationError"
    huge = json.dumps({**good, "when": "x" * 2_000_000})
    assert (await ask("/pipelines", "POST", body=huge, headers=json_type)).status == 400
    for path in ("/pipelines/delays/pause", "/runs/1/cancel", "/runs/1/retry"):
        assert (await ask(path, "POST", body={"force": True})).status == 400
    assert not reached(server)


async def test_arguments_are_checked(ask, server) -> None:
    for path in (
        "/runs?limit=0",
        "/runs?limit=1001",
        "/runs?limit=x",
        "/runs?offset=-1",
        "/runs?state=odd",
        "/sources/trips/preview?limit=1e3",
        "/publications/sales.daily/preview?draft=maybe",
        "/publications/sales.daily/preview?version=-1",
    ):
        answer = await ask(path)
        assert answer.status == 400, path
        assert "must be" in answer.error["message"]
    assert not reached(server)


async def test_pause_resume_delete(ask, etl: Etl) -> None:
    paused = (await ask("/pipelines/delays/pause", "POST")).json
    assert (paused["health"], paused["paused_by"]) == ("held", "person")
    assert etl.pipelines.get("delays").paused
    assert (await ask("/pipelines/delays/resume", "POST")).json["paused"] is False
    answer = await ask("/pipelines/delays", "DELETE")
    assert (answer.status, answer.body) == (204, b"")
    assert [one.name for one in etl.pipelines.list()] == ["brief"]
    assert (await ask("/pipelines/delays", "DELETE")).status == 404


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
    assert names(await ask("/publications?search=BRIEF")) == ["morning-brief"]
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
