"""Costs of reading, checking and publishing many rows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure, against, in_turn
from bench.living import Platform, platform
from bench.peers import DATA
from bench.postgres import NOT_INSTALLED, postgres
from bench.processes import Cost, environment, need, worker
from bench.sizes import Size

_COLUMNS = 9
_ORDERS = """
CREATE TABLE orders AS SELECT
    n AS id,
    DATE '2026-01-01' + (n % 365)::int AS day,
    TIMESTAMPTZ '2026-01-01 00:00+00' + n * INTERVAL '7 seconds' AS at,
    (ARRAY['north', 'south', 'east', 'west'])[1 + n % 4] AS region,
    CASE WHEN n % 10 = 0 THEN NULL ELSE (n % 50000)::int END AS customer,
    ((n * 37 % 1000000) / 100.0)::numeric(12, 2) AS amount,
    (n * 0.37)::double precision AS price,
    n % 3 = 0 AS paid,
    'order ' || n AS note
FROM generate_series(1, {rows}) AS n
"""
_FRAME = """
import numpy as np
import pandas as pd
rows, rng = {rows}, np.random.default_rng(7)
frame = pd.DataFrame({{
    "id": np.arange(rows),
    "amount": rng.uniform(0, 1000, rows),
    "quantity": rng.integers(0, 100, rows),
    "price": rng.uniform(0, 10, rows),
    "region": rng.choice(["north", "south", "east", "west"], rows),
    "at": pd.Timestamp("2026-01-01", tz="UTC")
    + pd.to_timedelta(rng.integers(0, 86_400, rows), unit="s"),
}})
"""
RULES = """\
id: unique, not null
amount >= 0
amount < 1000
region in ('north', 'south', 'east', 'west')
"""
SHELL = """
from IPython.core.interactiveshell import InteractiveShell
import jupyter_etl as etl
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "jupyter_etl")
"""
_PEER = """
import pandas as pd, psycopg, sqlalchemy
engine = sqlalchemy.create_engine({url!r})
with engine.connect() as connection:
    frame = pd.read_sql("SELECT * FROM orders", connection)
value = [len(frame), int(frame["id"].sum()), frame.shape[1]]
"""
_OURS = """
import jupyter_etl as etl
frame = etl.load("wh.orders")
value = [len(frame), int(frame["id"].sum()), frame.shape[1]]
"""
_VIA_ARROW = """
import jupyter_etl as etl
value = etl.publish("bench.orders", etl.load("wh.orders", as_="arrow")).version.what.rows
"""
_STRAIGHT = f"""{SHELL}
from jupyter_etl.errors import DeclarationError, NotFound
try:
    shell.run_line_magic("etl", "publish table bench.orders wh.orders")
    value = ""
except (DeclarationError, NotFound) as refused:
    value = str(refused)
"""
_TPCH_FILES = 4
_TPCH_ORDERS = 1_500_000
"""Rows of ``orders`` at scale factor 1.

Source: TPC-H specification 3.0, 4.2.5.1.
"""
_TPCH_SOURCE = f"""{SHELL}
for name in ("orders", "lineitem"):
    shell.run_line_magic("etl", f"source {{name}} tpch/{{name}}/*.parquet")
"""
_TPCH_RULES = """\
l_orderkey: not null
l_orderkey references orders.o_orderkey
l_quantity between 1 and 50
l_discount between 0 and 0.1
l_returnflag in ('A', 'N', 'R')
l_shipdate < l_receiptdate
"""
_TPCH_CHECKED = f"""
rules = {_TPCH_RULES!r}
shell.run_cell_magic("etl", "check {{0}}", rules)
"""
_TPCH_STEPS = {
    "loaded as a frame": """
