"""Time and memory to load a large CSV file, compared with other libraries."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.figures import Figure, Pair, in_turn
from bench.living import Platform, platform
from bench.peers import CSV
from bench.processes import Cost, need, worker
from bench.sizes import Size

_FILE = "orders.csv"
_TRUTH = "orders.parquet"
_ROW_BYTES = 120
"""Approximate length of a line of the file."""

_VALUES = """
SELECT
    n AS id,
    CASE WHEN h % 20 = 0 THEN NULL ELSE (h % 500000)::BIGINT END AS customer,
    ((h // 7 % 100000000) / 100.0)::DECIMAL(12, 2) AS amount,
    (h % 1000003) / 997.0 AS price,
    DATE '2020-01-01' + (h // 11 % 2190)::INTEGER AS day,
    TIMESTAMP '2026-01-01' + INTERVAL (n) SECOND AS at,
    ['north', 'south', 'east', 'west'][1 + (h // 3 % 4)::INTEGER] AS region,
    ['new', 'paid', 'packed', 'sent', 'returned'][1 + (h // 5 % 5)::INTEGER] AS status,
    lpad((h // 13 % 100000)::VARCHAR, 5, '0') AS zip,
    h % 3 = 0 AS gift,
    CASE h // 17 % 10
        WHEN 0 THEN NULL
        WHEN 1 THEN 'said "leave it, please" at ' || h % 1000
        WHEN 2 THEN 'two parcels; a, b and ' || h % 1000
        ELSE 'left with neighbour ' || h % 10000
    END AS note
FROM (SELECT n, hash(n + 7) >> 1 AS h FROM range({rows}) AS r(n))
"""
"""Values from a hash, equal in each run. `zip` has leading zeros, which readers may lose."""

_VERIFY = """
import pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq

def texts(column):
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column.cast(pa.timestamp("s")), "%Y-%m-%d %H:%M:%S")
    return column.cast(pa.string())

def is_text(column):
    return pa.types.is_string(column.type) or column.type in (pa.large_string(), pa.string_view())

def same(got, want):
    if pa.types.is_dictionary(got.type):
        got = got.cast(got.type.value_type)
    if pa.types.is_null(got.type):
        got = got.cast(want.type)
    if is_text(got) or is_text(want):
        got, want = (pc.fill_null(texts(one), "") for one in (got, want))
    elif pa.types.is_decimal(want.type) and pa.types.is_floating(got.type):
        # By way of the text: Arrow's own cast from decimals is off by one bit.
        want = want.cast(pa.string()).cast(pa.float64())
    else:
        got = got.cast(want.type)
    return pc.all(pc.equal(got, want), min_count=0).as_py() and got.null_count == want.null_count

def lost(table):
    truth = pq.read_table('{truth}')
    if table.column_names != truth.column_names or len(table) != len(truth):
        return ["rows or columns"]
    found = []
    for name in truth.column_names:
        try:
            kept = same(table[name], truth[name])
        except pa.ArrowInvalid:
            kept = False
        if not kept:
            found.append(name)
    return found
"""

_TO_ARROW = {
    "pandas": "pa.Table.from_pandas(found, preserve_index=False)",
    "arrow": "found",
    "polars": "found.to_arrow()",
}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A library that reads the file.

    Args:
        name: Display name.
        imports: Executed before the measurement.
        plain: Code as users write it.
        gives: Kind of the result: ``pandas``, ``arrow`` or ``polars``.
        told: The same with declared types.
        word: Description of these types.
    """

    name: str
    imports: str
    plain: str
    gives: str
    reported: str = ""
    word: str = "zip declared as text"


_FROM_ARROW = (
    Reader(
        name="pyarrow",
        imports="import pyarrow as pa, pyarrow.csv as pc",
        plain="pc.read_csv('{file}')",
        reported="pc.read_csv('{file}', convert_options=pc.ConvertOptions("
        "column_types={{'zip': pa.string()}}))",
        gives="arrow",
    ),
    Reader(
        name="polars",
        imports="import polars as pl",
        plain="pl.read_csv('{file}', try_parse_dates=True)",
        reported="pl.read_csv('{file}', try_parse_dates=True, schema_overrides={{'zip': pl.String}})",
        gives="polars",
    ),
    Reader(
        name="DuckDB",
        imports="import duckdb, pyarrow",
        plain="duckdb.read_csv('{file}').to_arrow_table()",
        reported="duckdb.read_csv('{file}', dtype={{'zip': 'VARCHAR'}}).to_arrow_table()",
        gives="arrow",
    ),
)
_FROM_PANDAS = (
    Reader(
        name="pandas",
        imports="import pandas as pd, pyarrow",
        plain="pd.read_csv('{file}')",
        reported="pd.read_csv('{file}', dtype={{'zip': 'str'}}, parse_dates=['day', 'at'])",
        gives="pandas",
        word="zip declared as text, and day and at as dates",
    ),
    Reader(
        name="pandas, days and times left as text",
        imports="import pandas as pd, pyarrow",
        plain="pd.read_csv('{file}')",
        reported="pd.read_csv('{file}', dtype={{'zip': 'str'}})",
        gives="pandas",
    ),
    Reader(
        name="pyarrow and to_pandas",
        imports="import pandas, pyarrow as pa, pyarrow.csv as pc",
        plain="pc.read_csv('{file}').to_pandas()",
        reported="pc.read_csv('{file}', convert_options=pc.ConvertOptions("
        "column_types={{'zip': pa.string()}})).to_pandas()",
        gives="pandas",
    ),
)


def csv(folder: Path, size: Size) -> Iterator[Figure]:
    """A CSV file as an Arrow table and as a frame, each in a separate process."""
    megabytes = _write(folder, size.csv_mb * 1_000_000 // _ROW_BYTES)
    with platform(folder / "home") as at:
        at.etl.sources.declare("orders", str(folder / _FILE), base=folder)
        what = f"CSV of {megabytes:,.0f} MB to Arrow"
        found = [(one, *_against(at, folder, size, one)) for one in _FROM_ARROW]
        for reader, pair, lost, alone in found:
            yield _figure(f"{what}, to {reader.name}", pair, reader, lost, alone)
        kept = [(pair, reader) for reader, pair, lost, _ in found if not lost]
        need(bool(kept), "no peer keeps all values of the file")
        pair, fastest = max(kept, key=lambda one: one[0].wall)
        name = f"{what}, to the fastest that loses nothing"
        yield Figure(what=name, value=pair.wall, unit="x", goal=1.5, detail=fastest.name)
        for reader in _FROM_PANDAS:
            what = f"CSV of {megabytes:,.0f} MB to a DataFrame, to {reader.name}"
            pair, lost, alone = _against(at, folder, size, reader)
            goal = 1.0 if reader.name == "pandas" else None
            yield _figure(what, pair, reader, lost, alone, goal=goal)


def _write(folder: Path, rows: int) -> float:
    """Write the file, and its exact values; return its size in megabytes."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = true")
        values = _VALUES.format(rows=rows)
        for name, options in ((_TRUTH, "FORMAT parquet"), (_FILE, "HEADER, DELIMITER ','")):
            connection.execute(f"COPY ({values}) TO '{folder / name}' ({options})")
    return (folder / _FILE).stat().st_size / 1e6


def _against(
    at: Platform, folder: Path, size: Size, reader: Reader
) -> tuple[Pair, list[str], Cost]:
    """Measure ours and a peer with declared zip codes alternately.

    Returns:
        Both, the columns in which the peer lost values, and its cost and losses without
        declarations.
    """
    kind = "pandas" if reader.gives == "pandas" else "arrow"
    ours = Reader(
        name="load",
        imports=f"import jupyter_etl as etl, pandas, pyarrow\netl.load('orders', limit=1, as_={kind!r})",
        plain=f"etl.load('orders', as_={kind!r})",
        gives=kind,
    )
    lost: list[str] = []

    def us() -> Cost:
        cost = _timed(folder, ours, ours.plain, env=at.env)
        need(not cost.value, f"load has lost values of {cost.value}")
        return cost

    def them() -> Cost:
        cost = _timed(folder, reader, reader.reported, python=CSV.python)
        lost[:] = cost.value
        return cost

    alone = _timed(folder, reader, reader.plain, python=CSV.python)
    return in_turn(us, them, size.data_pairs), lost, alone


def _timed(
    folder: Path,
    reader: Reader,
    code: str,
    *,
    python: str | Path = sys.executable,
    env: Mapping[str, str] | None = None,
) -> Cost:
    """Read the file once in a new process; the value is a list of the columns that lost values."""
    with worker(folder, python=python, env=env) as live:
        live.do(reader.imports)
        cost = live.do("found = " + code.format(file=_FILE))
        verify = _VERIFY.format(truth=str(folder / _TRUTH))
        table = _TO_ARROW[reader.gives]
        return replace(cost, value=live.do(f"{verify}\nvalue = lost({table})").value)


def _figure(
    what: str,
    pair: Pair,
    reader: Reader,
    lost: Sequence[str],
    alone: Cost,
    *,
    goal: float | None = None,
) -> Figure:
    reported = f"loses {', '.join(lost)} even" if lost else "loses nothing"
    untold = f"loses {', '.join(alone.value)}" if alone.value else "loses nothing"
    return Figure(
        what=what,
        value=pair.wall,
        unit="x",
        goal=goal,
        detail=f"{pair.detail(reader.name)}, which {reported} with {reader.word}, and {untold} "
        f"without ({alone.wall_s:.3g} s); peaks {pair.ours.peak_mb:,.0f} and "
        f"{pair.theirs.peak_mb:,.0f} MB",
    )


MEASURES = {"csv": csv}
