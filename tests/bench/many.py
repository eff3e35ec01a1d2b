"""Ledgers with very many pipelines and runs.

The platform writes one row by its own calls. The row is then copied by SQL, because deploying
100,000 pipelines takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bench.living import Platform
from jupyter_etl.model import Pipeline, RunState, Schedule, ScheduleKind

_BATCH = 1000
_Change = Callable[[int], dict[str, Any]]


SIX = "0 6 * * *"


def next_six(now: datetime) -> datetime:
    """Return the next due time of `SIX`, UTC."""
    today = now.replace(hour=6, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def deploy_many(at: Platform, count: int, *, cron: str, now: datetime, due: datetime) -> list[str]:
    """Deploy a pipeline that does nothing, and copy it.

    Args:
        at: An empty platform.
        count: Total number of pipelines.
        cron: Their schedule, UTC.
        now: Time of the deployment.
        due: Their next due time.

    Returns:
        Their names.
    """
    book = at.notebook("p", "1 + 1")
    body = at.etl.store.save_snapshot(book.read_text())
    one = Pipeline(
        name="p0",
        notebook=str(book),
        content_hash=body,
        owner="bench",
        schedule=Schedule(kind=ScheduleKind.CRON, text=cron, cron=cron),
        next_due=due,
    )
    at.etl.store.deploy(one, now=now)
    at.etl.store.deploy(replace(one, name="p1", notebook=f"{book}.1"), now=now)
    names = [f"p{n}" for n in range(count)]
    engine = _engine(at)
    _copy(engine, "pipelines", "name", "p1", names[2:], lambda _n: {})
    _copy(engine, "pipeline_versions", "pipeline", "p1", names[2:], lambda _n: {})
    _settle(engine)
    return names


def queue_many(at: Platform, names: Sequence[str], count: int, *, state: RunState) -> None:
    """Create runs distributed over these pipelines, all in one state.

    Args:
        at: The platform with the pipelines.
        names: Names of the pipelines.
        count: Number of runs.
        state: Queued, or a final state.
    """
    made = at.etl.runs.trigger(names[0])
    end = {} if state is RunState.QUEUED else _end(state, made.created_at)
    engine = _engine(at)
    keys = [f"manual:{n:032x}" for n in range(1, count)]

    def change(n: int) -> dict[str, Any]:
        return {"id": made.id + n + 1, "pipeline": names[(n + 1) % len(names)], **end}

    _copy(engine, "runs", "logical_key", made.new.logical_key, keys, change)
    if end:
        with engine.begin() as connection:
            table = _table(engine, "runs")
            connection.execute(sa.update(table).where(table.c.id == made.id).values(**end))
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(
                sa.text("SELECT setval(pg_get_serial_sequence('runs', 'id'), max(id)) FROM runs")
            )
    _settle(engine)


def _end(state: RunState, at: datetime) -> dict[str, Any]:
    instant = round(at.timestamp() * 1e6)
    return {
        "state": state.value,
        "outcome": state.value,
        "attempts": 1,
        "started_at": instant,
        "finished_at": instant,
    }


def _copy(
    engine: sa.Engine, table_name: str, key: str, of: str, keys: Sequence[str], change: _Change
) -> None:
    """Copy one row with other keys."""
    table = _table(engine, table_name)
    with engine.begin() as connection:
        row = connection.execute(sa.select(table).where(table.c[key] == of)).mappings().one()
        for start in range(0, len(keys), _BATCH):
            rows = [
                {**row, key: name, **change(start + n)}
                for n, name in enumerate(keys[start : start + _BATCH])
            ]
            connection.execute(sa.insert(table), rows)


def _engine(at: Platform) -> sa.Engine:
    url = sa.make_url(at.etl.settings.ledger)
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return sa.create_engine(url, poolclass=sa.NullPool)


def _table(engine: sa.Engine, name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), autoload_with=engine)


def _settle(engine: sa.Engine) -> None:
    """Update the statistics, which the database would otherwise gather over time."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
