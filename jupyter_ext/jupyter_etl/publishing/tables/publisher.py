"""Published tables: staged as parquet files, committed to a Delta table without rewriting them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError, StorageError, first_line
from jupyter_etl.model import (
    Column,
    Committed,
    Contract,
    Difference,
    PublicationKind,
    PublicationVersion,
    PublishMode,
    Staged,
)
from jupyter_etl.ports import Reading, ReadRequest, Vacuumed
from jupyter_etl.publishing.lake.layout import disk_errors, publication_folder
from jupyter_etl.publishing.selection import limited, wanted_columns
from jupyter_etl.publishing.tables.base import (
    Base,
    commit_properties,
    is_done,
    load_made,
    open_base,
    refuse_strange,
    undo_beyond,
)
from jupyter_etl.publishing.tables.commit import Commit, is_whole, write_commit
from jupyter_etl.publishing.tables.comparison import compare_staged
from jupyter_etl.publishing.tables.delta import (
    columns_of,
    facts_of,
    hook_properties,
    open_rows,
    open_table,
)
from jupyter_etl.publishing.tables.keys import check_key
from jupyter_etl.publishing.tables.record import (
    TOKEN,
    commit_info,
    damaged,
    missing,
    open_published,
    read_entries,
    sync_commit,
)
from jupyter_etl.publishing.tables.staging import Written, digest_of, write_rows
from jupyter_etl.publishing.tables.vacuum import vacuum_table

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

_COMMIT_ATTEMPTS = 20
_LONGEST_PAUSE_S = 1.0


class TablePublisher:
    """Publishes rows as a Delta table at ``<lake>/tables/<name>``, drafts under ``drafts/``."""

    kind = PublicationKind.TABLE

    def stage(self, request: Staged, data: pa.RecordBatchReader | None) -> Staged:
        """Write the rows to parquet files; see `Publisher.stage`."""
        if data is None:
            raise PublishError(
                f"There are no rows to publish as table {request.name!r}.",
                hint="Pass a frame: %etl publish table NAME FRAME.",
            )
        if request.mode is PublishMode.UPSERT and not request.key:
            raise PublishError(
                f"An upsert into {request.name!r} needs a key to match rows.",
                hint="Name it: --key id.",
            )
        _refuse_backticks(request, data.schema.names)
        folder = Path(request.folder)
        with _foreign_errors(f"{request.name!r} cannot be staged"):
            written = write_rows(data, folder, partition_by=request.partition_by)
            if request.key:
                check_key(folder, written, request.key, request.partition_by)
            digest = ""
            if request.mode is PublishMode.APPEND:
                digest = digest_of(folder, written, request.partition_by)
        return replace(
            request,
            files=written.files,
            rows=written.rows,
            bytes=written.bytes,
            columns=_columns(written),
            digest=digest,
        )

    def compare(self, staged: Staged, previous: PublicationVersion) -> Difference | None:
        """Compare columns and rows with a version; see `Publisher.compare`."""
        with _foreign_errors(f"Version {previous.number} of {staged.name!r} cannot be read"):
            return compare_staged(staged, previous)

    def commit(
        self,
        staged: Staged,
        *,
        lake: str,
        draft: bool,
        number: int,
        token: str,
        previous: PublicationVersion | None,
    ) -> Committed:
        """Add the staged files to the table in one commit; see `Publisher.commit`.

        Commits after ``previous`` that never reached the ledger are undone first.
        """
        from deltalake.exceptions import CommitFailedError

        if draft and staged.contract is Contract.EVOLVE:
            # Only the author reads a draft, and sees how it differs from the live version.
            staged = replace(staged, approved=True)
        location = publication_folder(lake, "tables", staged.name, draft=draft)
        for attempt in range(_COMMIT_ATTEMPTS):
            with _foreign_errors(f"{staged.name!r} cannot be published"):
                table, base = open_base(previous, location)
                work = Commit(
                    staged=staged, location=location, token=token, number=number, base=base
                )
                try:
                    return _commit_on(work, table)
                except CommitFailedError:
                    _pause(attempt)
                except Exception:
                    # Two processes created the table at once: the second starts again from its
                    # current state.
                    if table is not None or open_table(location) is None:
                        raise
        raise _concurrent_commit(staged.name, location)

    def restore(
        self,
        version: PublicationVersion,
        *,
        lake: str,
        draft: bool,
        number: int,
        token: str,
        previous: PublicationVersion,
    ) -> Committed:
        """Restore an old version of the table as its newest; see `Publisher.restore`."""
        from deltalake.exceptions import CommitFailedError

        location = publication_folder(lake, "tables", version.name, draft=draft)
        what = f"{version.name!r} cannot be rolled back to version {version.number}"
        if version.what.location != location:
            raise PublishError(
                f"{what}: it is in another lake ({version.what.location}).",
                hint="Read that version, and publish its rows.",
            )
        for attempt in range(_COMMIT_ATTEMPTS):
            with _foreign_errors(what):
                open_published(version)
                table, base = open_base(previous, location)
                if table is None:
                    raise missing(version)
                try:
                    return _restore_on(table, version, base=base, number=number, token=token)
                except CommitFailedError:
                    _pause(attempt)
        raise _concurrent_commit(version.name, location)

    def read(self, version: PublicationVersion, request: ReadRequest) -> Reading:
        """Open the rows of exactly that version; see `Publisher.read`."""
        import pyarrow as pa

        with _foreign_errors(f"Version {version.number} of {version.name!r} cannot be read"):
            table = open_published(version)
            rows = open_rows(table, version.what.location)
            columns = wanted_columns(version, request, rows.schema.names)
            batches = limited(rows, columns, request.limit)
            return Reading(
                batches=pa.RecordBatchReader.from_batches(batches.schema, _whole(batches, version)),
                version=str(version.number),
                total_rows=version.what.rows,
            )

    def clean_up(
        self,
        kept: Sequence[PublicationVersion],
        *,
        name: str,
        lake: str,
        draft: bool,
        older_than: datetime,
        dry_run: bool,
    ) -> Vacuumed:
        """Delete the data files that no kept version uses; see `Publisher.clean_up`."""
        with _foreign_errors(f"{name!r} cannot be cleaned up"):
            return vacuum_table(
                kept,
                name=name,
                lake=lake,
                draft=draft,
                older_than=older_than,
                dry_run=dry_run,
            )


def _whole(batches: pa.RecordBatchReader, version: PublicationVersion) -> Iterator[pa.RecordBatch]:
    """Yield batches; raise `StorageError` if a data file is missing or cannot be read."""
    import pyarrow as pa

    try:
        yield from batches
    except FileNotFoundError as problem:
        raise missing(version) from problem
    except (OSError, pa.ArrowInvalid) as problem:
        raise damaged(version, problem) from problem


def _commit_on(work: Commit, table: DeltaTable | None) -> Committed:
    """Commit to a table after restoring it to the ledger's state; raises `CommitFailedError`."""
    staged, location = work.staged, work.location
    if table is not None:
        head = int(table.version())
        made = load_made(location, head)
        if is_done(made, work.base, head, work.token):
            return _committed(work, head, made.changed_rows)
        if work.base.version is None and not is_whole(staged):
            refuse_strange(made, location, staged.name, number=work.number)
        undo_beyond(table, work.base)
    return _committed(work, write_commit(work, table), staged.rows)


