"""Tab completion inside of ``%%etl sql`` cells: tables and columns."""

from __future__ import annotations

import re
from collections.abc import Iterable

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)
from IPython.core.interactiveshell import InteractiveShell

from jupyter_etl.errors import EtlError
from jupyter_etl.language.sources import LOCAL
from jupyter_etl.model import TableInfo
from jupyter_etl.notebook.api import known_tables
from jupyter_etl_magics.session import Session

_HEAD = re.compile(r"\s*%%etl\s+sql\s+(?P<source>[^\s<]+)[^\n]*\n(?P<query>.*)", re.DOTALL)
_TABLE = re.compile(
    r"\b(?:from|join|update|into)\s+(?P<table>[\w.\"]+)(?:\s+(?:as\s+)?(?P<alias>\w+))?",
    re.IGNORECASE,
)
_NO_ALIAS = frozenset(
    [
        "cross", "full", "group", "having", "inner", "join", "left", "limit", "natural", "on",
        "order", "right", "union", "using", "where",
    ]
)  # fmt: skip


def register_matcher(shell: InteractiveShell) -> None:
    """Offer tables and columns in the SQL cells of a shell; twice is the same as once."""
    completer = shell.Completer
    if completer is None:
        return

    @context_matcher()  # type: ignore[untyped-decorator]  # IPython's decorator has no types
    def etl_sql_matcher(context: CompletionContext) -> SimpleMatcherResult:
        names = sql_names(Session(shell), context.full_text, context.cursor_line, context.token)
        completions = [SimpleCompletion(text=text, type=kind) for text, kind in names]
        return {"completions": completions, "suppress": bool(completions)}

    kept = [m for m in completer.custom_matchers if m.__name__ != etl_sql_matcher.__name__]
    completer.custom_matchers[:] = [*kept, etl_sql_matcher]


def sql_names(session: Session, text: str, line: int, token: str) -> list[tuple[str, str]]:
    """Return what may stand for a word of an SQL cell, with its kind.

    Args:
        session: Of the shell.
        text: The whole cell.
        line: That the cursor is in, 0 for the first.
        token: What is typed of the word, with the table before a dot.
    """
    cell = _HEAD.match(text)
    if cell is None or line <= text[: cell.start("query")].count("\n") - 1:
        return []
    try:
        tables = _tables(session, cell["source"])
    except EtlError:
        return []
    named = _named(cell["query"])
    wanted = token.lower()
    offers = [(table.name, "table") for table in tables if table.name]
    offers += _columns(tables, named, before_dot=token.rpartition(".")[0])
    return list(dict.fromkeys(o for o in offers if o[0].lower().startswith(wanted)))


def _tables(session: Session, source: str) -> list[TableInfo]:
    data_session = session.data_session
    if source != LOCAL:
        return known_tables().of(source, data_session.describe)
    found = []
    for name, value in session.shell.user_ns.items():
        columns = getattr(value, "columns", None) if not name.startswith("_") else None
        if type(value).__name__ == "Table":
            columns = getattr(value, "column_names", None)
        if columns is not None and type(value).__name__ in {"DataFrame", "Table"}:
            found.append(table_of(name, columns))
    names = [s.name for s in data_session.sources()] + [
        p.name for p in data_session.channel.publications()
    ]
    return found + [TableInfo(name=name) for name in names]


def table_of(name: str, columns: Iterable[object]) -> TableInfo:
    """Describe a frame of the notebook by the names of its columns."""
    from jupyter_etl.model import Column

    return TableInfo(
        name=name, columns=tuple(Column(name=str(column), type="") for column in columns)
    )


def _named(query: str) -> dict[str, str]:
    """Return the tables that a query names: by alias and by name, in lower case."""
    found: dict[str, str] = {}
    for match in _TABLE.finditer(query):
        table = match["table"].replace('"', "").lower()
        found[table] = table
        alias = (match["alias"] or "").lower()
        if alias and alias not in _NO_ALIAS:
            found[alias] = table
    return found


def _columns(
    tables: list[TableInfo], named: dict[str, str], *, before_dot: str
) -> list[tuple[str, str]]:
    """Return the columns of the tables that are named, or of the one before the dot."""
    by_name = {table.name.lower(): table for table in tables}
    if before_dot:
        table = by_name.get(named.get(before_dot.lower(), before_dot.lower()))
        columns = () if table is None else table.columns
        return [(f"{before_dot}.{column.name}", "column") for column in columns]
    return [
        (column.name, "column")
        for name in dict.fromkeys(named.values())
        if name in by_name
        for column in by_name[name].columns
    ]
