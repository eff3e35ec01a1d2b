"""Conversion between Arrow and polars, without changing a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import (
    DeclarationError,
    EtlError,
    MissingDependency,
    SourceError,
    first_line,
)
from jupyter_etl.sources.frames.plain_arrow import plain_table

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


def is_polars(frame: object) -> bool:
    """Return whether an object belongs to polars, without importing polars."""
    return type(frame).__module__.partition(".")[0] == "polars"


def table_of_polars(name: str, frame: object, *, error: type[EtlError] = SourceError) -> pa.Table:
    """Convert a polars frame or series to an Arrow table, in the shared plain types.

    Args:
        frame: An object of polars.
        error: Class of the errors.

    Raises:
        EtlError: Of class ``error``: it is not computed yet, or a column has a type that Arrow
            lacks.
    """
    import polars as pl
    import pyarrow as pa

    whole = frame.to_frame() if isinstance(frame, pl.Series) else frame
    if not isinstance(whole, pl.DataFrame):
        raise error(
            f"'{name}' is a polars {type(frame).__name__}, whose rows have not been computed yet.",
            hint=f"Compute it first: {name} = {name}.collect()",
            retryable=False,
        )
    arrays = {}
    for column in whole.columns:
        kind = whole.schema[column]
        # An Object column is exported as the addresses of its objects.
        if kind.is_object():
            raise _no_type(error, name, column, kind)
        try:
            chosen = whole.select(column).cast(_without_categories(kind))
            made = pa.table(chosen).column(0)
            arrays[column] = made.cast(_plain(made.type))
        except (pa.ArrowException, pl.exceptions.PolarsError) as problem:
            raise _no_type(error, name, column, kind) from problem
    return pa.table(arrays)


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Convert an Arrow table to a polars frame.

    Raises:
        DeclarationError: A column has a type that polars lacks, or a name occurs twice.
        MissingDependency: polars is not installed.
    """
    try:
        import polars as pl
    except ModuleNotFoundError as problem:
        raise MissingDependency(
            "The result was requested as polars, which is not installed.",
            hint="pip install 'jupyter-etl[polars]'",
        ) from problem
    import pyarrow as pa

    table = plain_table(table, "the result", DeclarationError)
    for field in table.schema:
        # On wide decimals, polars does not raise but panics.
        if pa.types.is_decimal256(field.type) or pa.types.is_interval(field.type):
            raise DeclarationError(
                f"Column '{field.name}' is {field.type}, which polars does not have.",
                hint="Cast it in the query, to text for example, or use --as arrow.",
            )
    try:
        return pl.DataFrame(table)
    except pl.exceptions.PolarsError as problem:
        raise DeclarationError(
            f"The table cannot be converted to a polars frame: {first_line(problem)}",
            hint="Give each column a unique name, or use --as arrow.",
        ) from problem


def _without_categories(kind: Any) -> Any:
    """Return a type with text in place of categories."""
    import polars as pl

    if isinstance(kind, pl.Categorical | pl.Enum):
        return pl.String()
    if isinstance(kind, pl.List):
        return pl.List(_without_categories(kind.inner))
    if isinstance(kind, pl.Array):
        return pl.Array(_without_categories(kind.inner), kind.size)
    if isinstance(kind, pl.Struct):
        return pl.Struct(
            [pl.Field(field.name, _without_categories(field.dtype)) for field in kind.fields]
        )
    return kind


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type that tables, files and databases use for the same values."""
    import pyarrow as pa

    if pa.types.is_string_view(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_binary_view(kind) or pa.types.is_large_binary(kind):
        return pa.binary()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_plain(kind.value_type), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _plain(field.type)) for field in kind])
    return kind


def _no_type(error: type[EtlError], name: str, column: str, kind: object) -> EtlError:
    return error(
        f"'{name}' cannot be read as a table: column '{column}' is {kind}, which Arrow does not "
        "have.",
        hint=f"Give it another type: {name}.with_columns(pl.col('{column}').cast(pl.String)), for "
        "example.",
        retryable=False,
        data={"column": column},
    )
