"""The lines that the panel offers to copy are read back as the same request, and work."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from fakes.shell import Notebook
from jupyter_etl.cli.main import main
from jupyter_etl.language.commands.lines import read_call, shell_line
from jupyter_etl.language.commands.parser import cli_parser, parse_line
from jupyter_etl.notebook import api
from jupyter_etl.notebook.outputs import publish_file, publish_report, publish_table
from jupyter_etl.rest.lines import (
    publication_lines,
    schedule_lines,
    table_lines,
    trigger_lines,
    version_lines,
    watermark_lines,
)
from jupyter_etl.rest.requests import Deploy, Trigger

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


def command(words: list[str]) -> dict[str, object]:
    return vars(cli_parser().parse_args(words))


def magic(line: str) -> dict[str, object]:
    """Let IPython find the magic in a cell; returns the arguments of its command."""
    module = ast.parse(TransformerManager().transform_cell(line))
    (call,) = [node for node in ast.walk(module) if isinstance(node, ast.Call)][:1]
    name, text = (ast.literal_eval(argument) for argument in call.args)
    assert name == "etl"
    return dict(parse_line(text, None).args)


def deploy(text: str) -> Deploy:
    return Deploy(
        notebook=text,
        when=text,
        timezone=text,
        name=text,
        parameters={"note": text},
        owner=text,
        shared=True,
        include=[text, "*.csv"],
    )


def test_a_shell_reads_back_what_was_meant() -> None:
    texts = (*ONE_LINE, *LINE_BREAKS)
    lines = [
        line
        for text in texts
        for line in (
            watermark_lines("daily", text, text)["reset"],
            trigger_lines(text, Trigger(parameters={"note": text}, draft=True))["shell"],
            shell_line("runs", pipeline=text),
            schedule_lines(deploy(text))["shell"],
        )
    ]
    found = iter(words_of(lines))
    for text in texts:
        watermark, trigger, runs, schedule = (command(next(found)) for _ in range(4))
        marks = ("pipeline", "target", "since", "reset")
        assert [watermark[key] for key in marks] == ["daily", text, text, True]
        assert (trigger["pipeline"], trigger["param"]) == (text, {"note": text})
        assert trigger["draft"] is True
        assert runs["pipeline"] == text
        same = ("notebook", "when", "tz", "name", "owner")
        assert [schedule[key] for key in same] == [text] * 5
        assert schedule["param"] == {"note": text}
        assert schedule["include"] == (text, "*.csv")


@pytest.mark.parametrize("text", ONE_LINE)
def test_the_magic_reads_back_what_was_meant(text: str) -> None:
    table = table_lines("wh", text)
    assert magic(table["preview"])["target"] == f"wh.{text}"
    assert magic(table["load"])["target"] == f"wh.{text}"
    trigger = magic(trigger_lines(text, Trigger(parameters={"note": text}))["magic"])
    assert (trigger["pipeline"], trigger["param"]) == (text, {"note": text})
    schedule = magic(schedule_lines(deploy(text))["magic"])
    assert [schedule[key] for key in ("when", "tz", "name", "owner")] == [text] * 4
    assert schedule["param"] == {"note": text}
    assert (schedule["include"], schedule["shared"]) == ((text, "*.csv"), True)
    (argument,) = ast.parse(read_call(text), mode="eval").body.args  # type: ignore[attr-defined]
    assert ast.literal_eval(argument) == text


@pytest.mark.parametrize("text", LINE_BREAKS)
def test_a_line_break_has_no_magic_line(text: str) -> None:
    assert schedule_lines(deploy(text))["magic"] == ""
    assert table_lines("wh", text) == {"preview": "", "load": ""}


def test_a_null_character_has_no_shell_line() -> None:
    assert schedule_lines(deploy("a\0b"))["shell"] == ""


@pytest.mark.parametrize("timeout", [{"timeout": "1h30m"}, {"timeout_s": 5400.0}])
def test_every_option_of_a_deployment_is_read_back(timeout: dict[str, object]) -> None:
    asked = Deploy(
        notebook="n.ipynb",
        parameters=VALUES,
        retries=0,
        catchup="all",
        overlap="cancel-previous",
        on_lost="fail",
        priority=-5,
        memory_bytes=1_500_000_000,
        checkpoint=True,
        cold=True,
        after=["sales.daily", "größe"],
        after_all=True,
        expect=True,
        reset=["param.day", "timeout"],
        include=[""],
        anyway=True,
        **timeout,  # type: ignore[arg-type]  # a str or a float
    )
    lines = schedule_lines(asked)
    texts = {
        **VALUES,
        "number": "5",
        "flag": "true",
        "nothing": "null",
        "list": '["a b", 1.5]',
        "mapping": '{"$x": "`y`"}',
    }
    for read in (magic(lines["magic"]), command(words_of([lines["shell"]])[0])):
        assert read["param"] == texts
        assert (read["retries"], read["priority"], read["timeout"]) == (0, -5, 5400)
        assert (read["catchup"], read["overlap"]) == ("all", "cancel-previous")
        assert (read["on_lost"], read["memory"]) == ("fail", 1_500_000_000)
        flags = ("checkpoint", "cold", "after_all", "expect", "anyway")
        assert [read[key] for key in flags] == [True] * 5
        assert read["after"] == ("sales.daily", "größe")
        assert (read["reset"], read["include"]) == (("param.day", "timeout"), ("",))
        assert (read["when"], read["tz"], read["on_demand"]) == ("", None, False)


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
    session = api.data_session({})
    numbers = pd.DataFrame({"n": [1, 2]})
    publish = {
        "table": lambda name, live: publish_table(session, name, numbers, live=live),
        "rows": lambda name, live: publish_file(session, "n.csv", numbers, name=name, live=live),
        "file": lambda name, live: publish_file(session, "dot.svg", name=name, live=live),
        "report": lambda name, live: publish_report(session, "Page", name=name, live=live),
    }
    etl = api.open_etl()
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
