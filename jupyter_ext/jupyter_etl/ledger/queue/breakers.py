"""Circuit breakers of sources."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from jupyter_etl.ledger.connection import Part, inserting
from jupyter_etl.ledger.schema.rows import value_of
from jupyter_etl.ledger.schema.tables import breakers
from jupyter_etl.model import AttemptReport, Breaker, VerdictKind


class Breakers(Part):
    """Reads the circuit breakers; see `jupyter_etl.ports.QueueStore`."""

    def load_breakers(self) -> list[Breaker]:
        with self._ledger.reading() as connection:
            found = [value_of(Breaker, row) for row in connection.execute(select(breakers))]
            return sorted(found, key=lambda breaker: breaker.source)


def learn_from(connection: Connection, report: AttemptReport, now: datetime) -> None:
    """Count the failure of a source, and reset the breakers of the sources that were read.

    It is called last in the transaction that ends an attempt; rows are locked in the order of the names.

    Args:
        report: How the attempt ended. A source that was read has answered, whatever the outcome.
    """
    failed = report.failed_source if _is_counted(report) else ""
    answered = {read.source for read in report.reads} - {report.failed_source}
    if failed:
        new = inserting(connection, breakers).values(source=failed, failures=0)
        connection.execute(new.on_conflict_do_nothing())
    if not failed and not answered:
        return
    meant = breakers.c.source.in_(sorted({*answered, *([failed] if failed else [])}))
    query = select(breakers).where(meant).order_by(breakers.c.source).with_for_update()
    for row in connection.execute(query).all():
        this = breakers.c.source == row.source
        if row.source == failed:
            after = value_of(Breaker, row).failed(now)
            connection.execute(
                update(breakers)
                .where(this)
                .values(failures=after.failures, retry_at=after.retry_at)
            )
        else:
            connection.execute(delete(breakers).where(this))


def _is_counted(report: AttemptReport) -> bool:
    verdict = report.verdict
    return verdict is not None and verdict.kind is VerdictKind.SOURCE and verdict.retryable
