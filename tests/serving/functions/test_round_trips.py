"""Values of every type survive a request and a result."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.notebook_cells import defined
from jupyter_etl.serving.functions.loading import LoadedFunction

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_FLOAT = st.floats(allow_nan=False, allow_infinity=False)
_OFFSET = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(),
    "float": _FLOAT,
    "bool": st.booleans(),
    "str": _TEXT,
    "bytes": st.binary(),
    "date": st.dates(),
    "datetime": st.datetimes(
        datetime(1902, 1, 1),  # noqa: DTZ001 - Hypothesis adds the offset
        datetime(9998, 1, 1),  # noqa: DTZ001
        timezones=_OFFSET | st.just(UTC),
    ),
    "Decimal": st.decimals(allow_nan=False, allow_infinity=False),
    "UUID": st.uuids(),
    "Literal['a', 'b', 3]": st.sampled_from(["a", "b", 3]),
    "list[int]": st.lists(st.integers()),
    "dict[str, float]": st.dictionaries(_TEXT, _FLOAT),
    "dict[int, str]": st.dictionaries(st.integers(-(2**63), 2**63), _TEXT),
    "Optional[date]": st.none() | st.dates(),
    "int | str | None": st.none() | st.integers() | _TEXT,
    "list[tuple[int, bytes]]": st.lists(st.tuples(st.integers(), st.binary())),
    "Any": st.recursive(
        st.none() | st.booleans() | st.integers() | _FLOAT | _TEXT,
        lambda inside: st.lists(inside) | st.dictionaries(_TEXT, inside),
        max_leaves=10,
    ),
}


@pytest.mark.parametrize("annotation", VALUES)
def test_a_value_comes_back_as_it_was(annotation: str) -> None:
    seen: list[Any] = []
    function = defined(f"def score(x: {annotation}) -> {annotation}:\n  seen.append(x)\n  return x")
    function.__globals__["seen"] = seen
    loaded = LoadedFunction(function)

    @given(VALUES[annotation])
    def check(value: Any) -> None:
        seen.clear()
        sent = json.dumps({"x": msgspec.to_builtins(value, str_keys=True)})
        answer = loaded.call(sent.encode(), "")
        assert answer.status == 200, answer.body
        assert seen == [value]
        assert type(seen[0]) is type(value)
        assert json.loads(answer.body) == {"result": json.loads(sent)["x"]}

    check()
