from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.schedules.date_ranges import Span, parse_span
from jupyter_etl.language.sizes import MAX_BYTES, format_size, parse_size


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
