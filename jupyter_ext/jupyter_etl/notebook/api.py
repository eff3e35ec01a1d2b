"""The Python functions behind `%etl`: the public API of ``import jupyter_etl as etl``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.sources import absence
from jupyter_etl.model import CheckResult, Estimate, Profile, RunContext, Source, Traffic
from jupyter_etl.notebook.exploration import Sample, profile_data, sample_data
from jupyter_etl.notebook.kernel_state import (
    channel,
    data_session,
    open_etl,
    query_bytes,
)
from jupyter_etl.notebook.notes import rights_note
from jupyter_etl.notebook.outputs import Published, publish_file, publish_report, publish_table
from jupyter_etl.notebook.read_limit import ReadLimit
from jupyter_etl.ports import ReadRequest
from jupyter_etl.serving.functions.hooks import worker_hooks

if TYPE_CHECKING:
    import pandas as pd

    from jupyter_etl.notebook.endpoints.publishing import PublishedFunction
    from jupyter_etl.services.lineage import LineageGraph


def context() -> RunContext:
    """Return the run that executes this notebook; interactively, a draft with the same fields."""
    return channel().context


def secret(name: str) -> str:
    """Return the value of a secret.

    In a run, the value is redacted from everything that the run shows and records. In a function
    that is served as an endpoint, the worker resolves it when the function is called.

    Args:
        name: As in ``%etl secret set NAME``.

    Raises:
        NotFound: No provider has it.
        PermissionDenied: Others could read it.
    """
    hooks = worker_hooks()
    return channel().secret(name) if hooks is None else hooks.secret(name)


def lookup(name: str, **key: object) -> list[dict[str, Any]]:
    """Return rows of a published table by key, from the live version: a few milliseconds.

    It is the same in a notebook, in a run and in a function that is served as an endpoint. There the
    name of the table must be written as text in the function.

    Args:
        name: Name of the table.
        key: Values by column: ``etl.lookup("sales.by_customer", cust=7)``.

    Raises:
        NotFound: There is no such table.
        DeclarationError: There is no such column, or more than 10,000 rows have the key.
    """
    hooks = worker_hooks()
    if hooks is None:
        from jupyter_etl.notebook.endpoints.lookups import endpoint_tables

        return endpoint_tables(channel()).lookup(name, **key)
    found: list[dict[str, Any]] = hooks.lookup(name, **key)
    return found


def apply(name: str, frame: object, *, version: int | None = None) -> pd.DataFrame | pd.Series[Any]:
    """Return the answers of a published function to the rows of a frame; see `scoring.apply`."""
    from jupyter_etl.notebook.endpoints import scoring

    return scoring.apply(data_session(), name, frame, version=version)


def publish_query(name: str, sql: str, **options: Any) -> Published:
    """Publish a query as an endpoint: ``%%etl publish query NAME``; see `publishing.publish_query`."""
    from jupyter_etl.notebook.endpoints import publishing

    return publishing.publish_query(data_session(), name, sql, **options)


def publish_function(name: str, function: object, **options: Any) -> PublishedFunction:
    """Publish a function as an endpoint: ``%%etl publish function NAME``.

    Arguments and errors are those of `publishing.publish_function`.
    """
    from jupyter_etl.notebook.endpoints import publishing

    return publishing.publish_function(data_session(), name, function, **options)


def promote(
    name: str, version: int, *, canary: float | None = None, shadow: bool = False
) -> Traffic:
    """Make a version of an endpoint live, or its canary or shadow; see `Endpoints.promote`."""
    return open_etl().endpoints.promote(name, version, canary=canary, shadow=shadow)


def split(name: str, shares: Mapping[int, float], *, by: str = "") -> Traffic:
    """Divide the calls of an endpoint among versions; see `Endpoints.split`."""
    return open_etl().endpoints.split(name, shares, by=by)


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

    Warns if a file does not exist, and if the role of a read-only PostgreSQL source is a superuser;
    nothing else is opened.

    Args:
        name: Unique in the catalogue.
        location: Path, folder, glob, URL, or name of a publication; relative to the notebook.
        kind: None derives it from the location.
        secrets: Names of secrets.
        readonly: Whether writes are rejected.
        options: Options of the kind.
        limit: Maximum number of runs that read it at once; None means 4 for a database, no
            limit otherwise.

    Raises:
        DeclarationError: The location or an option is not valid.
        PermissionDenied: The name belongs to another owner.
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
        limit: Maximum number of rows; None for all.
        as_: ``pandas``, ``arrow`` or ``polars``.
        since: Cursor column: only rows beyond the watermark are read. The watermark advances
            when the run publishes.
        lag: How far before the watermark to start, for late rows: ``2h``, or a number.
        key: Columns that identify rows; of several rows with one key, only the newest is returned.
        anyway: Whether to read it interactively even if it exceeds the memory limit.

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
        parameters: Values that override the notebook's variables.
        name: Name of the query, so that later queries can use ``{{ ref('name') }}`` as a table.
        anyway: Whether to run it interactively even if it exceeds the memory limit.

    Raises:
        DeclarationError: The template or the SQL is not valid.
        SourceError: The source rejected it.
        LimitExceeded: Interactively, its data takes more memory than `Settings.query_bytes`, or
            is expected to.
    """
    return data_session().sql(
        source, query, as_=as_, parameters=parameters, name=name, anyway=anyway
    )