def _restore_on(
    table: DeltaTable,
    version: PublicationVersion,
    *,
    base: Base,
    number: int,
    token: str,
) -> Committed:
    """Commit the files of an old version again; raises `CommitFailedError`."""
    location, head = version.what.location, int(table.version())
    if not is_done(load_made(location, head), base, head, token):
        table.restore(
            int(version.what.delta_version or 0),
            commit_properties=commit_properties(token, number, base, None),
            post_commithook_properties=hook_properties(),
        )
        # Delta commits nothing if the head has exactly these files.
        after = open_table(location)
        head = head if after is None else int(after.version())
    return _recorded(replace(version.what, delta_version=head, changed_rows=None), base)


def _concurrent_commit(name: str, location: str) -> PublishError:
    return PublishError(
        f"{name!r} cannot be published: another program commits to {location} "
        "at the same time, without using the ledger.",
        hint="Let only jupyter-etl write there.",
        retryable=True,
    )


def _refuse_backticks(request: Staged, names: list[str]) -> None:
    """Reject backticks in names: Delta's merge quotes columns by them and cannot escape them."""
    ticked = [name for name in names if "`" in name]
    if ticked and request.mode is PublishMode.UPSERT:
        raise PublishError(
            f"Column {ticked[0]!r} has a backtick in its name, which an upsert does not support.",
            hint="Rename it: df = df.rename(columns={...}).",
        )


def _columns(written: Written) -> tuple[Column, ...]:
    """Describe staged columns; ``null`` marks a column that had neither type nor value."""
    return tuple(
        replace(column, type="null") if column.name in written.typeless else column
        for column in columns_of(written.schema)
    )


def _committed(work: Commit, version: int, changed: int | None) -> Committed:
    staged, location = work.staged, work.location
    table = open_table(location, version)
    if table is None:
        raise StorageError(f"The table at {location} disappeared while it was published.")
    facts = facts_of(table)
    committed = Committed(
        name=staged.name,
        kind=PublicationKind.TABLE,
        location=location,
        delta_version=version,
        rows=facts.rows,
        changed_rows=changed,
        bytes=facts.bytes,
        columns=facts.columns,
        mode=staged.mode,
        key=staged.key,
        partition_by=facts.partition_by,
        files_hash=facts.files_hash,
        contract=staged.contract,
        title=staged.title,
    )
    return _recorded(committed, work.base)


def _recorded(committed: Committed, base: Base) -> Committed:
    """Add the token and the log entries since the base, after all of it is on disk."""
    version = committed.delta_version or 0
    first = version if base.version is None else min(base.version + 1, version)
    log = read_entries(committed.location, first, version)
    sync_commit(committed.location, log)
    return replace(committed, token=commit_info(log[-1].text).get(TOKEN, ""), log=log)


def _pause(attempt: int) -> None:
    """Wait a random time that grows with every collision, to spread writers out (full jitter)."""
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, 0.01 * 2 ** min(attempt, 10))))


@contextmanager
def _foreign_errors(what: str) -> Iterator[None]:
    """Convert the errors of Delta, Arrow and the disk to one sentence each."""
    import pyarrow as pa
    from deltalake.exceptions import CommitFailedError, DeltaError

    try:
        with disk_errors(what):
            yield
    except CommitFailedError:
        raise
    except (DeltaError, pa.ArrowException) as problem:
        first = first_line(problem) or type(problem).__name__
        with disk_errors(what):
            # Rust reports a full disk or a missing permission as text in its own error.
            raise OSError(str(problem) if "os error" in str(problem) else first) from problem
