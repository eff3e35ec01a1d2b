"""Tab completion of `%etl` lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace

from IPython.core.interactiveshell import InteractiveShell

from jupyter_etl.errors import EtlError
from jupyter_etl.language.commands.completion import complete, completes
from jupyter_etl.notebook.kernel_state import known_tables
from jupyter_etl_magics.session import Session

_LINE = re.compile(r"(?s).*%%?etl\s+?(.*)$")


def complete_line(shell: InteractiveShell, event: SimpleNamespace) -> list[str]:
    """Return completions; implements IPython's hook ``complete_command``.

    Args:
        event: Has ``text_until_cursor``.
    """
    match = _LINE.match(event.text_until_cursor)
    if match is None:
        return []
    line = match.group(1)
    found = complete(line, len(line))
    kind, typed = completes(line, len(line))
    offer = _OFFERS.get(kind)
    if offer is None:
        return found
    try:
        names = offer(Session(shell), line)
    except EtlError:
        # If a lookup fails, there are fewer completions; it never disturbs the line.
        return found
    return found + [name for name in names if name.startswith(typed)]


def _sources(session: Session, _line: str) -> list[str]:
    return ["local", *(s.name for s in session.data_session.sources())]


def _publications(session: Session, _line: str) -> list[str]:
    return [p.name for p in session.data_session.channel.publications()]


def _tables(session: Session, line: str) -> list[str]:
    names = [s.name for s in session.data_session.sources()]
    typed = line.split()[-1] if line and not line[-1].isspace() else ""
    for name in names:
        if typed.startswith(f"{name}."):
            tables = known_tables().of(name, session.data_session.describe)
            names = names + [f"{name}.{table.name}" for table in tables if table.name]
    return names + _publications(session, line) + _frames(session, line)


def _columns(session: Session, line: str) -> list[str]:
    variables = session.shell.user_ns
    for word in line.split():
        columns = getattr(variables.get(word), "columns", None)
        if columns is not None:
            return [str(column) for column in columns]
    return []


def _frames(session: Session, _line: str) -> list[str]:
    return [
        name
        for name, value in session.shell.user_ns.items()
        if not name.startswith("_") and type(value).__name__ in {"DataFrame", "Table", "Series"}
    ]


def _pipelines(session: Session, _line: str) -> list[str]:
    return [p.name for p in session.etl.pipelines.list()]


def _runs(session: Session, _line: str) -> list[str]:
    return [str(run.id) for run in session.etl.runs.list(limit=20)]


def _secrets(session: Session, _line: str) -> list[str]:
    return session.etl.secrets.names(session.data_session.sources())


def _zones(_session: Session, _line: str) -> list[str]:
    from zoneinfo import available_timezones

    return sorted(available_timezones())


_OFFERS: Mapping[str, Callable[[Session, str], list[str]]] = {
    "source": _sources,
    "table": _tables,
    "column": _columns,
    "frame": _frames,
    "publication": _publications,
    "pipeline": _pipelines,
    "run": _runs,
    "secret": _secrets,
    "timezone": _zones,
}
