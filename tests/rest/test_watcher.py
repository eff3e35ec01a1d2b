"""Changes in the ledger become events."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from contracts.store_values import a_run, claim_one, finish, start
from jupyter_etl.errors import StoreError
from jupyter_etl.model import RunState
from jupyter_etl.rest.service import EtlService
from jupyter_etl.rest.watcher import RunWatcher
from jupyter_etl.services import Etl
from jupyter_etl.services.runs.runs import Runs
from rest.example import HELD

LOG = logging.getLogger("test")


def short(event: dict[str, Any]) -> tuple[Any, ...]:
    return event["run"], event["state"], event["outcome"], event["cell"]


def test_each_change_is_reported_once(etl: Etl) -> None:
    reported: list[dict[str, Any]] = []
    store = etl.store

    async def work() -> None:
        service = EtlService(lambda: etl)
        watcher = RunWatcher(service, reported.append, LOG)

        async def poll() -> list[tuple[Any, ...]]:
            reported.clear()
            assert await watcher.poll() == len(reported)
            return [short(event) for event in reported]

        assert await poll() == []
        assert await poll() == []
        run = etl.runs.trigger("delays")
        assert await poll() == [(run.id, "queued", None, None)]
        claim = claim_one(store, now=etl.clock.now(), run_id=run.id)
        assert await poll() == [(run.id, "dispatched", None, None)]
        start(store, claim, now=etl.clock.now())
        assert await poll() == [(run.id, "running", None, 0)]
        for cell in (1, 2):
            store.heartbeat(run.id, 1, claim.attempt.token, cell=cell)
            assert await poll() == [(run.id, "running", None, cell)]
        assert await poll() == []
        finish(store, claim, now=etl.clock.now())
        assert await poll() == [(run.id, "succeeded", "succeeded", 2)]
        assert await poll() == []
        etl.runs.retry(HELD)
        assert [event[:2] for event in await poll()] == [(HELD, "queued")]
        await service.close()

    asyncio.run(work())


def test_runs_that_ended_between_two_polls_are_reported(etl: Etl) -> None:
    reported: list[dict[str, Any]] = []

    async def work() -> None:
        service = EtlService(lambda: etl)
        watcher = RunWatcher(service, reported.append, LOG)
        await watcher.poll()
        # More than one page of runs.
        for number in range(3, 153):
            skipped = a_run(str(number), pipeline="delays", state=RunState.SKIPPED)
            etl.store.add_run(skipped, now=etl.clock.now())
        await watcher.poll()
        await service.close()

    asyncio.run(work())
    assert [event["run"] for event in reported] == list(range(3, 153))


def test_the_first_poll_of_an_empty_ledger(home) -> None:
    reported: list[dict[str, Any]] = []

    async def work() -> None:
        service = EtlService(Etl.open)
        watcher = RunWatcher(service, reported.append, LOG)
        await watcher.poll()
        await service.call(lambda etl: etl.store.add_run(a_run(), now=etl.clock.now()))
        await watcher.poll()
        await service.close()

    asyncio.run(work())
    assert [event["run"] for event in reported] == [1]


def test_it_opens_nothing_by_itself(etl: Etl) -> None:
    async def work() -> None:
        service = EtlService(lambda: etl)
        watcher = RunWatcher(service, print, LOG, active_s=0, idle_s=0)
        watcher.start()
        for _ in range(20):
            await asyncio.sleep(0)
        await watcher.stop()
        assert not service.is_open

    asyncio.run(work())


def test_it_polls_at_once_on_a_wake_up(etl: Etl) -> None:
    reported: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def work() -> None:
        service = EtlService(lambda: etl)
        watcher = RunWatcher(service, reported.put_nowait, LOG, idle_s=3600)
        await watcher.poll()
        watcher.start()
        # It may not listen yet when the first runs are asked for.
        while reported.empty():
            etl.runs.trigger("delays")
            await asyncio.sleep(0.1)
        await watcher.stop()
        await service.close()

    asyncio.run(work())
    assert reported.get_nowait()["run"] == HELD + 1


def test_an_outage_of_the_ledger_is_logged_once_and_survived(etl: Etl, caplog, monkeypatch) -> None:
    listed = Runs.list
    asked: list[dict[str, Any]] = []
    reported: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def broken(self: Runs, **given: Any) -> Any:
        asked.append(given)
        if len(asked) <= 3:
            raise StoreError("The ledger is locked.")
        return listed(self, **given)

    async def work() -> None:
        service = EtlService(lambda: etl)
        await service.call(lambda etl: None)
        monkeypatch.setattr(Runs, "list", broken)
        watcher = RunWatcher(service, reported.put_nowait, LOG, active_s=0.001, idle_s=0.001)
        watcher.start()
        while len(asked) < 8:
            await asyncio.sleep(0.001)
        run = etl.runs.trigger("delays")
        assert (await asyncio.wait_for(reported.get(), 30))["run"] == run.id
        await watcher.stop()
        seen = len(asked)
        await asyncio.sleep(0.02)
        assert len(asked) <= seen + 1
        await service.close()

    with caplog.at_level(logging.WARNING, "test"):
        asyncio.run(work())
    assert [record.message for record in caplog.records] == ["No events of runs for now."]
