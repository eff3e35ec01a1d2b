"""Tab completion inside ``%%etl sql`` cells: tables and columns."""

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
from jupyter_etl.notebook.kernel_state import known_tables
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
    """Complete tables and columns in the SQL cells of a shell; calling it twice has no effect."""
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
    """Return completions for a word of an SQL cell, with their kinds.

    Args:
        session: The session of the shell.
        text: The whole cell.
        line: Line of the cursor, from 0.
        token: The typed part of the word, including the table before a dot.
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
    """Describe a frame of the notebook by its column names."""
    from jupyter_etl.model import Column

    return TableInfo(
        name=name, columns=tuple(Column(name=str(column), type="") for column in columns)
    )


def _named(query: str) -> dict[str, str]:
    """Return the tables of a query by alias and by name, in lower case."""
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
    """Return the columns of the tables in the query, or of the table before the dot."""
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
