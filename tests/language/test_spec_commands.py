from __future__ import annotations

import re

import pytest
from hypothesis import example as always_with
from hypothesis import given
from hypothesis import strategies as st

import strategies
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import CellUse, ValueKind
from jupyter_etl.language.commands.parser import (
    MAGIC_COMMANDS,
    complete,
    completes,
    guide,
    parse_line,
    usage,
)
from jupyter_etl.language.commands.tokenizer import quote_word
from jupyter_etl.model import Freshness


@pytest.mark.parametrize(
    ("line", "cell", "name", "args"),
    [
        ("", None, "help", {"command": ""}),
        ("-h", None, "help", {"command": ""}),
        ("load -h", None, "help", {"command": "load"}),
        ("load wh.orders --help", None, "help", {"command": "load"}),
        ("publish -h", None, "help", {"command": "publish"}),
        ("publish table -h", None, "help", {"command": "publish table"}),
        ("param -h", None, "help", {"command": "param"}),
        ("help publish table", None, "help", {"command": "publish table"}),
        (
            "source wh postgresql://db/sales --secret wh_pw --secret=ca --readonly "
            '--fresh "warn 6h error 24h" --option a=b --option c=d=e',
            None,
            "source",
            {
                "name": "wh",
                "location": "postgresql://db/sales",
                "kind": None,
                "secret": ("wh_pw", "ca"),
                "readonly": True,
                "json": None,
                "sheet": None,
                "delimiter": None,
                "fresh": Freshness(warn_s=21_600, error_s=86_400),
                "limit": None,
                "option": {"a": "b", "c": "d=e"},
            },
        ),
        ("sources", None, "sources", {}),
        ("describe wh", None, "describe", {"name": "wh"}),
        ("preview wh.orders -n 5", None, "preview", {"target": "wh.orders", "limit": 5}),
        ("preview wh.orders -n5", None, "preview", {"target": "wh.orders", "limit": 5}),
        ("preview wh.orders", None, "preview", {"target": "wh.orders", "limit": 20}),
        (
            "load wh.orders --columns day,fare --limit 10 --as arrow",
            None,
            "load",
            {
                "target": "wh.orders",
                "columns": ("day", "fare"),
                "limit": 10,
                "as": "arrow",
                "since": None,
                "lag": "",
                "key": (),
                "anyway": False,
            },
        ),
        (
            "sql wh orders << --show",
            "select 1",
            "sql",
            {
                "source": "wh",
                "query": None,
                "as": "pandas",
                "show": True,
                "param": {},
                "name": None,
                "anyway": False,
                "target": "orders",
            },
        ),
        (
            "sql wh orders<< -p day=2026-01-01",
            "select 1",
            "sql",
            {
                "source": "wh",
                "query": None,
                "as": "pandas",
                "show": False,
                "param": {"day": "2026-01-01"},
                "name": None,
                "anyway": False,
                "target": "orders",
            },
        ),
        (
            'sql local "select 1 << 2"',
            None,
            "sql",
            {
                "source": "local",
                "query": "select 1 << 2",
                "as": "pandas",
                "show": False,
                "param": {},
                "name": None,
                "anyway": False,
                "target": None,
            },
        ),
        ("check orders", "id: unique", "check", {"name": "orders", "schema": None}),
        (
            "param day date = yesterday  # it's the day",
            None,
            "param",
            {"text": "day date = yesterday  # it's the day"},
        ),
        (
            "publish table sales.daily orders --mode upsert --key id,day --partition month "
            "--contract freeze --live",
            None,
            "publish",
            {
                "kind": "table",
                "name": "sales.daily",
                "data": "orders",
                "mode": "upsert",
                "key": ("id", "day"),
                "partition": ("month",),
                "contract": "freeze",
                "change": "50%",
                "allow": (),
                "since": None,
                "lag": "",
                "live": True,
            },
        ),
        (
            "publish file out/{{day}}.parquet orders --name o",
            None,
            "publish",
            {
                "kind": "file",
                "path": "out/{{day}}.parquet",
                "data": "orders",
                "name": "o",
                "live": False,
            },
        ),
        (
            'publish report "Daily sales" --hide-code',
            None,
            "publish",
            {
                "kind": "report",
                "title": "Daily sales",
                "hide_code": True,
                "name": None,
                "live": False,
            },
        ),
        (
            'schedule "weekdays at 06:00" --tz Europe/Paris --retries 3 --timeout 1h '
            "--catchup latest --overlap skip -p a=1",
            None,
            "schedule",
            {
                "when": "weekdays at 06:00",
                "tz": "Europe/Paris",
                "name": None,
                "param": {"a": "1"},
                "retries": 3,
                "timeout": 3600.0,
                "catchup": "latest",
                "overlap": "skip",
                "on_lost": None,
                "priority": None,
                "memory": None,
                "checkpoint": False,
                "cold": False,
                "owner": None,
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
            "backfill 2026-01-01..2026-01-31 --by week --pipeline p",
            None,
            "backfill",
            {
                "span": "2026-01-01..2026-01-31",
                "pipeline": "p",
                "by": "week",
                "all": False,
                "parallel": None,
                "param": {},
                "dry_run": False,
            },
        ),
        (
            "run -p a=1 --param b=2 --draft --timeout 90",
            None,
            "run",
            {
                "notebook": None,
                "param": {"a": "1", "b": "2"},
                "draft": True,
                "timeout": 90.0,
                "checkpoint": False,
                "cold": False,
            },
        ),
        (
            "runs --state failed --state held -n 3",
            None,
            "runs",
            {"pipeline": None, "state": ("failed", "held"), "limit": 3},
        ),
        ("logs 42", None, "logs", {"run": "42"}),
        ("owner sam@x.org", None, "owner", {"owner": "sam@x.org", "pipeline": None}),
        ("pause", None, "pause", {"pipeline": None}),
    ],
)
def test_understood(line: str, cell: str | None, name: str, args: dict[str, object]) -> None:
    command = parse_line(line, cell)
    assert (command.name, command.args, command.cell) == (name, args, cell)


def test_words_of_a_schedule_need_no_quotes() -> None:
    assert parse_line("schedule mon,thu at 09:00 --tz UTC").args["when"] == "mon,thu at 09:00"
    assert parse_line("schedule 0 6 * * 1-5").args["when"] == "0 6 * * 1-5"
    assert parse_line("schedule --after a,b --after c").args["after"] == ("a", "b", "c")


@pytest.mark.parametrize(
    ("written", "option"),
    [
        ("type.zip=text", ("type.zip", "text")),
        ("type.price=decimal(12,2)", ("type.price", "decimal(12,2)")),
        ('type.t="timestamp[us, Europe/Paris]"', ("type.t", "timestamp[us, Europe/Paris]")),
        ('"type.my column=text"', ("type.my column", "text")),
        ("null=#DIV/0!,#N/A", ("null", "#DIV/0!,#N/A")),
        ("delimiter==", ("delimiter", "=")),
    ],
)
def test_options_of_a_source_may_have_any_name(written: str, option: tuple[str, str]) -> None:
    args = parse_line(f"source a a.csv --option {written} --option skip=1").args
    assert args["option"] == {option[0]: option[1], "skip": "1"}
    with pytest.raises(DeclarationError, match="'x' is not an assignment"):
        parse_line("source a a.csv --option x")
    with pytest.raises(DeclarationError, match="given twice"):
        parse_line(f"source a a.csv --option {written} --option {written}")


def test_options_of_a_policy() -> None:
    line = "schedule daily --on-lost fail --priority -5 --memory 1.5GiB --checkpoint"
    args = parse_line(line).args
    assert (args["on_lost"], args["priority"], args["checkpoint"]) == ("fail", -5, True)
    assert args["memory"] == 3 * 2**29
    assert parse_line("schedule --after a,b --after-all").args["after_all"] is True
    assert parse_line("source wh x.csv --limit 2").args["limit"] == 2
    with pytest.raises(DeclarationError, match="from 1 to"):
        parse_line("source wh x.csv --limit 0")


@pytest.mark.parametrize(
    ("line", "cell", "says"),
    [
        ("scedule daily", None, ["'scedule'", "Did you mean 'schedule'?", "Commands are source"]),
        ("sorce x y", None, ["Did you mean 'source'?"]),
        ("load x --limt 3", None, ["--limt", "Did you mean '--limit'?", "--columns"]),
        ("sources --json", None, ["no option --json", "takes no options"]),
        ("load", None, ["needs TARGET", "%etl load TARGET"]),
        ("load a b", None, ["'b'", "%etl load TARGET"]),
        ("load x --limit", None, ["--limit", "needs a value", "--limit N"]),
        ("load x --limit --as", None, ["--limit", "needs a value"]),
        ("load x --limit many", None, ["--limit of 'load'", "'many'", "digits"]),
        ("load x --limit 0", None, ["'0'", "from 1 to"]),
        ("load x --limit 1 --limit 2", None, ["--limit", "given twice"]),
        (
            "load x --as pands",
            None,
            ["'pands'", "pandas, arrow and polars", "Did you mean 'pandas'?"],
        ),
        ("load x --columns a,,b", None, ["'a,,b'", "single commas"]),
        ("load x <<", None, ["'<<'", "name = %etl load"]),
        ("load x", "df", ["takes no lines below", "one '%'"]),
        ("run -p a", None, ["'a' is not an assignment", "day=2026-01-01"]),
        ("run -p a=1 -p a=2", None, ["'a' is given twice"]),
        ("run -p 1a=1", None, ["'1a'", "letters"]),
        ("run --timeout soon", None, ["--timeout of 'run'", "'soon'", "1h30m"]),
        ("run --draft=yes", None, ["--draft", "takes no value", "'yes'"]),
        ("source wh 'a b", None, ["quote '", "not closed"]),
        ("source wh", None, ["needs LOCATION"]),
        ("source wh x --fresh soon", None, ["--fresh of 'source'", "'soon'", "warn 6h error 24h"]),
        ("publish", None, ["table, file and report", "%etl publish table"]),
        ("publish tabel a b", None, ["'tabel'", "Did you mean 'table'?"]),
        ("sql wh", None, ["query for 'wh' is missing", "%%etl sql wh NAME <<"]),
        ("sql wh x", "select 1", ["'x'", "%%etl sql wh x <<"]),
        ("sql wh 1x <<", "select 1", ["'1x'", "%%etl sql SOURCE NAME <<"]),
        ("sql <<", "select 1", ["'<<' must follow a single variable", "SOURCE NAME <<"]),
        ("sql wh", "  \n", ["needs lines below", "query"]),
        ("check orders", None, ["needs lines below", "%%etl check NAME"]),
        ("check orders", "", ["needs lines below", "id: unique"]),
        ("param", None, ["needs NAME", "%etl param day date"]),
        ("", "x = 1", ["%%etl needs a command"]),
        ("cancel x", None, ["RUN of 'cancel'", "'x'"]),
        ("help lod", None, []),
    ],
)
def test_refused(line: str, cell: str | None, says: list[str]) -> None:
    if not says:
        command = parse_line(line, cell)
        with pytest.raises(DeclarationError, match="Did you mean 'load'"):
            usage(str(command.args["command"]))
        return
    with pytest.raises(DeclarationError) as caught:
        parse_line(line, cell)
    assert caught.value.hint
    for piece in says:
        assert piece in str(caught.value)


def test_text_that_starts_with_a_dash() -> None:
    assert parse_line('publish report "-5 degrees"').args["title"] == "-5 degrees"
    assert parse_line("publish report -- --odd").args["title"] == "--odd"
    assert parse_line("source x y --delimiter=--").args["delimiter"] == "--"


def test_every_example_is_understood() -> None:
    for spec in MAGIC_COMMANDS:
        for example in spec.examples:
            cell = "select 1" if spec.cell is CellUse.REQUIRED or "<<" in example else None
            assert parse_line(example, cell).name == spec.name


def test_the_guide_is_one_screen_with_every_command() -> None:
    lines = guide().splitlines()
    assert len(lines) <= 48
    assert max(map(len, lines)) <= 80
    for spec in MAGIC_COMMANDS:
        assert any(line.strip().startswith(spec.title) for line in lines)


def test_usage_shows_form_arguments_and_examples() -> None:
    for spec in MAGIC_COMMANDS:
        text = usage(spec.title)
        assert max(map(len, text.splitlines())) <= 90
        assert spec.summary in text
        for argument in spec.arguments:
            assert argument.shown in text
        for example in spec.examples:
            assert example in text
    assert usage("publish").count("%etl publish ") >= 6
    assert "NAME <<" in usage("sql")


@given(
    strategies.words.filter(str.strip),
    st.integers(1, 10**9),
    st.dictionaries(strategies.identifiers, strategies.words, max_size=3),
)
@always_with("a<<", 1, {"a": "<<"})
def test_values_come_through_quoting(target: str, limit: int, pairs: dict[str, str]) -> None:
    line = f"load {quote_word(target)} --limit {limit}"
    if line.split()[1] not in ("-h", "--help"):
        assert parse_line(line).args["target"] == target
    options = " ".join(f"-p {quote_word(f'{k}={v}')}" for k, v in pairs.items())
    assert parse_line(f"run {options}").args["param"] == pairs


@given(st.text(max_size=60), st.none() | st.text(max_size=10))
def test_any_line_is_a_command_or_a_declaration_error(line: str, cell: str | None) -> None:
    hint = "understood"
    try:
        parse_line(line, cell)
    except DeclarationError as problem:
        hint = problem.hint
    assert hint
    for cursor in (0, len(line) // 2, len(line)):
        complete(line, cursor)
        completes(line, cursor)


def test_names_of_arguments_are_flags_with_underscores() -> None:
    for spec in MAGIC_COMMANDS:
        assert len({a.name for a in spec.arguments}) == len(spec.arguments)
        for argument in spec.arguments:
            assert re.fullmatch(r"[a-z_]+", argument.name)
            if argument.flags:
                assert argument.flags[-1] == "--" + argument.name.replace("_", "-")
            assert argument.help.endswith((".", '".'))
            assert argument.kind in ValueKind
