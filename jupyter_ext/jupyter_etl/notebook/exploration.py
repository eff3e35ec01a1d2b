"""Profiles and samples of a notebook's data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError, LimitExceeded, SourceError
from jupyter_etl.language.commands.exploration import Amount, parse_amount
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.sql.lexer import quoted
from jupyter_etl.model import Profile
from jupyter_etl.notebook.frames import to_arrow
from jupyter_etl.notebook.read_limit import SETTING, ReadLimit

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_etl.checks.row_sample import MeanInterval, RowSample
    from jupyter_etl.notebook.session import DataSession


_POSTGRES = ("postgresql:", "postgresql+", "postgres:")


@dataclass(frozen=True, kw_only=True)
class SampledTable:
    """A sample that is requested from a database.

    Args:
        name: ``SOURCE.TABLE``.
        amount: Size of the sample.
        seed: Seed of the random numbers.
        columns: The required columns; empty for all.
    """

    name: str
    amount: Amount
    seed: int
    columns: tuple[str, ...] = ()


def sampled_by_database(session: DataSession, table: SampledTable) -> tuple[pa.Table, int] | None:
    """Sample rows of a table in PostgreSQL, each row independently.

    If a number of rows is requested, more are drawn, so that too few are returned once in a million
    times; the caller selects from them.

    Returns:
        The rows, and the row count of the table. None if the name is not a PostgreSQL table, or if
        the table is so small that reading all of it is as cheap.

    Source:
        TABLESAMPLE BERNOULLI, https://www.postgresql.org/docs/current/sql-select.html
    """
    target = session.find(table.name)
    source = target.source
    if source is None or source.kind != "sql" or not source.location.startswith(_POSTGRES):
        return None
    if not target.table:
        return None
    place = ".".join(map(quoted, target.table.split(".", 1)))
    counted = _ask(session, source.name, f"SELECT count(*) FROM {place}")  # noqa: S608 - quoted
    if counted is None:
        return None
    total = int(counted.column(0)[0].as_py())
    share = table.amount.share
    if table.amount.rows is not None:
        rows = table.amount.rows
        share = (rows + 5 * math.sqrt(rows) + 5) / total if total else 1.0
        if share >= 0.5:
            return None
    columns = ", ".join(map(quoted, table.columns)) or "*"
    query = (
        f"SELECT {columns} FROM {place} "  # noqa: S608 - quoted
        f"TABLESAMPLE BERNOULLI ({100 * (share or 1.0):.9f}) REPEATABLE ({table.seed})"
    )
    found = _ask(session, source.name, query)
    return None if found is None else (found, total)


def _ask(session: DataSession, source: str, query: str) -> pa.Table | None:
    """Return the result; None if the database rejects the query, as it does for a view."""
    try:
        answer: pa.Table = session.sql(source, query, as_="arrow")
    except LimitExceeded as problem:
        raise LimitExceeded(
            problem.message, hint=f"Draw fewer rows. {SETTING}", data=problem.data
        ) from problem
    except SourceError as problem:
        if problem.retryable:
            raise
        return None
    return answer


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Rows drawn at random.

    Args:
        name: Where they were drawn from.
        data: The rows, in their original order.
        total_rows: Number of rows that they were drawn from.
        seed: The seed that reproduces the sample from the same data.
        amount: The requested size.
        by: The column whose values were sampled separately; None for a simple sample.
        drawn_by: Where it was drawn: ``row by row`` here, or in the database.
    """

    name: str
    data: pa.Table
    total_rows: int
    seed: int
    amount: str
    by: str | None = None
    drawn_by: str = "row by row"

    def means(self) -> list[MeanInterval]:
        """Return the mean of each numeric column with its 95 % interval.

        Raises:
            DeclarationError: The sample was drawn by a column, so its rows have different weights.
        """
        if self.by is not None:
            raise DeclarationError(
                f"A sample by {self.by} has no confidence interval of a mean, because its rows "
                "have different weights.",
                hint="Draw one without --by.",
            )
        from jupyter_etl.checks.row_sample import mean_intervals

        return mean_intervals(self.data, self.total_rows)


def profile_data(session: DataSession, name: str, data: object = None) -> Profile:
    """Profile all rows.

    Args:
        name: A source, ``SOURCE.TABLE``, a publication or a variable; only a label if ``data``
            is given.
        data: Data to profile instead.

    Raises:
        NotFound: No source or publication has that name.
        SourceError, PublishError: It cannot be read.
    """
    table = None if data is None else to_arrow(data, what=name)
    reader = session.stream(name) if table is None else table.to_reader()
    # Imports numpy, which `%load_ext` does not need.
    from jupyter_etl.checks.profile import profile_of

    return profile_of(name, reader.schema, reader)


def sample_data(
    session: DataSession,
    name: str,
    amount: str,
    *,
    seed: int = 0,
    by: str | None = None,
    data: object = None,
) -> Sample:
    """Draw rows at random, each independently.

    A PostgreSQL table is sampled by the database. Everything else is read as a stream, of which
    only the sample stays in memory.

    Args:
        name: See `profile_data`.
        amount: ``1%`` or ``10000``.
        seed: The same seed draws the same rows of the same data.
        by: Column to sample by: the amount applies to each of its values, with at least one row.
        data: Data to draw from instead.

    Raises:
        DeclarationError: The amount or the column is not valid.
        NotFound, SourceError, PublishError: See `profile_data`.
        LimitExceeded: Interactively, the sample takes more memory than the limit.
    """
    wanted = parse_amount(amount)
    most = session.read_limit(f"a sample of {name!r}", hint=f"Draw fewer rows. {SETTING}")
    table = SampledTable(name=name, amount=wanted, seed=seed)
    found = sampled_by_database(session, table) if data is None and by is None else None
    if found is not None:
        rows, total = found
        if wanted.rows is not None:
            rows = _drawn(rows.to_reader(), wanted, seed, None, most).table()
        return Sample(
            name=name, data=rows, total_rows=total, seed=seed, amount=amount,
            drawn_by="by the database, row by row",
        )  # fmt: skip
    reader = session.stream(name) if data is None else to_arrow(data, what=name).to_reader()
    drawn = _drawn(reader, wanted, seed, by, most)
    return Sample(
        name=name, data=drawn.table(), total_rows=drawn.seen, seed=seed, amount=amount, by=by
    )


def _drawn(
    reader: pa.RecordBatchReader, amount: Amount, seed: int, by: str | None, most: ReadLimit
) -> RowSample:
    from jupyter_etl.checks.row_sample import RowSample

    if by is not None:
        known_column(by, reader.schema.names)
    drawn = RowSample(reader.schema, rows=amount.rows, share=amount.share or 1.0, seed=seed, by=by)
    for batch in reader:
        drawn.add(batch)
        most.check(drawn.kept_bytes, drawn.seen)
    rows = drawn.table()
    most.check(rows.nbytes, rows.num_rows)
    return drawn


def known_column(column: str, columns: list[str]) -> None:
    """Raise `DeclarationError` for a column that does not exist."""
    if column not in columns:
        raise DeclarationError(
            f"There is no column '{column}'; there are {listed(columns)}.",
            hint=nearest(column, columns).strip(),
            data={"column": column, "columns": columns},
        )
