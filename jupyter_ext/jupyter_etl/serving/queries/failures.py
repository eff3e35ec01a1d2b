"""Errors of DuckDB as answers: who can do something about them, in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from jupyter_etl.errors import DeclarationError, first_line
from jupyter_etl.language.sql.exact_names import shown
from jupyter_etl.serving.queries.rejection import Rejected, answer_of, rejected

if TYPE_CHECKING:
    from jupyter_etl.serving.queries.database import Database
    from jupyter_etl.serving.queries.pages import CopyRef
    from jupyter_etl.serving.workers.protocol import Answer


_KIND = re.compile(r"^\w[\w ]* Error: ")


@contextmanager
def failures(database: Database, copies: Mapping[str, CopyRef]) -> Iterator[None]:
    """Convert the errors of DuckDB.

    Args:
        copies: The copies that are read; a damaged one is deleted.

    Raises:
        Rejected: The query failed.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as problem:
        text = _KIND.sub("", shown(first_line(problem)))[:400].rstrip("!. ") + "."
        if isinstance(problem, duckdb.InterruptException):
            raise rejected(
                504, "Timeout", "The query took too long and was stopped.", "Ask for fewer rows."
            ) from problem
        if isinstance(problem, duckdb.OutOfMemoryException):
            raise rejected(
                422, "LimitExceeded", "The query needs more memory than allowed.",
                "Select less by the parameters.",
            ) from problem  # fmt: skip
        damaged = isinstance(problem, duckdb.IOException | duckdb.SerializationException)
        # DuckDB has no class of errors for a wrong checksum.
        if copies and (damaged or text.startswith("Corrupt database file")):
            raise database.discard(copies) from problem
        if isinstance(problem, duckdb.FatalException | duckdb.InternalException):
            # The instance refuses everything from now on.
            database.reset()
        if isinstance(problem, duckdb.BinderException | duckdb.CatalogException):
            unfit = rejected(
                500, "QueryFailed", f"The query does not fit the tables any more: {text}",
                "Tell its owner: a table has lost or changed a column.",
            )  # fmt: skip
            unfit.data["reason"] = text
            raise unfit from problem
        raise rejected(422, "QueryFailed", f"The query failed: {text}") from problem


def answered(make: Callable[[], Answer]) -> Answer:
    """Return an answer, or the one to the error that was raised."""
    try:
        return make()
    except Rejected as problem:
        return answer_of(problem)
    except msgspec.MsgspecError as problem:
        return answer_of(rejected(400, "InvalidRequest", f"The request is not valid: {problem}."))
    except DeclarationError as problem:
        return answer_of(rejected(500, "QueryFailed", problem.message, problem.hint))
