"""Whether callers of one version of an endpoint can call the next."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

import msgspec
import pytest

from jupyter_etl.language.endpoints.compatibility import contract_changes, sample_changes
from jupyter_etl.model import Endpoint, EndpointKind, Sample


def schema_of(kind: object) -> str:
    return json.dumps(msgspec.json.schema(kind))


def endpoint(request: object, response: object = object) -> Endpoint:
    return Endpoint(
        kind=EndpointKind.FUNCTION,
        request_schema=schema_of(request),
        response_schema="{}" if response is object else schema_of(response),
    )


def fields(*declared: object) -> type[msgspec.Struct]:
    return msgspec.defstruct("Request", declared, forbid_unknown_fields=True)  # type: ignore[arg-type]


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: float
    y: float = 0.0


@dataclass
class Node:
    value: int
    children: "list[Node]"  # noqa: UP037 - defined here


AGE = fields(("age", int))


@pytest.mark.parametrize(
    ("before", "after", "clauses"),
    [
        (AGE, AGE, ()),
        (AGE, fields(("age", int), ("fare", float, 7.25)), ()),
        (AGE, fields(("age", int), ("fare", float)), ("the parameter 'fare' is new and required",)),
        (AGE, fields(("years", int)), ("'age' is gone", "'years' is new and required")),
        (AGE, fields(("age", float)), ()),
        (AGE, fields(("age", int | None)), ()),
        (fields(("age", int | None)), AGE, ("'age' was integer or null and is integer",)),
        (fields(("age", float)), AGE, ("the parameter 'age' was number and is integer",)),
        (fields(("age", int, 3)), AGE, ("the parameter 'age' is required now",)),
        (AGE, fields(("age", str)), ("the parameter 'age' was integer and is string",)),
        (fields(("c", Color)), fields(("c", Literal["red", "blue", "green"])), ()),
        (fields(("c", Literal["a", "b"])), fields(("c", Literal["a"])), ("'a' or 'b' and is 'a'",)),
        (fields(("c", Literal["a"])), fields(("c", str)), ()),
        (fields(("p", Point)), fields(("p", Point)), ()),
        (fields(("p", dict[str, int])), fields(("p", dict[str, float])), ()),
        (fields(("p", dict[str, float])), fields(("p", dict[str, int])), ("'p' was object",)),
        (fields(("p", list[int])), fields(("p", list[int | str])), ()),
        (
            fields(("p", list[int])),
            fields(("p", list[str])),
            ("was array of integer and is array",),
        ),
        (fields(("n", Node)), fields(("n", Node)), ()),
    ],
)
def test_what_breaks_requests(before: object, after: object, clauses: tuple[str, ...]) -> None:
    found = contract_changes(endpoint(before), endpoint(after))
    assert len(found) == len(clauses), found
    for clause, text in zip(clauses, found, strict=True):
        assert clause in text


@dataclass
class Scored:
    p: float


@dataclass
class ScoredMore:
    p: float
    why: str


@dataclass
class MaybeScored:
    p: float | None


@dataclass
class WholeScored:
    p: int


@pytest.mark.parametrize(
    ("before", "after", "clauses"),
    [
        (Scored, ScoredMore, ()),
        (ScoredMore, Scored, ("the result 'why' is gone",)),
        (Scored, MaybeScored, ("the result 'p' was number and is number or null",)),
        (Scored, WholeScored, ()),
        (WholeScored, Scored, ("the result 'p' was integer and is number",)),
        (Scored, object, ("the result was object and is anything",)),
        (object, Scored, ()),
        (float, str, ("the result was number and is string",)),
        (list[int], list[float], ("the result was array of integer and is array of number",)),
        (float | None, float, ()),
        (Node, Node, ()),
    ],
)
def test_what_breaks_readers_of_results(
    before: object, after: object, clauses: tuple[str, ...]
) -> None:
    found = contract_changes(endpoint(AGE, before), endpoint(AGE, after))
    assert len(found) == len(clauses), found
    for clause, text in zip(clauses, found, strict=True):
        assert clause in text


def test_another_kind_is_another_contract() -> None:
    function = endpoint(AGE)
    query = replace(function, kind=EndpointKind.QUERY)
    assert contract_changes(function, query) == ("it was a function and is a query",)


def sample(response: object, seconds: float = 0.001) -> Sample:
    return Sample(request='{"age": 40}', response=json.dumps(response), seconds=seconds)


@pytest.mark.parametrize(
    ("before", "after", "clauses"),
    [
        ({"p": 0.1}, {"p": 0.9}, ()),
        ({"p": 0.1}, {"p": 1, "why": "age"}, ()),
        ({"p": 0.1}, {"q": 0.1}, ("was an object with 'p' and is an object with 'q'",)),
        (0.1, "0.1", ("was number and is string",)),
        (0.1, None, ("was number and is null",)),
        (True, 1, ("was boolean and is number",)),
        ([], [1, 2], ()),
        ([1], [], ()),
        ([1], ["a"], ("was an array of number and is an array of string",)),
        ([{"a": 1}], [{"a": "1"}], ("an array of an object with 'a'",)),
    ],
)
def test_samples_keep_the_types_of_their_answers(
    before: object, after: object, clauses: tuple[str, ...]
) -> None:
    found = sample_changes([sample(before)], [sample(after)])
    assert len(found) == len(clauses), found
    for clause, text in zip(clauses, found, strict=True):
        assert clause in text


@pytest.mark.parametrize(
    ("before", "after", "slower"),
    [(0.1, 0.29, False), (0.1, 0.31, True), (0.001, 0.04, False), (0.001, 0.06, True)],
)
def test_samples_take_at_most_three_times_as_long(
    before: float, after: float, slower: bool
) -> None:
    found = sample_changes([sample(1, before)], [sample(1, after)])
    assert [("its samples take" in clause) for clause in found] == [True] * slower
