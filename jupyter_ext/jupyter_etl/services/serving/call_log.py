"""The calls of endpoints as tables: ``score.calls`` has a row for each call of ``score``."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import uuid4

import msgspec

from jupyter_etl.model import Batch, CallRole, PublicationKind, PublishMode, Staged
from jupyter_etl.ports import Clock, Lake, Store
from jupyter_etl.services.publications.publishing import publish_staged
from jupyter_etl.services.reading import publisher_for

SUFFIX = "calls"
_LINES = 100_000
"""Most calls that are published at once."""


class LoggedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call.

    Args:
        at: When it was answered, UTC.
        endpoint: Its endpoint.
        version: Number of the version that answered.
        role: Why this version answered.
        token: Name of the token; "" for the operator's.
        status: HTTP status.
        ms: Milliseconds in the workers.
        call_id: As in the header ``X-Call-Id``.
        value: The field that decided which version answered, as text; null without one.
    """

    at: datetime
    endpoint: str
    version: int
    role: CallRole
    token: str
    status: int
    ms: float
    call_id: str
    value: str | None


@dataclass
class CallLog:
    """Keeps calls in files of one gateway, and publishes them from time to time.

    A gateway that was killed leaves its files, which the next one publishes.

    Args:
        folder: Folder of the files, shared by the gateways of a machine.
    """

    folder: Path
    store: Store
    clock: Clock
    lake: Lake

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = self.folder / f"{uuid4().hex}.jsonl"
        self._open: IO[bytes] | None = None

    def append(self, calls: Iterable[LoggedCall]) -> None:
        """Write calls to the file of this gateway."""
        if self._open is None:
            self._open = self._file.open("ab")
            fcntl.flock(self._open, fcntl.LOCK_EX)
        self._open.writelines(msgspec.json.encode(call) + b"\n" for call in calls)
        self._open.flush()

    def publish(self, owners: Mapping[str, str]) -> None:
        """Publish all calls in the files of this gateway, and of gateways that have ended.

        Args:
            owners: Owner of each endpoint, who owns its table, too.

        Raises:
            EtlError: Calls cannot be published; they stay in the files.
        """
        if self._open is not None:
            self._open.close()
            self._open = None
        for path in sorted(self.folder.glob("*.jsonl")):
            with _locked(path) as file:
                if file is not None:
                    self._publish_file(file, owners)
                    path.unlink()
        self._file = self.folder / f"{uuid4().hex}.jsonl"

    def _publish_file(self, file: IO[bytes], owners: Mapping[str, str]) -> None:
        by_endpoint: dict[str, list[LoggedCall]] = {}
        for call in _calls_in(file):
            if call.endpoint in owners:
                by_endpoint.setdefault(call.endpoint, []).append(call)
        for name, calls in sorted(by_endpoint.items()):
            for start in range(0, len(calls), _LINES):
                part = calls[start : start + _LINES]
                self._publish_calls(name, owners[name], part, f"{Path(file.name).stem}:{start}")

    def _publish_calls(
        self, endpoint: str, owner: str, calls: Sequence[LoggedCall], batch: str
    ) -> None:
        import pyarrow as pa

        schema = pa.schema(
            [
                ("at", pa.timestamp("us", tz="UTC")),
                ("version", pa.int64()),
                ("role", pa.string()),
                ("token", pa.string()),
                ("status", pa.int64()),
                ("ms", pa.float64()),
                ("call_id", pa.string()),
                ("value", pa.string()),
            ]
        )
        rows = [{name: getattr(one, name) for name in schema.names} for one in calls]
        table = pa.Table.from_pylist([{**row, "role": str(row["role"])} for row in rows], schema)
        with tempfile.TemporaryDirectory(prefix="jupyter-etl-") as folder:
            request = Staged(
                name=f"{endpoint}.{SUFFIX}",
                kind=PublicationKind.TABLE,
                folder=folder,
                mode=PublishMode.APPEND,
                # The same file is not published twice, even after a kill in between.
                batch=Batch(key=f"calls:{batch}"),
            )
            staged = publisher_for(PublicationKind.TABLE).stage(request, table.to_reader())
            publish_staged(
                staged,
                store=self.store,
                clock=self.clock,
                lake=self.lake,
                owner=owner,
                draft=False,
            )


def _calls_in(file: IO[bytes]) -> Iterator[LoggedCall]:
    decoder = msgspec.json.Decoder(LoggedCall)
    for line in file:
        # A gateway may have been killed in the middle of the last line.
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError:
            continue


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes] | None]:
    """Open a file of calls; None if a live gateway writes it or another one publishes it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield file if path.exists() else None
