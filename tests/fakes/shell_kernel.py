"""A kernel that executes cells in bash: ``python shell_kernel.py CONNECTION_FILE``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.session import Session

Message = dict[str, Any]


def install(name: str, *, interrupt_mode: str = "signal") -> None:
    """Write its kernelspec into Jupyter's data folder."""
    folder = Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels" / name
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [sys.executable, __file__, "{connection_file}"],
        "display_name": "Shell",
        "language": "bash",
        "interrupt_mode": interrupt_mode,
    }
    (folder / "kernel.json").write_text(json.dumps(spec))


class ShellKernel:
    """Serves one request after the other; while bash runs, it handles only interrupts."""

    def __init__(self, connection: dict[str, object]) -> None:
        key = str(connection["key"]).encode()
        self.session = Session(key=key, signature_scheme=str(connection["signature_scheme"]))
        self.shell, self.control, self.iopub, self.heartbeat = (
            self.bind(kind, connection[f"{name}_port"])
            for name, kind in (
                ("shell", zmq.ROUTER),
                ("control", zmq.ROUTER),
                ("iopub", zmq.PUB),
                ("hb", zmq.REP),
            )
        )

    def bind(self, kind: int, port: object) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
        socket.bind(f"tcp://127.0.0.1:{port}")
        return socket

    def send(self, kind: str, parent: Message, **content: object) -> None:
        self.session.send(self.iopub, kind, content, parent=parent, ident=kind.encode())

    def serve(self) -> None:
        poller = zmq.Poller()
        for socket in (self.shell, self.control, self.heartbeat):
            poller.register(socket, zmq.POLLIN)
        while True:
            for socket, _ in poller.poll():
                if socket is self.heartbeat:
                    self.heartbeat.send(self.heartbeat.recv())
                    continue
                ident, request = self.session.recv(socket)
                assert request is not None
                kind = request["msg_type"]
                self.send("status", request, execution_state="busy")
                content = self.answer(kind, request)
                reply = kind.replace("_request", "_reply")
                self.session.send(socket, reply, content, parent=request, ident=ident)
                self.send("status", request, execution_state="idle")
                if kind == "shutdown_request":
                    return

    def answer(self, kind: str, request: Message) -> dict[str, object]:
        if kind == "kernel_info_request":
            info = {"name": "bash", "mimetype": "text/x-sh", "file_extension": ".sh"}
            return {"status": "ok", "protocol_version": "5.3", "language_info": info}
        if kind == "execute_request":
            return self.execute(request)
        return {"status": "ok"}

    def execute(self, request: Message) -> dict[str, object]:
        code = request["content"]["code"]
        with subprocess.Popen(["bash", "-c", code], stdout=subprocess.PIPE, text=True) as bash:
            try:
                while bash.poll() is None:
                    if self.control.poll(50):
                        self.session.recv(self.control)
                        bash.send_signal(signal.SIGTERM)
            except KeyboardInterrupt:
                bash.wait()
            assert bash.stdout is not None
            self.send("stream", request, name="stdout", text=bash.stdout.read())
        if bash.returncode == 0:
            return {"status": "ok", "execution_count": 1, "user_expressions": {}}
        error = {"ename": "Exit", "evalue": str(bash.returncode), "traceback": ["Exit"]}
        self.send("error", request, **error)
        return {"status": "error", "execution_count": 1, **error}


if __name__ == "__main__":
    ShellKernel(json.loads(Path(sys.argv[1]).read_text())).serve()