lineitem_frame = shell.run_line_magic("etl", "load lineitem")
shell.user_ns["lineitem_frame"] = lineitem_frame
value = len(lineitem_frame)
""",
    "checked as a frame": _TPCH_CHECKED.format("lineitem_frame"),
    "published as a frame": 'shell.run_line_magic("etl", "publish table bench.orders lineitem_frame")',
}
_TPCH_STREAMS = {
    "checked by name": _TPCH_CHECKED.format("lineitem"),
    "published by name": 'shell.run_line_magic("etl", "publish table bench.orders lineitem")',
}


@contextmanager
def _orders(folder: Path, rows: int) -> Iterator[tuple[Platform, str] | None]:
    """Create a table in PostgreSQL and declare it as a source; None if there is no server."""
    folder.mkdir()
    with postgres() as server:
        if server is None:
            yield None
            return
        import psycopg

        url = server.create_database()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_ORDERS.format(rows=rows).encode())
            connection.execute(b"VACUUM ANALYZE orders")
        with platform(folder) as at:
            at.etl.sources.declare("wh", url, base=folder)
            yield at, url


def postgres_read(folder: Path, size: Size) -> Iterator[Figure]:
    """A table as a frame, in a process without any imports yet, compared with pandas."""
    what = f"PostgreSQL {size.of_rows} x {_COLUMNS} to a DataFrame, to pandas.read_sql"
    with _orders(folder / "read", size.rows) as made:
        if made is None:
            yield Figure(what=what, value=None, unit="x", goal=0.25, detail=NOT_INSTALLED)
            return
        at, url = made
        wanted = [size.rows, size.rows * (size.rows + 1) // 2, _COLUMNS]

        def ours() -> Cost:
            with worker(folder, env=at.env) as fresh:
                cost = fresh.do(_OURS)
            need(cost.value == wanted, f"{cost.value} was read instead of {wanted}")
            return cost

        def theirs() -> Cost:
            peer = url.replace("postgresql://", "postgresql+psycopg://")
            with worker(folder, python=DATA.python, env=environment()) as fresh:
                cost = fresh.do(_PEER.format(url=peer))
            need(cost.value == wanted, f"{cost.value} was read by pandas instead of {wanted}")
            return cost

        found = in_turn(ours, theirs, size.data_pairs)
    detail = found.detail("read_sql with psycopg")
    yield Figure(what=f"{what}, CPU", value=found.cpu, unit="x", goal=0.25, detail=detail)
    ours_mb, theirs_mb = found.ours.peak_mb, found.theirs.peak_mb
    yield Figure(
        what=f"{what}, peak memory",
        value=ours_mb / theirs_mb,
        unit="x",
        goal=0.3,
        detail=f"{ours_mb:,.0f} MB against {theirs_mb:,.0f} MB",
    )


def postgres_publish(folder: Path, size: Size) -> Iterator[Figure]:
    """A table of PostgreSQL published without a frame, with a third of the rows and with all."""
    what = f"PostgreSQL to a published table, {size.of_rows} rows, peak"
    flat = f"the same, to the peak at {size.rows // 3:,} rows"
    peaks: list[float] = []
    for rows in (size.rows // 3, size.rows):
        with _orders(folder / f"{rows}", rows) as made:
            if made is None:
                yield Figure(what=what, value=None, unit="MB", goal=450.0, detail=NOT_INSTALLED)
                return
            at, _ = made
            with worker(folder, env=at.env) as fresh:
                cost = fresh.do(_STRAIGHT)
            if cost.value:
                yield from _not_there((what, flat), cost.value)
                break
            _need_rows(at, rows)
            peaks.append(cost.peak_mb)
    else:
        yield Figure(what=what, value=peaks[1], unit="MB", goal=450.0)
        yield Figure(
            what=flat, value=peaks[1] / peaks[0], unit="x", goal=1.2, detail=f"{peaks[0]:,.0f} MB"
        )
    yield from _by_way_of_arrow(folder, size)


def _not_there(what: tuple[str, str], why: str) -> Iterator[Figure]:
    yield Figure(what=what[0], value=None, unit="MB", goal=450.0, detail=why, there=False)
    yield Figure(what=what[1], value=None, unit="x", goal=1.2, detail="as above", there=False)


def _by_way_of_arrow(folder: Path, size: Size) -> Iterator[Figure]:
    with _orders(folder / "arrow", size.rows) as made:
        need(made is not None, NOT_INSTALLED)
        if made is None:
            return
        at, _ = made
        with worker(folder, env=at.env) as fresh:
            cost = fresh.do(_VIA_ARROW)
        need(cost.value == size.rows, f"{cost.value} rows were published")
    yield Figure(
        what=f"PostgreSQL to a published table, {size.of_rows} rows, through Arrow, peak",
        value=cost.peak_mb,
        unit="MB",
        detail=f"{cost.wall_s:.3g} s, {cost.cpu_s:.3g} CPU s",
    )


def _need_rows(at: Platform, rows: int) -> None:
    versions = at.etl.store.load_publication_versions("bench.orders", draft=True)
    need(versions[0].what.rows == rows, f"{versions[0].what.rows} rows were published")


# Measures each fsync of the process in `synced`: seconds.
_TIMED_FSYNC = """
import os, time
synced, fsync = [], os.fsync
def timed_fsync(descriptor):
    start = time.perf_counter()
    fsync(descriptor)
    synced.append(time.perf_counter() - start)
