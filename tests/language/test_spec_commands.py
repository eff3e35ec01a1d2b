from __future__ import annotations

import re

import pytest
from hypothesis import example as always_with
from hypothesis import given
from hypothesis import strategies as st

import strategies
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.completion import complete, completes
from jupyter_etl.language.commands.data import (
    DescribeRequest,
    LoadRequest,
    PreviewRequest,
    SourceRequest,
    SourcesRequest,
)
from jupyter_etl.language.commands.declarations import CellUse, Request, Surface, ValueKind
from jupyter_etl.language.commands.general import (
    HelpRequest,
)
from jupyter_etl.language.commands.help import guide, usage
from jupyter_etl.language.commands.parser import parse_line
from jupyter_etl.language.commands.pipelines import (
    BackfillRequest,
    OwnerRequest,
    PauseRequest,
)
from jupyter_etl.language.commands.publications import (
    PublishFileRequest,
    PublishReportRequest,
    PublishTableRequest,
)
from jupyter_etl.language.commands.queries import (
    CheckRequest,
    ParamRequest,
    SqlRequest,
)
from jupyter_etl.language.commands.runs import (
    LogsRequest,
    RunRequest,
    RunsRequest,
)
from jupyter_etl.language.commands.schedule import (
    ScheduleRequest,
)
from jupyter_etl.language.commands.tables import MAGIC_COMMANDS
from jupyter_etl.language.commands.tokenizer import quote_word
from jupyter_etl.model import Freshness, OnLost


@pytest.mark.parametrize(
    ("line", "cell", "expected"),
    [
        ("", None, HelpRequest()),
        ("-h", None, HelpRequest()),
        ("load -h", None, HelpRequest(command="load")),
        ("load wh.orders --help", None, HelpRequest(command="load")),
        ("publish -h", None, HelpRequest(command="publish")),
        ("publish table -h", None, HelpRequest(command="publish table")),
        ("param -h", None, HelpRequest(command="param")),
        ("help publish table", None, HelpRequest(command="publish table")),
        (
            'source wh postgresql://db/sales --secret wh_pw --secret=ca --readonly --fresh "warn 6h error 24h" --option a=b --option c=d=e',
            None,
            SourceRequest(
                name="wh",
                location="postgresql://db/sales",
                secrets=("wh_pw", "ca"),
                readonly=True,
                freshness=Freshness(warn_s=21600, error_s=86400),
                options={"a": "b", "c": "d=e"},
            ),
        ),
        ("sources", None, SourcesRequest()),
        ("describe wh", None, DescribeRequest(name="wh")),
        ("preview wh.orders -n 5", None, PreviewRequest(target="wh.orders", limit=5)),
        ("preview wh.orders -n5", None, PreviewRequest(target="wh.orders", limit=5)),
        ("preview wh.orders", None, PreviewRequest(target="wh.orders")),
        (
            "load wh.orders --columns day,fare --limit 10 --as arrow",
            None,
            LoadRequest(target="wh.orders", columns=("day", "fare"), limit=10, as_="arrow"),
        ),
        (
            "sql wh orders << --show",
            "select 1",
            SqlRequest(source="wh", show=True, target="orders", cell="select 1"),
        ),
        (
            "sql wh orders<< -p day=2026-01-01",
            "select 1",
            SqlRequest(
                source="wh", parameters={"day": "2026-01-01"}, target="orders", cell="select 1"
            ),
        ),
        ('sql local "select 1 << 2"', None, SqlRequest(source="local", query="select 1 << 2")),
        ("check orders", "id: unique", CheckRequest(name="orders", cell="id: unique")),
        (
            "param day date = yesterday  # it's the day",
            None,
            ParamRequest(text="day date = yesterday  # it's the day"),
        ),
        (
            "publish table sales.daily orders --mode upsert --key id,day --partition month --contract freeze --live",
            None,
            PublishTableRequest(
                name="sales.daily",
                data="orders",
                mode="upsert",
                key=("id", "day"),
                partition=("month",),
                contract="freeze",
                live=True,
            ),
        ),
        (
            "publish file out/{{day}}.parquet orders --name o",
            None,
            PublishFileRequest(path="out/{{day}}.parquet", data="orders", name="o"),
        ),
        (
            'publish report "Daily sales" --hide-code',
            None,
            PublishReportRequest(title="Daily sales", hide_code=True),
        ),
        (
            'schedule "weekdays at 06:00" --tz Europe/Paris --retries 3 --timeout 1h --catchup latest --overlap skip -p a=1',
            None,
            ScheduleRequest(
                when="weekdays at 06:00",
                timezone="Europe/Paris",
                parameters={"a": "1"},
                retries=3,
                timeout_s=3600.0,
                catchup="latest",
                overlap="skip",
            ),
        ),
        (
            "backfill 2026-01-01..2026-01-31 --by week --pipeline p",
            None,
            BackfillRequest(span="2026-01-01..2026-01-31", pipeline="p", by="week"),
        ),
        (
            "run -p a=1 --param b=2 --draft --timeout 90",
            None,
            RunRequest(parameters={"a": "1", "b": "2"}, draft=True, timeout_s=90.0),
        ),
        (
            "runs --state failed --state held -n 3",
            None,
            RunsRequest(state=("failed", "held"), limit=3),
        ),
        ("logs 42", None, LogsRequest(run="42")),
        ("owner sam@x.org", None, OwnerRequest(owner="sam@x.org")),
        ("pause", None, PauseRequest()),
    ],
)
def test_understood(line: str, cell: str | None, expected: Request) -> None:
    assert parse_line(line, cell) == expected


