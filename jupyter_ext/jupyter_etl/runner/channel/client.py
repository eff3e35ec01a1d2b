"""The private line between a kernel and its runner: a Unix socket that only this user can open."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from jupyter_etl.errors import DeclarationError, EtlError, ExecutionError
from jupyter_etl.model import (
    CheckResult,
    Cursor,
    CursorMove,
    CursorStart,
    Publication,
    PublicationVersion,
    Read,
    RunContext,
    Source,
    Staged,
)
from jupyter_etl.runner.channel.protocol import (
    MAX_LINE_BYTES,
    Answer,
    Request,
    error_of,
    refusal_of,
)
from jupyter_etl.runner.channel.requests import RunRecord
from jupyter_etl.runner.channel.sockets import make_folder

CHANNEL = "JUPYTER_ETL_CHANNEL"
"""Environment variable that tells a kernel the path of its runner's socket."""

T = TypeVar("T")


class RunnerChannel:
    """A kernel's side: implements `jupyter_etl.ports.Channel` by asking the runner.

    Each call is a connection of its own, so that threads and forks of the kernel do not meet.

    Args:
        path: Of the runner's socket, from the environment variable ``JUPYTER_ETL_CHANNEL``.

    Attributes:
        told: The values of secrets that this kernel was told.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self.told: set[str] = set()

    @cached_property
    def context(self) -> RunContext:
        """The run this code belongs to."""
        return self._ask("context", RunContext)

    def declare_source(self, source: Source) -> Source:
        """Write a source into the catalogue; the same declaration twice is one."""
        return self._ask("declare_source", Source, source=source)

    def secret(self, name: str, source: Source | None = None) -> str:
        """Return the value behind the name of a secret; the runner shows it nowhere from then on."""
        value = self._ask("secret", str, name=name, source=source)
        self.told.add(value)
        return value

    def source(self, name: str) -> Source:
        """Return a source by name."""
        return self._ask("source", Source, name=name)

    def sources(self) -> list[Source]:
        """Return all sources, by name."""
        return self._ask("sources", list[Source])

    def publication(self, name: str) -> Publication:
        """Return a publication as this run first saw it."""
        return self._ask("publication", Publication, name=name)

    def publications(self) -> list[Publication]:
        """Return all publications, by name."""
        return self._ask("publications", list[Publication])

    def history(self, name: str, *, draft: bool = False) -> list[PublicationVersion]:
        """Return the versions of a publication, newest first."""
        return self._ask("history", list[PublicationVersion], name=name, draft=draft)

    def report_read(self, read: Read) -> None:
        """Tell what was read."""
        self._ask("report_read", None, read=read)

    def cursor_start(self, cursor: Cursor) -> CursorStart:
        """Return where incremental loads by a cursor begin, the same for all of this attempt."""
        return self._ask("cursor_start", CursorStart, cursor=cursor)

    def report_move(self, move: CursorMove) -> None:
        """Tell what an incremental load read."""
        self._ask("report_move", None, move=move)

    def report_failure(self, source: str, message: str, *, retryable: bool) -> None:
        """Tell that a source could not be read."""
        self._ask("report_failure", None, source=source, message=message, retryable=retryable)

    def report_checks(self, results: Sequence[CheckResult], *, returned: bool = False) -> None:
        """Tell what checks found."""
        self._ask("report_checks", None, results=list(results), returned=returned)

    def stage_folder(self, name: str) -> Path:
        """Return a new empty folder to stage an output in."""
        prefix = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:60].lstrip(".") or "output"
        try:
            return Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=self.context.folder))
        except OSError as problem:
            raise ExecutionError(
                f"Nothing can be staged in {self.context.folder}: {problem.strerror}.",
                hint="Check the disk's free space and the folder's permissions.",
            ) from problem

    def publish(self, staged: Staged, *, live: bool = False) -> PublicationVersion | None:
        """Hand over a staged output; it waits for the end of the run.

        Args:
            live: Means nothing here: the run decides between draft and live.
        """
        return self._ask("publish", None, staged=staged)

    def _ask(self, verb: str, answer: type[T] | None, **payload: object) -> T:
        line = msgspec.json.encode({"verb": verb, "payload": payload}) + b"\n"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(self._path)
                connection.sendall(line)
                with connection.makefile("rb") as replies:
                    raw = replies.readline()
        except OSError as problem:
            raise _gone(verb) from problem
        if not raw.endswith(b"\n"):
            raise _gone(verb)
        reply = msgspec.json.decode(raw, type=Answer)
        if reply.error is not None:
            raise error_of(reply.error)
        return msgspec.convert(reply.ok, answer)


class ChannelServer:
    """A runner's side: answers what kernels ask, for as long as it is entered.

    Args:
        record: What answers and takes note.
        folder: From `make_folder`, of the caller; None for one of its own.
    """

    def __init__(self, record: RunRecord, folder: Path | None = None) -> None:
        self._is_own = folder is None
        self._folder = folder or make_folder()
        self.path = socket_in(self._folder)
        self._server = _Server(str(self.path), _verbs(record))
        self.path.chmod(0o600)
        self._done = False
        self._thread = threading.Thread(target=self._serve, name="etl-channel", daemon=True)

    def __enter__(self) -> ChannelServer:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._done = True
        # A visitor who says nothing, so that it looks up at once; where the notebook has removed
        # the socket, it does so a little later.
        with socket.socket(socket.AF_UNIX) as visitor, contextlib.suppress(OSError):
            visitor.connect(str(self.path))
        self._thread.join()
        self._server.server_close()
        if self._is_own:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _serve(self) -> None:
        while not self._done:
            self._server.handle_request()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    timeout = 0.5

    def __init__(self, path: str, verbs: dict[str, Callable[..., Any]]) -> None:
        self.verbs = verbs
        super().__init__(path, _Conversation)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a kernel that went away in the middle of a sentence is no error here."""


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        while line := self.rfile.readline(MAX_LINE_BYTES + 1):
            too_long = len(line) > MAX_LINE_BYTES
            answer = _too_long() if too_long else _answer(self.server.verbs, line)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(msgspec.json.encode(answer) + b"\n")
            if too_long or not line.endswith(b"\n"):
                return


