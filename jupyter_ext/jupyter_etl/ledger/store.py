"""The ledger on SQLAlchemy Core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import select

from jupyter_etl.ledger.attempts import Attempts
from jupyter_etl.ledger.connection import Ledger, inserting
from jupyter_etl.ledger.endpoints import Endpoints
from jupyter_etl.ledger.holds import Holds
from jupyter_etl.ledger.lineage import Lineage
from jupyter_etl.ledger.migration import upgrade_schema
from jupyter_etl.ledger.pipelines import Pipelines
from jupyter_etl.ledger.pruning import Pruning
from jupyter_etl.ledger.publications import Publications
from jupyter_etl.ledger.queue.breakers import Breakers
from jupyter_etl.ledger.queue.claims import Claiming
from jupyter_etl.ledger.queue.due_times import DueTimes
from jupyter_etl.ledger.queue.outbox import Outbox
from jupyter_etl.ledger.queue.planning import Planning
from jupyter_etl.ledger.queue.poll import Poll
from jupyter_etl.ledger.queue.publication_locks import Commits
from jupyter_etl.ledger.queue.schedulers import Schedulers
from jupyter_etl.ledger.runs import Runs
from jupyter_etl.ledger.schema.tables import identity, lakes
from jupyter_etl.ledger.snapshots import Snapshots
from jupyter_etl.ledger.sources import Catalogue
from jupyter_etl.ledger.tokens import Tokens
from jupyter_etl.ledger.watermarks import Watermarks
from jupyter_etl.ports import Store


class SqlStore(
    Catalogue,
    Snapshots,
    Pipelines,
    Planning,
    DueTimes,
    Poll,
    Claiming,
    Attempts,
    Runs,
    Publications,
    Commits,
    Holds,
    Pruning,
    Schedulers,
    Breakers,
    Outbox,
    Watermarks,
    Lineage,
    Endpoints,
    Tokens,
):
    """Implements `jupyter_etl.ports.Store` on SQLite and PostgreSQL.

    Args:
        url: As for `jupyter_etl.ledger.open_store`, which callers use.
    """

    def __init__(self, url: str) -> None:
        super().__init__(Ledger(url))
        self._id = ""
        try:
            upgrade_schema(self._ledger)
            self._ledger.watch(self.load_identity())
        except BaseException:
            self._ledger.close()
            raise

    def load_identity(self) -> str:
        if not self._id:
            with self._ledger.reading() as connection:
                self._id = connection.execute(select(identity.c.id)).scalar_one()
        return self._id

    def save_lake(self, root: str) -> None:
        with self._ledger.writing() as connection:
            new = inserting(connection, lakes).values(root=root)
            connection.execute(new.on_conflict_do_nothing())

    def has_lake(self, root: str) -> bool:
        with self._ledger.reading() as connection:
            return connection.execute(select(lakes).where(lakes.c.root == root)).first() is not None

    def close(self) -> None:
        self._ledger.close()

    @contextmanager
    def elsewhere(self, path: Path) -> Iterator[Store]:
        """Provide the ledger in a file of SQLite that is up to date.

        If this ledger is SQLite too, the statements compiled for the file are used later.
        """
        if self._ledger.is_sqlite:
            with self._ledger.elsewhere(path):
                yield self
        else:
            with closing(SqlStore(f"sqlite:///{path}")) as other:
                yield other
