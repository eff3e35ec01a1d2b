"""Access to the facade from the event loop: opened at first use, called in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Lock, Thread
from typing import TYPE_CHECKING, TypeVar

import msgspec

from jupyter_etl.errors import EtlError, StoreError

if TYPE_CHECKING:
    from jupyter_etl.services import Etl
    from jupyter_etl.services.limited_etl import LimitedEtl

_T = TypeVar("_T")


class EtlService:
    """Calls the facade from a server without blocking it.

    Args:
        open_etl: Opens the facade; called once, in a thread, and again after a failure.
        quick: Number of threads for calls that only read the ledger.
        slow: Maximum number of simultaneous calls that access sources.
        slow_s: Time limit of such a call in seconds.
        children: Child processes with limits, for calls that read data; None to make these calls in
            this process.
    """

    def __init__(
        self,
        open_etl: Callable[[], Etl],
        *,
        quick: int = 4,
        slow: int = 4,
        slow_s: float = 30.0,
        children: LimitedEtl | None = None,
    ) -> None:
        self._open_etl = open_etl
        self._etl: Etl | None = None
        self._lock = Lock()
        self._closed = False
        self._pool = ThreadPoolExecutor(quick, thread_name_prefix="jupyter-etl")
        self._slots = asyncio.Semaphore(slow)
        self.slow_s = slow_s
        self._children = children

    @property
    def is_open(self) -> bool:
        """Whether the facade has been opened."""
        return self._etl is not None and not self._closed

    async def call(self, function: Callable[[Etl], _T]) -> _T:
        """Run a quick function in a thread.

        Args:
            function: Receives the facade.

        Raises:
            StoreError: The ledger cannot be opened, or the server is shutting down.
        """
        self._refuse_closed()
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, function)

    async def call_bounded(self, function: Callable[[Etl], _T]) -> _T:
        """Run a function that may hang, with a time limit.

        Each call has a thread of its own that no shutdown waits for. A call that hangs keeps its
        slot until it returns, so that a source that does not answer cannot occupy ever more
        threads.

        Args:
            function: Receives the facade.

        Raises:
            TimeoutError: It took longer than ``slow_s``, including the wait for a slot.
            StoreError: See `call`.
        """
        self._refuse_closed()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self.slow_s):
            await self._slots.acquire()
            answer: asyncio.Future[_T] = loop.create_future()
            Thread(
                target=self._work,
                args=(function, loop, answer),
                name="jupyter-etl-slow",
                daemon=True,
            ).start()
            return await answer

    async def call_limited(
        self, function: Callable[..., object], arguments: Mapping[str, object], *, what: str
    ) -> bytes:
        """Call a function that reads data in a child process with limits.

        Args:
            function: A module's function; receives the facade, and the arguments by name.
            arguments: JSON values.
            what: Subject of error messages.

        Returns:
            The result as JSON, without the values of secrets.

        Raises:
            LimitExceeded: Memory, time or the size of the result exceeded the limit.
            TimeoutError, StoreError: See `call_bounded`.
        """

        def work(etl: Etl) -> bytes:
            if self._children is None:
                answer = msgspec.json.encode(function(etl, **arguments)).decode()
                return etl.redacted_answer(answer).encode()
            return self._children.call(function, arguments, what=what, settings=etl.settings)

        return await self.call_bounded(work)

    def redacted(self, text: str) -> str:
        """Return a text for a response or the log, without the values of secrets."""
        return text if self._etl is None else self._etl.redacted_answer(text)

    def expect_limited(self) -> None:
        """Prepare for `call_limited`, in a thread."""
        if self._children is not None and not self._closed:
            self._pool.submit(self._prepare, self._children)

    @staticmethod
    def _prepare(children: LimitedEtl) -> None:
        # The call itself raises the error again.
        with suppress(EtlError):
            children.prepare()

    async def close(self, *, timeout_s: float = 5.0) -> None:
        """Close the facade; wait at most ``timeout_s`` for active calls."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._children is not None:
            await asyncio.to_thread(self._children.close)
        etl, self._etl = self._etl, None
        if etl is not None:
            with suppress(TimeoutError, StoreError):
                await asyncio.wait_for(asyncio.to_thread(etl.close), timeout_s)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreError("The Jupyter server is shutting down.", hint="Try again later.")

    def _opened(self) -> Etl:
        with self._lock:
            if self._etl is None:
                self._etl = self._open_etl()
            return self._etl

    def _run(self, function: Callable[[Etl], _T]) -> _T:
        return function(self._opened())

    def _work(
        self,
        function: Callable[[Etl], _T],
        loop: asyncio.AbstractEventLoop,
        answer: asyncio.Future[_T],
    ) -> None:
        settle: Callable[[], None]
        try:
            settle = partial(answer.set_result, self._run(function))
        except BaseException as problem:  # noqa: BLE001 - handed to the one who waits
            settle = partial(answer.set_exception, problem)

        def deliver() -> None:
            self._slots.release()
            if not answer.done():
                settle()

        # The loop is closed if the server ended meanwhile; then there is no waiter.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(deliver)
