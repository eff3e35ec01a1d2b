"""Secrets in what a run shows and records: in every encoding, in whole texts and in pieces."""

from __future__ import annotations

import base64
import html
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from fakes.secret_encodings import ENCODINGS
from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import Source
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.events import EventLog, read_events
from jupyter_etl.runner.execution.bounded_client import CappedNotebookClient
from jupyter_etl.runner.execution.output_limits import OutputCaps
from jupyter_etl.runner.limits import Limits
from jupyter_etl.runner.redacted_output import LogCleanup, StreamRedactor, redacted_logs

VALUE = "c4n'ary \"p/w+ü\\<&>="
NAME = "[secret wh_pw]"


def redactor(*values: str) -> Redactor:
    made = Redactor()
    for number, value in enumerate(values or (VALUE,)):
        made.register("wh_pw" if not number else f"other_{number}", value)
    return made


VALUES = {
    "of all kinds": "c4n'ary-\"9f/7e+2<b>&",
    "of letters": "hunter22",
    "not ASCII": "pässwörd ✓ key",
    "with a backslash": "qu\"ote's \\ back",
    "of signs": "!!##$$%%^^&&**",
    "with a tab": "tab\tand % sign",
    "of a base64 alphabet": "x" * 5 + "/" * 20,
    "in lines": "line one of it\nline two of it",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_every_encoding_is_taken_out(value: str) -> None:
    made = redactor(value)
    for name, encode in ENCODINGS.items():
        written = encode(value)
        shown = made.redact(f"before {written} after")
        assert NAME in shown, name
        assert written not in shown, name
        assert shown.startswith("before "), name
        assert shown.endswith(" after"), name


def test_every_encoding_is_taken_out_of_a_stream_that_is_cut_anywhere() -> None:
    made = redactor()
    for name, encode in ENCODINGS.items():
        written = f"before {encode(VALUE)} after"
        for size in (1, 9):
            stream = StreamRedactor(made)
            pieces = [written[at : at + size] for at in range(0, len(written), size)]
            shown = "".join(stream.feed("stdout", piece) for piece in pieces)
            shown += "".join(stream.rest().values())
            assert not made.holds(shown), name
            assert NAME in shown, name
            assert shown.startswith("before "), name
            assert shown.endswith(" after"), name


PROSE = "Pressures of 1,013.25 hPa: 63 of 100 stations; see https://a.example/?q=%20&x=1 \n <td>"


def test_what_holds_no_value_stays_as_it_is() -> None:
    rows = [{"id": number, "text": f"{PROSE} ü", "hex": f"{number:08x}"} for number in range(200)]
    for text in (
        PROSE,
        json.dumps(rows),
        html.escape(json.dumps(rows)),
        base64.encodebytes(json.dumps(rows).encode()).decode(),
        "".join(map(chr, range(1000))),
        *(
            sign * 3000
            for sign in ("\\", "%25", "&amp;", "=3D", "/", "x", "0", " ", "\x00", "\\x00")
        ),
    ):
        assert redactor(*VALUES.values()).redact(text) is text


def test_a_part_of_base64_is_not_taken_for_a_short_value() -> None:
    assert redactor("ab").redact("YWI=") == "YWI="


def test_white_space_around_a_value_need_not_be_there() -> None:
    assert redactor(" hunter22\t").redact("Bearer hunter22.") == f"Bearer {NAME}."


def test_where_no_secret_was_used_nothing_is_done() -> None:
    idle, text = Redactor(), "some text"
    content = {"text": text}
    assert not idle.is_active
    assert idle.redact(text) is text
    assert idle.redact_json(content) is content
    assert StreamRedactor(idle).feed("stdout", text) is text


def test_a_value_that_is_too_short_is_left_alone() -> None:
    short = redactor("abc")
    assert not short.is_active
    assert short.redact("abc") == "abc"


def test_of_two_secrets_the_longer_one_is_named() -> None:
    both = redactor("hunter2", "hunter2-longer")
    assert both.redact("hunter2-longer hunter2") == f"[secret other_1] {NAME}"


def test_resolving_a_secret_is_using_it() -> None:
    made = Redactor()
    secret = made.watching(lambda name, source=None: {"wh_pw": VALUE}[name])
    assert made.redact(VALUE) == VALUE
    assert secret("wh_pw") == VALUE
    assert made.redact(VALUE) == NAME


texts = st.lists(st.sampled_from([VALUE, "c4n", "c4n'ary", " ", "\n", "hunter2", "x"]), max_size=12)


@given(texts, st.data())
def test_pieces_of_a_stream_give_what_the_whole_gives(
    words: list[str], data: st.DataObject
) -> None:
    made = redactor(VALUE, "hunter2")
    whole, at, shown = "".join(words), 0, ""
    stream = StreamRedactor(made)
    while at < len(whole):
        size = data.draw(st.integers(1, len(whole) - at))
        shown += stream.feed("stdout", whole[at : at + size])
        assert VALUE not in shown
        assert "hunter2" not in shown
        at += size
    shown += "".join(stream.rest().values())
    assert shown == made.redact(whole)
    assert stream.rest() == {}


def test_only_what_may_become_a_value_waits() -> None:
    stream = StreamRedactor(redactor("hunter2"))
    assert stream.feed("stdout", "step 1\n") == "step 1\n"
    assert stream.feed("stdout", "the hunt") == "the "
    assert "er2".startswith(stream.feed("stderr", "er2")), "another stream is another text"
    assert stream.feed("stdout", "ing season.").startswith("hunting season")


class Harness:
    """A client without a kernel, and the messages of one cell."""

    def __init__(self, made: Redactor | None = None) -> None:
        cell = nbformat.v4.new_code_cell("1", metadata={"execution": {}})
        notebook = nbformat.v4.new_notebook(cells=[cell])
        manager = SimpleNamespace(nb=notebook, autosave_cell=lambda: None)
        self.cell = notebook.cells[0]
        self.client = CappedNotebookClient(
            manager,
            caps=OutputCaps(Limits()),
            address_space_bytes=None,
            socket_folder=Path("/nowhere"),
            redactor=redactor("hunter22") if made is None else made,
        )

    def send(self, kind: str, **content: Any) -> None:
        message = {
            "msg_type": kind,
            "header": {"msg_type": kind},
            "parent_header": {"msg_id": "1"},
            "content": content,
            "buffers": [],
        }
        self.client.process_message(message, self.cell, 0)

    def end(self) -> str:
        self.client._show_rest(self.cell, 0)
        nbformat.validate(nbformat.v4.new_notebook(cells=[self.cell]))
        return json.dumps([self.cell.outputs, self.client.widget_state])


def print_everything(harness: Harness) -> str:
    harness.send("stream", name="stdout", text="it is hun")
    harness.send("stream", name="stderr", text="hunter22")
    harness.send("stream", name="stdout", text="ter22, and hunt")
    data = {"text/html": "<b>hunter22</b>", "application/json": {"a": ["hunter22"]}}
    harness.send("display_data", data={**data, "text/plain": "hunter22"}, metadata={}, transient={})
    harness.send(
        "execute_result", data={"text/plain": "'hunter22'"}, metadata={}, execution_count=1
    )
    svg = {"image/svg+xml": "<svg>hunter22</svg>", "image/png": "aHVudGVyMjI="}
    shown = {"display_id": "a"}
    harness.send("display_data", data={"text/plain": "first"}, metadata={}, transient=shown)
    harness.send("update_display_data", data=svg, metadata={}, transient=shown)
    state = {"state": {"_model_module": "m", "_model_name": "n", "value": "hunter22"}}
    harness.send("comm_open", comm_id="w", target_name="jupyter.widget", data=state)
    harness.send("error", ename="E", evalue="no hunter22", traceback=["line", "\x1b[31mhunter22"])
    return harness.end()


def test_no_kind_of_output_shows_it() -> None:
    harness = Harness()
    reported = print_everything(harness)
    assert "hunter22" not in reported
    assert reported.count(NAME) == 10
    printed = "".join(one.text for one in harness.cell.outputs if one.get("name") == "stdout")
    assert printed == f"it is {NAME}, and hunt", "what was no secret is shown in the end"
    assert "aHVudGVyMjI=" in reported, "pictures are not read"


def test_a_run_without_secrets_shows_everything() -> None:
    assert print_everything(Harness(Redactor())).count("hunter22") == 9


def test_cleared_outputs_take_what_was_kept_back_with_them() -> None:
    harness = Harness()
    harness.send("stream", name="stdout", text="hunt")
    harness.send("clear_output", wait=False)
    assert "hunt" not in harness.end()


def test_events_and_logs_hold_none(tmp_path: Path) -> None:
    made, clock = redactor("hunter22"), FakeClock()
    events = EventLog(tmp_path / "events.jsonl", clock, made)
    events.log("it is hunter22")
    events.add("checks", results=[{"message": "hunter22"}], broken=["hunter22"], of=3)
    assert "hunter22" not in (tmp_path / "events.jsonl").read_text()
    assert read_events(tmp_path / "events.jsonl")[1]["broken"] == [NAME]

    logger, lines = logging.getLogger(), []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(logging.Formatter().format(record))  # type: ignore[method-assign]
    logger.addHandler(handler)
    try:
        with redacted_logs(made):
            try:
                raise ValueError("hunter22 was wrong")
            except ValueError:
                logger.exception("tried %s", "hunter22")
        logger.warning("afterwards %s", "hunter22")
    finally:
        logger.removeHandler(handler)
    assert "hunter22" not in lines[0]
    assert f"ValueError: {NAME} was wrong" in lines[0]
    assert lines[1] == "afterwards hunter22", "the filter is gone"


def test_a_file_that_others_append_to_is_redacted(tmp_path: Path) -> None:
    path = tmp_path / "runner.log"
    path.write_bytes(b"bad \xff bytes\nhunter22\nend\n")
    log = LogCleanup(redactor("hunter22", VALUE), path)
    with path.open("ab", buffering=0) as other:
        log.clean_up()
        other.write(b"more hunt")
        log.clean_up()
        other.write(b"er22 " + VALUE.encode() + b"\n")
        log.clean_up()
        other.write(b"the end")
    redacted = path.read_bytes()
    assert redacted.startswith(b"bad \xff bytes\n[secret \nend\nmore [secret  [secret other_1]")
    assert redacted.endswith(b"*\nthe end")
    LogCleanup(redactor("hunter22"), tmp_path / "none").clean_up()
    assert not (tmp_path / "none").exists()


def test_errors_hold_none() -> None:
    with pytest.raises(SourceError) as caught, redactor("hunter22").errors():
        raise SourceError("no hunter22", hint="try hunter22", data={"url": ["hunter22"]})
    problem = caught.value
    assert "hunter22" not in f"{problem} {problem.args} {problem.data}"
    assert problem.retryable


def test_a_source_that_holds_a_value_is_refused() -> None:
    made = redactor("hunter22-and-more", "postgres")

    def source(location: str, **options: str) -> Source:
        return Source(
            name="wh", kind="http", location=location, declared=location, owner="s", options=options
        )

    for refused in (
        source("https://api.example/hunter22-and-more/x"),
        source("https://api.example/x", header="Bearer hunter22-and-more"),
    ):
        with pytest.raises(DeclarationError) as caught:
            made.refuse_value_in(refused)
        assert "hunter22" not in str(caught.value)
        assert "--secret wh_pw" in caught.value.hint
    made.refuse_value_in(source("postgresql://postgres@host/postgres"))


@pytest.mark.parametrize("value", ["qu\"ote's \\ back", "pässwörd ✓ key", "tab\tand % sign"])
def test_what_is_quoted_inside_of_a_quoted_text_is_found(value: str) -> None:
    made = redactor(value)
    for reported in (
        repr(value.encode()),
        repr([value.encode() + b"'"]),
        json.dumps({"answer": json.dumps({"pw": value})}),
        repr(repr(value)),
        repr(json.dumps(value)),
        quote(quote(value)),
        value.encode().hex(),
        value.encode().hex().upper(),
    ):
        assert "[secret wh_pw" in made.redact(reported), reported


def test_lines_of_a_key_are_found_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nAAAABBBBCCCCDD\n-----END KEY-----"
    reported = redactor(key).redact(key.replace("\n", "\r\n    "))
    assert "MIIE" not in reported
    assert "BBBB" not in reported
    assert "BEGIN KEY" in redactor(key).redact("-----BEGIN KEY-----\nof another one")
