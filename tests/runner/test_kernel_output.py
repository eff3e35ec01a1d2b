"""What an IPython kernel has in memory of what it prints and displays, and what it sends of that."""

from __future__ import annotations

import re
import resource
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import zmq
from ipykernel.iostream import IOPubThread, OutStream
from jupyter_client.session import Session
from tornado.ioloop import IOLoop

from fakes.attempts import AttemptHarness, notebook_text, outputs
from jupyter_etl.model import Outcome
from jupyter_etl.runner.kernel.output import LEFT_OUT, bound_output


class Kernel:
    """The part of a kernel that sends output, and a client that receives it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.context = zmq.Context()
        self.session = Session(key=b"key")
        socket = self.context.socket(zmq.XPUB)
        socket.bind("inproc://output")
        self.client = self.context.socket(zmq.SUB)
        self.client.connect("inproc://output")
        self.client.subscribe(b"")
        self.client.rcvtimeo = 10_000
        # The subscription has arrived before anything is sent.
        socket.recv()
        # Without being started it sends at once.
        self.thread = IOPubThread(socket)
        self.streams = {}
        for name in ("stdout", "stderr"):
            self.streams[name] = OutStream(self.session, self.thread, name, watchfd=False)
            monkeypatch.setattr(sys, name, self.streams[name])
        loop = SimpleNamespace(add_callback=lambda callback: callback())
        monkeypatch.setattr(IOLoop, "current", lambda: loop)
        self.socket = self.thread.background_socket
        kernel = SimpleNamespace(
            session=self.session, iopub_socket=self.socket, iopub_thread=self.thread
        )
        bound_output(SimpleNamespace(kernel=kernel))

    def receive(self) -> dict[str, Any]:
        frames = self.session.feed_identities(self.client.recv_multipart())[1]
        message: dict[str, Any] = self.session.deserialize(frames)
        return message

    def close(self) -> None:
        self.thread.io_loop.close()
        self.context.destroy(linger=0)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    with monkeypatch.context() as patch:
        made = Kernel(patch)
    yield made
    made.close()


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize(
    "texts", [["x" * 999_999 + "!"], ["é" * 600_000, "end"], ["line\n" * 30_000] * 9]
)
def test_what_is_printed_at_once_is_sent_in_pieces(
    kernel: Kernel, name: str, texts: list[str]
) -> None:
    stream = kernel.streams[name]
    assert [stream.write(text) for text in texts] == [len(text) for text in texts]
    stream.flush()
    wanted, received = "".join(texts), ""
    while len(received) < len(wanted):
        content = kernel.receive()["content"]
        assert content["name"] == name
        assert len(content["text"]) < 500_000
        received += content["text"]
    assert received == wanted


@pytest.mark.parametrize(
    ("kind", "content", "buffers"),
    [
        ("display_data", {"data": {"text/html": "x" * 40_000_000}}, []),
        ("execute_result", {"data": {"application/json": {"a": ["x" * 20_000_000] * 2}}}, []),
        ("comm_msg", {"comm_id": "1", "data": {}}, [memoryview(bytes(40_000_000))]),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_message_that_no_client_wants_is_replaced_by_its_size(
    kernel: Kernel, kind: str, content: dict[str, Any], buffers: list[Any], whole: bool
) -> None:
    parent = kernel.session.msg("execute_request")
    if whole:
        message = kernel.session.msg(kind, content, parent=parent)
        kernel.session.send(kernel.socket, message, buffers=buffers)
    else:
        kernel.session.send(kernel.socket, kind, content, parent=parent, buffers=buffers)
    kernel.session.send(kernel.socket, "status", {"execution_state": "idle"}, parent)
    reported, idle = kernel.receive(), kernel.receive()
    assert reported["msg_type"] == LEFT_OUT
    assert 40_000_000 <= reported["content"]["size_bytes"] < 41_000_000
    assert idle["content"] == {"execution_state": "idle"}
    assert {one["parent_header"]["msg_id"] for one in (reported, idle)} == {
        parent["header"]["msg_id"]
    }


@pytest.mark.parametrize("kind", ["error", "execute_reply"])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    "frames", [["a" * 5_000_000], ["first", "é" * 3_000_000, "last"], ["x"] * 9]
)
def test_of_an_error_only_what_a_runner_can_hold_is_sent(
    kernel: Kernel, kind: str, whole: bool, frames: list[str]
) -> None:
    page = {"source": "page", "data": {"text/plain": "p" * 5_000_000}}
    content = {
        "status": "error",
        "ename": "E" * 5_000_000,
        "evalue": "begins" + "v" * 5_000_000,
        "traceback": frames,
        "payload": [page, {"source": "ask_exit"}],
    }
    message = kernel.session.msg(kind, content) if whole else kind
    kernel.session.send(kernel.socket, message, None if whole else content)
    received = kernel.receive()["content"]
    assert (len(received["ename"]), len(received["evalue"])) == (1_000, 1_000_000)
    assert received["evalue"].startswith("begins")
    assert received["traceback"][-1] == frames[-1][:1_000_000]
    assert sum(map(len, received["traceback"])) <= 1_000_000
    assert received["payload"] == [{"source": "ask_exit"}]
    assert len(content["evalue"]) > 5_000_000, "what the notebook has is left alone"


FLOOD = """
import resource, sys
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
for n in range(100):
    print('x' * 1_000_000); print('y' * 1_000_000, file=sys.stderr)
display('z' * 40_000_000)
"""


@pytest.mark.kernel
def test_a_kernel_keeps_nothing_of_what_it_has_printed(harness: AttemptHarness) -> None:
    cells = [FLOOD, "print('grown by', (peak() - before) // 1_000_000, 'MB')"]
    report, claim = harness.run_text(notebook_text(cells))
    assert (report.outcome, report.error) == (Outcome.SUCCEEDED, "")
    flood, grown = [cell for cell in harness.executed(claim).cells if cell.source in cells]
    assert flood.outputs[0].text.startswith("xxx")
    assert (
        "[etl] 239 MB of output omitted; of a cell, at most 1 MB are kept" in flood.outputs[-1].text
    )
    # The text of the display: the value, its repr and the copy that is published.
    assert int(grown.outputs[0].text.split()[2]) < 170, outputs(harness.executed(claim))


HUGE = """
class E{name}(Exception): pass
raise E{name}("begins" + "x" * {size})
"""


@pytest.mark.kernel
def test_an_error_of_any_size_takes_no_memory_in_the_runner(harness: AttemptHarness) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cell = HUGE.format(name="n" * 2_000, size=100_000_000)
    report, claim = harness.run_text(notebook_text([cell, "1"]))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (report.outcome, report.failed_cell) == (Outcome.FAILED, 0)
    assert re.match("E" + "n" * 400, report.error)
    assert grown * 1024 < 150_000_000
    assert (harness.folder(claim) / "executed.ipynb").stat().st_size < 500_000
