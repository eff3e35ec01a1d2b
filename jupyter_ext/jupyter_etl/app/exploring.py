"""Profiles and samples of what a notebook sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.app.frames import to_arrow
from jupyter_etl.app.read_limit import SETTING, ReadLimit
from jupyter_etl.app.sampled_by_database import SampledTable, sampled_by_database
from jupyter_etl.checks.means import MeanInterval, mean_intervals
from jupyter_etl.checks.profiling import profile_of
from jupyter_etl.checks.row_sample import RowSample
from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import Profile
from jupyter_etl.spec.exploring import Amount, parse_amount
from jupyter_etl.spec.names import listed, nearest

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_etl.app.workbench import Workbench


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Rows drawn at random.

    Args:
        name: What they are from.
        data: The rows, in the order in which they came.
        total_rows: How many there were to draw from.
        seed: With which the same rows come again, of the same data.
        amount: What was asked for.
        by: The column whose values were drawn from one by one; None for the whole.
        drawn_by: Who drew: ``row by row`` here, or the database.
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
            DeclarationError: The sample was drawn by a column, so that its rows do not weigh the
                same.
        """
        if self.by is not None:
            raise DeclarationError(
                f"A sample by {self.by} has no interval of a mean: its rows do not weigh the same.",
                hint="Draw one without --by.",
            )
        return mean_intervals(self.data, self.total_rows)


def profile_data(bench: Workbench, name: str, data: object = None) -> Profile:
    """Look at every row once.

    Args:
        bench: Finds what is called so.
        name: A source, ``SOURCE.TABLE``, a publication or a variable; shown where ``data`` is given.
        data: What to look at instead.

    Raises:
        NotFound: Nothing is called so.
        SourceError, PublishError: It cannot be read.
    """
    table = None if data is None else to_arrow(data, what=name)
    reader = bench.stream(name) if table is None else table.to_reader()
    return profile_of(name, reader.schema, reader)


def sample_data(
    bench: Workbench,
    name: str,
    amount: str,
    *,
    seed: int = 0,
    by: str | None = None,
    data: object = None,
) -> Sample:
    """Draw rows at random, each by itself.

    A table of PostgreSQL is sampled by the database, row by row too; everything else is read as a
    stream, of which only the sample stays in memory.

    Args:
        bench: Finds what is called so.
        name: As for `profile_data`.
        amount: ``1%`` or ``10000``.
        seed: The same draws the same rows of the same data.
        by: Draw so many of each value of this column, or the share and at least one.
        data: What to draw from instead.

    Raises:
        DeclarationError: The amount or the column is none.
        NotFound, SourceError, PublishError: As for `profile_data`.
        LimitExceeded: Interactively, the sample takes more memory than the limit.
    """
    wanted = parse_amount(amount)
    most = bench.read_limit(f"a sample of {name!r}", hint=f"Draw fewer rows. {SETTING}")
    table = SampledTable(name=name, amount=wanted, seed=seed)
    found = sampled_by_database(bench, table) if data is None and by is None else None
    if found is not None:
        rows, total = found
        if wanted.rows is not None:
            rows = _drawn(rows.to_reader(), wanted, seed, None, most).table()
        return Sample(
            name=name, data=rows, total_rows=total, seed=seed, amount=amount,
            drawn_by="by the database, row by row",
        )  # fmt: skip
    reader = bench.stream(name) if data is None else to_arrow(data, what=name).to_reader()
    drawn = _drawn(reader, wanted, seed, by, most)
    return Sample(
        name=name, data=drawn.table(), total_rows=drawn.seen, seed=seed, amount=amount, by=by
    )


def _drawn(
    reader: pa.RecordBatchReader, amount: Amount, seed: int, by: str | None, most: ReadLimit
) -> RowSample:
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
    """Refuse a column that is not there; raises `DeclarationError`."""
    if column not in columns:
        raise DeclarationError(
            f"There is no column '{column}'; there are {listed(columns)}.",
            hint=nearest(column, columns).strip(),
            data={"column": column, "columns": columns},
        )
