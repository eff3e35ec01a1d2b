"""Connections to PostgreSQL, on which every call has a timeout."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, create_engine, event

# The timeout of a lock is shorter than that of its statement, and that of a statement shorter than
# that of its answer: the error names the cause. All of them are shorter than an attempt's lease.
LOCK_S = 10
STATEMENT_S = 15
ANSWER_S = 20.0
CONNECT_S = 10
IDLE_S = 60
"""Seconds that a transaction may be idle: a process that was suspended must not keep its locks."""


class AnsweringConnection(psycopg.Connection[Any]):
    """A connection that is closed if the server does not answer in time.

    A server that was suspended or disconnected sends nothing, and its own timeouts have no effect.
    """

    answer_s: float | None = None
    """Seconds that one answer may take; None for any time."""

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:
        """Wait for an answer; psycopg sends all queries through this method.

        Raises:
            psycopg.OperationalError: There was no answer in time.
        """
        return super().wait(self._limited(gen), *args, **kwargs)

    def _limited(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        asked_at = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                # Nothing is ready when psycopg polls between two waits.
                if not ready and self._is_over(asked_at):
                    self.pgconn.finish()
                    raise psycopg.OperationalError(
                        f"the server has not answered for {self.answer_s:g} s"
                    )
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value

    def _is_over(self, asked_at: float) -> bool:
        return self.answer_s is not None and time.monotonic() - asked_at > self.answer_s


def postgres_engine(url: URL) -> Engine:
    """Return an engine whose connections are checked before each use, and have timeouts.

    Args:
        url: URL of the database; ``connect_timeout`` and ``options`` in its query take precedence.
    """
    given: dict[str, object] = {"application_name": "jupyter-etl"}
    if "connect_timeout" not in url.query:
        given["connect_timeout"] = CONNECT_S
    if "options" not in url.query:
        limits = {
            "lock_timeout": LOCK_S,
            "statement_timeout": STATEMENT_S,
            "idle_in_transaction_session_timeout": IDLE_S,
        }
        # Plans use the values of the query: without them the server assumes that a third of all
        # pipelines are due, and reads all of them.
        settings = {"plan_cache_mode": "force_custom_plan"}
        settings.update((name, f"{seconds}s") for name, seconds in limits.items())
        given["options"] = " ".join(f"-c {name}={value}" for name, value in settings.items())
    engine = create_engine(url, max_overflow=-1, pool_pre_ping=True, connect_args=given)

    def connect(dialect: object, record: object, words: Any, values: Any) -> AnsweringConnection:
        connection = AnsweringConnection.connect(*words, **values)
        connection.answer_s = ANSWER_S
        return connection

    event.listen(engine, "do_connect", connect)
    return engine
