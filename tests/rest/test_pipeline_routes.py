"""The routes of pipelines: pages, deployment, pause and deletion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event

from contracts.store_values import a_pipeline
from fakes.notebooks import code, write_notebook
from jupyter_etl.services import Etl

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
    reported = {
        item["name"]: item["cold_start"] for item in (await ask("/pipelines")).json["items"]
    }
    assert reported == {"brief": "", "delays": "", **dict.fromkeys(broken, UNKNOWN)}
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


async def test_pause_resume_delete(ask, etl: Etl) -> None:
    paused = (await ask("/pipelines/delays/pause", "POST")).json
    assert (paused["health"], paused["paused_by"]) == ("held", "person")
    assert etl.pipelines.get("delays").paused
    assert (await ask("/pipelines/delays/resume", "POST")).json["paused"] is False
    answer = await ask("/pipelines/delays", "DELETE")
    assert (answer.status, answer.body) == (204, b"")
    assert [one.name for one in etl.pipelines.list()] == ["brief"]
    assert (await ask("/pipelines/delays", "DELETE")).status == 404
