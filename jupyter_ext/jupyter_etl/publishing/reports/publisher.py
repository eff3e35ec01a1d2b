"""Reports: an executed notebook as one self-contained HTML file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.model import Committed, PublicationKind, PublicationVersion, Staged
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.publishing.lake.layout import (
    disk_errors,
    is_local,
    place_version,
    publication_folder,
    version_folder,
)
from jupyter_etl.publishing.reports.page import Heading, render_report
from jupyter_etl.publishing.tables.vacuum import VersionFolders

if TYPE_CHECKING:
    import pyarrow as pa

_PAGE = PurePosixPath("index.html")
_TRUE = {"1", "true", "yes", "on"}


class ReportPublisher(VersionFolders):
    """Publishes a report at ``<lake>/reports/<name>/<number>/index.html``.

    Options: ``hide_code``; ``notebook``, the absolute path of the executed notebook, which the
    runner sets before `commit`; for the header ``pipeline``, ``run`` and ``at`` (ISO instant), if
    known.
    """

    kind = PublicationKind.REPORT

    def stage(self, request: Staged, data: pa.RecordBatchReader | None) -> Staged:
        """Record the declaration: the notebook is complete only after its last cell."""
        if data is not None:
            raise PublishError(
                f"Report {request.name!r} is made from the notebook, not from rows.",
                hint="Leave the frame out: %etl publish report TITLE.",
            )
        return replace(request, files=(), rows=None, bytes=0, columns=())

    def commit(
        self,
        staged: Staged,
        *,
        lake: str,
        draft: bool,
        number: int,
        token: str,
        previous: PublicationVersion | None,
    ) -> Committed:
        """Render the executed notebook and place the page in the lake; see `Publisher.commit`."""
        folder = publication_folder(lake, "reports", staged.name, draft=draft)
        with disk_errors(f"{staged.name!r} cannot be published"):
            own = version_folder(folder, number, token)
            location, content_hash, size = _page(staged, own, token)
        return Committed(
            name=staged.name,
            kind=PublicationKind.REPORT,
            location=location,
            bytes=size,
            mode=staged.mode,
            contract=staged.contract,
            title=staged.title,
            content_hash=content_hash,
        )

    def read(self, version: PublicationVersion, request: ReadRequest) -> Reading:
        """Raise an error: a report has no rows."""
        raise PublishError(
            f"{version.name!r} is a report and has no rows.",
            hint=f"Open its page: {version.what.location}",
        )


def _page(staged: Staged, own: str, token: str) -> tuple[str, str, int]:
    """Render the page unless it exists for this token; the renderer's clock may differ by now."""
    present = Path(own, _PAGE)
    if is_local(own) and present.is_file():
        return place_version(present, own, _PAGE)
    html = render_report(
        _notebook(staged),
        Heading(
            title=staged.title or staged.name,
            pipeline=staged.options.get("pipeline", ""),
            run=staged.options.get("run", "") or _run_of(token),
            at=staged.options.get("at", ""),
        ),
        hide_code=staged.options.get("hide_code", "").lower() in _TRUE,
    )
    rendered = Path(staged.folder, _PAGE)
    rendered.write_text(html, encoding="utf-8")
    return place_version(rendered, own, _PAGE)


def _run_of(token: str) -> str:
    head = token.partition("/")[0]
    return head.removeprefix("run-").partition(".")[0] if head.startswith("run-") else ""


def _notebook(staged: Staged) -> str:
    path = staged.options.get("notebook", "")
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise PublishError(
            f"Report {staged.name!r} has no executed notebook to show ({path or 'none was given'}).",
            hint="Run the notebook: %etl run, or jupyter etl run NOTEBOOK.",
        ) from problem
