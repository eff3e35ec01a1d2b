"""Publishing from a notebook: stage, submit, and compare with the live version."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jupyter_etl.errors import (
    DeclarationError,
    NotFound,
    PublishError,
    user_code_boundary,
)
from jupyter_etl.language.names import nearest, parse_name, slug
from jupyter_etl.language.numbers import read_decimal
from jupyter_etl.model import (
    Contract,
    Difference,
    PublicationKind,
    PublicationVersion,
    PublishMode,
    Retyped,
    Staged,
)
from jupyter_etl.notebook.caller import in_turn
from jupyter_etl.notebook.frames import as_reader
from jupyter_etl.notebook.memory import of_output
from jupyter_etl.runner.kernel.kernels import WORKING_FOLDER
from jupyter_etl.scheduling.publish_gate import ANY, judge_difference
from jupyter_etl.services.notebooks import has_outputs
from jupyter_etl.services.pipelines.publication_names import PATH_TEMPLATE, file_name
from jupyter_etl.services.reading import publisher_for

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_etl.notebook.session import DataSession
    from jupyter_etl.notebook.watermarks import NewRows

_USUAL_CHANGE = "50%"
_T = TypeVar("_T", PublishMode, Contract)


@dataclass(frozen=True, kw_only=True)
class Published:
    """The result of `%etl publish`.

    Args:
        staged: The staged data.
        version: Interactively, the resulting draft or live version; None in a run, where it
            becomes visible at the end.
        before: The previous live version; None for a new name.
        retyped: Interactively, columns whose values do not fit the type of the live version.
        findings: Interactively, why the publish gate would hold a run with this output.
        blank: Whether an interactive report shows no output.
    """

    staged: Staged
    version: PublicationVersion | None
    before: PublicationVersion | None
    retyped: tuple[Retyped, ...] = ()
    findings: tuple[str, ...] = ()
    blank: bool = False

    @property
    def added_columns(self) -> tuple[str, ...]:
        """Columns that the live version lacks."""
        return _without(self.staged, self.before)

    @property
    def missing_columns(self) -> tuple[str, ...]:
        """Columns that only the live version has."""
        if self.before is None:
            return ()
        have = {c.name for c in self.staged.columns}
        return tuple(c.name for c in self.before.what.columns if c.name not in have)


def _without(staged: Staged, before: PublicationVersion | None) -> tuple[str, ...]:
    if before is None:
        return ()
    have = {c.name for c in before.what.columns}
    return tuple(c.name for c in staged.columns if c.name not in have)


def publish_table(
    data_session: DataSession,
    name: str,
    data: object,
    *,
    mode: str = "replace",
    key: Sequence[str] = (),
    partition_by: Sequence[str] = (),
    contract: str = "evolve",
    change: str = "50%",
    allow: Sequence[str] | str = (),
    since: str | None = None,
    lag: str = "",
    live: bool = False,
) -> Published:
    """Publish a frame as a table.

    Args:
        name: Dotted name of the publication: ``sales.daily``.
        data: A frame, or an Arrow `RecordBatchReader`, which is streamed once; with ``since``,
            the name of a source, SOURCE.TABLE or publication.
        mode: A `PublishMode`.
        key: Columns that identify a row; required for upsert.
        partition_by: Partition columns; with ``replace`` only the partitions in ``data`` are
            replaced.
        contract: A `Contract`.
        change: Maximum change of the row count before a run is held, in percent; ``any`` for no
            limit.
        allow: Columns, or one, that may be missing, empty, or of a different type without
            holding the run.
        since: Cursor column: only rows beyond the watermark are read and published.
        lag: How far before the watermark to start: ``2h``, or a number.
        live: Interactively, whether to replace the live version at once.

    Raises:
        DeclarationError: A name, mode or contract is not valid, or there is no frame.
        PublishError: A table cannot store the data, or the data violates its key or contract.
        PermissionDenied: The name belongs to another owner.
    """
    options = {} if change == _USUAL_CHANGE else {"change": _share(change)}
    new = None
    if since is not None or lag:
        new = _since(data_session, data, mode, since, lag)
    reader = as_reader(data if new is None else new.reader, what=name)
    staged = Staged(
        name=parse_name(name, what="publication"),
        kind=PublicationKind.TABLE,
        folder=str(data_session.channel.stage_folder(name)),
        mode=_member(PublishMode, mode, "mode"),
        key=tuple(key),
        partition_by=tuple(partition_by),
        contract=_member(Contract, contract, "contract"),
        options=options,
        allow=(allow,) if isinstance(allow, str) else tuple(allow),
    )
    published = hand_over(data_session, staged, reader, live=live, data=data)
    if new is not None:
        # Not before: if the notebook survives a failure, the watermark must not have moved.
        new.report()
    return published


def publish_file(
    data_session: DataSession,
    path: str,
    data: object = None,
    *,
    name: str | None = None,
    live: bool = False,
) -> Published:
    """Publish a frame as a file, or a file that the notebook wrote.

    Args:
        path: Relative path with ``{{name}}`` for the notebook's values and the run's ``start``,
            ``end`` and ``logical_at``; its suffix determines the format.
        data: A frame; None publishes the existing file at ``path``.
        name: Name of the publication; None derives it from the path without its templates.
        live: Interactively, whether to replace the live version at once.

    Raises:
        DeclarationError: The path is absolute or leaves its folder.
        PublishError: The file does not exist, or the format cannot store the data.
    """
    rendered = _render(path, in_turn(data_session.namespace, data_session.interval))
    if Path(rendered).is_absolute() or ".." in Path(rendered).parts:
        raise DeclarationError(
            f"The path {rendered!r} leaves the folder of the publications.",
            hint="Write a relative path without '..', like out/sales.parquet.",
        )
    options = {"path": rendered}
    if data is None:
        # A run with a working directory of its own has written the file there.
        folder = Path(os.environ.get(WORKING_FOLDER) or data_session.base)
        options["source"] = str((folder / rendered).resolve())
    staged = Staged(
        name=parse_name(name or file_name(path), what="publication"),
        kind=PublicationKind.FILE,
        folder=str(data_session.channel.stage_folder("file")),
        options=options,
    )
    reader = None if data is None else as_reader(data, what=rendered)
    return hand_over(data_session, staged, reader, live=live, data=data)


def publish_report(
    data_session: DataSession,
    title: str,
    *,
    name: str | None = None,
    hide_code: bool = False,
    live: bool = False,
) -> Published:
    """Publish this notebook, as executed, as an HTML page.

    Args:
        title: Title of the page.
        name: Name of the publication; None derives it from the title.
        hide_code: Whether to show only outputs and text.
        live: Interactively, whether to replace the live version at once.
    """
    context = data_session.context
    staged = Staged(
        name=parse_name(name or slug(title), what="publication"),
        kind=PublicationKind.REPORT,
        folder=str(data_session.channel.stage_folder("report")),
        title=title,
        options={
            "hide_code": "1" if hide_code else "",
            "pipeline": context.pipeline,
            "owner": context.owner,
            "logical_at": context.logical_at.isoformat(),
        },
    )
    published = hand_over(data_session, staged, None, live=live)
    if context.id is not None:
        # The runner renders the page after the last cell, with all outputs.
        return published
    return replace(published, blank=not has_outputs(Path(context.notebook), cards=not hide_code))


def hand_over(
    data_session: DataSession,
    request: Staged,
    reader: pa.RecordBatchReader | None,
    *,
    live: bool,
    data: object = None,
) -> Published:
    """Stage an output, submit it, and interactively compare it with the live version."""
    with user_code_boundary(f"Staging {request.name!r}", PublishError):
        staged = publisher_for(request.kind).stage(request, reader)
    known = data_session.remembered.origins_of(data)
    if known:
        columns = [column.name for column in staged.columns]
        staged = replace(staged, origins=of_output(known, columns))
    before = _live(data_session, request.name)
    difference = _difference(staged, before) if data_session.context.id is None else None
    version = data_session.channel.publish(staged, live=live)
    return Published(
        staged=staged,
        version=version,
        before=before,
        retyped=() if difference is None else difference.retyped,
        findings=() if difference is None else difference.reasons,
    )


def _difference(staged: Staged, before: PublicationVersion | None) -> Difference | None:
    """Compare with the live version as the publish gate does, which applies to runs only."""
    if before is None or before.what.kind is not staged.kind or before.pruned_at is not None:
        return None
    difference = publisher_for(staged.kind).compare(staged, before)
    return None if difference is None else judge_difference(difference, staged)


def _since(
    data_session: DataSession, name: object, mode: str, since: str | None, lag: str
) -> NewRows:
    """Open the rows since the watermark, if they can be added to a table."""
    if since is None:
        raise DeclarationError("--lag needs a column: --since COLUMN.")
    if not isinstance(name, str):
        raise DeclarationError(
            f"since needs the name of a source, not a {type(name).__name__}.",
            hint="Use SOURCE, SOURCE.TABLE or a publication.",
        )
    if mode == PublishMode.REPLACE:
        raise DeclarationError(
            "With --since only new rows are read, and --mode replace would delete all others.",
            hint="Add them: --mode append, or --mode upsert --key COLUMN.",
        )
    return data_session.stream_since(name, column=since, lag=lag)


def _share(change: str) -> str:
    """Parse the maximum change of the row count: ``any``, or a share as text."""
    text = change.strip()
    if text == ANY:
        return ANY
    percent = read_decimal(text.removesuffix("%"))
    if percent is None or percent < 0:
        raise DeclarationError(
            f"change is {change!r}; it must be a percentage, like 50%, or any.",
            hint="50% holds a run whose row count drops or grows by more than half.",
        )
    return f"{percent / 100:.6g}"


def _live(data_session: DataSession, name: str) -> PublicationVersion | None:
    try:
        return data_session.channel.publication(name).live
    except NotFound:
        return None


def _member(kind: type[_T], text: str, what: str) -> _T:
    try:
        return kind(text)
    except ValueError:
        allowed = ", ".join(member.value for member in kind)
        raise DeclarationError(f"{what} is {text!r}; it must be one of: {allowed}.") from None


def _render(path: str, values: Mapping[str, object]) -> str:
    """Replace the ``{{name}}`` templates of a path by values."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        if name in values and _is_missing(values[name]):
            raise DeclarationError(
                f"The path {path!r} uses {name!r}, which is {values[name]}.",
                hint="Assign a value in an earlier cell.",
            )
        if not name.isidentifier() or name not in values:
            raise DeclarationError(
                f"The path {path!r} uses {name!r}, which is not a variable of this "
                f"notebook.{nearest(name, values)}",
                hint="Define it in an earlier cell.",
            )
        return _spell(values[name])

    return PATH_TEMPLATE.sub(value, path)


def _is_missing(value: object) -> bool:
    """Return whether a value is None, NaN, NaT or NA."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or type(value).__name__ in ("NaTType", "NAType")


def _spell(value: object) -> str:
    """Format a value for a file name: midnight as its date, other instants without colons."""
    if not isinstance(value, datetime):
        return str(value)
    if value.time() == time():
        return f"{value:%Y-%m-%d}"
    return f"{value:%Y-%m-%dT%H%M%S%z}"
