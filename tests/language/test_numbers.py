"""Numbers of any size or notation are at worst rejected."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.gateway.tables import parse_count
from jupyter_etl.language.commands.declarations import ValueKind
from jupyter_etl.language.commands.exploration import parse_amount, parse_percent, parse_question
from jupyter_etl.language.commands.grammar import convert
from jupyter_etl.language.commands.tables import CLI_COMMANDS, MAGIC_COMMANDS
from jupyter_etl.language.cursors import lagged, parse_cursor
from jupyter_etl.language.durations import parse_duration
from jupyter_etl.language.freshness import parse_freshness
from jupyter_etl.language.numbers import (
    MEMORY_BYTES,
    PORT,
    PRIORITY,
    RETRIES,
    TIMEOUT_S,
    Range,
    parse_id,
)
from jupyter_etl.language.parameters.parameter import coerce, parse_parameter
from jupyter_etl.language.schedules.date_ranges import Span, parse_span
from jupyter_etl.language.schedules.schedule import parse_schedule
from jupyter_etl.language.sizes import MAX_BYTES, format_size, parse_size
from jupyter_etl.model import Parameter, ParameterType
from jupyter_etl.rest.requests import parse_number
from jupyter_etl.services.settings import Settings

NOON = datetime(2026, 1, 1, tzinfo=UTC)
DIGITS = "9" * 10_000
TEXTS = [
    "0", "-0", "-1", "+5", "1_0", "1.0", "0x10", "True", "1e308", "1e400", "NaN", "inf", "-inf",
    str(2**31), str(2**53), str(2**63), str(2**64), str(10**30), DIGITS, f"-{DIGITS}", f"0.{DIGITS}",
    f"{DIGITS}.5", f"1e{DIGITS}", "²", "٣", "１２", "", " ",
]  # fmt: skip
SCHEDULES = [
    "every Nm", "every N minutes", "every Nh", "every N weeks", "daily at N:00", "daily at 06:N",
    "hourly at N", "monthly on N at 06:00", "monthly on the Nth at 06:00", "N * * * *",
    "*/N * * * *", "0-N * * * *", "* * N * *", "0 0 1 N *", "0 0 * * N", "0 0 * * 1#N", "N",
    "N-01-01", "2026-N-01", "2026-01-01T06:00+N",
]  # fmt: skip
READERS: dict[str, Callable[[str], object]] = {
    "duration": lambda text: parse_duration(f"{text}d"),
    "seconds": lambda text: parse_duration(text, bare_seconds=True),
    "size": parse_size,
    "gigabytes": lambda text: parse_size(f"{text}GB"),
    "rows": parse_amount,
    "percent": lambda text: parse_percent(f"{text}%"),
    "quantile": lambda text: parse_question(f"quantile(a, {text}) of t"),
    "freshness": lambda text: parse_freshness(f"{text}h"),
    "cursor": parse_cursor,
    "lag of numbers": lambda text: lagged(parse_cursor("5"), text),
    "lag of decimals": lambda text: lagged(parse_cursor("1.5"), text),
    "lag of days": lambda text: lagged(parse_cursor("2026-01-01"), f"{text}d"),
    "span": lambda text: parse_span(f"{text}-01-01..{text}-01-02", timezone="UTC"),
    "whole": Range(name="limit", least=1, most=1000).parse,
    **{f"schedule {form}": lambda text, form=form: parse_schedule(form.replace("N", text)) for form in SCHEDULES},
    **{
        f"parameter {kind}": lambda text, kind=kind: coerce(
            Parameter(name="x", type=kind), text, at=NOON
        )
        for kind in ParameterType
    },
    **{
        f"default {kind}": lambda text, kind=kind: parse_parameter(f"x {kind} = {text}")
        for kind in ParameterType
    },
}  # fmt: skip


def of_setting(name: str) -> Callable[[str], object]:
    """Return what reads a setting."""
    return lambda text: Settings.from_env({"JUPYTER_ETL_HOME": "/a", f"JUPYTER_ETL_{name}": text})


STRICT: dict[str, Callable[[str], object]] = {
    **{
        f"{spec.title} {one.label}": partial(convert, one, command=spec.title)
        for spec in (*MAGIC_COMMANDS, *CLI_COMMANDS)
        for one in spec.arguments
        if one.kind is ValueKind.WHOLE
    },
    "the query of a route": lambda text: parse_number("limit", text, default=1, low=0, high=100),
    "the query of the gateway": lambda text: parse_count(text, "limit", least=0),
    "the port of the gateway": PORT.parse,
}
"""What reads whole numbers, and nothing around them."""

TRIMMED: dict[str, Callable[[str], object]] = {
    **{f"setting {name}": of_setting(name) for name in ("WORKERS", "KEEP_DAYS", "PRESTART")},
    "rows": parse_amount,
    "parameter": lambda text: coerce(Parameter(name="x", type=ParameterType.INT), text, at=NOON),
}
"""What reads whole numbers, and allows blanks around them."""

DECIMAL: dict[str, Callable[[str], object]] = {
    **{f"setting {name}": of_setting(name) for name in ("LEASE", "DISK_RESERVE", "CELL_OUTPUT")},
    **{
        f"parameter {kind}": lambda text, kind=kind: coerce(
            Parameter(name="x", type=kind), text, at=NOON
        )
        for kind in (ParameterType.FLOAT, ParameterType.DECIMAL, ParameterType.TIMEDELTA)
    },
    **{
        name: READERS[name]
        for name in ("duration", "seconds", "size", "percent", "quantile", "lag of numbers")
    },
}
"""What reads numbers with a fraction."""

MISTYPED = ["1_0", "+5", "1e3", "٣", "１２", "²", "0x10", "1,000", "--5", "5-", "1 0", " "]
AROUND = [" 5", "5 ", "5\n", "\t5", "5.", "1.0"]


def refusal_of(reader: str, text: str) -> str:
    """Return a parser's error for a text that it rejects; "" if it accepts it."""
    try:
        READERS[reader](text)
    except EtlError as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize("reader", READERS)
