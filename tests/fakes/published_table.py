"""One table that a test publishes repeatedly."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from jupyter_etl.model import Committed, PublicationKind, PublicationVersion, Staged
from jupyter_etl.notebook.frames import to_arrow
from jupyter_etl.ports import ReadRequest
from jupyter_etl.publishing.tables.delta import open_table
from jupyter_etl.publishing.tables.publisher import TablePublisher


class PublishedTable:
    """The table ``t`` in a lake of its own: staged, committed and read by the real publisher.

    ``live`` is the newest version in the ledger.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.lake = str(base / "lake")
        self.count = 0
        self.live: PublicationVersion | None = None

    def stage(self, data: object, **declared: object) -> Staged:
        self.count += 1
        folder = self.base / "stage" / str(self.count)
        folder.mkdir(parents=True)
        request = Staged(
            name="t",
            kind=PublicationKind.TABLE,
            folder=str(folder),
            **declared,  # type: ignore[arg-type]
        )
        reader = data if isinstance(data, pa.RecordBatchReader) else to_arrow(data).to_reader()
        return TablePublisher().stage(request, reader)

    def commit(self, staged: Staged, token: str | None = None) -> Committed:
        return TablePublisher().commit(
            staged,
            lake=self.lake,
            draft=False,
            number=self.live.number + 1 if self.live else 1,
            token=token or f"run-{self.count}/t",
            previous=self.live,
        )

    def record(self, what: Committed) -> Committed:
        """Record a commit as the ledger does at the end of a run."""
        self.live = self.version(what, self.live.number + 1 if self.live else 1)
        return what

    def publish(self, data: object, **declared: object) -> Committed:
        return self.record(self.commit(self.stage(data, **declared)))

    def reading(self, what: Committed, **request: object) -> pa.Table:
        reading = TablePublisher().read(self.version(what), ReadRequest(**request))  # type: ignore[arg-type]
        self.total = reading.total_rows
        return reading.batches.read_all()

    def version(self, what: Committed, number: int = 1) -> PublicationVersion:
        return PublicationVersion(
            name="t",
            number=number,
            draft=False,
            what=what,
            owner="",
            pipeline="",
            run_id=None,
            notebook="",
            published_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    def files(self, what: Committed) -> set[str]:
        opened = open_table(what.location, what.delta_version)
        assert opened is not None
        return set(opened.file_uris())

    def rows(self, what: Committed, *sort: str) -> list[dict[str, object]]:
        table = self.reading(what)
        by = sort or tuple(table.column_names[:1])
        rows: list[dict[str, object]] = table.sort_by(
            [(name, "ascending") for name in by]
        ).to_pylist()
        return rows
