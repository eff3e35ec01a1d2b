"""The runner's end of the private channel to its kernel: a Unix socket."""

from __future__ import annotations

import contextlib
import shutil
import socket
import socketserver
import threading
from pathlib import Path
from typing import Any

import msgspec

from jupyter_etl.errors import DeclarationError, EtlError, ExecutionError
from jupyter_etl.ports.channel import AnyRequest, Verbs
from jupyter_etl.runner.channel.protocol import MAX_LINE_BYTES, Answer, refusal_of
from jupyter_etl.runner.channel.sockets import make_folder, socket_in


class ChannelServer:
    """Answers the requests of kernels while the context is entered.

    Only this user can open its socket.

    Args:
        handler: Answers the requests.
        folder: From `make_folder`, owned by the caller; None to make a new one.
    """

    def __init__(self, handler: Verbs, folder: Path | None = None) -> None:
        self._is_own = folder is None
        self._folder = folder or make_folder()
        self.path = socket_in(self._folder)
        self._server = _Server(str(self.path), handler)
        self.path.chmod(0o600)
        self._done = False
        self._thread = threading.Thread(target=self._serve, name="etl-channel", daemon=True)

    def __enter__(self) -> ChannelServer:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._done = True
        # An empty connection ends the wait at once; if the notebook has removed the socket, the
        # wait ends at its timeout.
        with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
            connection.connect(str(self.path))
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

    def __init__(self, path: str, handler: Verbs) -> None:
        self.handler = handler
        super().__init__(path, _Connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the error: a kernel may end during a request."""


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        while line := self.rfile.readline(MAX_LINE_BYTES + 1):
            too_long = len(line) > MAX_LINE_BYTES
            answer = _too_long() if too_long else _answer(self.server.handler, line)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(msgspec.json.encode(answer) + b"\n")
            if too_long or not line.endswith(b"\n"):
                return


def _answer(handler: Verbs, line: bytes) -> Answer:
    try:
        request = msgspec.json.decode(line, type=AnyRequest)
        return Answer(ok=request.answer_with(handler))
    except EtlError as problem:
        return Answer(error=refusal_of(problem))
    except (msgspec.MsgspecError, TypeError, ValueError) as problem:
        malformed = DeclarationError(
            f"The request is malformed: {problem}",
            hint="Install the same version of jupyter-etl for the kernel and for its runner.",
        )
        return Answer(error=refusal_of(malformed))
    except Exception as problem:  # noqa: BLE001 - the kernel gets an answer whatever happens here
        message = f"The runner could not answer: {type(problem).__name__}: {problem}"
        return Answer(error=refusal_of(ExecutionError(message)))


def _too_long() -> Answer:
    problem = DeclarationError(f"A request has more than {MAX_LINE_BYTES} bytes.")
    return Answer(error=refusal_of(problem))