def test_a_number_in_a_text_is_read_or_refused_in_a_short_sentence(reader: str):
    refused = {text[:20]: refusal_of(reader, text) for text in TEXTS}
    assert max(map(len, refused.values())) < 1_000


@pytest.mark.parametrize(
    ("allowed", "good", "words"),
    [
        (RETRIES, (0, 1_000), "a whole number from 0 to 1,000"),
        (PRIORITY, (-100, 100), "a whole number from -100 to 100"),
        (TIMEOUT_S, (0.001, 1, 3_162_240_000), "from 0.001 s to 3,162,240,000 s"),
        (
            MEMORY_BYTES,
            (64_000_000, 10**18),
            "a whole number from 64 MB to 1000000 TB",
        ),
    ],
)
def test_a_value_is_in_its_range_or_refused_with_it(
    allowed: Range, good: tuple[float, ...], words: str
):
    for value in good:
        allowed.check(value)
    beyond = (
        good[0] - 1,
        good[-1] + 1,
        1e308,
        -1e308,
        math.nan,
        math.inf,
        -math.inf,
        2**63,
        10**9999,
    )
    for value in (*beyond, True, False, None, "5", Decimal(5), [5]):
        with pytest.raises(DeclarationError) as caught:
            allowed.check(value)
        assert caught.value.message.startswith(f"{allowed.name} is ")
        assert caught.value.message.endswith(f"; it must be {words}.")
        assert caught.value.data == {"field": allowed.name}
    with pytest.raises(DeclarationError):
        RETRIES.check(1.0)


def test_a_parameter_is_no_longer_than_python_writes():
    for kind in (ParameterType.INT, ParameterType.FLOAT, ParameterType.ANY):
        with pytest.raises(DeclarationError, match=r"'x' is a number of 16,610 bits"):
            coerce(Parameter(name="x", type=kind), 10**5_000, at=NOON)
        assert coerce(Parameter(name="x", type=kind), 2**70, at=NOON) == 2**70


