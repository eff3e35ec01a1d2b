"""The way to PostgreSQL: no call waits for the server for ever."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, create_engine, event

# A lock is given up before its statement, and the statement before its answer: whoever is nearest
# to the cause says what was wrong. All of them end within the lease of an attempt.
LOCK_S = 10
STATEMENT_S = 15
ANSWER_S = 20.0
CONNECT_S = 10
IDLE_S = 60
"""Seconds that a transaction may rest: a process that was stopped must not hold its locks."""


class AnsweringConnection(psycopg.Connection[Any]):
    """A connection that is closed when the server is silent for too long.

    A server that is stopped, or cut off behind a firewall, sends neither an answer nor an end, and
    the limits it keeps itself do not help there.
    """

    answer_s: float | None = None
    """Seconds that one answer may take; None for any time."""

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:
        """Wait for an answer; psycopg sends all its questions through here.

        Raises:
            psycopg.OperationalError: There was none in time.
        """
        return super().wait(self._limited(gen), *args, **kwargs)

    def _limited(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        asked_at = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                # Nothing is ready when psycopg looks up between two waits.
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
    """Return an engine whose connections are tried before each use, and given up in time.

    Args:
        url: Of the database; ``connect_timeout`` and ``options`` in its query win.
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
        # Planned for the values asked for: without them the server guesses that a third of all
        # pipelines are due, and reads all to find that none is.
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
