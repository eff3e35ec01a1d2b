"""What a gateway serves: endpoints with their versions, and the tables that they read."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from jupyter_etl.errors import NotFound, PermissionDenied, StorageError
from jupyter_etl.model import (
    CallCounts,
    Endpoint,
    EndpointKind,
    PublicationVersion,
    ServedMark,
    Traffic,
)
from jupyter_etl.ports import Store
from jupyter_etl.publishing.lake.layout import is_local
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.publications.publications import open_published
from jupyter_etl.services.reading import choose_version
from jupyter_etl.services.serving.call_log import CallLog
from jupyter_etl.services.serving.copies import ServingCopies
from jupyter_etl.serving.queries.execution import QuerySpec, encode_spec
from jupyter_etl.serving.queries.live_lookups import Tables, write_tables
from jupyter_etl.serving.queries.pages import CopyRef
from jupyter_etl.serving.workers.protocol import WorkerSpec

FUNCTION_LOADER = "jupyter_etl.serving.functions.serving:load"
_TABLES = "jupyter_etl.serving.queries.tables:load_tables"
_QUERY = "jupyter_etl.serving.queries.execution:load_query"
_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ServedEndpoint:
    """An endpoint with everything that can be called.

    Args:
        traffic: Which versions answer; None while there are only drafts.
        versions: By number, without pruned ones.
        draft: The newest draft.
    """

    name: str
    kind: EndpointKind
    owner: str
    traffic: Traffic | None
    versions: Mapping[int, PublicationVersion]
    draft: PublicationVersion | None

    def version(self, number: int) -> PublicationVersion:
        """Return a version; raises `NotFound`."""
        found = self.versions.get(number)
        if found is None:
            raise NotFound(
                f"{self.name!r} has no version {number}.",
                hint=f"There are: {', '.join(map(str, self.versions)) or 'none, only drafts'}.",
            )
        return found

    def before(self, number: int) -> PublicationVersion | None:
        """Return the version before another one; None if there is none."""
        return max(
            (one for one in self.versions.values() if one.number < number),
            key=lambda one: one.number,
            default=None,
        )


@dataclass(frozen=True, kw_only=True)
class Served:
    """What is served at one moment.

    Args:
        marks: Those that it was loaded with.
        endpoints: By name.
        is_loaded: Whether the ledger has been read.
    """

    marks: Mapping[str, ServedMark] = field(default_factory=dict)
    endpoints: Mapping[str, ServedEndpoint] = field(default_factory=dict)
    is_loaded: bool = False


def load_served(store: Store, before: Served) -> Served:
    """Return what is served now; ``before`` itself if nothing has changed.

    Raises:
        StoreError: The ledger does not answer.
    """
    marks = store.load_served_marks()
    if before.is_loaded and marks == before.marks:
        return before
    traffic = {one.name: one for one in store.load_all_traffic()}
    found: dict[str, list[PublicationVersion]] = {}
    for version in store.load_endpoint_versions():
        found.setdefault(version.name, []).append(version)
    return Served(
        marks=marks,
        is_loaded=True,
        endpoints={name: _served(versions, traffic.get(name)) for name, versions in found.items()},
    )


def _served(versions: list[PublicationVersion], traffic: Traffic | None) -> ServedEndpoint:
    newest = versions[-1]
    return ServedEndpoint(
        name=newest.name,
        kind=endpoint_of(newest).kind,
        owner=newest.owner,
        traffic=traffic,
        versions={one.number: one for one in versions if not one.draft},
        draft=newest if newest.draft else None,
    )


def endpoint_of(version: PublicationVersion) -> Endpoint:
    """Return what a version of an endpoint is."""
    endpoint = version.what.endpoint
    if endpoint is None:
        raise NotFound(f"{version.name!r} version {version.number} is not an endpoint.")
    return endpoint


def version_label(version: PublicationVersion) -> str:
    """Return ``score version 2`` or ``score draft 2``, the subject of messages."""
    return f"{version.name} {'draft' if version.draft else 'version'} {version.number}"


class EndpointBackend:
    """The ledger, the lake and the secrets as a gateway needs them; its methods block.

    Args:
        folder: Folder of this machine for serving copies and logs of workers.
    """

    def __init__(self, etl: Etl, folder: Path) -> None:
        self._etl = etl
        self.folder = folder
        self.call_log = CallLog(folder / "calls", etl.store, etl.clock, etl.lake)
        self._copies = ServingCopies(folder / "copies")
        self._tables = folder / f"tables-{uuid4().hex}.json"
        self._pages_key = hashlib.sha256(f"pages {etl.store.load_identity()}".encode()).digest()

    @property
    def pages_key(self) -> bytes:
        """The key of the tokens of pages: the same in all gateways of a ledger."""
        return self._pages_key

    def load(self, before: Served) -> Served:
        """Return what is served now; see `load_served`."""
        return load_served(self._etl.store, before)

    def alert(self, title: str, body: str) -> None:
        """Notify people of an endpoint that cannot answer; raises `EtlError`."""
        self._etl.notifier.notify(title, body, severity="error", run=None)

    def add_counts(self, counts: Sequence[CallCounts]) -> None:
        """Record counts of calls; raises `StoreError`."""
        self._etl.store.add_call_counts(counts)

    def copy(self, name: str, number: int | None, keys: Sequence[str]) -> CopyRef:
        """Return the serving copy of a table; it is built if there is none.

        Args:
            number: The version; None for the live one.
            keys: Columns to index, if the table has them, in addition to its own key.

        Raises:
            NotFound: There is no such table or version.
            EtlError: The version cannot be read.
        """
        version = choose_version(self._etl.publications, name, number=number)
        columns = {column.name for column in version.what.columns}
        every = dict.fromkeys([*keys, *version.what.key])
        return self._copies.ensure(version, [key for key in every if key in columns])

    def drop_copies(self) -> None:
        """Delete the copies that no gateway of this machine has used for a while."""
        self._copies.drop_unused(())

    def write_tables(self, tables: Tables) -> None:
        """Tell the workers which versions ``etl.lookup`` reads."""
        write_tables(self._tables, tables)

    def tables_spec(self) -> WorkerSpec:
        """Return how the workers that read filtered tables are started."""
        options = {
            "folder": str(self._copies.folder),
            "secret": self._pages_key,
            "timezone": self._etl.settings.timezone,
        }
        return WorkerSpec(name="The tables' reader", loader=_TABLES, options=options)

    def spec(self, version: PublicationVersion) -> WorkerSpec:
        """Return how the workers of a version are started.

        Raises:
            StorageError: The file of the version is missing, or is not the one that was published.
        """
        endpoint = endpoint_of(version)
        limits = {
            "name": version_label(version),
            "workers": endpoint.workers,
            "timeout_s": endpoint.timeout_s,
            "memory_bytes": endpoint.memory_bytes,
            "keep_warm": endpoint.keep_warm,
        }
        if endpoint.kind is EndpointKind.QUERY:
            query = QuerySpec(
                # Pages of a draft are not those of the version with the same number.
                name=version_label(version) if version.draft else version.name,
                version=version.number,
                sql=endpoint.sql,
                limit=endpoint.limit,
                timezone=self._etl.settings.timezone,
                memory_bytes=endpoint.memory_bytes // 2,
                timeout_s=endpoint.timeout_s,
            )
            options = {"folder": str(self._copies.folder), "secret": self._pages_key}
            return WorkerSpec(loader=_QUERY, payload=encode_spec(query), options=options, **limits)  # type: ignore[arg-type]
        function = function_options(
            endpoint,
            secrets=self._secrets(version),
            copies=self._copies.folder,
            tables=self._tables,
        )
        return WorkerSpec(
            loader=FUNCTION_LOADER,
            payload=checked_file(version),
            options=function,
            interpreter=other_interpreter(endpoint),
            **limits,  # type: ignore[arg-type]
        )

    def _secrets(self, version: PublicationVersion) -> dict[str, str]:
        """Return the secrets that a function may use: those of its owner that are here."""
        found = {}
        for name in endpoint_of(version).secrets:
            if version.owner == self._etl.settings.owner:
                with suppress(NotFound, PermissionDenied):
                    found[name] = self._etl.secret(name)
        return found

    def close(self) -> None:
        """End the process that builds copies, and delete what only this gateway needs."""
        self._copies.close()
        self._tables.unlink(missing_ok=True)


def function_options(
    endpoint: Endpoint, *, secrets: Mapping[str, str], copies: Path, tables: Path
) -> dict[str, object]:
    """Return the options of the loader of a function; see `jupyter_etl.serving.functions.serving`."""
    return {
        "python": endpoint.python,
        "packages": dict(endpoint.packages),
        "secrets": dict(secrets),
        "copies": str(copies),
        "tables": str(tables),
    }


def other_interpreter(endpoint: Endpoint) -> str:
    """Return the interpreter that published a function; "" if it is this one."""
    theirs = endpoint.interpreter
    if not theirs or Path(theirs).parent.resolve() == Path(sys.executable).parent.resolve():
        return ""
    return theirs


def checked_file(version: PublicationVersion) -> Path:
    """Return the file of a function, which must be the one that was published."""
    what = version.what
    if not is_local(what.location):
        raise StorageError(
            f"The file of {version_label(version)} is in an object store, and functions are served "
            "from a local lake only."
        )
    digest = hashlib.sha256()
    with open_published(Path(what.location)) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != what.content_hash:
        raise StorageError(
            f"The file of {version_label(version)} is not the one that was published.",
            hint="Restore it from a backup, or publish the function again.",
        )
    return Path(what.location)
