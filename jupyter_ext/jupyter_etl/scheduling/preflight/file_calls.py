"""Calls of common libraries that read or write files."""

from __future__ import annotations

import ast
import re

READS = re.compile(
    r"(?:pandas|polars|geopandas|duckdb|cudf|dask\.dataframe|modin\.pandas)\.(?:read|scan)_(?:csv|csv_auto"
    r"|parquet|json|ndjson|excel|feather|ipc|pickle|orc|stata|sas|spss|fwf|table|hdf|xml|avro|ods|file)"
    r"|pandas\.ExcelFile|pyarrow\.parquet\.(?:read_table|ParquetFile|read_schema|read_metadata)"
    r"|pyarrow\.(?:csv\.read_csv|json\.read_json|feather\.read_(?:table|feather)|dataset\.dataset)"
    r"|numpy\.(?:load|loadtxt|genfromtxt|fromfile)|PIL\.Image\.open|matplotlib\.(?:pyplot|image)\.imread"
    r"|openpyxl\.load_workbook|joblib\.load|torch\.load|scipy\.io\.loadmat|runpy\.run_path"
    r"|xarray\.(?:open_dataset|load_dataset|open_dataarray)|os\.(?:listdir|scandir|stat|remove|unlink)"
    r"|os\.path\.getsize|shutil\.(?:copy|copyfile|copy2|move|copytree|unpack_archive)"
)
OPENS = re.compile(
    r"open|(?:io|codecs|gzip|bz2|lzma)\.open|zipfile\.ZipFile|tarfile\.open|h5py\.File"
)
NAMES = frozenset(
    [
        "filepath_or_buffer", "path", "path_or_buf", "io", "file", "source", "fname", "filename",
        "name", "fp", "filepath", "src",
    ]
)  # fmt: skip
SQL_FILE = re.compile(
    r"(?i)(?:\b(?:from|join)\s+|\b(?:read_csv|read_csv_auto|read_parquet|read_json|read_json_auto)\s*\(\s*)"
    r"'([^'\n]+\.(?:csv|tsv|parquet|json|jsonl|ndjson|csv\.gz))'"
)
SQL_WRITES = re.compile(r"(?i)\bto\s+'([^'\n]+)'")


def first(node: ast.Call) -> ast.expr | None:
    """Return the first argument, which usually is the path; None if there is none."""
    if node.args:
        return None if isinstance(node.args[0], ast.Starred) else node.args[0]
    return next((keyword.value for keyword in node.keywords if keyword.arg in NAMES), None)


def opens_to_write(node: ast.Call, *, place: int = 1) -> bool:
    """Return whether a call may open a file for writing; ``place`` is the position of the mode."""
    given = [keyword.value for keyword in node.keywords if keyword.arg == "mode"]
    given += node.args[place : place + 1]
    mode = given[0] if given else ast.Constant(value="r")
    if not isinstance(mode, ast.Constant) or not isinstance(mode.value, str):
        return True
    return any(sign in mode.value for sign in "wax+")
