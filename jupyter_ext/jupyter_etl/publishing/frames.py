"""What a notebook holds, as Arrow batches: pandas, polars, Arrow, anything that speaks Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from jupyter_etl.errors import PublishError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_BATCH_ROWS = 128 * 1024


@runtime_checkable
class _ArrowStream(Protocol):
    """Whatever exports the Arrow PyCapsule stream interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


def reader_of(data: object, *, what: str = "the data") -> pa.RecordBatchReader:
    """Return a reader over tabular data of any library.

    A pandas index becomes columns where its levels are named (``groupby`` leaves such ones);
    an index without a name is row numbers and is left out.

    Args:
        data: A pandas DataFrame or Series, an Arrow table, batch or reader, or an object with
            ``__arrow_c_stream__`` (polars, DuckDB ...).
        what: The variable, for messages.

    Raises:
        PublishError: It is no table, or a column mixes types; the message names it.
    """
    import pandas as pd
    import pyarrow as pa

    if isinstance(data, pd.Series):
        data = data.to_frame(name=str(data.name if data.name is not None else "value"))
    if isinstance(data, pd.DataFrame):
        return _frame_table(data, what).to_reader(_BATCH_ROWS)
    if isinstance(data, pa.RecordBatchReader):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data]).to_reader()
    if isinstance(data, pa.Table):
        return data.to_reader(_BATCH_ROWS)
    if isinstance(data, _ArrowStream):
        return pa.RecordBatchReader.from_stream(data)
    raise PublishError(
        f"{what} is a {type(data).__name__}, which is no table.",
        hint="Publish a pandas or polars DataFrame or an Arrow table: pd.DataFrame(...).",
    )


def _frame_table(frame: pd.DataFrame, what: str) -> pa.Table:
    import pyarrow as pa

    if any(name is not None for name in frame.index.names):
        frame = _with_index(frame)
    flat = ["_".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in frame.columns]
    twice = sorted({name for name in flat if flat.count(name) > 1})
    if twice:
        raise PublishError(
            f"Two columns of {what} are named {twice[0]!r}.",
            hint="Rename or drop one: df = df.loc[:, ~df.columns.duplicated()].",
        )
    arrays = [_column(frame.iloc[:, place], name) for place, name in enumerate(flat)]
    if not arrays:
        return pa.table({})
    return pa.Table.from_arrays(arrays, names=flat)


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    named = [name for name in frame.index.names if name is not None]
    both = [name for name in named if name in frame.columns]
    if both:
        raise PublishError(
            f"{both[0]!r} is both an index level and a column.",
            hint="Drop one: df = df.reset_index(drop=True).",
        )
    unnamed = [place for place, name in enumerate(frame.index.names) if name is None]
    return (
        frame.reset_index(level=unnamed, drop=True).reset_index()
        if unnamed
        else (frame.reset_index())
    )


def _column(series: pd.Series[Any], name: str) -> pa.Array | pa.ChunkedArray:
    import pyarrow as pa

    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as no:
        reason = (str(no).splitlines() or ["no common type"])[0]
        raise PublishError(
            f"Column {name!r} cannot be published: its values have no one type ({reason}).",
            hint=f"Make them one type: df[{name!r}] = df[{name!r}].astype(str).",
        ) from no
