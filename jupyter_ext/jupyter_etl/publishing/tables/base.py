"""The base of a table's next commit: always the version that the ledger has as live.

A process that is killed between its commit and the ledger's update leaves an unpublished version.
Before the next commit, a separate commit restores the table to the live version; readers of an
older version do not notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.model import PublicationVersion
from jupyter_etl.publishing.tables.delta import hook_properties, open_table
from jupyter_etl.publishing.tables.record import (
    TOKEN,
    commit_info,
    damaged,
    missing,
    open_published,
    read_entry,
    verify_head,
)

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

_BASE = "etlBase"
NUMBER = "etlNumber"
_CHANGED_ROWS = "etlChangedRows"
_NOTHING, _ELSEWHERE = "nothing", "elsewhere"


@dataclass(frozen=True, kw_only=True)
class Base:
    """The base of a commit.

    Args:
        version: Version of the Delta table; None if none is recorded.
        elsewhere: Whether the live version is in another lake: then the base is the table's head.
    """

    version: int | None
    elsewhere: bool = False

    def __str__(self) -> str:
        """Return the text that the commit stores."""
        if self.elsewhere:
            return _ELSEWHERE
        return _NOTHING if self.version is None else str(self.version)


def open_base(previous: PublicationVersion | None, location: str) -> tuple[DeltaTable | None, Base]:
    """Open a table at its head, and return the base for the commit after ``previous``.

    Args:
        previous: The newest version in the ledger.

    Returns:
        The table, None if it does not exist; and the base.

    Raises:
        StorageError: The table does not exist, or its version ``previous`` differs from the
            ledger's record.
    """
    from deltalake.exceptions import DeltaError

    here = previous is not None and previous.what.location == location
    try:
        table = open_table(location)
    except DeltaError as problem:
        if previous is None or not here:
            raise
        raise damaged(previous, problem) from problem
    if previous is None:
        return table, Base(version=None)
    if table is None:
        if here and previous.pruned_at is None:
            raise missing(previous)
        return None, Base(version=None)
    head, live = int(table.version()), previous.what.delta_version
    if not here or live is None:
        return table, Base(version=head, elsewhere=True)
    if head < live:
        raise damaged(previous, f"its log ends at {head}, and the ledger has it at {live}")
    if previous.pruned_at is None:
        if head == live:
            verify_head(table, previous)
        else:
            open_published(previous)
    return table, Base(version=live)


def commit_properties(
    token: str, number: int, base: Base, changed_rows: int | None
) -> CommitProperties:
    """Return commit properties that identify the token and allow only the next version."""
    from deltalake import CommitProperties

    metadata = {TOKEN: token, NUMBER: str(number), _BASE: str(base)}
    if changed_rows is not None:
        metadata[_CHANGED_ROWS] = str(changed_rows)
    return CommitProperties(custom_metadata=metadata, max_commit_retries=0)


@dataclass(frozen=True, kw_only=True)
class Made:
    """The origin of a version.

    Args:
        token: Token of the commit; "" if it publishes nothing.
        number: Its version in the ledger; 0 if it publishes nothing.
        base: Its base, as text.
        changed_rows: As staged.
    """

    token: str
    number: int
    base: str
    changed_rows: int | None


def load_made(location: str, version: int) -> Made:
    """Read the origin of a version from the log itself.

    `DeltaTable.history` reads the log's newest entries even if an older version is open.
    """
    info = commit_info(read_entry(location, version))
    changed = info.get(_CHANGED_ROWS)
    return Made(
        token=str(info.get(TOKEN, "")),
        number=int(info.get(NUMBER, 0)),
        base=str(info.get(_BASE, "")),
        changed_rows=None if changed is None else int(changed),
    )


def is_done(made: Made, base: Base, head: int, token: str) -> bool:
    """Return whether the table's head is the commit of this token, recorded or about to be."""
    return made.token == token and (head == base.version or made.base == str(base))


def undo_beyond(table: DeltaTable, base: Base) -> None:
    """Restore a table to its base in one commit; older versions stay unchanged.

    Raises:
        deltalake.exceptions.CommitFailedError: Another process committed first; nothing was
        written.
    """
    from deltalake import CommitProperties

    if base.version is not None and table.version() > base.version:
        table.restore(
            base.version,
            commit_properties=CommitProperties(max_commit_retries=0),
            post_commithook_properties=hook_properties(),
        )


def refuse_strange(made: Made, location: str, name: str, *, number: int) -> None:
    """Refuse to replace a table that cannot be the remainder of a first run that was killed.

    Args:
        made: The origin of the table's head.
        number: Number of its first version: 1, or higher after a restore of the ledger.

    Raises:
        PublishError: The table has versions of another ledger, or was not created here.
    """
    if made.number not in (1, number):
        raise PublishError(
            f"There is a table at {location} that is not in the ledger, so {name!r} is not "
            "published over it.",
            hint="Restore the ledger that belongs to it, or move the folder away.",
        )