def accepted(readers: dict[str, Callable[[str], object]], texts: list[str]) -> list[str]:
    """Return the texts that were read, each with its reader."""
    found = []
    for name, read in readers.items():
        for text in texts:
            with suppress(DeclarationError):
                found.append(f"{name}: {text!r} is {read(text)!r}")
    return found


def test_what_is_not_digits_is_no_whole_number():
    assert len(STRICT) > 15
    assert accepted(STRICT, MISTYPED + AROUND) == []
    assert accepted(TRIMMED, [*MISTYPED[:-1], "5.", "1.0"]) == []


def test_what_is_not_written_plainly_is_no_number():
    texts = ["1_0", "1_0.5", "٣", "１２", "0x10", "nan", "inf", "1,5", "1 0"]
    assert accepted(DECIMAL, texts) == []


def test_a_whole_number_is_read_with_its_sign():
    assert PRIORITY.parse("-10") == -10
    assert RETRIES.parse("1000") == 1_000
    assert {name: read("7") for name, read in STRICT.items()} == dict.fromkeys(STRICT, 7)
    assert len(accepted(TRIMMED | DECIMAL, ["1"])) == len(TRIMMED | DECIMAL)


def test_the_number_of_a_run_has_at_most_18_digits():
    assert parse_id("0042") == 42
    assert parse_id("9" * 18) == 10**18 - 1
    assert [parse_id(text) for text in ("9" * 19, "", "-1", "1_0", "²", "٣", "1.0", " 1")] == [
        None
    ] * 8


def test_days_are_days_and_times_are_instants() -> None:
    days = Span(start=date(2026, 1, 1), end=date(2026, 1, 31))
    assert parse_span("2026-01-01..2026-01-31") == days
    assert parse_span(" 2026-01-01 .. 2026-01-31 ") == days
    assert parse_span("2026-01-31") == Span(start=days.end, end=days.end)
    times = parse_span("2026-01-01T06:00..2026-01-02 06:00Z", timezone="Europe/Berlin")
    assert times.start == datetime(2026, 1, 1, 5, tzinfo=UTC)
    assert times.end == datetime(2026, 1, 2, 6, tzinfo=UTC)
    mixed = parse_span("2026-01-01..2026-01-02T06:00")
    assert mixed == Span(start=days.start, end=datetime(2026, 1, 2, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a range"),
        ("..", "not a range"),
        ("2026-01-01..", "not a range"),
        ("..2026-01-01", "not a range"),
        ("2026-01-01T06:00", "not a range"),
        ("2026-02-30..2026-03-01", "'2026-02-30' is not a valid date"),
        ("soon..later", "'soon'"),
        ("1899-12-31..2026-01-01", "1900 to 2999"),
        ("2026-01-01..9999-12-31", "1900 to 2999"),
        ("2026-03-29T02:30..2026-03-30", "clocks are set forward"),
    ],
)
def test_no_range(text: str, says: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_span(text, timezone="Europe/Berlin")
    assert says in caught.value.message
    assert caught.value.hint


@given(st.text(max_size=40))
def test_any_text_is_a_range_or_a_declaration_error(text: str) -> None:
    hint = "read"
    try:
        span = parse_span(text)
    except DeclarationError as problem:
        hint = problem.hint
    else:
        assert 1900 <= span.start.year <= 2999
    assert hint


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GB", 2 * 10**9),
        ("2 gb", 2 * 10**9),
        ("1.5GiB", 3 * 2**29),
        ("512m", 512 * 10**6),
        ("64KiB", 2**16),
        ("17", 17),
        ("17 B", 17),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "GB", "-1GB", "2 PB", "two GB", "0", "0.1", "9999999TB", "1e9"]
)
def test_no_size(text: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_size(text)
    assert f"'{text}'" in caught.value.message
    assert "2GB" in caught.value.hint


@given(st.integers(1, MAX_BYTES))
def test_a_size_reads_as_it_is_written(size: int) -> None:
    assert parse_size(format_size(size)) == size


def test_a_size_is_written_in_its_largest_unit() -> None:
    written = [format_size(n) for n in (2 * 10**9, 1_500_000, 999, 0, 10**12)]
    assert written == ["2 GB", "1.5 MB", "999 B", "0 B", "1 TB"]
