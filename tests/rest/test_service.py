"""The facade behind the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from jupyter_etl.errors import NotFound, StoreError
from jupyter_etl.rest.service import EtlService
from jupyter_etl.services import Etl


def run(coroutine):
    return asyncio.run(coroutine)


def test_it_opens_at_first_use_and_once(closed: list[Etl], etl: Etl) -> None:
    opened = []

    async def work() -> None:
        service = EtlService(lambda: opened.append(threading.current_thread()) or etl)
        assert not service.is_open
        assert opened == []
        await asyncio.gather(*(service.call(lambda etl: etl.sources.list()) for _ in range(8)))
        assert service.is_open
        assert len(opened) == 1
        assert opened[0] is not threading.main_thread()
        await service.close()
        assert closed == [etl]

    run(work())


def test_it_tries_again_after_it_could_not_open(etl: Etl) -> None:
    answers = [StoreError("down"), etl]

    def open_etl() -> Etl:
        answer = answers.pop(0)
        if isinstance(answer, StoreError):
            raise answer
        return answer

    async def work() -> None:
        service = EtlService(open_etl)
        with pytest.raises(StoreError):
            await service.call(lambda etl: 1)
        assert await service.call(lambda etl: 1) == 1
        await service.close()

    run(work())


def test_a_call_that_hangs_is_left_behind_and_keeps_its_slot(etl: Etl) -> None:
    release = threading.Event()

    async def work() -> None:
        service = EtlService(lambda: etl, slow=1, slow_s=0.05)
        with pytest.raises(TimeoutError):
            await service.call_bounded(lambda etl: release.wait(30))
        ran = []
        with pytest.raises(TimeoutError):
            await service.call_bounded(lambda etl: ran.append(1))
        assert ran == []
        assert await service.call(lambda etl: "quick") == "quick"
        release.set()
        service.slow_s = 30.0
        assert await service.call_bounded(lambda etl: "free again") == "free again"
        await service.close()

    run(work())


def test_errors_come_through(etl: Etl) -> None:
    async def work() -> None:
        service = EtlService(lambda: etl)
        with pytest.raises(NotFound):
            await service.call_bounded(lambda etl: etl.sources.get("absent"))
        with pytest.raises(NotFound):
            await service.call(lambda etl: etl.sources.get("absent"))
        await service.close()

    run(work())


def test_a_closed_one_is_reported(closed: list[Etl], etl: Etl) -> None:
    async def work() -> None:
        service = EtlService(lambda: etl)
        await service.close()
        for call in (service.call, service.call_bounded):
            with pytest.raises(StoreError, match="shutting down"):
                await call(lambda etl: 1)
        assert closed == []

    run(work())
