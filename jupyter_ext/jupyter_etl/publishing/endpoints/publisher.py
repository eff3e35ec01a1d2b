"""Published endpoints: one file a version, which a worker loads to answer calls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.language.endpoints.compatibility import contract_changes, sample_changes
from jupyter_etl.model import (
    Committed,
    Difference,
    Endpoint,
    EndpointKind,
    PublicationKind,
    PublicationVersion,
    Staged,
)
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.publishing.lake.layout import (
    disk_errors,
    place_version,
    publication_folder,
    version_folder,
)
from jupyter_etl.publishing.tables.vacuum import VersionFolders

if TYPE_CHECKING:
    import pyarrow as pa

FILES = {
    EndpointKind.FUNCTION: PurePosixPath("function.pickle"),
    EndpointKind.QUERY: PurePosixPath("query.sql"),
}
"""The file of each kind, in the stage and in the lake."""


class EndpointPublisher(VersionFolders):
    """Publishes an endpoint at ``<lake>/apis/<name>/<number>/``: its query, or its pickled function.

    The notebook writes the file of a function into the stage; that of a query is written here.
    """

    kind = PublicationKind.API

    def stage(self, request: Staged, data: pa.RecordBatchReader | None) -> Staged:
        """Complete the declaration with the size of its file; see `Publisher.stage`."""
        endpoint = _endpoint(request)
        file = Path(request.folder, FILES[endpoint.kind])
        with disk_errors(f"Endpoint {request.name!r} cannot be staged"):
            if endpoint.kind is EndpointKind.QUERY:
                file.write_text(endpoint.sql, encoding="utf-8")
            return replace(request, files=(file.name,), bytes=file.stat().st_size)

    def compare(self, staged: Staged, previous: PublicationVersion) -> Difference:
        """Compare the contracts, and the answers to the samples; see `Publisher.compare`."""
        before, after = previous.what.endpoint, _endpoint(staged)
        if before is None:
            return Difference(name=staged.name, number=previous.number)
        changes = (
            *contract_changes(before, after),
            *sample_changes(before.samples, after.replayed),
        )
        return Difference(name=staged.name, number=previous.number, contract=changes)

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
        folder = publication_folder(lake, "apis", staged.name, draft=draft)
        endpoint = _endpoint(staged)
        with disk_errors(f"{staged.name!r} cannot be published"):
            own = version_folder(folder, number, token)
            source = Path(staged.folder, staged.files[0])
            location, content_hash, size = place_version(source, own, FILES[endpoint.kind])
        return Committed(
            name=staged.name,
            kind=PublicationKind.API,
            location=location,
            bytes=size,
            mode=staged.mode,
            key=staged.key,
            contract=staged.contract,
            title=staged.title,
            content_hash=content_hash,
            endpoint=endpoint,
        )

    def read(self, version: PublicationVersion, request: ReadRequest) -> Reading:
        """Raise an error: an endpoint has no rows."""
        raise PublishError(
            f"{version.name!r} is an endpoint and has no rows.",
            hint=f"Call it: jupyter etl endpoints shows how. Its calls are in {version.name}.calls",
        )


def _endpoint(staged: Staged) -> Endpoint:
    if staged.endpoint is None:
        raise PublishError(
            f"{staged.name!r} is staged as an endpoint, but neither as a query nor as a function.",
            hint="Use %%etl publish query or %%etl publish function.",
        )
    return staged.endpoint
