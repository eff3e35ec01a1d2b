"""What a table's next commit is built on: the version the ledger has as live, and nothing else.

Whoever was killed between its commit and the ledger leaves a version that nobody published. Before
the next commit the table is brought back to the live version, by a commit of its own, so that no
reader of an older version notices.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.model import PublicationVersion
from jupyter_etl.publishing.delta_table import hook_properties
from jupyter_etl.publishing.lake import is_local

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

_TOKEN = "etlToken"  # noqa: S105
_BASE = "etlBase"
_NUMBER = "etlNumber"
_CHANGED_ROWS = "etlChangedRows"
_NOTHING, _ELSEWHERE = "nothing", "elsewhere"


@dataclass(frozen=True, kw_only=True)
class Base:
    """What a commit is built on.

    Args:
        version: Of the Delta table; None where nothing of the table is on record.
        elsewhere: Whether the live version lies in another lake: then it is the table's head.
    """

    version: int | None
    elsewhere: bool = False

    def __str__(self) -> str:
        """Return the text that the commit keeps of it."""
        if self.elsewhere:
            return _ELSEWHERE
        return _NOTHING if self.version is None else str(self.version)


def base_of(previous: PublicationVersion | None, location: str, head: int | None) -> Base:
    """Return what the commit after ``previous`` is built on.

    Args:
        previous: What the ledger has as the newest version.
        location: Of the table.
        head: Its newest Delta version; None where there is no table.

    Raises:
        PublishError: The table has lost the live version: an older copy of it was put back.
    """
    if previous is None or head is None:
        return Base(version=None)
    live = previous.what.delta_version
    if previous.what.location != location or live is None:
        return Base(version=head, elsewhere=True)
    if head < live:
        raise PublishError(
            f"The table at {location} ends at its version {head}, and version {previous.number} of "
            f"{previous.name!r} is its version {live}: an older copy of it was put back.",
            hint="Put back the copy of the lake that belongs to the ledger, or move the folder away.",
            data={"head": head, "live": live},
        )
    return Base(version=live)


def commit_properties(
    token: str, number: int, base: Base, changed_rows: int | None
) -> CommitProperties:
    """Return what makes a commit findable by its token, and refuses any version but the next."""
    from deltalake import CommitProperties

    told = {_TOKEN: token, _NUMBER: str(number), _BASE: str(base)}
    if changed_rows is not None:
        told[_CHANGED_ROWS] = str(changed_rows)
    return CommitProperties(custom_metadata=told, max_commit_retries=0)


@dataclass(frozen=True, kw_only=True)
class Made:
    """Whose commit a version is.

    Args:
        token: Of the commit; "" of one that publishes nothing.
        number: The version it should get in the ledger; 0 where it publishes nothing.
        base: What it was built on, as text.
        changed_rows: As staged.
    """

    token: str
    number: int
    base: str
    changed_rows: int | None


def load_made(location: str, version: int) -> Made:
    """Read whose commit a version is from the log itself.

    `DeltaTable.history` reads the log's newest entries even where an older version is open.
    """
    told: dict[str, str] = {}
    for line in _log_entry(location, version).splitlines():
        told = json.loads(line).get("commitInfo") or told
    changed = told.get(_CHANGED_ROWS)
    return Made(
        token=str(told.get(_TOKEN, "")),
        number=int(told.get(_NUMBER, 0)),
        base=str(told.get(_BASE, "")),
        changed_rows=None if changed is None else int(changed),
    )


def _log_entry(location: str, version: int) -> bytes:
    path = f"{location}/_delta_log/{version:020d}.json"
    if is_local(location):
        return Path(path).read_bytes()
    import fsspec

    filesystem, remote = fsspec.core.url_to_fs(path)
    content: bytes = filesystem.cat_file(remote)
    return content


def is_done(made: Made, base: Base, head: int, token: str) -> bool:
    """Tell whether the table's head is the commit of this token, on record or about to be."""
    return made.token == token and (head == base.version or made.base == str(base))


def undo_beyond(table: DeltaTable, base: Base) -> None:
    """Bring a table back to its base, in one commit; older versions stay as they are.

    Raises:
        deltalake.exceptions.CommitFailedError: Somebody else committed first; nothing was written.
    """
    from deltalake import CommitProperties

    if base.version is not None and table.version() > base.version:
        table.restore(
            base.version,
            commit_properties=CommitProperties(max_commit_retries=0),
            post_commithook_properties=hook_properties(),
        )


def refuse_strange(made: Made, location: str, name: str) -> None:
    """Refuse to replace what cannot be the rest of a first run that was killed.

    Raises:
        PublishError: The table has versions of another ledger, or was not made here.
    """
    if made.number != 1:
        raise PublishError(
            f"There is a table at {location} that the ledger knows nothing of, so {name!r} is not "
            "published over it.",
            hint="Put back the ledger that belongs to it, or move the folder away.",
        )
