"""Direct reads and writes of a call: files, URLs, databases and their tables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_etl.scheduling.preflight.file_calls import OPENS, READS, SQL_FILE, SQL_WRITES, first
from jupyter_etl.scheduling.preflight.literals import Literals

_LISTS = re.compile(r"os\..*|shutil\..*|runpy\..*")
"""Members of `READS` that read no content, or also write."""

_COPIES = re.compile(r"shutil\.(?:copy|copyfile|copy2|copytree|move)|os\.(?:rename|replace|link)")
_ALSO_READS = re.compile(r"pandas\.read_html|smart_open\.open|fsspec\.open")
_WRITES_FRAME = re.compile(
    r"(?:to|write|sink)_(?:csv|parquet|excel|json|feather|pickle|orc|stata|hdf|xml|html|markdown"
    r"|latex|ipc|delta|file|netcdf|zarr|avro|ndjson|image)|savefig|tofile"
)
"""Methods whose first argument is the path that they write to."""

_WRITES_FIRST = re.compile(
    r"numpy\.save\w*|pandas\.ExcelWriter|pyarrow\.parquet\.ParquetWriter|deltalake\.write_deltalake"
    r"|shutil\.make_archive"
)
_WRITES_SECOND = re.compile(
    r"joblib\.dump|torch\.save|scipy\.io\.savemat|urllib\.request\.urlretrieve"
    r"|pyarrow\.(?:parquet\.write_table|feather\.write_feather|csv\.write_csv|dataset\.write_dataset)"
)
_PATH_CLASSES = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "os.path.join"})

_CLIENTS = re.compile(
    r"requests\.(?:Session|session)|httpx\.(?:Async)?Client|aiohttp\.ClientSession|urllib3\.PoolManager"
)
_HTTP = re.compile(r"(?:requests|httpx|aiohttp|urllib3)\.(\w+)")
_URLOPEN = re.compile(r"urllib\.request\.(?:urlopen|urlretrieve|Request)")
_METHODS = frozenset({"get", "head", "options", "post", "put", "patch", "delete"})
_SENDS = frozenset({"post", "put", "patch", "delete"})

_CONNECTS = re.compile(
    r"sqlalchemy\.(?:ext\.asyncio\.)?create_(?:async_)?engine|(?:aio)?sqlite3?\.connect|duckdb\.connect"
    r"|psycopg2?\.connect|psycopg\.(?:Async)?Connection\.connect|asyncpg\.(?:connect|create_pool)"
    r"|pymysql\.connect|MySQLdb\.connect|mysql\.connector\.connect|pymssql\.connect|pyodbc\.connect"
    r"|(?:oracledb|cx_Oracle)\.connect|snowflake\.connector\.connect|trino\.dbapi\.connect"
    r"|clickhouse_(?:connect\.get_client|driver\.Client)|pymongo\.MongoClient|redis\.(?:Redis|from_url)"
)
_FILE_DATABASES = {"sqlite3": "sqlite", "aiosqlite": "sqlite", "duckdb": "duckdb"}
_SCHEMES = {
    "psycopg": "postgresql", "psycopg2": "postgresql", "asyncpg": "postgresql",
    "pymysql": "mysql", "MySQLdb": "mysql", "mysql": "mysql", "pymssql": "mssql", "pymongo": "mongodb",
}  # fmt: skip
_QUERIES_URL = re.compile(
    r"(?:pandas\.read_sql\w*|polars\.read_database_uri|connectorx\.read_sql|pandas\.io\.sql\.read_sql)"
)
_MEMORY = re.compile(r"|:memory:|:default:|(?:sqlite|duckdb)(?:\+\w+)?://(?:/:memory:)?")
_SQL_CALLS = frozenset(
    {"execute", "executemany", "executescript", "exec_driver_sql", "sql", "query"}
)
_SQL_CHANGES = re.compile(
    r"(?is)\s*(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?|replace\s+into"
    r"|create\s+(?:or\s+replace\s+)?(?:table|view)(?:\s+if\s+not\s+exists)?)\s+([\w.\"`]+)"
)
_SQL_ATTACH = re.compile(r"(?i)\battach\s+(?:database\s+)?'([^'\n]+)'")

_STORES = re.compile(r"(?:boto3|s3fs|gcsfs|adlfs|fsspec|google\.cloud\.storage)\b.*")
_OBJECT_READS = frozenset(
    {"get_object", "download_file", "download_fileobj", "get", "cat", "cat_file"}
)
_OBJECT_WRITES = frozenset(
    {"put_object", "upload_file", "upload_fileobj", "copy_object", "delete_object", "put", "pipe"}
)
_SHELL_URL = re.compile(r"(?m)^\s*!\s*(?:curl|wget)\b[^\n]*?((?:https?|ftp)://[^\s'\"|;&>]+)")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")


@dataclass(frozen=True, kw_only=True)
class Access:
    """A read or write that bypasses the platform.

    Args:
        cell: Index of the cell.
        verb: ``reads``, ``writes`` or ``sends``.
        what: ``file``, ``url``, ``database`` or ``table``.
        target: Path, URL or name; ``{x}`` replaces parts that cannot be determined statically.
        frame: Name of the variable that is written; "" if there is none.
        method: HTTP method of a request.
    """

    cell: int
    verb: str
    what: str
    target: str
    frame: str = ""
    method: str = ""


def shell_accesses(cell: int, source: str) -> Iterator[Access]:
    """Yield the URLs that the shell commands of a cell read."""
    for url in _SHELL_URL.findall(source):
        yield Access(cell=cell, verb="reads", what="url", target=url)


class AccessReader:
    """Finds the reads and writes of calls, in evaluation order.

    Args:
        literals: The values of names at the current position.
    """

    def __init__(self, literals: Literals) -> None:
        self._literals = literals
        self._forms: dict[str, str] = {}
        self._made: dict[str, tuple[str, str]] = {}

    def bind(self, node: ast.AST) -> None:
        """Record the value that an assignment or ``with`` binds; a bare name has no known one."""
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._bind(name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._bind(name, value)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    if isinstance(item.optional_vars, ast.Name):
                        self._bind(item.optional_vars.id, item.context_expr)
            case ast.Name(id=name):
                self._forms.pop(name, None)
                self._made.pop(name, None)

    def read(self, cell: int, node: ast.Call) -> Iterator[Access]:
        """Yield the reads and writes of a call."""
        name = self._literals.full_name(node.func)
        last = node.func.attr if isinstance(node.func, ast.Attribute) else name.rpartition(".")[2]
        for verb, what, given in self._targets(node, name, last):
            if given is None or not given.strip() or "\n" in given or len(given) > 1000:
                continue
            is_url = what == "file" and _URL.match(given)
            yield Access(
                cell=cell,
                verb="sends" if verb in _SENDS else verb,
                what="url" if is_url else what,
                target=given,
                frame=_frame(node, last),
                method=verb.upper() if verb in _SENDS else "",
            )

    def _bind(self, name: str, value: ast.expr) -> None:
        self._forms.pop(name, None)
        self._made.pop(name, None)
        if (form := self._form(value)) is not None:
            self._forms[name] = form
        if isinstance(value, ast.Await):
            value = value.value
        if isinstance(value, ast.Call) and (made := self._maker(value)):
            self._made[name] = made

    def _maker(self, call: ast.Call) -> tuple[str, str] | None:
        """Return the function that created a client or connection, and its target."""
        name = self._literals.full_name(call.func)
        if _CONNECTS.fullmatch(name):
            return name, self._database(call, name) or ""
        if _CLIENTS.fullmatch(name):
            return name, self._form(_keyword(call, "base_url")) or ""
        if _STORES.fullmatch(name):
            return name, ""
        # A cursor, transaction or connection belongs to the object that created it.
        return self._owner(call)

    def _owner(self, call: ast.Call) -> tuple[str, str] | None:
        function: ast.expr = call.func
        while isinstance(function, ast.Attribute | ast.Call):
            function = function.value if isinstance(function, ast.Attribute) else function.func
            if isinstance(function, ast.Call) and (
                _STORES.fullmatch(self._literals.full_name(function.func))
                or _CONNECTS.fullmatch(self._literals.full_name(function.func))
                or _CLIENTS.fullmatch(self._literals.full_name(function.func))
            ):
                return self._maker(function)
        return self._made.get(function.id) if isinstance(function, ast.Name) else None

    def _targets(
        self, node: ast.Call, name: str, last: str
    ) -> Iterator[tuple[str, str, str | None]]:
        form = self._form
        one, two = _argument(node, 0), _argument(node, 1)
        owner = self._owner(node) if isinstance(node.func, ast.Attribute) else None
        if _CONNECTS.fullmatch(name):
            yield "reads", "database", self._database(node, name)
        elif _QUERIES_URL.fullmatch(name):
            texts = [form(one), form(two), *(form(keyword.value) for keyword in node.keywords)]
            yield from (("reads", "database", t) for t in texts if t and _URL.match(t))
        elif owner is not None and _STORES.fullmatch(owner[0]):
            yield from self._objects(node, last, owner[0])
        elif last in _SQL_CALLS:
            yield from self._statement(self._literals.text(one), owner)
        elif last in ("to_sql", "write_database"):
            yield from self._table(node, one, two)
        elif owner is not None and _CLIENTS.fullmatch(owner[0]):
            yield from self._request(node, last, owner[1])
        elif (found := _HTTP.fullmatch(name)) and not _CLIENTS.fullmatch(name):
            yield from self._request(node, found[1], "")
        elif _URLOPEN.fullmatch(name):
            sends = _keyword(node, "data") is not None or (name.endswith("t") and two is not None)
            sends = sends and not name.endswith("retrieve")
            yield "post" if sends else "reads", "file", form(first(node) or _keyword(node, "url"))
            if name.endswith("urlretrieve"):
                yield "writes", "file", form(two or _keyword(node, "filename"))
        else:
            yield from self._files(node, name, last)

    def _files(self, node: ast.Call, name: str, last: str) -> Iterator[tuple[str, str, str | None]]:
        form, two = self._form, _argument(node, 1)
        path = form(first(node))
        if OPENS.fullmatch(name) or name in ("fsspec.open", "smart_open.open"):
            yield from ((verb, "file", path) for verb in _opened(node, 1))
        elif _COPIES.fullmatch(name):
            yield "reads", "file", path
            yield "writes", "file", form(two or _keyword(node, "dst"))
        elif _WRITES_SECOND.fullmatch(name):
            yield "writes", "file", form(two)
        elif _WRITES_FIRST.fullmatch(name):
            yield "writes", "file", path
        elif (READS.fullmatch(name) or _ALSO_READS.fullmatch(name)) and not _LISTS.fullmatch(name):
            given = first(node)
            many = given.elts if isinstance(given, ast.List) else [given]
            yield from (("reads", "file", form(each)) for each in many)
        elif isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if _WRITES_FRAME.fullmatch(last):
                given = node.args[0] if node.args else _any_keyword(node)
                yield "writes", "file", form(given)
            elif last == "save" and re.search(r"\.\w{2,5}$", path or ""):
                yield "writes", "file", path
            elif last in ("read_text", "read_bytes"):
                yield "reads", "file", form(owner)
            elif last in ("write_text", "write_bytes"):
                yield "writes", "file", form(owner)
            elif last == "open" and not self._literals.is_imported(node.func):
                yield from ((verb, "file", form(owner)) for verb in _opened(node, 0))

    def _request(
        self, node: ast.Call, method: str, base: str
    ) -> Iterator[tuple[str, str, str | None]]:
        url = first(node) or _keyword(node, "url")
        if method in ("request", "stream"):
            method = (self._literals.text(first(node)) or "get").lower()
            url = _argument(node, 1) or _keyword(node, "url")
        text = self._form(url)
        if base and text is not None and not _URL.match(text):
            text = f"{base.rstrip('/')}/{text.lstrip('/')}"
        if method in _METHODS and text is not None and re.match(r"https?://", text):
            yield method if method in _SENDS else "reads", "url", text

    def _statement(
        self, text: str | None, owner: tuple[str, str] | None
    ) -> Iterator[tuple[str, str, str | None]]:
        if text is None:
            return
        yield from (("reads", "file", path) for path in SQL_FILE.findall(text))
        yield from (("writes", "file", path) for path in SQL_WRITES.findall(text))
        yield from (("reads", "database", path) for path in _SQL_ATTACH.findall(text))
        changed = _SQL_CHANGES.match(text)
        if changed and owner is not None and _CONNECTS.fullmatch(owner[0]) and owner[1]:
            yield "writes", "table", changed[1].strip('"`')

    def _table(
        self, node: ast.Call, name: ast.expr | None, connection: ast.expr | None
    ) -> Iterator[tuple[str, str, str | None]]:
        named = next((_keyword(node, key) for key in ("con", "connection", "uri")), None)
        given = connection or named or _keyword(node, "connection")
        url = self._form(given)
        if isinstance(given, ast.Name):
            made = self._made.get(given.id)
            url = made[1] if made is not None and made[1] == "" else url
        if url is not None and _MEMORY.fullmatch(url):
            return
        if url is not None and _URL.match(url):
            yield "reads", "database", url
        yield (
            "writes",
            "table",
            self._form(name or _keyword(node, "name") or _keyword(node, "table_name")),
        )

    def _database(self, call: ast.Call, name: str) -> str | None:
        """Return the URL of the database that a call opens; None if it is in memory or unknown."""
        module = name.partition(".")[0]
        given = first(call) or _keyword(call, "database") or _keyword(call, "url")
        text = self._form(given)
        if module in _FILE_DATABASES:
            if text is None or _MEMORY.fullmatch(text.removeprefix("file:").partition("?")[0]):
                return None
            return text if _URL.match(text) else f"{_FILE_DATABASES[module]}:///{text}"
        if text is not None and _URL.match(text):
            return None if _MEMORY.fullmatch(text.partition("?")[0]) else text
        scheme = _SCHEMES.get(module, module.lower())
        pairs = dict(re.findall(r"(\w+)=(\S+)", text or ""))
        host = next(
            (
                t
                for key in ("host", "server", "account", "dsn")
                if (t := self._form(_keyword(call, key)))
            ),
            None,
        )
        base = next(
            (
                t
                for key in ("dbname", "database", "db", "service_name")
                if (t := self._form(_keyword(call, key)))
            ),
            None,
        )
        host, base = host or pairs.get("host"), base or pairs.get("dbname")
        return f"{scheme}://{host or 'localhost'}/{base or ''}" if host or base else None

    def _objects(
        self, node: ast.Call, last: str, maker: str
    ) -> Iterator[tuple[str, str, str | None]]:
        verb = "reads" if last in _OBJECT_READS else "writes" if last in _OBJECT_WRITES else ""
        if not maker.startswith("boto3"):
            scheme = {"gcsfs": "gs", "adlfs": "abfs"}.get(maker.partition(".")[0], "s3")
            place = 1 if last == "put" else 0
            text = self._form(_argument(node, place))
            verbs = list(_opened(node, 1)) if last == "open" else [verb] if verb else []
            for each in verbs:
                if text is not None:
                    yield each, "url", text if _URL.match(text) else f"{scheme}://{text}"
            return
        if not verb:
            return
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        order = {"upload_file": (1, 2), "upload_fileobj": (1, 2)}.get(last, (0, 1))
        bucket = self._form(_keyword(node, "Bucket") or _argument(node, order[0]))
        key = self._form(_keyword(node, "Key") or _argument(node, order[1]))
        match inner:
            case ast.Call(func=ast.Attribute(attr="Object")):
                bucket, key = self._form(_argument(inner, 0)), self._form(_argument(inner, 1))
            case ast.Call(func=ast.Attribute(attr="Bucket")):
                bucket = self._form(_argument(inner, 0))
        if bucket is not None:
            yield verb, "url", f"s3://{bucket}/{key or ''}"

    def _form(self, node: ast.expr | None) -> str | None:
        """Return a text with ``{x}`` for unknown parts; None if all of it is unknown."""
        text = self._literals.text(node)
        if text is not None:
            return text
        match node:
            case ast.Name(id=name):
                return self._forms.get(name)
            case ast.JoinedStr(values=values):
                form = "".join(self._part(value) for value in values)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                form = self._part(left) + self._part(right)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                form = f"{self._part(left).rstrip('/')}/{self._part(right)}"
            case ast.Call() if self._literals.full_name(node.func) in _PATH_CLASSES:
                form = "/".join(map(self._part, node.args))
            case ast.Call(func=ast.Attribute(value=owner, attr="format")):
                form = re.sub(r"\{(\w*)[^{}]*\}", r"{\1}", self._form(owner) or "")
            case _:
                return None
        return form if re.search(r"\w", re.sub(r"\{[^{}]*\}", "", form)) else None

    def _part(self, node: ast.expr) -> str:
        if isinstance(node, ast.FormattedValue):
            node = node.value
        if (form := self._form(node)) is not None:
            return form
        return f"{{{node.id}}}" if isinstance(node, ast.Name) else "{…}"


def _argument(node: ast.Call, place: int) -> ast.expr | None:
    given = node.args[place] if len(node.args) > place else None
    return None if isinstance(given, ast.Starred) else given


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in node.keywords if one.arg == name), None)


def _any_keyword(node: ast.Call) -> ast.expr | None:
    names = ("path_or_buf", "path", "excel_writer", "file", "buf", "fname", "where")
    return next((given for name in names if (given := _keyword(node, name))), None)


def _opened(node: ast.Call, place: int) -> Iterator[str]:
    """Yield the access of an ``open`` call; nothing if its mode is unknown."""
    mode = _keyword(node, "mode") or _argument(node, place) or ast.Constant(value="r")
    if isinstance(mode, ast.Constant) and isinstance(mode.value, str):
        yield "writes" if any(sign in mode.value for sign in "wax+") else "reads"


def _frame(node: ast.Call, last: str) -> str:
    """Return the variable that ``orders.to_csv(...)`` writes."""
    if re.match(r"(?:to|write|sink)_(?!html|markdown|latex|image)", last) is None:
        return ""
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    return owner.id if isinstance(owner, ast.Name) else ""
