"""Calls of common libraries that read or write files, URLs and databases."""

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
PATH_KEYWORDS = frozenset(
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

LISTS = re.compile(r"os\..*|shutil\..*|runpy\..*")
"""Members of `READS` that read no content, or also write."""

COPIES = re.compile(r"shutil\.(?:copy|copyfile|copy2|copytree|move)|os\.(?:rename|replace|link)")
ALSO_READS = re.compile(r"pandas\.read_html|smart_open\.open|fsspec\.open")
WRITES_FRAME = re.compile(
    r"(?:to|write|sink)_(?:csv|parquet|excel|json|feather|pickle|orc|stata|hdf|xml|html|markdown"
    r"|latex|ipc|delta|file|netcdf|zarr|avro|ndjson|image)|savefig|tofile"
)
"""Methods whose first argument is the path that they write to."""

WRITES_FIRST = re.compile(
    r"numpy\.save\w*|pandas\.ExcelWriter|pyarrow\.parquet\.ParquetWriter|deltalake\.write_deltalake"
    r"|shutil\.make_archive"
)
WRITES_SECOND = re.compile(
    r"joblib\.dump|torch\.save|scipy\.io\.savemat|urllib\.request\.urlretrieve"
    r"|pyarrow\.(?:parquet\.write_table|feather\.write_feather|csv\.write_csv|dataset\.write_dataset)"
)
PATH_CLASSES = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "os.path.join"})

CLIENTS = re.compile(
    r"requests\.(?:Session|session)|httpx\.(?:Async)?Client|aiohttp\.ClientSession|urllib3\.PoolManager"
)
HTTP = re.compile(r"(?:requests|httpx|aiohttp|urllib3)\.(\w+)")
URLOPEN = re.compile(r"urllib\.request\.(?:urlopen|urlretrieve|Request)")
METHODS = frozenset({"get", "head", "options", "post", "put", "patch", "delete"})
SENDS = frozenset({"post", "put", "patch", "delete"})

CONNECTS = re.compile(
    r"sqlalchemy\.(?:ext\.asyncio\.)?create_(?:async_)?engine|(?:aio)?sqlite3?\.connect|duckdb\.connect"
    r"|psycopg2?\.connect|psycopg\.(?:Async)?Connection\.connect|asyncpg\.(?:connect|create_pool)"
    r"|pymysql\.connect|MySQLdb\.connect|mysql\.connector\.connect|pymssql\.connect|pyodbc\.connect"
    r"|(?:oracledb|cx_Oracle)\.connect|snowflake\.connector\.connect|trino\.dbapi\.connect"
    r"|clickhouse_(?:connect\.get_client|driver\.Client)|pymongo\.MongoClient|redis\.(?:Redis|from_url)"
)
FILE_DATABASES = {"sqlite3": "sqlite", "aiosqlite": "sqlite", "duckdb": "duckdb"}
SCHEMES = {
    "psycopg": "postgresql", "psycopg2": "postgresql", "asyncpg": "postgresql",
    "pymysql": "mysql", "MySQLdb": "mysql", "mysql": "mysql", "pymssql": "mssql", "pymongo": "mongodb",
}  # fmt: skip
QUERIES_URL = re.compile(
    r"(?:pandas\.read_sql\w*|polars\.read_database_uri|connectorx\.read_sql|pandas\.io\.sql\.read_sql)"
)
MEMORY = re.compile(r"|:memory:|:default:|(?:sqlite|duckdb)(?:\+\w+)?://(?:/:memory:)?")
SQL_CALLS = frozenset(
    {"execute", "executemany", "executescript", "exec_driver_sql", "sql", "query"}
)
SQL_CHANGES = re.compile(
    r"(?is)\s*(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?|replace\s+into"
    r"|create\s+(?:or\s+replace\s+)?(?:table|view)(?:\s+if\s+not\s+exists)?)\s+([\w.\"`]+)"
)
SQL_ATTACH = re.compile(r"(?i)\battach\s+(?:database\s+)?'([^'\n]+)'")

STORES = re.compile(r"(?:boto3|s3fs|gcsfs|adlfs|fsspec|google\.cloud\.storage)\b.*")
OBJECT_READS = frozenset(
    {"get_object", "download_file", "download_fileobj", "get", "cat", "cat_file"}
)
OBJECT_WRITES = frozenset(
    {"put_object", "upload_file", "upload_fileobj", "copy_object", "delete_object", "put", "pipe"}
)
SHELL_URL = re.compile(r"(?m)^\s*!\s*(?:curl|wget)\b[^\n]*?((?:https?|ftp)://[^\s'\"|;&>]+)")
URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")


def first(node: ast.Call) -> ast.expr | None:
    """Return the first argument, which usually is the path; None if there is none."""
    if node.args:
        return None if isinstance(node.args[0], ast.Starred) else node.args[0]
    return next((one.value for one in node.keywords if one.arg in PATH_KEYWORDS), None)


def opens_to_write(node: ast.Call, *, place: int = 1) -> bool:
    """Return whether a call may open a file for writing; ``place`` is the position of the mode."""
    given = node.args[place] if len(node.args) > place else None
    mode = keyword(node, "mode") or given or ast.Constant(value="r")
    if not isinstance(mode, ast.Constant) or not isinstance(mode.value, str):
        return True
    return any(sign in mode.value for sign in "wax+")


def argument(node: ast.Call, place: int) -> ast.expr | None:
    """Return the positional argument at a place; None where there is none."""
    given = node.args[place] if len(node.args) > place else None
    return None if isinstance(given, ast.Starred) else given


def keyword(node: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a keyword argument; None where there is none."""
    return next((one.value for one in node.keywords if one.arg == name), None)


def any_keyword(node: ast.Call) -> ast.expr | None:
    """Return the keyword argument that names the path to write; None where there is none."""
    names = ("path_or_buf", "path", "excel_writer", "file", "buf", "fname", "where")
    return next((given for name in names if (given := keyword(node, name))), None)
