"""A small Jupyter kernel for Python, so that most of the killed processes are cheap to start.

It implements the part of the wire protocol that nbclient needs: kernel_info, execute, shutdown, and
interrupts by signal. It has no history, completion or magics: cells are passed to ``exec``.

Source: Jupyter messaging protocol 5.3, jupyter-client.readthedocs.io/en/stable/messaging.html
"""

from __future__ import annotations

import ast
import hmac
import json
import signal
import sys
import threading
import traceback
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zmq

SPEC = {
    "argv": [sys.executable, str(Path(__file__).resolve()), "{connection_file}"],
    "display_name": "Chaos",
    "language": "python",
    "interrupt_mode": "signal",
}
"""Its kernelspec."""

INFO = {
    "status": "ok",
    "protocol_version": "5.3",
    "implementation": "chaos",
    "implementation_version": "1",
    "banner": "",
    "language_info": {
        "name": "python",
        "version": sys.version.split()[0],
        "mimetype": "text/x-python",
        "file_extension": ".py",
    },
}
_DELIMITER = b"<IDS|MSG>"
_SESSION = uuid.uuid4().hex


class Kernel:
    """Serves one request after the other.

    Args:
        connection: Content of the connection file.
    """

    def __init__(self, connection: dict[str, Any]) -> None:
        self._connection = connection
        self._key = connection["key"].encode()
        self._zmq = zmq.Context()
        self._shell = self._bind(zmq.ROUTER, "shell_port")
        self._control = self._bind(zmq.ROUTER, "control_port")
        self._stdin = self._bind(zmq.ROUTER, "stdin_port")
        self._iopub = self._bind(zmq.PUB, "iopub_port")
        self._heart = self._bind(zmq.REP, "hb_port")
        self._names: dict[str, Any] = vars(sys.modules["__main__"])
        self._count = 0
        self._parent: dict[str, Any] = {}

    def serve(self) -> None:
        """Serve requests until a shutdown request."""
        threading.Thread(target=self._heartbeat, daemon=True).start()
        sys.stdout = sys.stderr = self  # type: ignore[assignment]
        poller = zmq.Poller()
        poller.register(self._shell, zmq.POLLIN)
        poller.register(self._control, zmq.POLLIN)
        while True:
            try:
                for socket, _ in poller.poll():
                    if not self._answer(socket):
                        return
            except KeyboardInterrupt:
                continue

    def write(self, text: str) -> int:
        """Write to the cell's stdout."""
        self._publish("stream", {"name": "stdout", "text": text})
        return len(text)

    def flush(self) -> None:
        """Flush the cell's stdout."""

    def _answer(self, socket: zmq.Socket[bytes]) -> bool:
        frames = socket.recv_multipart()
        at = frames.index(_DELIMITER)
        to, request = frames[:at], [json.loads(frame) for frame in frames[at + 2 :]]
        header, content = request[0], request[3]
        self._parent = header
        kind = header["msg_type"].removesuffix("_request")
        self._publish("status", {"execution_state": "busy"})
        reply = {"kernel_info": lambda: INFO, "execute": lambda: self._execute(content)}.get(
            kind, lambda: {"status": "ok", **content}
        )()
        self._send(socket, f"{kind}_reply", reply, to)
        self._publish("status", {"execution_state": "idle"})
        return kind != "shutdown"

    def _execute(self, content: dict[str, Any]) -> dict[str, Any]:
        if not content.get("silent"):
            self._count += 1
            self._publish(
                "execute_input", {"code": content["code"], "execution_count": self._count}
            )
        try:
            exec(compile(ast.parse(content["code"]), "<cell>", "exec"), self._names)  # noqa: S102
        except BaseException as problem:  # noqa: BLE001 - an interrupt too is the cell's end
            error = {
                "ename": type(problem).__name__,
                "evalue": str(problem),
                "traceback": traceback.format_exc().splitlines(),
            }
            self._publish("error", error)
            return {"status": "error", "execution_count": self._count, **error}
        return {"status": "ok", "execution_count": self._count, "user_expressions": {}}

    def _publish(self, kind: str, content: dict[str, Any]) -> None:
        self._send(self._iopub, kind, content, [kind.encode()])

    def _send(
        self, socket: zmq.Socket[bytes], kind: str, content: dict[str, Any], to: list[bytes]
    ) -> None:
        header = {
            "msg_id": uuid.uuid4().hex,
            "session": _SESSION,
            "username": "kernel",
            "date": datetime.now(UTC).isoformat(),
            "msg_type": kind,
            "version": "5.3",
        }
        parts = [json.dumps(part).encode() for part in (header, self._parent, {}, content)]
        signed = hmac.new(self._key, b"".join(parts), "sha256").hexdigest().encode()
        socket.send_multipart([*to, _DELIMITER, signed, *parts])

    def _heartbeat(self) -> None:
        while True:
            self._heart.send(self._heart.recv())

    def _bind(self, kind: int, port: str) -> zmq.Socket[bytes]:
        socket = self._zmq.socket(kind)
        socket.linger = 1000
        there = self._connection
        socket.bind(f"{there['transport']}://{there['ip']}:{there[port]}")
        return socket


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    Kernel(json.loads(Path(sys.argv[1]).read_text())).serve()
