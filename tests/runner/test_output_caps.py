"""What is kept of what cells show: the counting, and papermill's client fed with messages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.session import Session
from nbclient.exceptions import CellExecutionComplete

from jupyter_etl.runner.execution.bounded_client import CappedNotebookClient
from jupyter_etl.runner.execution.kernel_manager import GatedChannel
from jupyter_etl.runner.execution.output_limits import (
    ERROR_BYTES,
    OutputCaps,
    append_text,
    cut,
    cut_error,
    size_of,
)
from jupyter_etl.runner.limits import Limits


class Harness:
    """A client without a kernel; `tell` sends the messages of the kernel."""

    def __init__(self, *, cell: int = 1_000, run: int = 10_000, cells: int = 3) -> None:
        made = [nbformat.v4.new_code_cell("1", metadata={"execution": {}}) for _ in range(cells)]
        self.notebook = nbformat.v4.new_notebook(cells=made)
        manager = SimpleNamespace(nb=self.notebook, autosave_cell=lambda: None)
        self.caps = OutputCaps(Limits(cell_output_bytes=cell, run_output_bytes=run))
        self.client = CappedNotebookClient(
            manager, caps=self.caps, address_space_bytes=None, socket_folder=Path("/nowhere")
        )
        self.at = 0

    def begin(self, at: int) -> None:
        self.at = at
        self.caps.begin_cell()

    def send(self, kind: str, **content: Any) -> None:
        message = {
            "msg_type": kind,
            "header": {"msg_type": kind},
            "parent_header": {"msg_id": "1"},
            "content": content,
            "buffers": content.pop("buffers", []),
        }
        self.client.process_message(message, self.notebook.cells[self.at], self.at)

    def print(self, text: str, name: str = "stdout") -> None:
        self.send("stream", name=name, text=text)

    def display(self, text: str, *, display_id: str | None = None, kind: str = "display_data"):
        transient = {"display_id": display_id} if display_id else {}
        self.send(kind, data={"text/plain": text}, metadata={}, transient=transient)

    @property
    def outputs(self) -> list[Any]:
        return list(self.notebook.cells[self.at].outputs)


def test_texts_of_one_stream_are_one_output():
    harness = Harness()
    for text in ("a", "b\n", "c"):
        harness.print(text)
    harness.print("!", name="stderr")
    harness.print("d")
    assert [(one.name, one.text) for one in harness.outputs] == [
        ("stdout", "ab\nc"),
        ("stderr", "!"),
        ("stdout", "d"),
    ]
    assert harness.caps.room == 1_000 - 6
    nbformat.validate(harness.notebook)


def test_the_beginning_of_a_flood_is_kept():
    harness = Harness()
    harness.print("x" * 700)
    harness.print("é" * 300)
    harness.print("never")
    [only] = harness.outputs
    assert only.text == "x" * 700 + "é" * 150, "bytes are counted, characters are whole"
    assert harness.caps.room == 0
    assert harness.caps.left_out == 300 + 5


def test_a_line_that_is_drawn_again_and_again_is_one_line():
    harness = Harness(cell=100)
    for step in range(1_000):
        harness.print(f"\rstep {step}")
    harness.print("\ndone\n")
    assert [one.text for one in harness.outputs] == ["step 999\ndone\n"]
    assert harness.caps.left_out == 0


@pytest.mark.parametrize(
    ("text", "more", "whole"),
    [
        ("a\n", "b", "a\nb"),
        ("a", "\rb", "b"),
        ("a\r", "b", "b"),
        ("a", "\r", "a\r"),
        ("a\r", "\nb", "a\r\nb"),
        ("one\ntwo", "\rthree\n", "one\nthree\n"),
        ("", "1\r22\r333\n4\r5", "333\n5"),
    ],
)
def test_a_carriage_return_overwrites_its_line(text, more, whole):
    assert append_text(text, more) == whole


@given(st.lists(st.text("ab\r\n", max_size=4), max_size=8))
def test_the_pieces_of_a_stream_do_not_matter(pieces):
    piecewise = ""
    for piece in pieces:
        piecewise = append_text(piecewise, piece)
    # The start of a line that is overwritten later is seen in no way of cutting it.
    assert append_text(piecewise, "\r!") == append_text(append_text("", "".join(pieces)), "\r!")


def test_what_does_not_fit_is_left_out_and_what_is_small_still_shown():
    harness = Harness()
    harness.display("y" * 2_000)
    harness.display("small")
    assert [one.data["text/plain"] for one in harness.outputs] == ["small"]
    assert harness.caps.left_out == 2_000 + len("text/plain")


def test_cells_share_what_a_run_may_show():
    harness = Harness(cell=1_000, run=1_500)
    harness.print("x" * 1_200)
    assert "of a cell, at most 1 kB are kept (JUPYTER_ETL_CELL_OUTPUT)" in harness.caps.notice()
    harness.begin(1)
    assert harness.caps.notice() == ""
    harness.print("x" * 1_200)
    assert len(harness.outputs[0].text) == 500
    assert "700 B of output omitted; of all cells of a run, at most 1.5 kB" in harness.caps.notice()


def test_cleared_outputs_make_room_at_once_or_with_the_next():
    harness = Harness()
    harness.print("x" * 1_000)
    harness.send("clear_output", wait=True)
    assert harness.caps.room == 0
    assert harness.client.admits("stream", 10)
    harness.print("new")
    assert [one.text for one in harness.outputs] == ["new"]
    assert harness.caps.room == 997
    harness.send("clear_output", wait=False)
    assert harness.caps.room == 1_000


def test_an_error_is_kept_past_every_limit_but_not_without_one():
    harness = Harness()
    harness.print("x" * 5_000)
    frames = [f"{number:08d}" + "z" * 20_000 for number in range(10)]
    harness.send("error", ename="ValueError", evalue="v" * 100_000, traceback=frames)
    [_, error] = harness.outputs
    assert error.ename == "ValueError"
    assert len(error.evalue) == ERROR_BYTES
    assert sum(map(len, error.traceback)) == ERROR_BYTES
    assert error.traceback[-1] == frames[-1], "the last frames say where it happened"
    nbformat.validate(harness.notebook)


def test_a_display_that_is_updated_counts_by_its_growth():
    harness = Harness()
    harness.display("a" * 400, display_id="d")
    harness.display("b" * 600, display_id="d", kind="update_display_data")
    assert harness.outputs[0].data["text/plain"] == "b" * 600
    assert harness.caps.room == 1_000 - 610
    harness.display("c" * 2_000, display_id="d", kind="update_display_data")
    assert harness.outputs[0].data["text/plain"] == "b" * 600
    harness.display("d", display_id="d", kind="update_display_data")
    assert harness.caps.room == 1_000 - 11


def test_the_state_of_widgets_counts_as_often_as_it_grows():
    harness = Harness()
    state = {"_model_module": "m", "_model_name": "n", "value": "x" * 100}
    for _ in range(100):
        harness.send("comm_msg", comm_id="one", data={"state": state})
    kept = 1_000 - harness.caps.room
    assert 100 < kept < 200
    for number in range(100):
        content = {"comm_id": str(number), "target_name": "t", "data": {"state": state}}
        harness.send("comm_open", **content)
    assert len(harness.client.widget_state) < 10
    assert harness.caps.left_out > 10_000


def test_a_cell_without_end_is_refused_before_it_is_decoded():
    harness = Harness()
    assert harness.client.admits("stream", 100)
    assert not harness.client.admits("display_data", 100_000_000)
    harness.print("x" * 1_000)
    assert not harness.client.admits("stream", 100)
    assert harness.client.admits("status", 100)
    assert harness.client.admits("error", 100)
    with pytest.raises(CellExecutionComplete):
        harness.send("status", execution_state="idle")


def test_what_a_kernel_has_left_out_counts():
    harness = Harness()
    harness.send("etl_left_out", size_bytes=50_000_000)
    assert harness.outputs == []
    assert harness.caps.left_out == 50_000_000


@pytest.mark.parametrize(
    ("kind", "size", "cell", "wanted"),
    [
        ("display_data", 900_000, 1_000, True),
        ("display_data", 1_100_000, 1_000, False),
        ("comm_msg", 13_100_000, 1_000_000, False),
        ("update_display_data", 13_000_000, 1_000_000, True),
        ("execute_result", 31_000_000, 100_000_000, True),
        ("execute_result", 33_000_000, 100_000_000, False),
        ("stream", 31_000_000, 1_000, True),
        ("error", 31_000_000, 1_000, True),
        ("stream", 33_000_000, 1_000, False),
    ],
)
def test_a_message_for_which_no_cell_has_room_is_refused(kind, size, cell, wanted):
    harness = Harness(cell=cell, run=cell)
    assert harness.client.admits(kind, size) is wanted
    assert harness.caps.left_out == (0 if wanted else size)


def test_a_machine_that_stalls_has_the_time_to_show_what_a_cell_has_said():
    harness = Harness()
    reply = {"parent_header": {"msg_id": "1"}, "content": {"status": "ok"}}

    async def answer(timeout: float | None) -> dict[str, Any]:
        return reply

    harness.client.kc = SimpleNamespace(shell_channel=SimpleNamespace(get_msg=answer))

    async def ended() -> object:
        loop = asyncio.get_running_loop()
        time = loop.time

        async def shown() -> None:
            loop.time = lambda: time() + 30  # type: ignore[method-assign]
            for _ in range(10):
                await asyncio.sleep(0)

        alive = asyncio.ensure_future(asyncio.sleep(1000))
        rest = asyncio.ensure_future(shown())
        cell = harness.notebook.cells[0]
        return await harness.client._async_poll_for_reply("1", cell, None, rest, alive)

    assert asyncio.run(ended()) == reply


class Line:
    """A socket that has messages; `receive` is what the channel makes of them."""

    def __init__(self, session: Session, messages: list[tuple[str, dict[str, Any]]]) -> None:
        self.frames = [
            [zmq.Frame(part) for part in session.serialize(session.msg(kind, content))]
            for kind, content in messages
        ]

    async def recv_multipart(self, *, copy: bool) -> list[Any]:
        return self.frames.pop(0)


def test_the_channel_gives_what_the_gate_wants():
    session = Session(key=b"key")
    messages = [("stream", {"text": "x" * 100}), ("stream", {"text": "y"}), ("status", {"s": 1})]
    channel = GatedChannel.__new__(GatedChannel)
    channel.session = session
    channel.socket = Line(session, messages)  # type: ignore[assignment]
    asked: list[tuple[str, int]] = []

    def gate(kind: str, size: int) -> bool:
        asked.append((kind, size))
        return kind == "status"

    channel.gate = gate
    received = asyncio.run(channel._recv())
    assert received["msg_type"] == "status"
    assert received["content"] == {"s": 1}
    assert [kind for kind, _ in asked] == ["stream", "stream", "status"]
    assert asked[0][1] > 100


@given(st.text(max_size=50), st.integers(0, 60))
def test_a_text_is_cut_between_characters(text, size):
    kept = cut(text, size)
    assert text.startswith(kept)
    if size_of(text) <= size:
        assert kept == text
    else:
        assert size - 4 < size_of(kept) <= size


def test_errors_of_any_form_can_be_cut():
    assert cut_error({"ename": "E"}) == {"ename": "E", "evalue": "", "traceback": []}
    assert cut_error({"evalue": "v", "traceback": ["a", "b"]})["traceback"] == ["a", "b"]
