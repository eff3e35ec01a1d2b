"""Blocks that data go through: read, check, publish."""

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
    """Where an incremental load goes on.

    Args:
        column: The cursor.
        after: Rows up to this value need not come; a value as it is bound in SQL.
        like: For a text, the pattern (of SQL's LIKE) of the texts that can be compared with it by
            their characters; texts that do not match are returned. "" if all can be compared.
    """

    column: str
    after: int | Decimal | str | date | datetime
    like: str = ""


@dataclass(frozen=True, kw_only=True)
class ReadRequest:
    """What is wanted of a source.

    Args:
        table: One of the names that `Connector.tables` gave; "" for a source that is one table.
        columns: Names to read, in order; None for all.
        query: SQL in the source's dialect, instead of ``table``; placeholders are ``:name``.
        parameters: Values bound to the placeholders of ``query``.
        limit: Stop after so many rows; None for all.
        since: Leave out what an earlier load has read, where that saves work; rows without a value
            in the cursor come. Who asks looks at every row again, so that a connector may ignore it.
    """

    table: str = ""
    columns: tuple[str, ...] | None = None
    query: str | None = None
    parameters: Mapping[str, object] | None = None
    limit: int | None = None
    since: Since | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Data on its way out of a source.

    Args:
        batches: A reader of Arrow record batches; it may be read once, and closes what it opened.
        version: What was read: a fingerprint of files, a publication's version; "" where unknown.
        total_rows: Rows there are without ``limit``, where that is known for nothing; else None.
        notes: Sentences for the reader of the data: files left out, columns that stayed text though
            they look like numbers, names that were given to columns without one.
        begun: Value of `time.perf_counter` when it was asked for.
    """

    batches: pa.RecordBatchReader
    version: str = ""
    total_rows: int | None = None
    notes: tuple[str, ...] = ()
    begun: float = field(default_factory=perf_counter, compare=False)

    @property
    def seconds(self) -> float:
        """Seconds since it was asked for."""
        return round(perf_counter() - self.begun, 3)


@dataclass(frozen=True, kw_only=True)
class Vacuumed:
    """What a publisher has deleted.

    Args:
        files: How many.
        bytes: Their size.
    """

    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a connector is handed besides the source.

    Args:
        secret: Resolves the name of a secret to its value; raises `NotFound`.
        frame: Returns the variable of that name of the notebook; raises `NotFound`.
        publication: Opens a reader over a publication's live version; raises `NotFound`.
        timezone: IANA name of the time zone for days in a query, and for times without a
            zone; "" for the source's own.
    """

    secret: Callable[[str], str]
    frame: Callable[[str], object]
    publication: Callable[[str], Reading]
    timezone: str = ""


class Connector(Protocol):
    """Reads the kinds of source it names."""

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
            SourceError: The source is absent or unreadable; ``retryable`` says whether later may do.
        """
        ...

    def read(self, source: Source, request: ReadRequest, access: Access) -> Reading:
        """Start reading.

        Raises:
            SourceError: As above, or the table, a column or the query is wrong (not retryable; the
                message lists what there is).
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
            rules: What must hold.
            data: The rows, or what opens a stream of them from the first one. It is called by this
                thread, in which the stream is read too; and again, for what another pass is
                needed for, such as the rows that break a rule.
            dataset: Name used in messages.
            last_rows: Rows of the last live version, the value of ``last`` in a ``rows`` rule.
            reference: Returns a publication, or opens it, by name: for ``references`` rules.
            timezone: IANA name of the time zone for the days in rules.

        Raises:
            DeclarationError: A rule names a column that is not there, or is not valid SQL.
        """
        ...


class Lake(Protocol):
    """Where all outputs lie."""

    @property
    def root(self) -> str:
        """Folder or fsspec URL."""
        ...

    def check(self) -> None:
        """Look whether a folder is the lake; an object store is not asked.

        Raises:
            StorageError: It is not mounted, or belongs to another ledger.
        """
        ...

    def claim(self) -> None:
        """Look whether it is the lake, and mark a new one as the ledger's, before a commit.

        Raises:
            StorageError: As `check`.
            PublishError: It cannot be written.
        """
        ...


class Publisher(Protocol):
    """Makes one kind of output: stages it in the kernel, commits it in the runner."""

    kind: PublicationKind

    def stage(self, request: Staged, data: pa.RecordBatchReader | None) -> Staged:
        """Write the output into ``request.folder``, which is empty and belongs to the attempt.

        Args:
            request: What was declared; files, rows, bytes and columns are still unset.
            data: The rows; None for a report.

        Returns:
            ``request`` with what was written filled in.

        Raises:
            PublishError: The data cannot be held by this kind (type, key not unique or null ...).
        """
        ...

    def compare(self, staged: Staged, previous: PublicationVersion) -> Difference | None:
        """Tell how a staged output differs from the version before it; nothing is written.

        Args:
            staged: From `stage`.
            previous: The version that consumers get.

        Returns:
            The difference, without reasons; None where the kind has nothing to compare.

        Raises:
            StorageError: The version before cannot be read.
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

        The caller has the publication's turn (`Store.begin_commits`), so nobody else commits to it
        until the ledger has recorded this commit or will never do so. It is built on ``previous``
        alone: what lies at the place and is not on record was left there by somebody who was
        killed, and is undone first. The versions on record stay readable all the while.

        Called again with the same ``token`` and ``previous`` it commits nothing twice and returns
        the same. A commit that was undone meanwhile counts as not made.

        Args:
            staged: From `stage`.
            lake: Folder or fsspec URL under which all outputs lie.
            draft: Keep it apart from the live one.
            number: The version it will get.
            token: Identifies the attempt and the output: ``run-42.1/sales.daily``.
            previous: The version before it: the live one, for a draft the newest draft.

        Raises:
            PublishError: A broken contract, a full disk, no permission.
            StorageError: ``previous`` is not in the lake, or is not what the ledger has on record.
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
        """Make the content of an old version the newest, invisible through the ledger as yet.

        The caller has the publication's turn, as for `commit`, and the same is promised for a token.

        Args:
            version: Whose content; it is not pruned.
            lake, draft, number, token, previous: As for `commit`.

        Raises:
            PublishError: It lies in another lake, or the disk refuses.
            StorageError: It or ``previous`` is not there, or not what the ledger has on record.
        """
        ...

    def read(self, version: PublicationVersion, request: ReadRequest) -> Reading:
        """Open exactly that version.

        Raises:
            PublishError: The kind has no rows.
            StorageError: It is not in the lake, or is not what the ledger has on record.
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
        """Delete what lies at a publication's place and belongs to none of the versions kept.

        The caller has the publication's turn, unless it is a dry run.

        Args:
            kept: Versions that must stay as they are; the newest is among them.
            name: Of the publication.
            lake, draft: As for `commit`.
            older_than: Leave every file that was put there since, UTC.
            dry_run: Delete nothing.

        Returns:
            What was deleted, or would be.

        Raises:
            PublishError: What is kept cannot be told, or a file cannot be deleted.
        """
        ...
