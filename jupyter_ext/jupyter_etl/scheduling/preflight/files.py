"""Files that a notebook's code reads and that do not exist."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections.abc import Iterator

from jupyter_etl.scheduling.preflight.findings import Scan
from jupyter_etl.scheduling.preflight.library_calls import (
    OPENS,
    READS,
    SQL_FILE,
    SQL_WRITES,
    first,
    opens_to_write,
)
from jupyter_etl.scheduling.preflight.literals import Literals
from jupyter_etl.scheduling.preflight.reachability import Reachability
from jupyter_etl.scheduling.preflight.undeclared import UndeclaredScan

_MANY = re.compile(r"(?:polars|duckdb|dask\.dataframe|cudf)\..*")
"""Readers that accept glob patterns."""

_OF_PATH = frozenset({"read_text", "read_bytes", "open", "stat", "iterdir"})
_WRITES = re.compile(
    r"(?:to|write|sink)_(?:csv|parquet|excel|json|feather|pickle|orc|stata|hdf|xml|html|markdown|latex"
    r"|ipc|delta|file|netcdf|zarr|avro|ndjson|table|text|bytes|image|disk)"
    r"|save\w*|dump|tofile|copyfile|copy2|copytree|move|mkdir|makedirs|touch|symlink\w*|hardlink\w*"
    r"|connect|create_engine|urlretrieve|export\w*|NamedTemporaryFile|ExcelWriter|ParquetWriter"
)
_WRITES_PATH = frozenset({"write_text", "write_bytes", "touch", "mkdir", "open"})
"""Methods of a path that write to it."""

_WRITES_OPEN_FILE = frozenset({"json.dump", "pickle.dump", "yaml.dump", "marshal.dump"})
_UNPACKS = re.compile(r"extractall|unpack\w*|\w*download\w*")
_STARTS_PROCESS = re.compile(r"subprocess\.\w+|os\.(?:system|popen|spawn\w*|exec\w*)")
_MOVES = frozenset({"os.chdir", "os.fchdir", "contextlib.chdir"})
_KNOWN_ROOTS = sys.stdlib_module_names | frozenset(
    [
        "pandas", "polars", "duckdb", "numpy", "scipy", "sklearn", "pyarrow", "matplotlib",
        "seaborn", "plotly", "jupyter_etl", "etl", "IPython", "geopandas", "xarray", "dask",
        "tqdm", "sqlalchemy",
    ]
)  # fmt: skip
_SHELL = re.compile(r"(?m)^\s*(?:\w+\s*=\s*)?(?:!|%(?:sx|system)\b)\s*(.*)")
_QUIET_SHELL = frozenset(
    [
        "pip", "pip3", "ls", "echo", "cat", "head", "tail", "pwd", "date", "which", "wc", "du",
        "df", "uname", "nvidia-smi", "whoami", "env",
    ]
)  # fmt: skip
_OTHER_SHELL = re.compile(
    r"(?m)^\s*(?:%%(?:bash|sh|script|perl|ruby|cmd|system|sx|!)|%run\b|%load\b)"
)
_WRITE_CELL = re.compile(r"\s*%%(?:writefile|file)\s+(?:-a\s+)?(\S+)")
_CD = re.compile(r"(?m)^\s*%cd\b")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:/|s3:|fsspec")

_Binds = ast.Assign | ast.AnnAssign | ast.With | ast.AsyncWith


class FileScan:
    """Follows the file writes and reads of a notebook's cells, in order."""

    def __init__(
        self,
        scan: Scan,
        reachability: Reachability,
        literals: Literals,
        undeclared: UndeclaredScan,
    ) -> None:
        self._scan = scan
        self._undeclared = undeclared
        self._reachability = reachability
        self._literals = literals
        self._written: set[str] = set()
        self._written_anyhow = False
        self._moved = False
        self._postponed: list[tuple[int, str, bool, bool]] = []

    def read_text(self, source: str) -> None:
        """Record what the magics and shell commands of a cell may write."""
        if found := _WRITE_CELL.match(source):
            self._written.add(_plain(found[1]))
        commands = [found[1] for found in _SHELL.finditer(source)]
        loud = [one for one in commands if one.split(None, 1)[:1] and not _is_quiet(one)]
        if loud or _OTHER_SHELL.search(source):
            self._written_anyhow = True
        self._moved = self._moved or _CD.search(source) is not None

    def read(self, cell: int, tree: ast.Module) -> None:
        """Analyse the code of a cell."""
        in_functions = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for inner in ast.walk(node)
        }
        for node in _in_order(tree):
            postponed = id(node) in in_functions
            self._undeclared.bind(node)
            if isinstance(node, ast.Assign | ast.AnnAssign):
                if not postponed:
                    self._literals.assign(node, certain=self._reachability.has(node))
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._literals.read_import(node)
            elif isinstance(node, ast.Call):
                self._undeclared.read(cell, node)
                self._call(cell, node, postponed=postponed)
            elif isinstance(node, ast.Name) and not postponed:
                self._literals.forget(node.id)

    def finish(self) -> None:
        """Check the files that functions read; these may be called after any cell."""
        for cell, path, certain, pattern in self._postponed:
            self._judge(cell, path, certain=certain, pattern=pattern)

    def may_write(self, path: str) -> bool:
        """Return whether the code so far may have written a path, relative to the notebook."""
        return self._written_anyhow or self._has_written(path)

    def _has_written(self, path: str) -> bool:
        path = _plain(path)
        name = posixpath.basename(path)
        return any(
            path.startswith(f"{one}/") or posixpath.basename(one) == name for one in self._written
        )

    def _call(self, cell: int, node: ast.Call, *, postponed: bool) -> None:
        name = self._literals.full_name(node.func)
        last = node.func.attr if isinstance(node.func, ast.Attribute) else name.rpartition(".")[2]
        paths = list(self._paths_read(cell, node, name, last))
        self._note_writes(node, name, last, reads=bool(paths))
        if name in _MOVES:
            self._moved = True
        for path, pattern in paths:
            certain = self._reachability.has(node)
            if postponed:
                self._postponed.append((cell, path, certain, pattern))
            else:
                self._judge(cell, path, certain=certain, pattern=pattern)

    def _paths_read(
        self, cell: int, node: ast.Call, name: str, last: str
    ) -> Iterator[tuple[str, bool]]:
        given = first(node)
        texts = self._literals.text(given)
        if last in ("sql", "query", "execute") and texts is not None:
            yield from ((path, True) for path in SQL_FILE.findall(texts))
            return
        reads = READS.fullmatch(name) or (OPENS.fullmatch(name) and not opens_to_write(node))
        if reads and given is not None:
            if texts is not None:
                yield texts, _MANY.fullmatch(name) is not None
            elif not isinstance(given, ast.List | ast.Constant) and _may_be_path(given):
                self._scan.unsure(cell, f"the path that {ast.unparse(node.func)} reads is computed")
        elif isinstance(node.func, ast.Attribute) and last in _OF_PATH:
            owner = node.func.value
            is_path = isinstance(owner, ast.Call | ast.Name | ast.BinOp)
            path = self._literals.text(owner) if is_path else None
            if path is not None and not (last == "open" and opens_to_write(node, place=0)):
                yield path, False

    def _note_writes(self, node: ast.Call, name: str, last: str, *, reads: bool) -> None:
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        opens = OPENS.fullmatch(name) is not None and opens_to_write(node)
        if isinstance(node.func, ast.Attribute) and self._writes_path(node, last):
            opens, given = True, [node.func.value]
        texts = [text for one in given if (text := self._literals.text(one))]
        if opens:
            given = given[:1]
        if opens or (_WRITES.fullmatch(last) and name not in _WRITES_OPEN_FILE):
            paths = [path for one in given if (path := self._literals.text(one))]
            self._written.update(map(_plain, paths))
            if not any(opens or re.search(r"[./]", path) for path in paths):
                self._written_anyhow = self._written_anyhow or any(map(_may_be_path, given))
        if last in ("sql", "query", "execute"):
            self._written.update(_plain(path) for one in texts for path in SQL_WRITES.findall(one))
        foreign = name.partition(".")[0] not in _KNOWN_ROOTS and not reads
        if (
            (foreign and self._literals.is_imported(node.func))
            or _STARTS_PROCESS.fullmatch(name)
            or _UNPACKS.fullmatch(last)
        ):
            self._written_anyhow = True

    def _writes_path(self, node: ast.Call, last: str) -> bool:
        """Return whether a call is a method that writes to a path."""
        if last not in _WRITES_PATH or self._literals.is_imported(node.func):
            return False
        return last != "open" or opens_to_write(node, place=0)

    def _judge(self, cell: int, path: str, *, certain: bool, pattern: bool) -> None:
        environment = self._scan.environment
        if environment is None or not _is_local(path):
            return
        pattern = pattern and re.search(r"[*?\[]", path) is not None
        if self._moved and not posixpath.isabs(path):
            self._scan.unsure(cell, f"the working directory is changed before '{path}' is read")
            return
        if environment.has_file(path, pattern=pattern) or self._has_written(path):
            return
        clause = f"reads '{path}', which {'no file matches' if pattern else 'does not exist'}"
        self._scan.add(
            "file",
            cell,
            f"{clause}.{environment.near_file(path)}",
            "Paths are relative to the notebook's folder. Put the file there, or correct the path.",
            certain=certain and not self._written_anyhow,
        )


