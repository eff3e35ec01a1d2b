"""Published files: rows written by extension, or copies of existing files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError, StorageError
from jupyter_etl.model import Committed, PublicationKind, PublicationVersion, Staged
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.publishing.files.formats import extension_of, read_file, write_file
from jupyter_etl.publishing.files.layouts import FileLayout, layout_of
from jupyter_etl.publishing.lake.layout import (
    disk_errors,
    in_one_line,
    place_version,
    publication_folder,
    relative_path,
    still_there,
    version_folder,
)
from jupyter_etl.publishing.selection import first_rows, wanted_columns
from jupyter_etl.publishing.tables.delta import columns_of
from jupyter_etl.publishing.tables.vacuum import VersionFolders

if TYPE_CHECKING:
    import pyarrow as pa


class FilePublisher(VersionFolders):
    """Publishes one file at ``<lake>/files/<name>/<number>/<path>``, drafts under ``drafts/``.

    Options: ``path``, the relative path of the published file; ``source``, an existing file to copy
    if there are no rows.
    """

    kind = PublicationKind.FILE

    def stage(self, request: Staged, data: pa.RecordBatchReader | None) -> Staged:
        """Write or copy the file into the stage; see `Publisher.stage`."""
        path = relative_path(request.options.get("path", ""))
        target = Path(request.folder, path.name)
        with disk_errors(f"File {str(path)!r} cannot be staged"):
            if data is None:
                _copy_source(request, target)
                return replace(request, files=(path.name,), bytes=target.stat().st_size)
            rows, layout = _write(data, target, str(path))
            return replace(
                request,
                files=(path.name,),
                rows=rows,
                bytes=target.stat().st_size,
                columns=columns_of(layout.schema),
                layout=layout.encode(),
            )

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
        """Place the file in the lake atomically; see `Publisher.commit`."""
        path = relative_path(staged.options.get("path", ""))
        folder = publication_folder(lake, "files", staged.name, draft=draft)
        with disk_errors(f"{staged.name!r} cannot be published"):
            own = version_folder(folder, number, token)
            source = Path(staged.folder, staged.files[0])
            location, content_hash, size = place_version(source, own, path)
        return Committed(
            name=staged.name,
            kind=PublicationKind.FILE,
            location=location,
            rows=staged.rows,
            changed_rows=staged.rows,
            bytes=size,
            columns=staged.columns,
            mode=staged.mode,
            key=staged.key,
            partition_by=staged.partition_by,
            contract=staged.contract,
            title=staged.title,
            layout=staged.layout,
            content_hash=content_hash,
        )

    def read(self, version: PublicationVersion, request: ReadRequest) -> Reading:
        """Read the rows of a parquet, CSV or JSON file; see `Publisher.read`."""
        import pyarrow as pa

        location = version.what.location
        what = f"Version {version.number} of {version.name!r} cannot be read"
        with disk_errors(what):
            still_there(version)
            reader = _readable(version.what, what)
        if reader is None:
            raise PublishError(
                f"{version.name!r} is a file without rows ({Path(location).name}).",
                hint="Open the file itself: %etl history shows where it is.",
            )
        columns = wanted_columns(version, request, reader.schema.names)
        schema = pa.schema([reader.schema.field(name) for name in columns])
        batches = _selected(reader, columns, what)
        if request.limit is not None:
            batches = first_rows(batches, request.limit)
        return Reading(
            batches=pa.RecordBatchReader.from_batches(schema, batches),
            version=str(version.number),
            total_rows=version.what.rows,
        )


def records_types(what: Committed) -> bool:
    """Return whether a published file can be read back without inferring types."""
    return (
        extension_of(what.location) == ".parquet"
        or layout_of(what.layout, what.columns) is not None
    )


def _write(data: pa.RecordBatchReader, target: Path, path: str) -> tuple[int, FileLayout]:
    import pyarrow as pa

    try:
        return write_file(data, target, path=path)
    except (pa.ArrowException, ValueError, TypeError) as problem:
        raise PublishError(
            f"The rows cannot be written as {path!r}: {in_one_line(problem)}.",
            hint="Write .parquet, which supports the most types.",
        ) from problem


def _readable(what: Committed, sentence: str) -> pa.RecordBatchReader | None:
    try:
        with _reading(sentence):
            return read_file(what.location, layout_of(what.layout, what.columns), what.rows)
    except FileNotFoundError as problem:
        raise StorageError(
            f"{sentence}: its file is not in the lake ({what.location}).",
            hint="Read another version; %etl history lists them.",
        ) from problem


def _selected(
    reader: pa.RecordBatchReader, columns: list[str], sentence: str
) -> Iterator[pa.RecordBatch]:
    with _reading(sentence):
        for batch in reader:
            yield batch.select(columns)


@contextmanager
def _reading(sentence: str) -> Iterator[None]:
    import pyarrow as pa
    from msgspec import MsgspecError
    from python_calamine import CalamineError

    try:
        yield
    except (pa.ArrowException, MsgspecError, CalamineError, ValueError) as problem:
        raise PublishError(
            f"{sentence}: {in_one_line(problem)}.",
            hint="The file has changed since it was published. Read another version; %etl history lists them.",
        ) from problem


def _copy_source(request: Staged, target: Path) -> None:
    source = request.options.get("source", "")
    if not source or not Path(source).is_file():
        raise PublishError(
            f"There is no file {source!r} to publish.",
            hint="Write it first, or publish a frame: %etl publish file PATH FRAME.",
        )
    shutil.copyfile(source, target)
