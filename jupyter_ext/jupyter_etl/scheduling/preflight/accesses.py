"""Direct reads and writes of a call: files, URLs, databases and their tables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_etl.scheduling.preflight import library_calls as calls
from jupyter_etl.scheduling.preflight.literals import Literals


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
    for url in calls.SHELL_URL.findall(source):
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
            is_url = what == "file" and calls.URL.match(given)
            yield Access(
                cell=cell,
                verb="sends" if verb in calls.SENDS else verb,
                what="url" if is_url else what,
                target=given,
                frame=_frame(node, last),
                method=verb.upper() if verb in calls.SENDS else "",
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
        if calls.CONNECTS.fullmatch(name):
            return name, self._database(call, name) or ""
        if calls.CLIENTS.fullmatch(name):
            return name, self._form(calls.keyword(call, "base_url")) or ""
        if calls.STORES.fullmatch(name):
            return name, ""
        # A cursor, transaction or connection belongs to the object that created it.
        return self._owner(call)

    def _owner(self, call: ast.Call) -> tuple[str, str] | None:
        function: ast.expr = call.func
        while isinstance(function, ast.Attribute | ast.Call):
            function = function.value if isinstance(function, ast.Attribute) else function.func
            if isinstance(function, ast.Call) and (
                calls.STORES.fullmatch(self._literals.full_name(function.func))
                or calls.CONNECTS.fullmatch(self._literals.full_name(function.func))
                or calls.CLIENTS.fullmatch(self._literals.full_name(function.func))
            ):
                return self._maker(function)
        return self._made.get(function.id) if isinstance(function, ast.Name) else None

    def _targets(
        self, node: ast.Call, name: str, last: str
    ) -> Iterator[tuple[str, str, str | None]]:
        form = self._form
        one, two = calls.argument(node, 0), calls.argument(node, 1)
        owner = self._owner(node) if isinstance(node.func, ast.Attribute) else None
        if calls.CONNECTS.fullmatch(name):
            yield "reads", "database", self._database(node, name)
        elif calls.QUERIES_URL.fullmatch(name):
            texts = [form(one), form(two), *(form(keyword.value) for keyword in node.keywords)]
            yield from (("reads", "database", t) for t in texts if t and calls.URL.match(t))
        elif owner is not None and calls.STORES.fullmatch(owner[0]):
            yield from self._objects(node, last, owner[0])
        elif last in calls.SQL_CALLS:
            yield from self._statement(self._literals.text(one), owner)
        elif last in ("to_sql", "write_database"):
            yield from self._table(node, one, two)
        elif owner is not None and calls.CLIENTS.fullmatch(owner[0]):
            yield from self._request(node, last, owner[1])
        elif (found := calls.HTTP.fullmatch(name)) and not calls.CLIENTS.fullmatch(name):
            yield from self._request(node, found[1], "")
        elif calls.URLOPEN.fullmatch(name):
            sends = calls.keyword(node, "data") is not None or (
                name.endswith("t") and two is not None
            )
            sends = sends and not name.endswith("retrieve")
            yield (
                "post" if sends else "reads",
                "file",
                form(calls.first(node) or calls.keyword(node, "url")),
            )
            if name.endswith("urlretrieve"):
                yield "writes", "file", form(two or calls.keyword(node, "filename"))
        else:
            yield from self._files(node, name, last)

    def _files(self, node: ast.Call, name: str, last: str) -> Iterator[tuple[str, str, str | None]]:
        form, two = self._form, calls.argument(node, 1)
        path = form(calls.first(node))
        if calls.OPENS.fullmatch(name) or name in ("fsspec.open", "smart_open.open"):
            yield from ((verb, "file", path) for verb in _opened(node, 1))
        elif calls.COPIES.fullmatch(name):
            yield "reads", "file", path
            yield "writes", "file", form(two or calls.keyword(node, "dst"))
        elif calls.WRITES_SECOND.fullmatch(name):
            yield "writes", "file", form(two)
        elif calls.WRITES_FIRST.fullmatch(name):
            yield "writes", "file", path
        elif (
            calls.READS.fullmatch(name) or calls.ALSO_READS.fullmatch(name)
        ) and not calls.LISTS.fullmatch(name):
            given = calls.first(node)
            many = given.elts if isinstance(given, ast.List) else [given]
            yield from (("reads", "file", form(each)) for each in many)
        elif isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if calls.WRITES_FRAME.fullmatch(last):
                given = node.args[0] if node.args else calls.any_keyword(node)
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
        url = calls.first(node) or calls.keyword(node, "url")
        if method in ("request", "stream"):
            method = (self._literals.text(calls.first(node)) or "get").lower()
            url = calls.argument(node, 1) or calls.keyword(node, "url")
        text = self._form(url)
        if base and text is not None and not calls.URL.match(text):
            text = f"{base.rstrip('/')}/{text.lstrip('/')}"
        if method in calls.METHODS and text is not None and re.match(r"https?://", text):
            yield method if method in calls.SENDS else "reads", "url", text

    def _statement(
        self, text: str | None, owner: tuple[str, str] | None
    ) -> Iterator[tuple[str, str, str | None]]:
        if text is None:
            return
        yield from (("reads", "file", path) for path in calls.SQL_FILE.findall(text))
        yield from (("writes", "file", path) for path in calls.SQL_WRITES.findall(text))
        yield from (("reads", "database", path) for path in calls.SQL_ATTACH.findall(text))
        changed = calls.SQL_CHANGES.match(text)
        if changed and owner is not None and calls.CONNECTS.fullmatch(owner[0]) and owner[1]:
            yield "writes", "table", changed[1].strip('"`')

    def _table(
        self, node: ast.Call, name: ast.expr | None, connection: ast.expr | None
    ) -> Iterator[tuple[str, str, str | None]]:
        named = next((calls.keyword(node, key) for key in ("con", "connection", "uri")), None)
        given = connection or named or calls.keyword(node, "connection")
        url = self._form(given)
        if isinstance(given, ast.Name):
            made = self._made.get(given.id)
            url = made[1] if made is not None and made[1] == "" else url
        if url is not None and calls.MEMORY.fullmatch(url):
            return
        if url is not None and calls.URL.match(url):
            yield "reads", "database", url
        yield (
            "writes",
            "table",
            self._form(name or calls.keyword(node, "name") or calls.keyword(node, "table_name")),
        )

    def _database(self, call: ast.Call, name: str) -> str | None:
        """Return the URL of the database that a call opens; None if it is in memory or unknown."""
        module = name.partition(".")[0]
        given = calls.first(call) or calls.keyword(call, "database") or calls.keyword(call, "url")
        text = self._form(given)
        if module in calls.FILE_DATABASES:
            if text is None or calls.MEMORY.fullmatch(text.removeprefix("file:").partition("?")[0]):
                return None
            return text if calls.URL.match(text) else f"{calls.FILE_DATABASES[module]}:///{text}"
        if text is not None and calls.URL.match(text):
            return None if calls.MEMORY.fullmatch(text.partition("?")[0]) else text
        scheme = calls.SCHEMES.get(module, module.lower())
        pairs = dict(re.findall(r"(\w+)=(\S+)", text or ""))
        host = next(
            (
                t
                for key in ("host", "server", "account", "dsn")
                if (t := self._form(calls.keyword(call, key)))
            ),
            None,
        )
        base = next(
            (
                t
                for key in ("dbname", "database", "db", "service_name")
                if (t := self._form(calls.keyword(call, key)))
            ),
            None,
        )
        host, base = host or pairs.get("host"), base or pairs.get("dbname")
        return f"{scheme}://{host or 'localhost'}/{base or ''}" if host or base else None

    def _objects(
        self, node: ast.Call, last: str, maker: str
    ) -> Iterator[tuple[str, str, str | None]]:
        verb = (
            "reads"
            if last in calls.OBJECT_READS
            else "writes"
            if last in calls.OBJECT_WRITES
            else ""
        )
        if not maker.startswith("boto3"):
            scheme = {"gcsfs": "gs", "adlfs": "abfs"}.get(maker.partition(".")[0], "s3")
            place = 1 if last == "put" else 0
            text = self._form(calls.argument(node, place))
            verbs = list(_opened(node, 1)) if last == "open" else [verb] if verb else []
            for each in verbs:
                if text is not None:
                    yield each, "url", text if calls.URL.match(text) else f"{scheme}://{text}"
            return
        if not verb:
            return
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        order = {"upload_file": (1, 2), "upload_fileobj": (1, 2)}.get(last, (0, 1))
        bucket = self._form(calls.keyword(node, "Bucket") or calls.argument(node, order[0]))
        key = self._form(calls.keyword(node, "Key") or calls.argument(node, order[1]))
        match inner:
            case ast.Call(func=ast.Attribute(attr="Object")):
                bucket, key = (
                    self._form(calls.argument(inner, 0)),
                    self._form(calls.argument(inner, 1)),
                )
            case ast.Call(func=ast.Attribute(attr="Bucket")):
                bucket = self._form(calls.argument(inner, 0))
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
            case ast.Call() if self._literals.full_name(node.func) in calls.PATH_CLASSES:
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


def _opened(node: ast.Call, place: int) -> Iterator[str]:
    """Yield the access of an ``open`` call; nothing if its mode is unknown."""
    mode = calls.keyword(node, "mode") or calls.argument(node, place) or ast.Constant(value="r")
    if isinstance(mode, ast.Constant) and isinstance(mode.value, str):
        yield "writes" if any(sign in mode.value for sign in "wax+") else "reads"


def _frame(node: ast.Call, last: str) -> str:
    """Return the variable that ``orders.to_csv(...)`` writes."""
    if re.match(r"(?:to|write|sink)_(?!html|markdown|latex|image)", last) is None:
        return ""
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    return owner.id if isinstance(owner, ast.Name) else ""
