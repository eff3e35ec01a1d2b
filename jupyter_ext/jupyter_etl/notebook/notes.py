"""Notes below a cell that loads data or declares a source."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol

from jupyter_etl.errors import EtlError
from jupyter_etl.model import RunContext, Source, SourceKind
from jupyter_etl.ports import Access

_MOST_NOTES = 20


def print_notes(first: str, notes: Sequence[str]) -> None:
    """Print lines into the output of the cell.

    Args:
        first: The line about what was read.
        notes: See `Reading.notes`; a source with thousands of columns may have as many.
    """
    more = [f"and {len(notes) - _MOST_NOTES:,} more notes"] if len(notes) > _MOST_NOTES else []
    sys.stdout.write("".join(f"{line}\n" for line in (first, *notes[:_MOST_NOTES], *more)))


class Harness(Protocol):
    """What the warning needs of the notebook: a `DataSession`."""

    @property
    def context(self) -> RunContext:
        """The run, or a draft for the current time."""
        ...

    def access(self, source: Source) -> Access:
        """Return the services for the connector of a source."""
        ...


def rights_note(session: Harness, source: Source) -> str:
    """Return the warning about a role with rights on the server itself; "" if there is none.

    PostgreSQL is queried for at most two seconds. In a run it is not queried: the user has seen the
    warning when declaring the source.
    """
    if source.kind != SourceKind.SQL or not source.readonly or session.context.id is not None:
        return ""
    from jupyter_etl.sources.sql.catalogue import server_rights

    try:
        right = server_rights(source, session.access(source))
    except EtlError:
        # Connection errors are reported when the source is read.
        return ""
    if not right:
        return ""
    role = "a superuser" if right == "superuser" else f"a member of {right}"
    return (
        f"The role of {source.name} is {role}; readonly only refuses statements that it "
        "recognizes. Use a role that has only the SELECT privilege."
    )
