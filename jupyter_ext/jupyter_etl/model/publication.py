"""Outputs that others rely on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jupyter_etl.model.freshness import Freshness
from jupyter_etl.model.origin import ColumnOrigin
from jupyter_etl.model.partition import Partition
from jupyter_etl.model.watermark import VersionWatermark


class PublicationKind(StrEnum):
    """What an output is."""

    TABLE = "table"
    FILE = "file"
    REPORT = "report"
    API = "api"


class PublishMode(StrEnum):
    """How new rows meet the old ones.

    ``replace`` replaces the whole table, or with ``partition_by`` the partitions that occur in
    the new rows; ``append`` adds; ``upsert`` replaces the rows with the same key and adds the rest.
    """

    REPLACE = "replace"
    APPEND = "append"
    UPSERT = "upsert"


class Contract(StrEnum):
    """What may change between versions: ``freeze`` refuses another schema, ``evolve`` adds columns."""

    EVOLVE = "evolve"
    FREEZE = "freeze"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its name, its Arrow type as text (``int64``, ``timestamp[us, tz=UTC]``)."""

    name: str
    type: str
    nullable: bool = True


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What the rows of an append are, so that they are never in a table twice.

    An append takes out what an earlier append of the same batch has put in. Batches of one ``key``
    with intervals are the same as far as the earlier interval lies in the later one.

    Args:
        key: Whose it is: a pipeline's name where there is an interval, else unique to the batch.
        interval: The data it stands for; None for a batch that is not told by time.
        apart: Whether its partitions must be new to the table, as nothing else tells it from one
            that is there already.
    """

    key: str
    interval: Partition | None = None
    apart: bool = False


@dataclass(frozen=True, kw_only=True)
class Staged:
    """An output that was written aside and is not visible yet.

    Args:
        name: Of the publication.
        kind: What it is.
        folder: Absolute path of the folder that holds what was staged, and nothing else.
        files: Relative paths inside ``folder``, in order.
        mode, key, partition_by, contract: As declared.
        rows: Number of rows; None for a report.
        bytes: Size of the staged files.
        columns: Schema; empty for a report or an opaque file.
        title: Of a report; else "".
        options: Further options of the kind, as text (``hide_code``, ``path`` ...).
        batch: What the rows of an append are; None where nobody has said.
        approved: Whether a person has accepted that it breaks its contract.
        allow: Columns that the publish gate lets vanish, become empty or change their type.
        digest: Digest of the rows of an append, equal for equal rows; "" if unknown.
        origins: Where its columns come from, as far as SQL tells.
        layout: Layout of a file, as its publisher encodes it; "" for a file without rows.
    """

    name: str
    kind: PublicationKind
    folder: str
    files: tuple[str, ...] = ()
    mode: PublishMode = PublishMode.REPLACE
    key: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    contract: Contract = Contract.EVOLVE
    rows: int | None = None
    bytes: int = 0
    columns: tuple[Column, ...] = ()
    title: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    batch: Batch | None = None
    approved: bool = False
    allow: tuple[str, ...] = ()
    digest: str = ""
    origins: tuple[ColumnOrigin, ...] = ()
    layout: str = ""


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One entry of a Delta table's log.

    Args:
        version: Of the Delta table.
        text: The content of its file: a JSON object a line.
    """

    version: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Committed:
    """Where a staged output now lies; it becomes visible with the ledger's transaction.

    Args:
        name, kind: Of the publication.
        location: Absolute path or URI of the table's folder or of the file.
        delta_version: Version of the Delta table that holds it; None for files and reports.
        rows: Rows of the whole output after the commit.
        changed_rows: Rows written by this commit.
        bytes: Size of the whole output.
        columns: Its schema.
        mode, key, partition_by, contract, title: As staged.
        content_hash: SHA-256 (hex) of a file or report; "" for a table.
        layout: As staged.
        token: Of the commit, as the table's log has it; "" for files and reports, and for versions
            that are older than this record.
        files_hash: SHA-256 (hex) of the paths of a table's data files; "" as for ``token``.
        log: The entries of the table's log since the version before. The ledger keeps them for
            repair, apart from the version: empty in a version that was loaded.
    """

    name: str
    kind: PublicationKind
    location: str
    delta_version: int | None = None
    rows: int | None = None
    changed_rows: int | None = None
    bytes: int = 0
    columns: tuple[Column, ...] = ()
    mode: PublishMode = PublishMode.REPLACE
    key: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    contract: Contract = Contract.EVOLVE
    title: str = ""
    content_hash: str = ""
    layout: str = ""
    token: str = ""
    files_hash: str = ""
    log: tuple[LogEntry, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PublicationVersion:
    """One version of an output. Live and draft versions are numbered apart, from 1.

    Args:
        name: Of the publication.
        number: 1 for the first.
        draft: Whether it was published by hand, beside the live one.
        what: What was committed.
        owner: Of the publication when it was published.
        pipeline: Whose run published it; "" by hand.
        run_id: The run; None by hand.
        notebook: Absolute path of the notebook; "" where unknown.
        published_at: UTC.
        pruned_at: When its content was deleted to make room, UTC; None while it can be read.
        note: How it came to be, where a person decided: ``approved by sam``; else "".
        watermarks: Those of the incremental loads whose rows it contains; empty for a draft;
            None for a version that is older than this record.
    """

    name: str
    number: int
    draft: bool
    what: Committed
    owner: str
    pipeline: str
    run_id: int | None
    notebook: str
    published_at: datetime
    pruned_at: datetime | None = None
    note: str = ""
    watermarks: tuple[VersionWatermark, ...] | None = ()


@dataclass(frozen=True, kw_only=True)
class Publication:
    """An output with a name, an owner, a contract and numbered versions.

    Args:
        name: Unique over all kinds.
        kind: What it is.
        owner: Who is accountable for it.
        pipeline: Whose runs published it last; "" by hand.
        live: The version consumers get; None while there are only drafts.
        draft: The newest draft, if any.
        freshness: The age its owner promises.
        created_at: UTC.
    """

    name: str
    kind: PublicationKind
    owner: str
    pipeline: str
    live: PublicationVersion | None
    draft: PublicationVersion | None
    freshness: Freshness | None
    created_at: datetime
