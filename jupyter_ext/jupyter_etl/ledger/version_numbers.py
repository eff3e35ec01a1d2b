"""The numbers of versions: none is reused, also after a restore."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, func, select

from jupyter_etl.ledger.connection import inserting
from jupyter_etl.ledger.schema.tables import given_numbers, publication_versions

Numbers = Mapping[tuple[str, bool], int]
"""The highest number by name, and whether it is of drafts."""


def next_number(connection: Connection, name: str, *, draft: bool) -> int:
    """Return the number that the next version of a publication gets."""
    # The live version of an endpoint need not be its newest.
    made = connection.execute(
        select(func.max(publication_versions.c.number)).where(
            publication_versions.c.name == name, publication_versions.c.draft == draft
        )
    ).scalar()
    given = connection.execute(
        select(given_numbers.c.number).where(
            given_numbers.c.name == name, given_numbers.c.draft == draft
        )
    ).scalar()
    return max(made or 0, given or 0) + 1


def note_given(connection: Connection, numbers: Numbers) -> None:
    """Reserve these numbers, and all lower ones."""
    known = {(row.name, row.draft): row.number for row in connection.execute(select(given_numbers))}
    for (name, draft), number in sorted(numbers.items()):
        if number > known.get((name, draft), 0):
            new = inserting(connection, given_numbers).values(name=name, draft=draft, number=number)
            connection.execute(
                new.on_conflict_do_update(index_elements=["name", "draft"], set_={"number": number})
            )


def read_given(ledger: Path) -> dict[tuple[str, bool], int]:
    """Return the highest numbers in a SQLite ledger of any version; empty if it is damaged."""
    found: dict[tuple[str, bool], int] = {}
    place = f"file:{quote(str(ledger.absolute()))}?mode=ro"
    # The rows that can be read are used, even if others are damaged.
    with (
        contextlib.suppress(sqlite3.Error),
        closing(sqlite3.connect(place, uri=True)) as connection,
    ):
        for query in (
            "SELECT name, 0, live_number FROM publications",
            "SELECT name, 1, draft_number FROM publications",
            "SELECT name, draft, max(number) FROM publication_versions GROUP BY name, draft",
            "SELECT name, draft, number FROM given_numbers",
        ):
            for name, of_drafts, number in connection.execute(query):
                key = (name, bool(of_drafts))
                found[key] = max(number, found.get(key, 0))
    return found
