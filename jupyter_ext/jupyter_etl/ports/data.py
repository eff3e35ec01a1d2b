"""Blocks that data go through: read, check, publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from jupyter_etl.model import (
    CheckResult,
    CheckRule,
    Committed,
    PublicationKind,
    PublicationVersion,
    Source,
    Staged,
    TableInfo,
)

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class ReadRequest:
    """What is wanted of a source.

    Args:
        table: One of the names that `Connector.tables` gave; "" for a source that is one table.
        columns: Names to read, in order; None for all.
        query: SQL in the source's dialect, instead of ``table``; placeholders are ``:name``.
        parameters: Values bound to the placeholders of ``query``.
        limit: Stop after so many rows; None for all.
    """

    table: str = ""
    columns: tuple[str, ...] | None = None
    query: str | None = None
    parameters: Mapping[str, object] | None = None
    limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Data on its way out of a source.

    Args:
        batches: A reader of Arrow record batches; it may be read once, and closes what it opened.
        version: What was read: a fingerprint of files, a publication's version; "" where unknown.
        total_rows: Rows there are without ``limit``, where that is known for nothing; else None.
    """

    batches: pa.RecordBatchReader
    version: str = ""
    total_rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a connector is handed besides the source.

    Args:
        secret: Resolves the name of a secret to its value; raises `NotFound`.
        frame: Returns the variable of that name of the notebook; raises `NotFound`.
        publication: Opens a reader over a publication's live version; raises `NotFound`.
    """

    secret: Callable[[str], str]
    frame: Callable[[str], object]
    publication: Callable[[str], Reading]


class Connector(Protocol):
    """Reads the kinds of source it names."""

    kinds: tuple[str, ...]

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
        data: pa.Table,
        *,
        dataset: str,
        last_rows: int | None,
        reference: Callable[[str], pa.Table],
    ) -> list[CheckResult]:
        """Apply all rules in one pass.

        Args:
            rules: What must hold.
            data: The rows.
            dataset: Name used in messages.
            last_rows: Rows of the last live version, the value of ``last`` in a ``rows`` rule.
            reference: Returns a publication by name, for ``references`` rules.

        Raises:
            DeclarationError: A rule names a column that is not there, or is not valid SQL.
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

        Called again with the same ``token`` it commits nothing twice and returns the same.

        Args:
            staged: From `stage`.
            lake: Folder or fsspec URL under which all outputs lie.
            draft: Keep it apart from the live one.
            number: The version it will get.
            token: Identifies the run and output over all its attempts: ``run-42/sales.daily``.
            previous: The version consumers get now.

        Raises:
            PublishError: A broken contract, a full disk, no permission.
        """
        ...

    def read(self, version: PublicationVersion, request: ReadRequest) -> Reading:
        """Open exactly that version.

        Raises:
            PublishError: Its files are gone, or the kind has no rows.
        """
        ...
