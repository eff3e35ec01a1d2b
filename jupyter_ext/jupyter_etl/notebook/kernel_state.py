"""State of a kernel: its channel, the ledger, and what it remembers of its queries."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import PermissionDenied
from jupyter_etl.notebook.caller import caller_names
from jupyter_etl.notebook.location import (
    in_run,
    main_names,
    notebook_path,
    start_folder,
)
from jupyter_etl.notebook.memory import KnownTables, Remembered
from jupyter_etl.notebook.read_limit import default_read_bytes
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.ports import Channel

if TYPE_CHECKING:
    from jupyter_etl.services.etl import Etl


def notebook_folder(names: Mapping[str, object] | None = None) -> Path:
    """Return the folder that relative paths start from; ``os.chdir`` does not change it.

    Args:
        names: The notebook's variables; None uses those of ``__main__``.

    Returns:
        The folder of the notebook. If it is unknown, the folder in which this kernel was started;
        outside IPython, the working directory.
    """
    path = channel().context.notebook if in_run() else notebook_path()
    return Path(path).parent if path else start_folder(main_names() if names is None else names)


@cache
def open_etl() -> Etl:
    """Return the facade on the ledger, for interactive commands.

    Raises:
        StoreError: The ledger cannot be opened.
        PermissionDenied: Inside a run, which has no access to the ledger.
    """
    if in_run():
        raise PermissionDenied(
            "A run has no access to the ledger, so this command does nothing there.",
            hint="Run it interactively, or use: jupyter etl",
        )
    from jupyter_etl.services.etl import Etl

    return Etl.open()


@cache
def channel() -> Channel:
    """Return this kernel's channel: to its runner in a run, to the ledger interactively.

    Raises:
        StoreError: Interactively, the ledger cannot be opened.
    """
    if in_run():
        from jupyter_etl.runner.channel.client import RunnerChannel
        from jupyter_etl.runner.channel.sockets import CHANNEL

        return RunnerChannel(Path(os.environ[CHANNEL]))
    from jupyter_etl.notebook.interactive import InteractiveChannel

    return InteractiveChannel(open_etl(), notebook=notebook_path)


def close() -> None:
    """Close the ledger and the channel; the next call reopens them.

    For a process whose settings change while it runs.
    """
    from jupyter_etl.notebook.interactive import InteractiveChannel

    remembered.cache_clear()
    known_tables.cache_clear()
    query_setting.cache_clear()
    if channel.cache_info().currsize:
        line = channel()
        channel.cache_clear()
        if isinstance(line, InteractiveChannel):
            line.close()
    if open_etl.cache_info().currsize:
        opened = open_etl()
        open_etl.cache_clear()
        opened.close()


def data_session(namespace: Mapping[str, object] | None = None) -> DataSession:
    """Return the data session of this notebook.

    Args:
        namespace: Its variables; None uses those visible to the calling code, see
            `CallerNames`. The variables of a notebook are those of ``__main__``.
    """
    names = caller_names(main_names()) if namespace is None else namespace
    line = channel()
    return DataSession(
        line,
        namespace=names,
        base=notebook_folder(names),
        secret=line.secret,
        remembered=remembered(),
        query_bytes=query_bytes(),
    )


@cache
def remembered() -> Remembered:
    """Return the queries and origins recorded in this kernel."""
    return Remembered()


@cache
def known_tables() -> KnownTables:
    """Return the cached tables of sources, for completion."""
    return KnownTables()


@cache
def query_setting() -> int | None:
    """Return `Settings.query_bytes`."""
    from jupyter_etl.services.settings import Settings

    return Settings.from_env().query_bytes


def query_bytes() -> int:
    """Return the memory limit for the data of one interactive read, bytes; 0 for no limit."""
    setting = query_setting()
    return default_read_bytes() if setting is None else setting
