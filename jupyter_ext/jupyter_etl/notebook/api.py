"""The Python calls behind `%etl`: what ``import jupyter_etl as etl`` offers to a notebook."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import DeclarationError, PermissionDenied
from jupyter_etl.language.sources import absence
from jupyter_etl.model import CheckResult, Estimate, Profile, RunContext, Source
from jupyter_etl.notebook.caller import caller_names
from jupyter_etl.notebook.estimates import approx_data
from jupyter_etl.notebook.exploration import Sample, profile_data, sample_data
from jupyter_etl.notebook.location import (
    in_run,
    main_names,
    notebook_path,
    start_folder,
)
from jupyter_etl.notebook.notes import rights_note
from jupyter_etl.notebook.outputs import Published, publish_file, publish_report, publish_table
from jupyter_etl.notebook.query_memory import Remembered
from jupyter_etl.notebook.read_limit import ReadLimit, default_read_bytes
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.notebook.table_names import KnownTables
from jupyter_etl.ports import Channel, ReadRequest

if TYPE_CHECKING:
    import pandas as pd

    from jupyter_etl.services.etl import Etl
    from jupyter_etl.services.lineage import LineageGraph


def notebook_folder(names: Mapping[str, object] | None = None) -> Path:
    """Return the folder that relative paths start from, whatever ``os.chdir`` has set.

    Args:
        names: The notebook's variables; by default those of ``__main__``.

    Returns:
        The folder of the notebook; if that is unknown, the folder in which this kernel was started,
        and outside of IPython the working directory.
    """
    path = channel().context.notebook if in_run() else notebook_path()
    return Path(path).parent if path else start_folder(main_names() if names is None else names)


@cache
def open_etl() -> Etl:
    """Return the facade on the ledger, for commands that a person types.

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
    """Return this kernel's channel: to its runner in a run, to the ledger by hand.

    Raises:
        StoreError: By hand, the ledger cannot be opened.
    """
    if in_run():
        from jupyter_etl.runner.channel.client import RunnerChannel
        from jupyter_etl.runner.channel.sockets import CHANNEL

        return RunnerChannel(Path(os.environ[CHANNEL]))
    from jupyter_etl.notebook.interactive import InteractiveChannel

    return InteractiveChannel(open_etl(), notebook=notebook_path)