def _answer(verbs: dict[str, Callable[..., Any]], line: bytes) -> Answer:
    try:
        request = msgspec.json.decode(line, type=Request)
        verb = verbs.get(request.verb)
        if verb is None:
            raise DeclarationError(
                f"The runner does not support {request.verb!r}; it supports "
                f"{', '.join(sorted(verbs))}."
            )
        return Answer(ok=verb(**request.payload))
    except EtlError as problem:
        return Answer(error=refusal_of(problem))
    except (msgspec.MsgspecError, TypeError, ValueError) as problem:
        return Answer(error=refusal_of(DeclarationError(f"The request is malformed: {problem}")))
    except Exception as problem:  # noqa: BLE001 - the kernel gets an answer whatever happens here
        message = f"The runner could not answer: {type(problem).__name__}: {problem}"
        return Answer(error=refusal_of(ExecutionError(message)))


def _too_long() -> Answer:
    problem = DeclarationError(f"A request has more than {MAX_LINE_BYTES} bytes.")
    return Answer(error=refusal_of(problem))


def _verbs(record: RunRecord) -> dict[str, Callable[..., Any]]:
    """Return all that a kernel may ask, with the types of the arguments."""

    def taking(function: Callable[..., Any], **types: Any) -> Callable[..., Any]:
        def call(**payload: Any) -> Any:
            unknown = payload.keys() - types.keys()
            if unknown or types.keys() - payload.keys():
                raise TypeError(f"expected {sorted(types)}, received {sorted(payload)}")
            typed = {name: msgspec.convert(payload[name], types[name]) for name in types}
            return function(**typed)

        return call

    return {
        "context": taking(record.context),
        "declare_source": taking(record.declare_source, source=Source),
        "secret": taking(record.secret, name=str, source=Source | None),
        "source": taking(record.source, name=str),
        "sources": taking(record.sources),
        "publication": taking(record.publication, name=str),
        "publications": taking(record.publications),
        "history": taking(record.history, name=str, draft=bool),
        "report_read": taking(record.report_read, read=Read),
        "cursor_start": taking(record.cursor_start, cursor=Cursor),
        "report_move": taking(record.report_move, move=CursorMove),
        "report_failure": taking(record.report_failure, source=str, message=str, retryable=bool),
        "report_checks": taking(record.report_checks, results=list[CheckResult], returned=bool),
        "publish": taking(record.publish, staged=Staged),
    }


def socket_in(folder: Path) -> Path:
    """Return where the socket of a channel lies."""
    return folder / "channel"


def _gone(verb: str) -> ExecutionError:
    return ExecutionError(
        f"The runner of this run does not answer ({verb}).",
        hint="It has ended, or this kernel does not belong to a run.",
    )
