"""Blocks that handle data: connectors, checks, publishers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from jupyter_etl.model import (
    CheckResult,
    CheckRule,
    Committed,
    Difference,
    PublicationKind,
    PublicationVersion,
    Source,
    Staged,
    TableInfo,
)

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Since:
    """Where an incremental load continues.

    Args:
        column: The cursor.
        after: Rows up to this value may be left out; a value as it is bound in SQL.
        like: For a text, the pattern (of SQL's LIKE) of the texts that can be compared with it by
            their characters; texts that do not match are returned. "" if all can be compared.
    """

    column: str
    after: int | Decimal | str | date | datetime
    like: str = ""


@dataclass(frozen=True, kw_only=True)
class ReadRequest:
    """What to read from a source.

    Args:
        table: A name that `Connector.tables` returned; "" for a source that is one table.
        columns: Names to read, in order; None for all.
        query: SQL in the source's dialect, instead of ``table``; placeholders are ``:name``.
        parameters: Values bound to the placeholders of ``query``.
        limit: Most rows to read; None for all.
        since: Leave out what an earlier load has read, if that saves work. Rows without a value in
            the cursor are returned. The caller filters all rows again, so a connector may ignore it.
    """

    table: str = ""
    columns: tuple[str, ...] | None = None
    query: str | None = None
    parameters: Mapping[str, object] | None = None
    limit: int | None = None
    since: Since | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Data that is read from a source.

    Args:
        batches: A reader of Arrow record batches; it can be read once, and closes what it opened.
        version: What was read: a fingerprint of files, a publication's version; "" where unknown.
        total_rows: Number of rows without ``limit``, if it is known at no cost; else None.
        notes: Sentences for the reader of the data: files left out, columns that stayed text
            although they look like numbers, names given to columns without one.
        begun: Value of `time.perf_counter` when the read was requested.
    """

    batches: pa.RecordBatchReader
    version: str = ""
    total_rows: int | None = None
    notes: tuple[str, ...] = ()
    begun: float = field(default_factory=perf_counter, compare=False)

    @property
    def seconds(self) -> float:
        """Seconds since the read was requested."""
        return round(perf_counter() - self.begun, 3)


@dataclass(frozen=True, kw_only=True)
class Vacuumed:
    """The result of a cleanup by a publisher.

    Args:
        files: How many files.
        bytes: Their size.
    """

    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Access:
    """Services that a connector receives with the source.

    Args:
        secret: Resolves the name of a secret to its value; raises `NotFound`.
        frame: Returns the notebook's variable of a name; raises `NotFound`.
        publication: Opens a reader over a publication's live version; raises `NotFound`.
        timezone: IANA name of the time zone for days in a query, and for times without a
            zone; "" for the source's own.
    """

    secret: Callable[[str], str]
    frame: Callable[[str], object]
    publication: Callable[[str], Reading]
    timezone: str = ""


class Connector(Protocol):
    """Reads the kinds of sources that it names."""

    kinds: tuple[str, ...]

    def check(self, source: Source) -> None:
        """Check a declaration; nothing is opened, and no secret is requested.

        It is called when a source is declared. A connector without this method accepts every
        declaration.

        Raises:
            DeclarationError: There is no such option, or the value of an option is
                invalid; the message lists what is allowed.
        """
        ...

    def tables(self, source: Source, access: Access) -> list[TableInfo]:
        """List what can be read.

        Raises:
            SourceError: The source is absent or unreadable; ``retryable`` if a later read may succeed.
        """
        ...

    def read(self, source: Source, request: ReadRequest, access: Access) -> Reading:
        """Start reading.

        Raises:
            SourceError: As for `tables`, or the table, a column or the query is wrong (not
                retryable; the message lists what exists).
        """
        ...


class CheckRunner(Protocol):
    """Applies rules to data."""

    def run(
        self,
        rules: Sequence[CheckRule],
        data: pa.Table | Callable[[], pa.RecordBatchReader],
        *,
        dataset: str,
        last_rows: int | None,
        reference: Callable[[str], pa.Table | pa.RecordBatchReader],
        timezone: str = "UTC",
    ) -> list[CheckResult]:
        """Apply all rules in one pass.

        Args:
            rules: What must be true.
            data: The rows, or a function that opens a stream of them from the first one. It is
                called in the calling thread, which also reads the stream. It is called again if
                another pass is needed, as for the failing rows of a rule.
            dataset: Name used in messages.
            last_rows: Rows of the last live version, the value of ``last`` in a ``rows`` rule.
            reference: Returns a publication, or opens it, by name: for ``references`` rules.
            timezone: IANA name of the time zone for the days in rules.

        Raises:
            DeclarationError: A rule names a column that does not exist, or is not valid SQL.
        """
        ...


class Lake(Protocol):
    """Where all outputs are."""

    @property
    def root(self) -> str:
        """Folder or fsspec URL."""
        ...

    def check(self) -> None:
        """Check that a folder is the lake; an object store is not checked.

        Raises:
            StorageError: It is not mounted, or belongs to another ledger.
        """
        ...

    def claim(self) -> None:
        """Check that it is the lake, and mark a new one as the ledger's, before a commit.

        Raises:
            StorageError: As for `check`.
            PublishError: It cannot be written.
        """
        ...


class Publisher(Protocol):
    """Publishes one kind of output: stages it in the kernel, commits it in the runner."""

    kind: PublicationKind

    def stage(self, request: Staged, data: pa.RecordBatchReader | None) -> Staged:
        """Write the output into ``request.folder``, which is empty and belongs to the attempt.

        Args:
            request: What was declared; files, rows, bytes and columns are still unset.
            data: The rows; None for a report.

        Returns:
            ``request``, completed with what was written.

        Raises:
            PublishError: This kind cannot store the data (type, key not unique or null ...).
        """
        ...

    def compare(self, staged: Staged, previous: PublicationVersion) -> Difference | None:
        """Return how a staged output differs from the version before it; nothing is written.

        Args:
            staged: From `stage`.
            previous: The version that consumers read.

        Returns:
            The difference, without reasons; None if the kind has nothing to compare.

        Raises:
            StorageError: The previous version cannot be read.
        """
        ...

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
        """Move a staged output to its place in the lake, invisible to readers through the ledger.

        The caller holds the publication lock (`PublicationLockStore.begin_commits`), so nobody else
        commits to the publication until the ledger has recorded this commit, or will never record
        it. The commit is built on ``previous`` alone: files that are not recorded in the ledger
        were left by a process that was killed, and are undone first. The recorded versions stay
        readable all the time.

        Called again with the same ``token`` and ``previous``, it commits nothing twice and returns
        the same result. A commit that was undone since does not count.

        Args:
            staged: From `stage`.
            lake: Folder or fsspec URL of all outputs.
            draft: Commit to the draft, which is separate from the live output.
            number: Number of the new version.
            token: Identifies the attempt and the output: ``run-42.1/sales.daily``.
            previous: The version before it: the live version, for a draft the newest draft.

        Raises:
            PublishError: A broken contract, a full disk, no permission.
            StorageError: ``previous`` is not in the lake, or differs from the record in the ledger.
        """
        ...

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
        """Commit the content of an old version as the newest, invisible through the ledger so far.

        The caller holds the publication lock, and ``token`` has the same effect as for `commit`.

        Args:
            version: The old version, which is not pruned.
            lake, draft, number, token, previous: As for `commit`.

        Raises:
            PublishError: It is in another lake, or it cannot be written.
            StorageError: It or ``previous`` is absent, or differs from the record in the ledger.
        """
        ...

    def read(self, version: PublicationVersion, request: ReadRequest) -> Reading:
        """Open exactly that version.

        Raises:
            PublishError: The kind has no rows.
            StorageError: It is not in the lake, or differs from the record in the ledger.
        """
        ...

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
        """Delete the files of a publication that belong to none of the kept versions.

        The caller holds the publication lock, unless it is a dry run.

        Args:
            kept: Versions that must not change; the newest is among them.
            name: Name of the publication.
            lake, draft: As for `commit`.
            older_than: Keep every file that was written since, UTC.
            dry_run: Delete nothing.

        Returns:
            What was deleted, or would be.

        Raises:
            PublishError: The files of a kept version cannot be determined, or a file cannot be
                deleted.
        """
        ...
