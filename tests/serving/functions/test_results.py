"""Results: what a function returns as JSON, and what it raises."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes.served_functions import called

RESULTS = [
    ("None", None),
    ("{1: 2, True and 'b': (1, 2), None: {3}}", {"1": 2, "b": [1, 2], "null": [3]}),
    ("10**30", 10**30),
    ("Decimal('1.50')", "1.50"),
    ("date(2026, 1, 2)", "2026-01-02"),
    ("datetime(2026, 1, 2)", "2026-01-02T00:00:00"),
    ("UUID(int=1)", "00000000-0000-0000-0000-000000000001"),
    ("b'a'", "YQ=="),
    ("Enum('C', {'a': 1}).a", 1),
    ("range(3)", [0, 1, 2]),
    ("{'a': 1}.keys()", ["a"]),
    ("np.float32(0.5)", 0.5),
    ("np.int8(3)", 3),
    ("np.bool_(True)", True),
    ("np.str_('a')", "a"),
    ("{np.str_('a'): np.float64(1), np.int64(3): np.array(2)}", {"a": 1.0, "3": 2}),
    ("np.array([[1.5, 2], [3, 4]])", [[1.5, 2.0], [3.0, 4.0]]),
    ("np.array(['a', None], dtype=object)", ["a", None]),
    ("np.array(['2026-01-02', 'NaT'], dtype='datetime64[ns]')", ["2026-01-02T00:00:00", None]),
    ("pd.DataFrame({'a': [1, 2], 'b': ['x', None]})", [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
    ("pd.DataFrame({'a': [0.5, None]}, index=[7, 8])", [{"a": 0.5}, {"a": None}]),
    ("pd.DataFrame({'a': pd.to_datetime(['2026-01-02T03:04:05Z', None])})",
     [{"a": "2026-01-02T03:04:05+00:00"}, {"a": None}]),
    ("pd.DataFrame()", []),
    ("pd.Series([1, pd.NA], dtype='Int64')", [1, None]),
    ("pd.Series([True])", [True]),
    ("pd.Index(['a', 'b'])", ["a", "b"]),
    ("pd.Categorical(['a', 'b'])", ["a", "b"]),
    ("pd.Timestamp('2026-01-02')", "2026-01-02T00:00:00"),
    ("[pd.NaT, pd.NA]", [None, None]),
    ("dataclasses.make_dataclass('D', ['a', 'b'])(np.float64(1), [np.int64(2)])",
     {"a": 1.0, "b": [2]}),
    ("msgspec.defstruct('S', ['a'])(date(2026, 1, 2))", {"a": "2026-01-02"}),
]  # fmt: skip


@pytest.mark.parametrize(("result", "encoded"), RESULTS)
def test_a_result_is_json(result: str, encoded: Any) -> None:
    assert called(f"def score(): return {result}", {}) == (200, {"result": encoded})


def test_frames_of_polars_and_arrow_are_records() -> None:
    source = """
import polars as pl, pyarrow as pa
def score(): return [pl.DataFrame({"a": [1, None]}), pa.table({"a": [1, None]}), pl.Series([1])]
"""
    rows = [{"a": 1}, {"a": None}]
    assert called(source, {}) == (200, {"result": [rows, rows, [1]]})


FAILURES = [
    ("float('nan')", "The result is NaN, which JSON does not have."),
    ("{'p': float('inf')}", "The result at $.p is Infinity, which JSON does not have."),
    ("[1.0, -np.inf]", "The result at $[1] is -Infinity, which JSON does not have."),
    ("np.array([1.0, np.nan])", "The result at $[1] is NaN, which JSON does not have."),
    ("np.float32('nan')", "The result is NaN, which JSON does not have."),
    ("pd.DataFrame({'a': [np.inf]})", "The result at $[0].a is Infinity, which JSON does not have."),
    ("Decimal('NaN')", "The result is NaN, which JSON does not have."),
    ("object()", "The result is an object of type object, which has no JSON."),
    ("[lambda: 1]", "The result at $[0] is an object of type function, which has no JSON."),
    ("1j", "The result is an object of type complex, which has no JSON."),
    ("(x for x in [1])", "The result is an object of type generator, which has no JSON."),
    ("{(1, 2): 3}", "The result has a key of type tuple; a key is text or a number."),
    ("{1: 2, '1': 3}", "The result has the key '1' twice."),
    ("'\\ud800'", "The result has text that is not valid Unicode."),
    ("pd.DataFrame([[1, 2]], columns=['a', 'a'])",
     "The result is a frame with two columns of one name."),
    ("(l := []).append(l) or l", "The result is nested too deeply or contains itself."),
    ("1 / 0", "The function failed: ZeroDivisionError: division by zero."),
    ("{}['k']", "The function failed: KeyError: 'k'."),
    ("exit(3)", "The function failed: SystemExit: 3."),
    ("next(iter(()))", "The function failed: StopIteration."),
    ("(_ for _ in ()).throw(ValueError('a\\nb.'))", "The function failed: ValueError: a b."),
    ("(_ for _ in ()).throw(ValueError('\\ud800'))", "The function failed: ValueError: ?."),
    ("(_ for _ in ()).throw(KeyboardInterrupt)", "The function failed: KeyboardInterrupt."),
]  # fmt: skip


@pytest.mark.parametrize(("result", "message"), FAILURES)
def test_a_function_that_fails_is_500_with_one_sentence(
    result: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, answer = called(f"def score(): return {result}", {})
    assert (status, answer["error"]["kind"]) == (500, "FunctionFailed")
    assert answer["error"]["message"] == message
    assert capsys.readouterr().err


def test_a_function_that_replaces_the_log_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    assert called("def score(): return 1 / 0", {})[0] == 500


def test_a_traceback_is_in_the_log_and_not_in_the_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, answer = called("def inner(): raise ValueError('no')\ndef score(): inner()", {})
    assert "inner" not in json.dumps(answer)
    assert "in inner" in capsys.readouterr().err


TYPED = [
    ("int", "1", 200),
    ("int", "'a'", 500),
    ("dict[str, float]", "{'a': 1}", 200),
    ("dict[str, float]", "{'a': 'b'}", 500),
    ("None", "3", 500),
    ("datetime", "datetime(2026, 1, 1)", 500),
    ("np.ndarray", "np.array([1])", 200),
    ("pd.DataFrame", "pd.DataFrame({'a': [1]})", 200),
    ("pd.DataFrame", "3", 500),
    ("Decimal", "Decimal('1.5')", 200),
    ("Leg", "Leg('JFK', datetime.fromisoformat('2026-01-01T00:00:00Z'))", 200),
    ("Leg", "{'airport': 'JFK', 'at': '2026-01-01T00:00:00Z', 'other': 1}", 500),
]


@pytest.mark.parametrize(("annotation", "result", "status"), TYPED)
def test_a_result_is_of_the_annotated_type(annotation: str, result: str, status: int) -> None:
    got, answer = called(f"def score() -> {annotation}: return {result}", {})
    assert got == status
    assert ("error" in answer) == (status == 500)
