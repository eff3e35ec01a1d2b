from __future__ import annotations

import pytest

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.parser import CLI_COMMANDS, cli_parser

COMMANDS = [
    "watermarks",
    "watermark",
    "run",
    "schedule",
    "trigger",
    "backfill",
    "up",
    "plan",
    "status",
    "pipelines",
    "runs",
    "logs",
    "cancel",
    "retry",
    "pause",
    "resume",
    "relink",
    "unschedule",
    "held",
    "approve",
    "reject",
    "diff",
    "rollback",
    "lineage",
    "secret",
    "sources",
    "published",
    "history",
    "read",
    "prune",
    "preflight",
    "doctor",
    "backup",
    "restore",
    "version",
    "serve",
]
READING = [
    "lineage",
    "watermarks",
    "run",
    "trigger",
    "backfill",
    "plan",
    "status",
    "pipelines",
    "runs",
    "logs",
    "sources",
    "published",
    "history",
    "read",
    "prune",
    "preflight",
    "doctor",
    "backup",
    "restore",
    "version",
]


def _parse(line: str) -> dict[str, object]:
    return vars(cli_parser().parse_args(line.split()))


def test_the_commands() -> None:
    assert sorted(spec.name for spec in CLI_COMMANDS) == sorted(COMMANDS)


@pytest.mark.parametrize("name", READING)
def test_reading_commands_take_json(name: str) -> None:
    spec = next(spec for spec in CLI_COMMANDS if spec.name == name)
    assert spec.option("--json") is not None


@pytest.mark.parametrize(
    ("line", "args"),
    [
        (
            "run a.ipynb -p k=v -p n=1 --draft --timeout 5 --json",
            {
                "notebook": "a.ipynb",
                "param": {"k": "v", "n": "1"},
                "draft": True,
                "timeout": 5.0,
                "checkpoint": False,
                "cold": False,
                "json": True,
            },
        ),
        ("retry 7 --from-failed-cell", {"run": 7, "from_failed_cell": True}),
        (
            "schedule a.ipynb --tz Europe/Paris weekdays at 06:00 --retries 0 --timeout 1h "
            "--catchup all --overlap cancel-previous --owner sam --name n",
            {
                "notebook": "a.ipynb",
                "when": "weekdays at 06:00",
                "tz": "Europe/Paris",
                "name": "n",
                "param": {},
                "retries": 0,
                "timeout": 3600.0,
                "catchup": "all",
                "overlap": "cancel-previous",
                "on_lost": None,
                "priority": None,
                "memory": None,
                "checkpoint": False,
                "cold": False,
                "owner": "sam",
                "after": (),
                "after_all": False,
                "expect": False,
                "shared": False,
                "on_demand": False,
                "reset": (),
                "include": (),
                "anyway": False,
            },
        ),
        (
            "backfill p 2026-01-01..2026-01-31 --by day --all --parallel 2 -p k=v --dry-run",
            {
                "pipeline": "p",
                "span": "2026-01-01..2026-01-31",
                "by": "day",
                "all": True,
                "parallel": 2,
                "param": {"k": "v"},
                "dry_run": True,
                "wait": False,
                "json": False,
            },
        ),
        (
            "trigger p -p k=v --wait --json",
            {"pipeline": "p", "param": {"k": "v"}, "draft": False, "wait": True, "json": True},
        ),
        ("up --workers 2 --until-idle", {"workers": 2, "for": (), "until_idle": True}),
        (
            "plan daily --tz UTC --from 2026-01-01 --to 2026-01-03 --json",
            {"when": "daily", "tz": "UTC", "from": "2026-01-01", "to": "2026-01-03", "json": True},
        ),
        (
            "read sales --version 3 --limit 10 --format arrow",
            {
                "name": "sales",
                "version": 3,
                "as_of": None,
                "draft": False,
                "limit": 10,
                "format": "arrow",
                "json": False,
            },
        ),
        ("history sales --json", {"name": "sales", "draft": False, "json": True}),
        (
            "runs --pipeline p --limit 5 --json",
            {"pipeline": "p", "state": (), "limit": 5, "json": True},
        ),
        ("logs 42", {"run": "42", "follow": False, "json": False}),
        ("logs daily -f", {"run": "daily", "follow": True, "json": False}),
    ],
)
def test_understood(line: str, args: dict[str, object]) -> None:
    assert _parse(line) == {"command": line.split()[0], **args}


def test_one_word_when_and_after() -> None:
    args = vars(cli_parser().parse_args(["schedule", "a b.ipynb", "0 6 * * 1-5"]))
    assert (args["notebook"], args["when"]) == ("a b.ipynb", "0 6 * * 1-5")
    args = _parse("schedule a.ipynb --after sales.daily --after x,y")
    assert (args["when"], args["after"]) == ("", ("sales.daily", "x", "y"))


def test_no_words_and_version() -> None:
    assert _parse("") == {"command": None}
    assert _parse("--version") == {"command": "version", "json": False}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ruun a", ["'ruun'", "Did you mean 'run'?", "jupyter etl -h"]),
        ("run", ["needs NOTEBOOK", "jupyter etl run NOTEBOOK"]),
        ("run a --tmeout 3", ["--tmeout", "Did you mean '--timeout'?"]),
        ("run a b", ["'b'"]),
        ("run a --timeout x", ["'x'", "--timeout"]),
        ("schedule a daily --catchup sometimes", ["'sometimes'", "latest, all and none"]),
        ("schedule a daily --on-lost wait", ["'wait'", "retry and fail"]),
        ("schedule a daily --priority -101", ["'-101'", "-100"]),
        ("schedule a daily --memory lots", ["--memory", "'lots'", "2GB"]),
        ("backfill p", ["'backfill'", "FROM..TO"]),
        ("backfill p 2026-01-01 --by year", ["'year'", "hour, day, week and month"]),
        ("read x --format xml", ["'xml'", "csv, json, arrow and parquet"]),
        ("up --workers 0", ["'0'", "from 1 to"]),
        ("runs --state bad", ["'bad'", "queued"]),
        ("cancel me", ["'me'", "digits"]),
    ],
)
def test_refused(line: str, says: list[str]) -> None:
    with pytest.raises(DeclarationError) as caught:
        _parse(line)
    assert caught.value.hint
    for piece in says:
        assert piece in str(caught.value)


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli_parser().parse_args([name, "-h"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    spec = next(spec for spec in CLI_COMMANDS if spec.name == name)
    assert f"jupyter etl {name}" in text
    for argument in spec.options:
        assert argument.flags[-1] in text
    for example in spec.examples:
        assert example in text


def test_help_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli_parser().parse_args(["-h"])
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in COMMANDS)


def test_every_example_is_understood() -> None:
    import shlex

    for spec in CLI_COMMANDS:
        for example in spec.examples:
            words = shlex.split(example.partition(" >")[0])
            assert vars(cli_parser().parse_args(words))["command"] == spec.name


@pytest.mark.parametrize("flag", ["--repair", "--mend"])
def test_an_alias_is_accepted_and_not_shown(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli_parser().parse_args(["doctor", flag]).repair is True
    with pytest.raises(SystemExit):
        cli_parser().parse_args(["doctor", "-h"])
    assert ("--repair" in (said := capsys.readouterr().out), "--mend" in said) == (True, False)
