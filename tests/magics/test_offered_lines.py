"""The lines that the panel offers to copy are read back as the same request, and work."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from msgspec.structs import replace

from fakes.shell import Notebook
from jupyter_etl.cli.main import main
from jupyter_etl.language.commands.data import LoadRequest, PreviewRequest
from jupyter_etl.language.commands.declarations import Request
from jupyter_etl.language.commands.lines import magic_line, read_call, shell_line
from jupyter_etl.language.commands.parser import parse_command, parse_line
from jupyter_etl.language.commands.runs import RunsRequest, TriggerRequest
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.commands.watermarks import WatermarkRequest
from jupyter_etl.model import Catchup, OnLost, Overlap
from jupyter_etl.notebook import api, kernel_state
from jupyter_etl.notebook.outputs import publish_file, publish_report, publish_table
from jupyter_etl.rest.lines import publication_lines, table_lines, version_lines

ONE_LINE = (
    "plain",
    "two words",
    " edges ",
    "tab\there",
    "it's",
    'say "hi"',
    "both ' and \"",
    "$HOME",
    "`id`",
    "$(id)",
    "-dash",
    "--flag",
    "--flag=x",
    "--",
    "-h",
    "--help",
    "-5",
    "a\\b",
    "end\\",
    'end\\"',
    "bang!",
    "what?",
    "what??",
    "#note",
    "into <<",
    "<<",
    "*.csv",
    "{x}",
    "{{x}}",
    "a;b & c | d > e",
    "%load",
    "a=b",
    "=",
    "~",
    "Größe 日本 🚲",
    "no\u00a0break",
    "[1, 2]",
)
LINE_BREAKS = ("a\nb", "end\n", "a\r\nb", "a\u2028b", "a\x0cb")
VALUES = {
    "texts": "2026-01-01",
    "number": 5,
    "flag": True,
    "nothing": None,
    "list": ["a b", 1.5],
    "mapping": {"$x": "`y`"},
}
SHELL = 'jupyter() { shift; printf "%s\\0" "$#" "$@"; }'


def words_of(lines: list[str]) -> list[list[str]]:
    """Let a shell split lines that begin with ``jupyter etl``; returns the words behind."""
    script = "\n".join([SHELL, *lines])
    said = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    parts = iter(said.stdout.decode().split("\0")[:-1])
    return [[next(parts) for _ in range(int(count))] for count in parts]


def magic(line: str) -> Request:
    """Let IPython find the magic in a cell; returns its request."""
    module = ast.parse(TransformerManager().transform_cell(line))
    (call,) = [node for node in ast.walk(module) if isinstance(node, ast.Call)][:1]
    name, text = (ast.literal_eval(argument) for argument in call.args)
    assert name == "etl"
    return parse_line(text, None)


def deploy(text: str, notebook: str = "") -> ScheduleRequest:
    return ScheduleRequest(
        notebook=notebook,
        when=text,
        timezone=text,
        name=text,
        parameters={"note": text},
        owner=text,
        shared=True,
        include=(text, "*.csv"),
    )


def test_a_shell_reads_back_what_was_meant() -> None:
    requests = [
        request
        for text in (*ONE_LINE, *LINE_BREAKS)
        for request in (
            WatermarkRequest(pipeline="daily", table=text, since=text, reset=True),
            TriggerRequest(pipeline=text, parameters={"note": text}, draft=True),
            RunsRequest(pipeline=text),
            deploy(text, notebook=text),
        )
    ]
    found = words_of([shell_line(request) for request in requests])
    assert [parse_command(words) for words in found] == requests


@pytest.mark.parametrize("text", ONE_LINE)
def test_the_magic_reads_back_what_was_meant(text: str) -> None:
    table = table_lines("wh", text)
    assert magic(table["preview"]) == PreviewRequest(target=f"wh.{text}")
    assert magic(table["load"]) == LoadRequest(target=f"wh.{text}")
    for request in (TriggerRequest(pipeline=text, parameters={"note": text}), deploy(text)):
        assert magic(magic_line(request)) == request
    (argument,) = ast.parse(read_call(text), mode="eval").body.args  # type: ignore[attr-defined]
    assert ast.literal_eval(argument) == text


@pytest.mark.parametrize("text", LINE_BREAKS)
def test_a_line_break_has_no_magic_line(text: str) -> None:
    assert magic_line(deploy(text)) == ""
    assert table_lines("wh", text) == {"preview": "", "load": ""}


def test_a_null_character_has_no_shell_line() -> None:
    assert shell_line(deploy("a\0b")) == ""


@pytest.mark.parametrize("timeout", [{"timeout": "1h30m"}, {"timeout_s": 5400.0}])
def test_every_option_of_a_deployment_is_read_back(timeout: dict[str, Any]) -> None:
    given = ScheduleRequest(
        parameters=VALUES,
        retries=0,
        catchup=Catchup.ALL,
        overlap=Overlap.CANCEL_PREVIOUS,
        on_lost=OnLost.FAIL,
        priority=-5,
        memory_bytes=1_500_000_000,
        checkpoint=True,
        cold=True,
        after=("sales.daily", "größe"),
        after_all=True,
        expect=True,
        reset=("param.day", "timeout"),
        include=("",),
        anyway=True,
        **timeout,
    )
    texts = {
        **VALUES,
        "number": "5",
        "flag": "true",
        "nothing": "null",
        "list": '["a b", 1.5]',
        "mapping": '{"$x": "`y`"}',
    }
    expected = replace(given, parameters=texts)
    assert expected.timeout_s == 5400
    assert magic(magic_line(given)) == expected
    in_a_shell = words_of([shell_line(replace(given, notebook="n.ipynb"))])[0]
    assert parse_command(in_a_shell) == replace(expected, notebook="n.ipynb")


@pytest.mark.parametrize(
    ("table", "variable"),
    [
        ("orders", "orders"),
        ("main.orders", "orders"),
        ("2026", "t_2026"),
        ("two words", "two_words"),
        ("class", "class_"),
        ("größe", "größe"),
        ("²", "table"),
    ],
)
def test_a_table_is_loaded_into_a_variable(table: str, variable: str) -> None:
    assert table_lines("wh", table)["load"].partition(" = ")[0] == variable


PUBLICATIONS = (
    ("sales.daily", "table"),
    ("größe-日本", "table"),
    ("2026.q1", "table"),
    ("export", "rows"),
    ("dot", "file"),
    ("city-numbers", "report"),
)


def test_each_line_works(
    notebook: Notebook, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "dot.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    session = kernel_state.data_session({})
    numbers = pd.DataFrame({"n": [1, 2]})
    publish = {
        "table": lambda name, live: publish_table(session, name, numbers, live=live),
        "rows": lambda name, live: publish_file(session, "n.csv", numbers, name=name, live=live),
        "file": lambda name, live: publish_file(session, "dot.svg", name=name, live=live),
        "report": lambda name, live: publish_report(session, "Page", name=name, live=live),
    }
    etl = kernel_state.open_etl()
    lines: list[str] = []
    for name, kind in PUBLICATIONS:
        publish[kind](f"{name}-draft", False)
        publish[kind](name, True)
        publish[kind](name, True)
        for shown in (f"{name}-draft", name):
            offered = publication_lines(etl.publications.get(shown))
            if kind in ("file", "report"):
                # They have no rows, and the panel has no such buttons for them.
                del offered["python"], offered["preview"]
            lines += offered.values()
        newest, before = etl.publications.history(name)
        offered = version_lines(newest, before)
        # It is live already.
        del offered["rollback"]
        if kind in ("file", "report"):
            del offered["python"], offered["diff"]
        lines += [*offered.values(), version_lines(before, None)["rollback"]]
    for line in lines:
        if line.startswith("%etl"):
            notebook.card(line)
        elif line.startswith("etl."):
            assert len(eval(line, {"etl": api})) == 2, line  # noqa: S307 - it is what is tested
        else:
            capsys.readouterr()
            assert main(words_of([line])[0]) == 0, (line, capsys.readouterr().err)
            assert capsys.readouterr().out.strip(), line