def test_words_of_a_schedule_need_no_quotes() -> None:
    assert parse_line("schedule mon,thu at 09:00 --tz UTC") == ScheduleRequest(
        when="mon,thu at 09:00", timezone="UTC"
    )
    assert parse_line("schedule 0 6 * * 1-5") == ScheduleRequest(when="0 6 * * 1-5")
    assert parse_line("schedule --after a,b --after c") == ScheduleRequest(after=("a", "b", "c"))


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
    request = parse_line(f"source a a.csv --option {written} --option skip=1")
    options = {option[0]: option[1], "skip": "1"}
    assert request == SourceRequest(name="a", location="a.csv", options=options)
    with pytest.raises(DeclarationError, match="'x' is not an assignment"):
        parse_line("source a a.csv --option x")
    with pytest.raises(DeclarationError, match="given twice"):
        parse_line(f"source a a.csv --option {written} --option {written}")


def test_options_of_a_policy() -> None:
    line = "schedule daily --on-lost fail --priority -5 --memory 1.5GiB --checkpoint"
    assert parse_line(line) == ScheduleRequest(
        when="daily", on_lost=OnLost.FAIL, priority=-5, memory_bytes=3 * 2**29, checkpoint=True
    )
    after_all = parse_line("schedule --after a,b --after-all")
    assert after_all == ScheduleRequest(after=("a", "b"), after_all=True)
    limited = parse_line("source wh x.csv --limit 2")
    assert limited == SourceRequest(name="wh", location="x.csv", limit=2)
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
        ("publish", None, ["table, file, report, query and function", "%etl publish table"]),
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
        request = parse_line(line, cell)
        assert isinstance(request, HelpRequest)
        with pytest.raises(DeclarationError, match="Did you mean 'load'"):
            usage(request.command)
        return
    with pytest.raises(DeclarationError) as caught:
        parse_line(line, cell)
    assert caught.value.hint
    for piece in says:
        assert piece in str(caught.value)


def test_text_that_starts_with_a_dash() -> None:
    assert parse_line('publish report "-5 degrees"') == PublishReportRequest(title="-5 degrees")
    assert parse_line("publish report -- --odd") == PublishReportRequest(title="--odd")
    source = SourceRequest(name="x", location="y", delimiter="--")
    assert parse_line("source x y --delimiter=--") == source


def test_every_example_is_understood() -> None:
    for spec in MAGIC_COMMANDS:
        for example in spec.form.examples:
            cell = "select 1" if spec.form.cell is CellUse.REQUIRED or "<<" in example else None
            assert type(parse_line(example, cell)) is spec.request


def test_the_guide_is_one_screen_with_every_command() -> None:
    lines = guide(Surface.MAGIC).splitlines()
    assert len(lines) <= 56
    assert max(map(len, lines)) <= 80
    for spec in MAGIC_COMMANDS:
        assert any(line.strip().startswith(spec.title) for line in lines)


def test_usage_shows_form_arguments_and_examples() -> None:
    for spec in MAGIC_COMMANDS:
        text = usage(spec.title)
        assert max(map(len, text.splitlines())) <= 90
        assert spec.form.summary in text
        for argument in spec.arguments:
            assert argument.shown in text
        for example in spec.form.examples:
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
        assert parse_line(line) == LoadRequest(target=target, limit=limit)
    options = " ".join(f"-p {quote_word(f'{k}={v}')}" for k, v in pairs.items())
    assert parse_line(f"run {options}") == RunRequest(parameters=dict(pairs))


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


def test_arguments_have_names_and_help() -> None:
    for spec in MAGIC_COMMANDS:
        assert len({a.name for a in spec.arguments}) == len(spec.arguments)
        for argument in spec.arguments:
            assert re.fullmatch(r"[a-z_]+", argument.name)
            assert argument.help.endswith((".", '".'))
            assert argument.kind in ValueKind
