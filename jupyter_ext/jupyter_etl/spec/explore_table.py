"""The commands of the magic that look into data: profile, sample, approx."""

from __future__ import annotations

from jupyter_etl.spec.grammar import Argument, CommandSpec, ValueKind

_OF_TABLE = Argument(
    name="target", required=True, completes="table",
    help="A source, SOURCE.TABLE, a publication or a frame.",
)  # fmt: skip

EXPLORE_COMMANDS = (
    CommandSpec(
        name="profile", group="Data",
        summary="Show what each column holds, in one pass over the rows.",
        arguments=(_OF_TABLE,),
        examples=("profile wh.orders", "profile df"),
    ),
    CommandSpec(
        name="sample", group="Data", summary="Draw rows at random into a frame.",
        arguments=(
            _OF_TABLE,
            Argument(name="amount", required=True, placeholder="SHARE|ROWS",
                     help="How much: 1% gives each row that chance, 10000 draws so many."),
            Argument(name="seed", flags=("--seed",), kind=ValueKind.WHOLE, default=0,
                     placeholder="N", help="The same seed draws the same rows of the same data."),
            Argument(name="by", flags=("--by",), placeholder="COLUMN", completes="column",
                     help="So many rows of each value of this column, or the share and at least "
                          "one row of each."),
            Argument(name="means", flags=("--means",), kind=ValueKind.FLAG,
                     help="Show the mean of each numeric column with its 95 % interval; not "
                          "with --by."),
            Argument(name="as", flags=("--as",), choices=("pandas", "arrow", "polars"),
                     default="pandas", help="What the result is."),
        ),
        examples=("sample wh.orders 1% --seed 7", "sample trips 10000 --by region"),
    ),
    CommandSpec(
        name="approx", group="Data", summary="Estimate one figure, with its error.",
        arguments=(
            Argument(name="question", kind=ValueKind.WORDS, required=True,
                     placeholder="MEASURE(COLUMN) of NAME",
                     help="count_distinct(c), quantile(c, .95), mean(c) or sum(c), of a source, "
                          "SOURCE.TABLE, a publication or a frame."),
            Argument(name="error", flags=("--error",), default="1%", placeholder="SHARE",
                     help="Half the width of the 95 % interval that is aimed at: of the count, of "
                          "a quantile's rank, or what sizes the sample for mean and sum."),
        ),
        examples=("approx count_distinct(customer) of wh.orders --error 2%",
                  "approx quantile(fare, .95) of trips"),
    ),
)  # fmt: skip
