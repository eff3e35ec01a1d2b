from __future__ import annotations

import pytest

from jupyter_etl.cli.main import main
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.data import (
    ReadRequest,
)
from jupyter_etl.language.commands.declarations import Request
from jupyter_etl.language.commands.general import (
    DoctorRequest,
    HelpRequest,
    VersionRequest,
)
from jupyter_etl.language.commands.parser import parse_command
from jupyter_etl.language.commands.pipelines import (
    BackfillRequest,
)
from jupyter_etl.language.commands.publications import (
    HistoryRequest,
)
from jupyter_etl.language.commands.runs import (
    LogsRequest,
    RetryRequest,
    RunRequest,
    RunsRequest,
    TriggerRequest,
)
from jupyter_etl.language.commands.schedule import (
    PlanRequest,
    ScheduleRequest,
    UpRequest,
)
from jupyter_etl.language.commands.tables import CLI_COMMANDS

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
    "token",
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
    "endpoints",
    "promote",
    "split",
    "compare",
    "help",
]
READING = [
    "endpoints",
    "compare",
    "token",
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


def test_the_commands() -> None:
    assert sorted(spec.name for spec in CLI_COMMANDS) == sorted(COMMANDS)


@pytest.mark.parametrize("name", READING)
def test_reading_commands_take_json(name: str) -> None:
    spec = next(spec for spec in CLI_COMMANDS if spec.name == name)
    assert spec.option("--json") is not None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "run a.ipynb -p k=v -p n=1 --draft --timeout 5 --json",
            RunRequest(
                notebook="a.ipynb",
                parameters={"k": "v", "n": "1"},
                draft=True,
                timeout_s=5.0,
                json=True,
            ),
        ),
        ("retry 7 --from-failed-cell", RetryRequest(run=7, from_failed_cell=True)),
        (
            "schedule a.ipynb --tz Europe/Paris weekdays at 06:00 --retries 0 --timeout 1h --catchup all --overlap cancel-previous --owner sam --name n",
            ScheduleRequest(
                notebook="a.ipynb",
                when="weekdays at 06:00",
                timezone="Europe/Paris",
                name="n",
                retries=0,
                timeout_s=3600.0,
                catchup="all",
                overlap="cancel-previous",
                owner="sam",
            ),
        ),
        (
            "backfill p 2026-01-01..2026-01-31 --by day --all --parallel 2 -p k=v --dry-run",
            BackfillRequest(
                pipeline="p",
                span="2026-01-01..2026-01-31",
                by="day",
                all=True,
                parallel=2,
                parameters={"k": "v"},
                dry_run=True,
            ),
        ),
        (
            "trigger p -p k=v --wait --json",
            TriggerRequest(pipeline="p", parameters={"k": "v"}, wait=True, json=True),
        ),
        ("up --workers 2 --until-idle", UpRequest(workers=2, until_idle=True)),
        (
            "plan daily --tz UTC --from 2026-01-01 --to 2026-01-03 --json",
            PlanRequest(
                when="daily", timezone="UTC", start="2026-01-01", end="2026-01-03", json=True
            ),
        ),
        (
            "read sales --version 3 --limit 10 --format arrow",
            ReadRequest(name="sales", version=3, limit=10, format="arrow"),
        ),
        ("history sales --json", HistoryRequest(name="sales", json=True)),
        ("runs --pipeline p --limit 5 --json", RunsRequest(pipeline="p", limit=5, json=True)),
        ("logs 42", LogsRequest(run="42")),
        ("logs daily -f", LogsRequest(run="daily", follow=True)),
    ],
)
def test_understood(line: str, expected: Request) -> None:
    assert parse_command(line.split()) == expected


def test_one_word_when_and_after() -> None:
    request = parse_command(["schedule", "a b.ipynb", "0 6 * * 1-5"])
    assert request == ScheduleRequest(notebook="a b.ipynb", when="0 6 * * 1-5")
    request = parse_command(["schedule", "a.ipynb", "--after", "sales.daily", "--after", "x,y"])
    assert request == ScheduleRequest(notebook="a.ipynb", after=("sales.daily", "x", "y"))


def test_no_words_and_version() -> None:
    assert parse_command([]) == HelpRequest()
    assert parse_command(["--version"]) == VersionRequest()


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
        parse_command(line.split())
    assert caught.value.hint
    for piece in says:
        assert piece in str(caught.value)


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "-h"]) == 0
    text = capsys.readouterr().out
    spec = next(spec for spec in CLI_COMMANDS if spec.name == name)
    assert f"jupyter etl {name}" in text
    for argument in spec.options:
        assert argument.flags[-1] in text
    for example in spec.form.examples:
        assert example in text


def test_help_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["-h"]) == main(["help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in COMMANDS)


def test_every_example_is_understood() -> None:
    import shlex

    for spec in CLI_COMMANDS:
        for example in spec.form.examples:
            words = shlex.split(example.partition(" >")[0])
            assert type(parse_command(words)) is spec.request


@pytest.mark.parametrize("flag", ["--repair", "--mend"])
def test_an_alias_is_accepted_and_not_shown(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_command(["doctor", flag]) == DoctorRequest(repair=True)
    assert main(["doctor", "-h"]) == 0
    assert ("--repair" in (said := capsys.readouterr().out), "--mend" in said) == (True, False)
