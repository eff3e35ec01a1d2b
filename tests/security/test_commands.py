"""Every command of the command line and of `%etl`, and what it does with hostile words."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.shell import Notebook, notebook_shell
from jupyter_etl.cli.main import COMMANDS, main
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import CellUse, CommandSpec, ValueKind
from jupyter_etl.language.commands.parser import parse_line
from jupyter_etl.language.commands.tables import CLI_COMMANDS, MAGIC_COMMANDS
from security.conftest import TEXTS, Seen, Target

HOSTILE = tuple(text for text in TEXTS if text)
SHOWS = "shows"
REFUSES = "refuses"
WRITES = "writes"

CLI_ROWS = {
    **dict.fromkeys((
        "run", "schedule", "help", "trigger", "backfill", "plan", "preflight", "logs", "cancel", "retry",
        "pause", "resume", "relink", "unschedule", "history", "read", "approve", "reject", "diff",
        "rollback", "lineage", "watermark", "restore", "secret",
        "token", "promote", "split", "compare",
    ), REFUSES),
    **dict.fromkeys((
        "endpoints", "status", "pipelines", "runs", "sources", "watermarks", "published", "held", "version",
    ), SHOWS),
    **dict.fromkeys(("up", "prune", "doctor", "backup", "serve"), WRITES),
}  # fmt: skip
"""All commands: whether they refuse a hostile name, only show something, or act without a name."""

MAGIC_ROWS = {
    **dict.fromkeys((
        "load", "preview", "describe", "profile", "sample", "check", "published", "history", "diff",
        "rollback", "approve", "reject", "cancel", "retry", "logs", "relink", "lineage", "watermark",
        "publish table", "publish file", "param", "source", "sql", "run", "schedule",
        "trigger", "backfill", "pause", "resume", "unschedule", "preflight", "approx",
        "secret", "token", "publish query", "publish function", "promote", "split", "compare", "help",
    ), REFUSES),
    **dict.fromkeys((
        "endpoints", "sources", "runs", "status", "pipelines", "debug", "held",
    ), SHOWS),
    # A title and an owner may be any text.
    **dict.fromkeys(("publish report", "owner"), WRITES),
}  # fmt: skip
"""All commands of the magic, likewise."""


@pytest.fixture
def attacked(target: Target) -> Iterator[Target]:
    before = target.state()
    yield target
    assert target.state() == before
    assert not Path("evil").exists()


def test_every_command_has_a_row() -> None:
    assert {spec.title for spec in CLI_COMMANDS} == set(CLI_ROWS)
    assert {title.split()[0] for title in CLI_ROWS} == set(COMMANDS)
    assert {spec.title for spec in MAGIC_COMMANDS} == set(MAGIC_ROWS)


def test_no_command_takes_what_it_does_not_know(
    attacked: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = Seen()
    for spec in CLI_COMMANDS:
        words = spec.title.split()
        names = ["1" for one in spec.positionals if one.required]
        attempts = [
            [*words, *names, "--evil"], [*words, *names, "--evil=1"], [*words, "--", *["x"] * 99, "--x"],
            *([*words, *names, one.flags[-1]] for one in spec.options if one.kind is not ValueKind.FLAG),
        ]  # fmt: skip
        for option in spec.options:
            if option.kind in (ValueKind.WHOLE, ValueKind.DURATION, ValueKind.SIZE):
                bad = ("NaN", "", "1;id")
                attempts += [[*words, *names, f"{option.flags[-1]}={value}"] for value in bad]
            elif option.choices:
                attempts += [
                    [*words, *names, f"{option.flags[-1]}={text}"] for text in HOSTILE[::4]
                ]
        for attempt in attempts:
            if len(attempt) > 50 and any(one.kind is ValueKind.WORDS for one in spec.positionals):
                continue
            seen.note(attempt, main(attempt), {1, 2})
            _is_plain(capsys)
    seen.done(120)


def test_no_command_acts_on_a_hostile_name(
    attacked: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = Seen()
    for spec in (one for one in CLI_COMMANDS if CLI_ROWS[one.title] == REFUSES):
        required = [one for one in spec.positionals if one.required]
        for text in HOSTILE[::3]:
            # No process can be given a NUL.
            text = text.replace("\0", "\x01")
            attempt = [*spec.title.split(), "--", *[text for _ in required or [0]]]
            seen.note(attempt, main(attempt), {1, 2})
            _is_plain(capsys)
    seen.done(130)


def _is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    """No input may change the terminal, or cause more than an error message."""
    shown = "".join(capsys.readouterr())
    assert "\x1b]0;" not in shown
    assert "Traceback" not in shown
    assert "root:" not in shown


@pytest.fixture
def notebook(
    attacked: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Notebook]:
    before = Path("delays.ipynb").read_text()
    monkeypatch.setenv("JPY_SESSION_NAME", "delays.ipynb")
    with notebook_shell(Path("delays.ipynb").resolve(), capsys) as opened:
        Path("delays.ipynb").write_text(before)
        yield opened


def lines_of(spec: CommandSpec, text: str) -> str:
    count = sum(one.required for one in spec.positionals) or 1
    return f"{spec.title} {' '.join([json.dumps(text, ensure_ascii=False)] * count)}"


def test_no_magic_acts_on_a_hostile_name(notebook: Notebook) -> None:
    seen = Seen()
    for spec in (one for one in MAGIC_COMMANDS if MAGIC_ROWS[one.title] == REFUSES):
        for text in HOSTILE[:-1:2]:
            line = lines_of(spec, text)
            if spec.form.cell is CellUse.REQUIRED:
                result = notebook.shell.run_cell(f"%%etl {line}\n{text}")
            else:
                result = notebook.shell.run_cell(f"%etl {line}")
            seen.note(line, 0 if result.success else 1, {1})
    seen.done(240)


def test_no_line_breaks_the_tokenizer() -> None:
    seen = Seen()
    odd = ('"', "'", '"a', "a\\", "--", "---", "--=x", "-\0", "$(x)", "%etl", "<<", "x <<", "a" * 100_000,
           "\ud800", "\x1b[2J", "{{", "{{x", "[" * 10_000, "\u2028", "--limit=\n1")  # fmt: skip
    for spec in MAGIC_COMMANDS:
        for text in odd:
            with contextlib.suppress(DeclarationError):
                parse_line(f"{spec.title} {text}")
            seen.note(text, 0, {0})
    seen.done(600)
