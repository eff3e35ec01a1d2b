"""Nothing that the command line writes changes a terminal."""

from __future__ import annotations

import json
import logging
import re

import pytest

from jupyter_etl.cli.output import (
    PrintableFormatter,
    print_message,
    write,
    write_json,
    write_table,
)

HOSTILE = {
    "colour": "a\x1b[31mb",
    "title": "a\x1b]0;evil\x07b",
    "link": "a\x1b]8;;https://evil.example\x1b\\b\x1b]8;;\x1b\\",
    "clipboard": "a\x1b]52;c;ZXZpbA==\x07b",
    "8 bits": "a\x9b2Jb\x9d52;c;ZXZpbA==\x9cb",
    "backspace": "rm -rf /\x08\x08\x08\x08ls",
    "redrawn": "failed\rsucceeded",
    "bidi": "a\u202eb\u2066c\u061cd",
    "line ends": "a\u2028b\x85c\x0bd\x0ce",
    "bell": "a\x07b\x00c\x7fd",
}
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_everything_is_printable(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(text)
    print_message(text)
    write_table([{"name": text, "error": f"{text}\n{text}"}], "none")
    reported = capsys.readouterr()
    assert not FORBIDDEN.search(reported.out + reported.err)
    # One line of the write, the heading, and one line of the table.
    assert reported.out.count("\n") == 3
    record = logging.LogRecord("x", logging.INFO, "", 1, "Run 1: %s", (text,), None)
    assert not FORBIDDEN.search(PrintableFormatter("%(message)s").format(record))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_has_the_same_value(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"name": text, text: [text]})
    reported = capsys.readouterr().out
    assert not FORBIDDEN.search(reported)
    assert json.loads(reported) == {"name": text, text: [text]}