def close() -> None:
    """Let go of the ledger and the channel; the next call opens them again.

    For a process that changes its settings while it runs.
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
        namespace: Its variables; by default those visible to the calling code, see `CallerNames`:
            the notebook's are those of ``__main__``, where a kernel keeps them.
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
    """Return what this kernel remembers of its queries."""
    return Remembered()


@cache
def known_tables() -> KnownTables:
    """Return what completion knows of the tables of sources."""
    return KnownTables()


@cache
def query_setting() -> int | None:
    """Return `Settings.query_bytes`."""
    from jupyter_etl.services.settings import Settings

    return Settings.from_env().query_bytes


def query_bytes() -> int:
    """Return how much memory the data of one interactive read may take, bytes; 0 for any."""
    setting = query_setting()
    return default_read_bytes() if setting is None else setting


def context() -> RunContext:
    """Return the run this notebook is executed by; by hand a draft with the same fields."""
    return channel().context


def secret(name: str) -> str:
    """Return the value behind the name of a secret.

    In a run its name stands in place of it in all that the run shows and records.

    Args:
        name: As in ``%etl secret set NAME``.

    Raises:
        NotFound: No provider has it.
        PermissionDenied: Others could read it.
    """
    return channel().secret(name)


def source(
    name: str,
    location: str,
    *,
    kind: str | None = None,
    secrets: Sequence[str] = (),
    readonly: bool = False,
    options: Mapping[str, str] | None = None,
    limit: int | None = None,
) -> Source:
    """Declare a source: ``%etl source NAME LOCATION``.

    An absent file is warned of, and a readonly source of PostgreSQL whose role is a superuser;
    nothing else is opened.

    Args:
        name: Unique in the catalogue.
        location: Path, folder, glob, URL, or name of a publication; relative to the notebook.
        kind: By default told from the location.
        secrets: Names of secrets.
        readonly: Refuse writing.
        options: Of the kind.
        limit: Most runs that read it at once; by default 4 for a database, else any number.

    Raises:
        DeclarationError: The location or an option is not understood.
        PermissionDenied: Another owner has the name.
    """
    declared = data_session().declare(
        name,
        location,
        kind=kind,
        secrets=secrets,
        readonly=readonly,
        options=options,
        limit=limit,
    )
    for note in filter(None, (absence(declared), rights_note(data_session(), declared))):
        warnings.warn(note, stacklevel=2)
    return declared


def load(
    name: str,
    *,
    columns: Sequence[str] | None = None,
    limit: int | None = None,
    as_: str = "pandas",
    since: str | None = None,
    lag: str = "",
    key: Sequence[str] = (),
    anyway: bool = False,
) -> Any:
    """Read a source's table or a publication: ``%etl load NAME``.

    Args:
        name: ``SOURCE``, ``SOURCE.TABLE`` or the name of a publication.
        columns: Names to read, in order; None for all.
        limit: Stop after so many rows.
        as_: ``pandas``, ``arrow`` or ``polars``.
        since: Column to follow: only rows beyond the watermark, which moves when the run publishes.
        lag: How far before the watermark to begin, for rows that came late: ``2h``, or a number.
        key: Columns that tell rows apart; of the rows of one key only the newest is returned.
        anyway: Read it interactively even if it takes more memory than the limit.

    Raises:
        NotFound: No source or publication has that name.
        SourceError: It cannot be read.
        LimitExceeded: Interactively, it takes more memory than `Settings.query_bytes`.
    """
    return data_session().load(
        name, columns=columns, limit=limit, as_=as_, since=since, lag=lag, key=key, anyway=anyway
    )


def sql(
    source: str,
    query: str,
    *,
    as_: str = "pandas",
    parameters: Mapping[str, object] | None = None,
    name: str = "",
    anyway: bool = False,
) -> Any:
    """Run one statement in a source, or over this notebook's frames: ``%%etl sql SOURCE``.

    Args:
        source: Name of a source, or ``local``.
        query: SQL; ``{{name}}`` is bound as a value.
        as_: ``pandas``, ``arrow`` or ``polars``.
        parameters: Values that win over the notebook's variables.
        name: Remember the query, so that later ones can use ``{{ ref('name') }}`` as a table.
        anyway: Run it interactively even if it takes more memory than the limit.

    Raises:
        DeclarationError: The template or the SQL is wrong.
        SourceError: The source refused it.
        LimitExceeded: Interactively, what it reads or its result takes more memory than
            `Settings.query_bytes`, or is expected to.
    """
    return data_session().sql(
        source, query, as_=as_, parameters=parameters, name=name, anyway=anyway
    )


def lineage(name: str, *, up: bool = True, down: bool = True, depth: int = 10) -> LineageGraph:
    """Return what a source or publication is made of, and what is made of it.

    Args:
        name: A publication, ``SOURCE`` or ``SOURCE.TABLE``.
        up: Follow what it is made of.
        down: Follow what is made of it.
        depth: How many pipelines away to look.

    Raises:
        NotFound: No source or publication has that name.
        PermissionDenied: Inside a run.
    """
    return open_etl().lineage.graph(name, up=up, down=down, depth=depth)


def check(name: str, rules: object, data: object = None) -> list[CheckResult]:
    """Check data: ``%%etl check NAME``.

    Args:
        name: A variable, source or publication.
        rules: One a line; or a pandera ``DataFrameSchema`` or ``DataFrameModel``.
        data: What to check instead of what ``name`` stands for.

    Raises:
        CheckFailed: A rule of severity error was broken. In a run nothing is raised: it is held
            after its last cell, if it publishes anything.
    """
    return data_session().check(name, rules, data)


def profile(name: str, data: object = None) -> Profile:
    """Look at every row once: ``%etl profile NAME``; see `profile_data`."""
    return profile_data(data_session(), name, data)


def sample(
    name: str, amount: str, *, seed: int = 0, by: str | None = None, data: object = None
) -> Sample:
    """Draw rows at random: ``%etl sample NAME AMOUNT``; see `sample_data`."""
    return sample_data(data_session(), name, amount, seed=seed, by=by, data=data)


def approx(question: str, *, error: str = "1%") -> Estimate:
    """Estimate one figure: ``%etl approx MEASURE(COLUMN) of NAME``; see `approx_data`."""
    return approx_data(data_session(), question, error=error)


def param(text: str) -> object:
    """Declare a parameter and return its value: ``%etl param NAME [TYPE] [= DEFAULT]``.

    Raises:
        DeclarationError: It is not understood, or has no value.
    """
    return data_session().param(text)[1]


def publish(
    name: str,
    data: object = None,
    *,
    kind: str = "table",
    mode: str = "replace",
    key: Sequence[str] = (),
    partition_by: Sequence[str] = (),
    contract: str = "evolve",
    change: str = "50%",
    allow: Sequence[str] | str = (),
    since: str | None = None,
    lag: str = "",
    hide_code: bool = False,
    live: bool = False,
) -> Published:
    """Publish an output: ``%etl publish KIND NAME``. In a run it becomes visible at its end.

    Args:
        name: Of a table; path of a file; title of a report.
        data: For a table or a file: a frame, or an Arrow reader, which is read piece by piece;
            with ``since`` the name of a source, SOURCE.TABLE or publication.
        kind: ``table``, ``file`` or ``report``.
        mode, key, partition_by, contract, change, allow, since, lag: Of a table, see `publish_table`.
        hide_code: Of a report.
        live: By hand, replace the live version at once instead of making a draft.

    Raises:
        DeclarationError: An argument is not understood.
        PublishError: The data cannot be held.
        PermissionDenied: Another owner has the name.
    """
    session = data_session()
    if kind == "table":
        return publish_table(
            session,
            name,
            data,
            mode=mode,
            key=key,
            partition_by=partition_by,
            contract=contract,
            change=change,
            allow=allow,
            since=since,
            lag=lag,
            live=live,
        )
    if kind == "file":
        return publish_file(session, name, data, live=live)
    if kind == "report":
        return publish_report(session, name, hide_code=hide_code, live=live)
    raise DeclarationError(f"kind is {kind!r}; it must be one of: table, file, report.")


def read(
    name: str,
    *,
    version: int | None = None,
    as_of: datetime | str | None = None,
    columns: Sequence[str] | None = None,
    limit: int | None = None,
    draft: bool = False,
    anyway: bool = False,
) -> pd.DataFrame:
    """Read a publication as a pandas frame, from any Python process.

    Args:
        name: Of the publication.
        version: Number of a version; None for the live one.
        as_of: The version that was live then: a time, or its text in ISO 8601; without an offset
            it is of the run's timezone.
        columns: Names to read, in order.
        limit: Stop after so many rows.
        draft: Read the newest draft instead.
        anyway: Read it outside of a run even if it takes more memory than the limit.

    Raises:
        DeclarationError: ``as_of`` is no time, or comes with ``version``.
        NotFound: No publication or version is called so.
        PublishError: It has no rows to read, or its files are gone.
        LimitExceeded: Outside of a run, it takes more memory than `Settings.query_bytes`.
    """
    from jupyter_etl.notebook.frames import to_pandas
    from jupyter_etl.notebook.reading import read_version

    request = ReadRequest(columns=None if columns is None else tuple(columns), limit=limit)
    free = anyway or channel().context.id is not None
    most = ReadLimit(what=repr(name), most_bytes=0 if free else query_bytes())
    read = read_version(
        channel(), name, request, number=version, as_of=as_of, draft=draft, most=most
    )
    return to_pandas(read)
