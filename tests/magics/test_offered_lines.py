"""The lines that the panel offers to copy are understood and work.

The front end's tests write them, with names of all kinds, into ``lines.json``.
"""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from fakes.shell import Notebook
from jupyter_etl.cli.main import main
from jupyter_etl.language.commands.parser import cli_parser, parse_line
from jupyter_etl.notebook import api
from jupyter_etl.notebook.outputs import publish_file, publish_report, publish_table

ROOT = Path(__file__).parents[2]
OFFERED = json.loads(
    (ROOT / "labextension/src/model/__tests__/lines.json").read_text(encoding="utf-8")
)
TEXTS: list[dict[str, str]] = OFFERED["texts"]
PUBLICATIONS: list[dict[str, Any]] = OFFERED["publications"]
SHELL = 'jupyter() { shift; for word; do printf "%s\\0" "$word"; done; printf "\\n\\0"; }'


def words_of(lines: list[str]) -> list[list[str]]:
    """Let a shell split lines that begin with ``jupyter etl``; returns the words behind."""
    script = "\n".join([SHELL, *lines])
    said = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    parts = said.stdout.decode().split("\n\0")[:-1]
    return [part.split("\0")[:-1] for part in parts]


def magic(line: str) -> dict[str, object]:
    """Let IPython find the magic in a cell; returns the arguments of its command."""
    call = ast.parse(TransformerManager().transform_cell(line), mode="eval").body
    name, text = (ast.literal_eval(argument) for argument in call.args)  # type: ignore[attr-defined]
    assert name == "etl"
    return dict(parse_line(text, None).args)


def test_a_shell_and_the_command_line_read_back_what_was_meant() -> None:
    keys = ("watermark", "trigger", "runs")
    found = iter(words_of([one[key] for one in TEXTS for key in keys]))
    for one in TEXTS:
        text = one["text"]
        watermark, trigger, runs = (vars(cli_parser().parse_args(next(found))) for _ in keys)
        marks = ("pipeline", "target", "since", "reset")
        assert [watermark[key] for key in marks] == ["daily", text, text, True]
        assert (trigger["param"], trigger["draft"]) == ({"note": text}, True)
        assert runs["pipeline"] == text


@pytest.mark.parametrize("one", TEXTS, ids=lambda one: one["text"])
def test_the_magic_reads_back_what_was_meant(one: dict[str, str]) -> None:
    text = one["text"]
    assert magic(one["preview"])["target"] == f"wh.{text}"
    assert magic(one["load"])["target"] == f"wh.{text}"
    assert magic(one["describe"])["name"] == text
    schedule = magic(one["schedule"])
    assert schedule["when"] == text
    assert schedule["tz"] == text
    assert (schedule["name"], schedule["owner"]) == (text, text)
    assert schedule["param"] == {"note": text}
    assert (schedule["include"], schedule["shared"]) == ((text,), True)
    (argument,) = ast.parse(one["python"], mode="eval").body.args  # type: ignore[attr-defined]
    assert ast.literal_eval(argument) == text


@pytest.fixture
def published(notebook: Notebook, here: Path) -> None:
    """Each of the publications, two versions of each that is live."""
    (here / "dot.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    bench = api.workbench({})
    numbers = pd.DataFrame({"n": [1, 2]})
    publish = {
        "table": lambda name, live: publish_table(bench, name, numbers, live=live),
        "rows": lambda name, live: publish_file(bench, "n.csv", numbers, name=name, live=live),
        "file": lambda name, live: publish_file(bench, "dot.svg", name=name, live=live),
        "report": lambda name, live: publish_report(bench, "Page", name=name, live=live),
    }
    for one in PUBLICATIONS:
        for _ in range(2 if one["live"] else 1):
            publish[one["kind"]](one["name"], one["live"])


def test_each_line_works(
    published: None, notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    run_here = {"etl": api}
    for one in PUBLICATIONS:
        for line in one["lines"]:
            if line.startswith("%etl"):
                notebook.card(line)
            elif line.startswith("etl."):
                assert len(eval(line, run_here)) == 2, line  # noqa: S307 - it is what is tested
            else:
                capsys.readouterr()
                assert main(words_of([line])[0]) == 0, (line, capsys.readouterr().err)
                assert capsys.readouterr().out.strip(), line
