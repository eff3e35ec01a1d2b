"""Sources, publications, tables and rules that a notebook names, and its incremental loads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.language.checks import parse_checks
from jupyter_etl.language.commands.data import LoadRequest
from jupyter_etl.language.commands.declarations import Request
from jupyter_etl.language.commands.publications import PublishTableRequest
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.sources import LOCAL, absence
from jupyter_etl.language.sql.references import expand
from jupyter_etl.language.sql.templates import HoleKind, bind, parse_template
from jupyter_etl.model import PublishMode, Source, SourceKind
from jupyter_etl.scheduling.preflight.findings import Finding, Scan
from jupyter_etl.scheduling.preflight.platform_calls import Unknown, Use

_ONE_TABLE = frozenset({SourceKind.CSV, SourceKind.PARQUET, SourceKind.JSON, SourceKind.JSONL})
_TARGETS = {
    "load": "target",
    "describe": "name",
    "preview": "target",
    "profile": "target",
    "sample": "target",
    "check": "name",
    "publish": "data",
}
"""The commands that read a name, and the argument that contains it."""


class DataScan:
    """Follows what a notebook's cells declare, refer to and publish, in order.

    Args:
        scan: Collects the findings.
        declared_later: Sources that any cell declares, with the index of the first such cell.
        is_variable: Returns whether a name is, or may be, a variable where it is used.
        may_write: Returns whether the notebook may have written a path by now.
    """

    def __init__(
        self,
        scan: Scan,
        *,
        declared_later: dict[str, int],
        is_variable: Callable[[str], bool],
        may_write: Callable[[str], bool],
    ) -> None:
        self._scan = scan
        self._later = declared_later
        self._is_variable = is_variable
        self._may_write = may_write
        self._declared: dict[str, Source | None] = {}
        self._published: set[str] = set()
        self._queries: dict[str, dict[str, str]] = {}
        self._changed: set[str] = set()
        self._opened = False
        self._absent: dict[str, tuple[int, str]] = {}

    def finish(self) -> None:
        """Report declared files that are missing, including those that no cell seems to read."""
        for name, (cell, note) in self._absent.items():
            self._scan.add(
                "file", cell, f"declares the source '{name}': {note}",
                "Paths are relative to the notebook's folder.", certain=False,
            )  # fmt: skip

    def knows(self, name: str) -> bool:
        """Return whether a name is a source, a table of a source, or a publication."""
        return self._source_of(name) is not None or name in self._publications()

    def change_databases(self) -> None:
        """Record that code may have created tables in any database."""
        self._changed.add("")

    def read(self, use: Use) -> None:
        """Check one command or call."""
        match use.name:
            case "source":
                self._declare(use)
            case "sql":
                self._sql(use)
            case "read":
                self._read_publication(use)
            case "check":
                self._check(use)
                self._named(use)
            case "publish":
                self._publish(use)
            case name if name in _TARGETS:
                self._named(use)

    def _declare(self, use: Use) -> None:
        args, environment = use.args, self._scan.environment
        name = args.get("name")
        if not isinstance(name, str):
            self._opened = True
            return
        self._declared[name] = None
        if environment is None:
            return
        if any(isinstance(value, Unknown) for value in args.values()):
            self._scan.unsure(use.cell, f"the declaration of the source '{name}' is computed")
            return
        try:
            source = environment.declare(args)
        except EtlError as problem:
            self._add("source", use, f"declares a source: {problem.message}", problem.hint)
            return
        self._declared[name] = source
        if source.name != name:
            self._declared[source.name] = source
        if (note := absence(source)) and not self._may_write(source.location):
            self._absent[source.name] = (use.cell, note)

    def _named(self, use: Use) -> None:
        name = use.args.get(_TARGETS[use.name])
        if isinstance(name, str) and name:
            # In a check or publication a variable is usually meant, so it is reported as one.
            variable = name.isidentifier() and use.name in ("check", "publish")
            if self.knows(name) or not variable:
                self._resolve(use, name)
        elif isinstance(name, Unknown) and use.name in ("load", "profile", "sample"):
            self._scan.unsure(use.cell, "the name of its source is computed")

    def _resolve(self, use: Use, name: str, *, kind: str = "source") -> None:
        environment = self._scan.environment
        if environment is None or self._opened:
            return
        found = self._source_of(name)
        if found is not None and not (found[1] and name in self._publications()):
            self._check_source(use, *found)
            return
        if name in self._publications() or self._is_variable(name):
            return
        what = "the table" if kind == "table" else "the source, publication or variable"
        later = self._later.get(name.partition(".")[0])
        known = [*environment.sources, *self._declared, *environment.publications]
        hint = f"Declare it: %etl source {name.partition('.')[0]} LOCATION"
        if later is not None:
            hint = f"Cell {later + 1} declares it: move that cell up."
        if name in environment.expected:
            message = f"reads the publication '{name}', which no run has published yet."
            self._scan.add(kind, use.cell, message, certain=False)
            return
        message = f"reads {what} '{name}', which does not exist.{nearest(name, known)}"
        self._add(kind, use, message, hint)

    def _check_source(self, use: Use, source: Source | None, table: str) -> None:
        """Check a known source and a table in it."""
        environment = self._scan.environment
        if source is None or environment is None:
            return
        if note := absence(source):
            self._absent.pop(source.name, None)
            certain = use.certain and not self._may_write(source.location)
            message = f"reads the source '{source.name}': {note}"
            hint = "Put the file there, or correct the declaration of the source."
            self._scan.add("file", use.cell, message, hint, certain=certain)
            return
        if not table:
            return
        if source.kind in _ONE_TABLE:
            message = f"reads '{table}' of the source '{source.name}', which is one table."
            self._add("table", use, message, f"Write {source.name}.")
        elif source.kind == SourceKind.SQL:
            self._tables(use, source, [table])

    def _tables(self, use: Use, source: Source, names: Iterable[str]) -> None:

        environment = self._scan.environment
        known = environment.tables_of(source) if environment is not None else None
        if known is None:
            reason = f"the tables of the source '{source.name}' are not checked before a run"
            self._scan.unsure(use.cell, reason)
            return
        folded = {one.casefold() for one in known}
        for name in names:
            plain = name.casefold()
            if plain in folded or plain.rpartition(".")[2] in folded or plain.startswith("sqlite_"):
                continue
            changed = bool(self._changed & {"", source.name})
            self._scan.add(
                "table",
                use.cell,
                f"reads the table '{name}' of the source '{source.name}', which does not "
                f"exist.{nearest(name, known)}",
                f"It has {listed(known) or 'none'}.",
                certain=use.certain and not changed,
            )

    def _sql(self, use: Use) -> None:
        args, environment = use.args, self._scan.environment
        source, text = args.get("source"), use.text or args.get("query")
        if environment is None:
            return
        if not isinstance(source, str) or not isinstance(text, str):
            self._scan.unsure(use.cell, "its query, or the source of that, is computed")
            return
        if source != LOCAL:
            self._resolve(use, source)
        named = self._queries.setdefault(source, {})
        name = args.get("name")
        own = name if isinstance(name, str) else ""
        dialect = self._dialect_of(source)
        try:
            plain = expand(text, named, name=own, dialect=dialect)
            template = parse_template(plain, dialect)
        except DeclarationError as problem:
            self._add(
                "table", use, f"has a query that cannot be run: {problem.message}", problem.hint
            )
            return
        if own:
            named[own] = text
        if any(not isinstance(p, str) and p.kind is HoleKind.SQLSAFE for p in template.parts):
            self._scan.unsure(use.cell, "its query is completed by the text of a variable")
            return
        idents = {
            p.name for p in template.parts if not isinstance(p, str) and p.kind is HoleKind.IDENT
        }
        values = {one: f"_ident_{one}" if one in idents else 0 for one in template.names}
        self._query(use, source, bind(template, values).sql)

    def _dialect_of(self, name: str) -> str:
        found = self._source_of(name) if name != LOCAL else None
        source = found[0] if found else None
        if source is None or source.kind != SourceKind.SQL:
            return "duckdb"
        return source.location.partition(":")[0].partition("+")[0]

    def _query(self, use: Use, name: str, sql: str) -> None:
        environment = self._scan.environment
        if environment is None:
            return
        found = self._source_of(name)
        source = found[0] if found else None
        if name != LOCAL and (source is None or source.kind != SourceKind.SQL):
            if source is not None:
                self._add(
                    "table", use, f"runs SQL in the source '{name}', which runs none itself.",
                    f"Write %%etl sql local and select from {name}.",
                )  # fmt: skip
            return
        try:
            tables = environment.tables_in(sql, self._dialect_of(name))
        except DeclarationError as problem:
            if source is None:
                self._add(
                    "table", use, f"has a query that cannot be run: {problem.message}", problem.hint
                )
            else:
                self._scan.unsure(use.cell, "its query cannot be read")
            return
        if tables is None:
            self._changed.add(name)
            if source is not None:
                self._scan.unsure(use.cell, "its statement is not a query")
            return
        tables = [table for table in tables if "_ident_" not in table]
        if source is not None:
            self._tables(use, source, tables)
            return
        for table in tables:
            if not self._is_variable(table):
                self._resolve(use, table, kind="table")

    def _read_publication(self, use: Use) -> None:
        name = use.args.get("name")
        if isinstance(name, Unknown) or self._scan.environment is None:
            return
        if isinstance(name, str) and name not in self._publications():
            known = self._scan.environment.publications
            if name in self._scan.environment.expected:
                message = f"reads the publication '{name}', which no run has published yet."
                self._scan.add("source", use.cell, message, certain=False)
                return
            message = f"reads the publication '{name}', which does not exist.{nearest(name, known)}"
            self._add("source", use, message, "Publish it first, or correct its name.")

    def _check(self, use: Use) -> None:
        if use.text is None:
            if use.request is None and isinstance(use.args.get("rules"), Unknown):
                self._scan.unsure(use.cell, "its rules are computed")
            return
        try:
            rules = parse_checks(use.text)
            if self._scan.environment is not None:
                self._scan.environment.check_rules(rules)
        except DeclarationError as problem:
            self._add(
                "check", use, f"has a check that cannot be read: {problem.message}", problem.hint
            )
            return
        for rule in rules:
            if rule.kind == "references":
                self._resolve(use, rule.argument.rpartition(".")[0])

    def _publish(self, use: Use) -> None:
        args = use.args
        if args.get("kind") == "table":
            if args.get("mode") == "upsert" and not args.get("key"):
                self._add(
                    "publish", use,
                    f"publishes {args.get('name')} by upsert without a key, so no rows can be matched.",
                    "Set the key columns: --key id.",
                )  # fmt: skip
            if args.get("since") and args.get("mode", "replace") == "replace":
                self._add(
                    "publish", use,
                    f"publishes only new rows of {args.get('name')}, and by replace the others are lost.",
                    "Add them: --mode append, or --mode upsert --key COLUMN.",
                )  # fmt: skip
            if use.request is not None:
                self._named(use)
        if args.get("kind") == "query" and use.text is not None:
            self._endpoint_query(use, use.text)
        if isinstance(name := args.get("name"), str):
            self._published.add(name)

    def _endpoint_query(self, use: Use, text: str) -> None:
        try:
            template = parse_template(text, typed=True)
        except DeclarationError as problem:
            self._add(
                "table", use, f"has a query that cannot be served: {problem.message}", problem.hint
            )
            return
        self._query(use, LOCAL, bind(template, dict.fromkeys(template.names, 0)).sql)

    def _publications(self) -> Collection[str]:
        known = self._scan.environment.publications if self._scan.environment else ()
        return {*known, *self._published}

    def _source_of(self, name: str) -> tuple[Source | None, str] | None:
        """Return the source that a name starts with (None if not loaded) and the rest."""
        known = self._scan.environment.sources if self._scan.environment else {}
        parts = name.split(".")
        for cut in range(len(parts), 0, -1):
            head = ".".join(parts[:cut])
            if head in self._declared:
                return self._declared[head], ".".join(parts[cut:])
            if head in known:
                return known[head], ".".join(parts[cut:])
        return None

    def _add(self, kind: str, use: Use, message: str, hint: str = "") -> None:
        self._scan.add(kind, use.cell, message, hint, certain=use.certain)


def scan_increments(commands: Sequence[tuple[int, Request]], *, publishes: bool) -> list[Finding]:
    """Find loads whose watermark would never move, and rows that would be published twice.

    Args:
        commands: The notebook's commands, each with the index of its cell.
        publishes: Whether any cell of the notebook publishes.
    """
    loads = [(cell, one) for cell, one in commands if isinstance(one, LoadRequest) and one.since]
    findings = []
    for cell, load in loads:
        if not publishes:
            findings.append(
                Finding(
                    severity="warning",
                    cell=cell,
                    message=f"Cell {cell + 1} loads by --since, and the notebook publishes nothing: "
                    "the watermark never moves, and each run reads the same rows again.",
                    hint="Publish what was read: %etl publish table NAME FRAME --mode upsert --key ID.",
                )
            )
        elif load.lag and (at := _appends(commands)) is not None:
            findings.append(
                Finding(
                    severity="warning",
                    cell=at,
                    message=f"Cell {at + 1} appends, and cell {cell + 1} loads with --lag: rows "
                    "within the lag are read again, and would be duplicated in the table.",
                    hint="Use --mode upsert with a --key.",
                )
            )
    return findings


def _appends(commands: Sequence[tuple[int, Request]]) -> int | None:
    for cell, one in commands:
        if isinstance(one, PublishTableRequest) and one.mode is PublishMode.APPEND:
            return cell
    return None
