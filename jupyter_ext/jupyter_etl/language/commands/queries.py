"""Requests that query, estimate and check data."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from msgspec import field

from jupyter_etl.language.commands.common import (
    ANYWAY,
    FRAME_TYPE,
    PARAMETERS,
    TARGET,
    FrameType,
    Values,
    magic,
)
from jupyter_etl.language.commands.declarations import (
    Argument,
    CellUse,
    Request,
    ValueKind,
)


class ProfileRequest(Request, frozen=True, kw_only=True):
    """Show statistics of each column."""

    forms: ClassVar = (
        magic(
            "profile",
            "Data",
            "Show statistics of each column, in one pass over the rows.",
            "profile wh.orders",
            "profile df",
        ),
    )

    target: Annotated[str, TARGET]


class SampleRequest(Request, frozen=True, kw_only=True):
    """Draw a random sample of rows."""

    forms: ClassVar = (
        magic(
            "sample",
            "Data",
            "Draw a random sample of rows into a frame.",
            "sample wh.orders 1% --seed 7",
            "sample trips 10000 --by region",
        ),
    )

    target: Annotated[str, TARGET]
    amount: Annotated[
        str,
        Argument(
            required=True,
            placeholder="SHARE|ROWS",
            help="The size: 1% draws each row with that probability, 10000 draws that many rows.",
        ),
    ]
    seed: Annotated[
        int,
        Argument(
            flags=("--seed",),
            placeholder="N",
            help="The random seed; the same seed draws the same rows from the same data.",
        ),
    ] = 0
    by: Annotated[
        str | None,
        Argument(
            flags=("--by",),
            placeholder="COLUMN",
            completes="column",
            help="Stratify by this column: draw the size per value, at least one row each.",
        ),
    ] = None
    means: Annotated[
        bool,
        Argument(
            flags=("--means",),
            help="Show the mean of each numeric column with its 95 % confidence interval; not with "
            "--by.",
        ),
    ] = False
    as_: Annotated[FrameType, FRAME_TYPE] = "pandas"


class ApproxRequest(Request, frozen=True, kw_only=True):
    """Estimate a figure, with its error."""

    forms: ClassVar = (
        magic(
            "approx",
            "Data",
            "Estimate a figure, with its error.",
            "approx count_distinct(customer) of wh.orders --error 2%",
            "approx quantile(fare, .95) of trips",
        ),
    )

    question: Annotated[
        str,
        Argument(
            kind=ValueKind.WORDS,
            required=True,
            placeholder="MEASURE(COLUMN) of NAME",
            help="count_distinct(c), quantile(c, .95), mean(c) or sum(c), of a source, "
            "SOURCE.TABLE, a publication or a frame.",
        ),
    ]
    error: Annotated[
        str,
        Argument(
            flags=("--error",),
            placeholder="SHARE",
            help="Half the width of the target 95 % interval: of the count, of a quantile's rank, "
            "or to size the sample for mean and sum.",
        ),
    ] = "1%"


class SqlRequest(Request, frozen=True, kw_only=True):
    """Run SQL in a source, or in DuckDB over local frames.

    ``cell`` is the query below the line, ``target`` the variable for the result.
    """

    forms: ClassVar = (
        magic(
            "sql",
            "Data",
            "Run SQL in a source, or in DuckDB over local frames.",
            "sql wh orders <<",
            'sql local "select count(*) from orders"',
            cell=CellUse.OPTIONAL,
            cell_help="The query; {{x}} binds the value of x.",
            stores=True,
        ),
    )

    source: Annotated[
        str,
        Argument(
            required=True,
            completes="source",
            help="A source, or 'local' for DuckDB over frames, files and publications.",
        ),
    ]
    query: Annotated[
        str | None, Argument(help="The query, in quotes; omit it in a %%etl cell.")
    ] = None
    as_: Annotated[FrameType, FRAME_TYPE] = "pandas"
    show: Annotated[
        bool, Argument(flags=("--show",), help="Show the result, even if it is stored.")
    ] = False
    parameters: Annotated[
        Values,
        replace(PARAMETERS, help="A value for {{k}}; by default the variable k."),
    ] = field(default_factory=dict)
    name: Annotated[
        str | None,
        Argument(
            flags=("--name",),
            help="Name the query, so later queries of this source can use it as a table, with "
            "ref('NAME') in double braces. A named query runs only if it is stored or shown.",
        ),
    ] = None
    anyway: Annotated[bool, ANYWAY] = False
    cell: str | None = None
    target: str | None = None

    @property
    def text(self) -> str:
        """The query, from the line or from the cell."""
        return (self.query if self.cell is None else self.cell) or ""


class CheckRequest(Request, frozen=True, kw_only=True):
    """Check data against rules, which are in ``cell``, one per line, or in a schema."""

    forms: ClassVar = (
        magic(
            "check",
            "Data",
            "Check data against rules.",
            "check orders --schema rules",
            cell=CellUse.OPTIONAL,
            cell_help="One rule per line: 'id: unique, not null', 'amount >= 0 : warn', "
            "'rows > 0.5 * last'.",
        ),
    )

    name: Annotated[str, Argument(required=True, completes="frame", help="The frame.")]
    schema: Annotated[
        str | None,
        Argument(
            flags=("--schema",),
            placeholder="NAME",
            help="A variable with a pandera schema, instead of rules in the cell.",
        ),
    ] = None
    cell: str | None = None


class ParamRequest(Request, frozen=True, kw_only=True):
    """Declare a parameter and assign its value."""

    forms: ClassVar = (
        magic(
            "param",
            "Data",
            "Declare a parameter and assign its value.",
            "param day date = yesterday  # the day to load",
            "param limit int = 100",
        ),
    )

    text: Annotated[
        str,
        Argument(
            kind=ValueKind.RAW,
            required=True,
            placeholder="NAME [TYPE] = DEFAULT  # HELP",
            help="The name, type and default of the parameter.",
        ),
    ]
