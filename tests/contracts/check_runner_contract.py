"""Tests of every CheckRunner; an implementation's test class inherits them and adds the factory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import CheckResult, CheckRule, CheckStatus, Severity
from jupyter_etl.ports import CheckRunner

DATA = pa.table(
    {
        "id": pa.array([1, 2, 2, None, None, 6], pa.int64()),
        "code": ["AAA", "BBB", "bad", None, "CCC", "O'Hare"],
        "amount": pa.array([1.0, -2.0, None, 4.0, 5.0, 6.0]),
        'odd "name"; --': [1, 2, 3, 4, 5, 6],
    }
)
AIRPORTS = pa.table({"faa": ["AAA", "BBB", "BBB", None, "CCC"]})


class CheckRunnerContract:
    """Inherit, and override the fixture below."""

    @pytest.fixture
    def runner(self) -> CheckRunner:
        raise AssertionError("the test class gives the runner")

    def _run(
        self,
        runner: CheckRunner,
        *rules: CheckRule,
        last: int | None = None,
        data: pa.Table | Callable[[], pa.RecordBatchReader] = DATA,
    ) -> list[CheckResult]:
        return runner.run(
            rules,
            data,
            dataset="orders",
            last_rows=last,
            reference={"geo.airports": AIRPORTS}.__getitem__,
        )

    @pytest.mark.parametrize(
        ("rule", "failed"),
        [
            (CheckRule(text="id: unique", kind="unique", column="id"), 1),
            (CheckRule(text="amount: unique", kind="unique", column="amount"), 0),
            (CheckRule(text="id: not null", kind="not_null", column="id"), 2),
            (CheckRule(text="amount >= 0", kind="expression", argument="amount >= 0"), 1),
            (CheckRule(text="x", kind="expression", argument="amount > 0 or code = 'bad'"), 1),
            (CheckRule(text="x", kind="in", column="code", argument="'AAA', 'BBB', 'CCC'"), 2),
            (CheckRule(text="x", kind="in", column="code", argument="'AAA', null"), 4),
            (CheckRule(text="x", kind="in", column="code", argument="'O''Hare'"), 4),
            (CheckRule(text="x", kind="matches", column="code", argument="^[A-Z]{3}$"), 2),
            (CheckRule(text="x", kind="matches", column="code", argument="'"), 4),
            (CheckRule(text="x", kind="references", column="code", argument="geo.airports.faa"), 2),
            (CheckRule(text="x", kind="not_null", column='odd "name"; --'), 0),
        ],
    )  # fmt: skip
    def test_breaking_rows_are_counted_and_missing_values_break_nothing(
        self, runner: CheckRunner, rule: CheckRule, failed: int
    ) -> None:
        (result,) = self._run(runner, rule)
        assert (result.failed_rows, result.total_rows) == (failed, 6)
        assert result.status is (CheckStatus.ERROR if failed else CheckStatus.PASS)
        assert result.dataset == "orders"
        assert bool(result.sample) == bool(failed)
        assert result.message

    def test_a_warning_stays_a_warning(self, runner: CheckRunner) -> None:
        rule = CheckRule(text="id: not null", kind="not_null", column="id", severity=Severity.WARN)
        assert self._run(runner, rule)[0].status is CheckStatus.WARN

    def test_results_come_in_the_order_of_the_rules(self, runner: CheckRunner) -> None:
        rules = [
            CheckRule(text="a", kind="not_null", column="id"),
            CheckRule(text="b", kind="rows", argument="rows > 0.5 * last"),
            CheckRule(text="c", kind="references", column="code", argument="geo.airports.faa"),
            CheckRule(text="d", kind="unique", column="id"),
        ]
        assert [result.rule.text for result in self._run(runner, *rules)] == ["a", "b", "c", "d"]

    def test_the_sample_shows_twenty_breaking_rows_at_most(self, runner: CheckRunner) -> None:
        data = pa.table({"id": list(range(100)), "flag": [n >= 10 for n in range(100)]})
        rule = CheckRule(text="id < 10", kind="expression", argument="id < 10")
        (result,) = self._run(runner, rule, data=data)
        assert result.failed_rows == 90
        assert len(result.sample) == 20
        assert all(int(row["id"]) >= 10 and row["flag"] == "true" for row in result.sample)

    @pytest.mark.parametrize(
        ("argument", "last", "holds"),
        [
            ("rows > 0", None, True),
            ("rows >= 0.5 * last", 12, True),
            ("rows > 0.5 * last", 12, False),
            ("rows > 0.5 * last", None, True),
            ("rows between 1 and 5", None, False),
            ("rows between 0.5 * last and 2 * last", 5, True),
            ("rows < 1e1", None, True),
        ],
    )
    def test_rows_are_compared_with_the_last_version(
        self, runner: CheckRunner, argument: str, last: int | None, holds: bool
    ) -> None:
        (result,) = self._run(
            runner, CheckRule(text=argument, kind="rows", argument=argument), last=last
        )
        assert result.status is (CheckStatus.PASS if holds else CheckStatus.ERROR)
        assert result.failed_rows is None
        assert ("no last version" in result.message) == ("last" in argument and last is None)

    def test_no_rows_break_nothing_but_a_rule_about_rows(self, runner: CheckRunner) -> None:
        results = self._run(
            runner,
            CheckRule(text="id: unique", kind="unique", column="id"),
            CheckRule(text="amount > 0", kind="expression", argument="amount > 0"),
            CheckRule(text="rows > 0", kind="rows", argument="rows > 0"),
            data=DATA.slice(0, 0),
        )
        assert [result.status.value for result in results] == ["pass", "pass", "error"]

    @pytest.mark.parametrize(
        "rule",
        [
            CheckRule(text="amuont: unique", kind="unique", column="amuont"),
            CheckRule(text="amuont > 0", kind="expression", argument="amuont > 0"),
        ],
    )
    def test_a_wrong_column_is_named_with_those_there_are(
        self, runner: CheckRunner, rule: CheckRule
    ) -> None:
        good = CheckRule(text="id: not null", kind="not_null", column="id")
        with pytest.raises(DeclarationError) as caught:
            self._run(runner, good, rule)
        assert "'amuont'" in caught.value.message
        assert "id, code, amount" in caught.value.message
        assert "'amount'" in caught.value.hint

    @pytest.mark.parametrize(
        "argument",
        [
            "amount >",
            "(select count(*) from read_csv('/etc/passwd')) > 0",
            "1 = 1) from data; drop table data; --",
            "amount::date > 0",
            "nope(amount)",
        ],
    )
    def test_what_is_no_condition_is_refused_with_its_text(
        self, runner: CheckRunner, argument: str
    ) -> None:
        with pytest.raises(DeclarationError, match="check"):
            self._run(runner, CheckRule(text=argument, kind="expression", argument=argument))

    def test_a_stream_is_checked_like_a_table(self, runner: CheckRunner) -> None:
        rules = [
            CheckRule(text="a", kind="unique", column="id"),
            CheckRule(text="b", kind="rows", argument="rows > 3"),
            CheckRule(text="c", kind="references", column="code", argument="geo.airports.faa"),
            CheckRule(text="d", kind="expression", argument="amount >= 0"),
            CheckRule(text="e", kind="unique", column="amount"),
            CheckRule(text="f", kind="unique", column="part"),
        ]
        part = DATA.append_column("part", pa.array([1.5, None, 1.5, None, 2.5, 1.5]))

        def sorted_rows(results: list[CheckResult]) -> list[CheckResult]:
            # The order of equal rows is not guaranteed.
            return [
                replace(one, message="", sample=tuple(sorted(one.sample, key=str)))
                for one in results
            ]

        streamed = self._run(runner, *rules, data=lambda: part.to_reader(max_chunksize=2))
        held = self._run(runner, *rules, data=part)
        assert sorted_rows(streamed) == sorted_rows(held)
        assert [len(one.sample) for one in streamed] == [2, 0, 2, 1, 0, 3]
        assert [row["part"] for row in streamed[5].sample] == ["1.5"] * 3

    def test_a_stream_whose_rows_cannot_be_judged_names_the_rule(self, runner: CheckRunner) -> None:
        good = CheckRule(text="id: not null", kind="not_null", column="id", severity=Severity.WARN)
        bad = CheckRule(text="a date", kind="expression", argument="code::date > '2026-01-01'")
        with pytest.raises(DeclarationError, match="'a date'"):
            self._run(runner, good, bad, data=lambda: DATA.to_reader(max_chunksize=2))

    def test_what_a_stream_raises_comes_out_as_it_is(self, runner: CheckRunner) -> None:
        def broken() -> pa.RecordBatchReader:
            def batches() -> Iterator[pa.RecordBatch]:
                yield from DATA.to_batches()
                raise SourceError("the file is cut off", retryable=True)

            return pa.RecordBatchReader.from_batches(DATA.schema, batches())

        rule = CheckRule(text="id: not null", kind="not_null", column="id")
        with pytest.raises(SourceError, match="cut off") as caught:
            self._run(runner, rule, data=broken)
        assert caught.value.retryable

    def test_no_rules_give_no_results(self, runner: CheckRunner) -> None:
        assert self._run(runner) == []
