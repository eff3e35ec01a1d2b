"""Changes in the ledger become events."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.etl import FakeEtl
from fakes.etl_values import a_run
from jupyter_etl.errors import StoreError
from jupyter_etl.model import Outcome, RunState
from jupyter_etl.rest.service import EtlService
from jupyter_etl.rest.watcher import RunWatcher


@pytest.fixture
def fake(tmp_path: Path) -> FakeEtl:
    return FakeEtl(tmp_path)


def short(event: dict) -> tuple:
    return event["run"], event["state"], event["outcome"], event["cell"]


def change(fake: FakeEtl, run_id: int, **fields) -> None:
    fake.runs.held[run_id] = replace(fake.runs.held[run_id], **fields)


def test_each_change_is_told_once(fake: FakeEtl) -> None:
    told: list[dict] = []

    async def work() -> None:
        service = EtlService(lambda: fake)
        watcher = RunWatcher(service, told.append, logging.getLogger("test"))

        async def look() -> list[tuple]:
            told.clear()
            assert await watcher.look() == len(told)
            return [short(event) for event in told]

        assert await look() == []
        assert await look() == []
        run = fake.runs.trigger("delays")
        assert await look() == [(run.id, "queued", None, 4)]
        change(fake, run.id, state=RunState.RUNNING, cell=0)
        assert await look() == [(run.id, "running", None, 0)]
        change(fake, run.id, cell=1)
        assert await look() == [(run.id, "running", None, 1)]
        assert await look() == []
        change(fake, run.id, state=RunState.SUCCEEDED, outcome=Outcome.SUCCEEDED)
        assert await look() == [(run.id, "succeeded", "succeeded", 1)]
        assert await look() == []
        fake.runs.retry(2)
        assert await look() == [(2, "queued", "held", 4)]
        await service.close()

    asyncio.run(work())


def test_runs_that_came_and_went_between_two_looks_are_told(fake: FakeEtl) -> None:
    told: list[dict] = []

    async def work() -> None:
        service = EtlService(lambda: fake)
        watcher = RunWatcher(service, told.append, logging.getLogger("test"))
        await watcher.look()
        for number in range(3, 253):
            fake.runs.held[number] = a_run(number, "delays", fake.clock.now())
        await watcher.look()
        await service.close()

    asyncio.run(work())
    assert [event["run"] for event in told] == list(range(3, 253))


def test_the_first_look_at_an_empty_ledger(fake: FakeEtl) -> None:
    fake.runs.held.clear()
    told: list[dict] = []

    async def work() -> None:
        service = EtlService(lambda: fake)
        watcher = RunWatcher(service, told.append, logging.getLogger("test"))
        await watcher.look()
        fake.runs.trigger("delays")
        await watcher.look()
        await service.close()

    asyncio.run(work())
    assert [event["run"] for event in told] == [1]


def test_it_opens_nothing_by_itself(fake: FakeEtl) -> None:
    async def work() -> None:
        service = EtlService(lambda: fake)
        watcher = RunWatcher(service, print, logging.getLogger("test"), active_s=0, idle_s=0)
        watcher.start()
        for _ in range(20):
            await asyncio.sleep(0)
        await watcher.stop()
        assert not service.is_open

    asyncio.run(work())
    assert fake.calls == []


def test_it_looks_at_once_when_the_ledger_rings(fake: FakeEtl) -> None:
    told: asyncio.Queue = asyncio.Queue()

    async def work() -> None:
        service = EtlService(lambda: fake)
        watcher = RunWatcher(service, told.put_nowait, logging.getLogger("test"), idle_s=3600)
        await watcher.look()
        watcher.start()
        while fake.calls.count("runs.list") < 4:
            await asyncio.sleep(0.01)
        run = fake.runs.trigger("delays")
        fake.wake()
        event = await told.get()
        await watcher.stop()
        await service.close()
        assert event["run"] == run.id

    asyncio.run(work())


def test_trouble_with_the_ledger_is_told_once_and_outlived(fake: FakeEtl, caplog) -> None:
    listed = fake.runs.list
    failures = []
    told = asyncio.Queue()

    def broken(**given):
        failures.append(given)
        if len(failures) <= 3:
            raise StoreError("The ledger is locked.")
        return listed(**given)

    async def work() -> None:
        service = EtlService(lambda: fake)
        await service.call(lambda etl: None)
        fake.runs.list = broken
        log = logging.getLogger("test")
        watcher = RunWatcher(service, told.put_nowait, log, active_s=0.001, idle_s=0.001)
        watcher.start()
        while len(failures) < 8:
            await asyncio.sleep(0.001)
        run = fake.runs.trigger("delays")
        assert (await asyncio.wait_for(told.get(), 30))["run"] == run.id
        await watcher.stop()
        seen = len(failures)
        await asyncio.sleep(0.02)
        assert len(failures) <= seen + 1
        await service.close()

    with caplog.at_level(logging.WARNING, "test"):
        asyncio.run(work())
    assert [record.message for record in caplog.records] == ["No events of runs for now."]