def lineage(name: str, *, up: bool = True, down: bool = True, depth: int = 10) -> LineageGraph:
    """Return the inputs of a source or publication, and everything derived from it.

    Args:
        name: A publication, ``SOURCE`` or ``SOURCE.TABLE``.
        up: Whether to follow inputs.
        down: Whether to follow outputs.
        depth: Maximum distance in pipelines.

    Raises:
        NotFound: No source or publication has that name.
        PermissionDenied: Inside a run.
    """
    return open_etl().lineage.graph(name, up=up, down=down, depth=depth)


def check(name: str, rules: object, data: object = None) -> list[CheckResult]:
    """Check data: ``%%etl check NAME``.

    Args:
        name: A variable, source or publication.
        rules: One rule per line; or a pandera ``DataFrameSchema`` or ``DataFrameModel``.
        data: Data to check instead of the object called ``name``.

    Raises:
        CheckFailed: A rule of severity error failed. A run raises nothing: if it publishes
            anything, it is held after its last cell.
    """
    return data_session().check(name, rules, data)


def profile(name: str, data: object = None) -> Profile:
    """Profile all rows: ``%etl profile NAME``; see `profile_data`."""
    return profile_data(data_session(), name, data)


def sample(
    name: str, amount: str, *, seed: int = 0, by: str | None = None, data: object = None
) -> Sample:
    """Draw rows at random: ``%etl sample NAME AMOUNT``; see `sample_data`."""
    return sample_data(data_session(), name, amount, seed=seed, by=by, data=data)


def approx(question: str, *, error: str = "1%") -> Estimate:
    """Estimate one figure: ``%etl approx MEASURE(COLUMN) of NAME``; see `approx_data`."""
    from jupyter_etl.notebook.estimates import approx_data

    return approx_data(data_session(), question, error=error)


def param(text: str) -> object:
    """Declare a parameter and return its value: ``%etl param NAME [TYPE] [= DEFAULT]``.

    Raises:
        DeclarationError: The declaration is not valid, or the parameter has no value.
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
        name: Name of a table, path of a file, or title of a report.
        data: For a table or file: a frame, or an Arrow reader, which is streamed; with
            ``since``, the name of a source, SOURCE.TABLE or publication.
        kind: ``table``, ``file`` or ``report``.
        mode, key, partition_by, contract, change, allow, since, lag: For a table, see
            `publish_table`.
        hide_code: For a report, whether to leave out the code.
        live: Interactively, whether to replace the live version instead of making a draft.

    Raises:
        DeclarationError: An argument is not valid.
        PublishError: The data cannot be stored.
        PermissionDenied: The name belongs to another owner.
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
        name: Name of the publication.
        version: Version number; None for the live one.
        as_of: The version that was live at a time, which may be ISO 8601 text; without an
            offset, it is in the run's time zone.
        columns: Names to read, in order; None for all.
        limit: Maximum number of rows; None for all.
        draft: Whether to read the newest draft instead.
        anyway: Whether to read it outside a run even if it exceeds the memory limit.

    Raises:
        DeclarationError: ``as_of`` is not a valid time, or is combined with ``version``.
        NotFound: There is no such publication or version.
        PublishError: It has no rows to read, or its files are missing.
        LimitExceeded: Outside a run, it takes more memory than `Settings.query_bytes`.
    """
    from jupyter_etl.notebook.frames import to_pandas
    from jupyter_etl.notebook.read_limit import read_version

    request = ReadRequest(columns=None if columns is None else tuple(columns), limit=limit)
    free = anyway or channel().context.id is not None
    most = ReadLimit(what=repr(name), most_bytes=0 if free else query_bytes())
    read = read_version(
        channel(), name, request, number=version, as_of=as_of, draft=draft, most=most
    )
    return to_pandas(read)