os.fsync = timed_fsync
"""


def publish(folder: Path, size: Size) -> Iterator[Figure]:
    """A frame published to a table, compared with a bare file, and the cost of its syncs."""
    made = _FRAME.format(rows=size.rows)
    with (
        platform(folder) as at,
        worker(folder, env=at.env) as live,
        worker(folder, python=DATA.python, env=environment()) as peer,
    ):
        live.do(made + "import jupyter_etl as etl" + _TIMED_FSYNC)
        peer.do(made)

        def ours() -> Cost:
            code = 'synced.clear(); value = etl.publish("bench.frame", frame).version.what.rows'
            cost = live.do(code)
            need(cost.value == size.rows, f"{cost.value} rows were published")
            return cost

        def theirs() -> Cost:
            return peer.do('frame.to_parquet("peer.parquet")')

        ours()
        theirs()
        found = in_turn(ours, theirs, size.data_pairs)
        back = peer.do('value = len(pd.read_parquet("peer.parquet"))').value
        need(back == size.rows, f"pandas wrote {back} rows")
        seconds, calls = live.do("value = [sum(synced), len(synced)]").value
        need(calls > 0, "nothing was synced")
    yield against(f"publish {size.of_rows} rows, to to_parquet", found, "to_parquet", 2.0)
    yield Figure(
        what=f"publish {size.of_rows} rows, of which syncing files to disk",
        value=seconds * 1000,
        unit="ms",
        detail=f"{calls} files and folders, of {found.ours.wall_s:.3g} s",
    )


def checks(folder: Path, size: Size) -> Iterator[Figure]:
    """Five rules over a frame."""
    code = f"""
results = etl.check("frame", {RULES!r})
value = [(str(one.status), one.total_rows) for one in results]
"""
    with platform(folder) as at, worker(folder, env=at.env) as live:
        live.do(_FRAME.format(rows=size.rows) + "import jupyter_etl as etl")
        costs = [live.do(code) for _ in range(size.data_pairs + 1)][1:]
    for cost in costs:
        need(cost.value == [["pass", size.rows]] * 5, f"the checks said {cost.value}")
    found = sorted(costs, key=lambda cost: cost.wall_s)[len(costs) // 2]
    yield Figure(
        what=f"five checks on {size.of_rows} rows",
        value=found.wall_s,
        unit="s",
        goal=1.0,
        detail=f"{found.cpu_s:.3g} CPU s",
    )


def tpch(folder: Path, size: Size) -> Iterator[Figure]:
    """The two large tables of TPC-H, as folders of files: loaded, checked and published."""
    rows = _generate(folder / "tpch", size.tpch)
    for steps in (_TPCH_STREAMS, _TPCH_STEPS):
        home = folder / ("frames" if steps is _TPCH_STEPS else "streams")
        home.mkdir()
        with platform(home) as at, worker(folder, env=at.env) as live:
            live.do(_TPCH_SOURCE)
            for what, code in steps.items():
                cost = live.do(code)
                need(cost.value in {None, rows}, f"{cost.value} rows were loaded")
                yield Figure(
                    what=f"TPC-H sf {size.tpch:g}, {rows:,} rows of lineitem {what}",
                    value=cost.wall_s,
                    unit="s",
                    detail=f"{cost.cpu_s:.3g} CPU s, peak so far {cost.peak_mb:,.0f} MB",
                )
            _need_rows(at, rows)


def _generate(folder: Path, scale: float) -> int:
    """Write the tables and return the rows of lineitem, according to the files' metadata."""
    import pyarrow.parquet as pq

    command = [str(DATA.command / "tpchgen-cli"), "parquet", "--quiet", "-s", f"{scale:g}"]
    command += ["--tables=orders,lineitem", f"--parts={_TPCH_FILES}", "-o", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    need(not done.returncode, f"tpchgen-cli ended with {done.returncode}: {done.stderr[-2000:]}")
    orders, lineitem = (
        sum(pq.read_metadata(file).num_rows for file in (folder / name).glob("*.parquet"))
        for name in ("orders", "lineitem")
    )
    need(orders == round(_TPCH_ORDERS * scale), f"{orders} orders were generated")
    return lineitem


MEASURES = {
    "postgres_read": postgres_read,
    "postgres_publish": postgres_publish,
    "publish": publish,
    "checks": checks,
    "tpch": tpch,
}
