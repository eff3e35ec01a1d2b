"""Calls functions in workers that are started for this: samples, and the rows of frames."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from jupyter_etl.errors import PublishError
from jupyter_etl.model import Sample
from jupyter_etl.serving.workers.launching import Launcher
from jupyter_etl.serving.workers.pool import WorkerPool
from jupyter_etl.serving.workers.protocol import Answer, WorkerSpec


def answer_requests(
    spec: WorkerSpec,
    bodies: Iterable[bytes],
    *,
    content_type: str = "application/json",
    batch: bool = False,
) -> list[tuple[Answer, float]]:
    """Call a worker, which is started for this, once for each body.

    Args:
        content_type: Media type of the bodies.
        batch: Whether each body contains many requests.

    Returns:
        The answers, and how long each took in seconds.

    Raises:
        ExecutionError: The worker cannot start.
    """
    # A notebook's kernel has an event loop of its own, which must not be blocked or entered again.
    with ThreadPoolExecutor(1) as thread:
        work = _answers(spec, bodies, content_type, batch)
        return thread.submit(asyncio.run, work).result()


async def _answers(
    spec: WorkerSpec, bodies: Iterable[bytes], content_type: str, batch: bool
) -> list[tuple[Answer, float]]:
    with tempfile.TemporaryDirectory(prefix="jupyter-etl-") as folder:
        # Nothing is imported in advance: a worker is needed once only.
        launcher = Launcher(Path(folder), preload=())
        pool = WorkerPool(spec, launcher, log=Path(folder, "worker.log"))
        try:
            await pool.start()
            found = []
            for body in bodies:
                begun = time.perf_counter()
                answer = await pool.call(body, content_type, batch=batch)
                found.append((answer, time.perf_counter() - begun))
            return found
        finally:
            await pool.close()
            await launcher.close()


def sample_of(name: str, request: str, answer: Answer, seconds: float) -> Sample:
    """Return a sample that was answered; raises `PublishError` for an error."""
    if answer.status != 200:
        message = msgspec.json.decode(answer.body)["error"]["message"]
        raise PublishError(
            f"{name!r} is not published: its sample {request} was not answered. {message}",
            hint="Correct the function or the sample. The function ran in a new process, which has "
            "only what the function refers to.",
        )
    return Sample(request=request, response=result_text(answer), seconds=round(seconds, 6))


def result_text(answer: Answer) -> str:
    """Return the result in an answer as JSON text; for an error, the whole answer."""
    found = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    return bytes(found.get("result", msgspec.Raw(answer.body))).decode()