def _in_order(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield calls, imports, binding nodes and other bound names, in evaluation order."""
    assigned = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for inner in ast.walk(node)
    }
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call | ast.Import | ast.ImportFrom | _Binds)
        or (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and id(node) not in assigned
        )
    ]
    return iter(sorted(found, key=_end))


def _end(node: ast.AST) -> tuple[int, int, bool]:
    last = node.items[-1].optional_vars if isinstance(node, ast.With | ast.AsyncWith) else None
    lines = getattr(last or node, "end_lineno", 0)
    columns = getattr(last or node, "end_col_offset", 0)
    return lines, columns, isinstance(node, _Binds)


def _may_be_path(node: ast.expr) -> bool:
    """Return whether an expression with an unknown value may be a path rather than a buffer."""
    match node:
        case ast.Constant() | ast.Lambda() | ast.Dict() | ast.Compare():
            return False
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return not re.search(r"IO$|open|content|read|urlopen|getvalue|get$", name)
    return True


def _is_quiet(command: str) -> bool:
    return command.split(None, 1)[0] in _QUIET_SHELL and ">" not in command


def _is_local(path: str) -> bool:
    if not path.strip() or "\n" in path or len(path) > 1000 or "\0" in path:
        return False
    return not (_URL.match(path) or path[0] in "{[<" or path.startswith(("/dev/", "/proc/")))


def _plain(path: str) -> str:
    return posixpath.normpath(path)
