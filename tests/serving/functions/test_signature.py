"""Signatures: which functions can be endpoints, and the JSON Schema of their types."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from fakes.notebook_cells import defined
from jupyter_etl.errors import DeclarationError
from jupyter_etl.serving.functions.signature import signature_of

TYPES = """
class Color(Enum):
    red = "red"
    blue = "blue"

@dataclass
class Leg:
    '''One leg.'''
    airport: str
    at: datetime
    kids: list["Leg"] = field(default_factory=list)

class Row(TypedDict):
    x: int
    y: NotRequired[str]
"""

PARAMETERS = [
    ("int", {"type": "integer"}),
    ("float", {"type": "number"}),
    ("bool", {"type": "boolean"}),
    ("str", {"type": "string"}),
    ("bytes", {"type": "string", "contentEncoding": "base64"}),
    ("date", {"type": "string", "format": "date"}),
    ("datetime", {"type": "string", "format": "date-time"}),
    ("UUID", {"type": "string", "format": "uuid"}),
    ("Literal['a', 'b']", {"enum": ["a", "b"]}),
    ("list[int]", {"type": "array", "items": {"type": "integer"}}),
    ("list", {"type": "array"}),
    ("dict", {"type": "object"}),
    ("list[datetime]", {"type": "array", "items": {"type": "string", "format": "date-time"}}),
    ("dict[str, float]", {"type": "object", "additionalProperties": {"type": "number"}}),
    ("Optional[int]", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    ("int | None", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    ("Union[int, str]", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
    ("Annotated[float, msgspec.Meta(ge=0)]", {"type": "number", "minimum": 0}),
    ("pd.DataFrame", {"type": "array", "items": {"type": "object"}}),
    ("NewType('At', datetime)", {"type": "string", "format": "date-time"}),
    ("Any", {}),
    ("object", {}),
    ("Color", {"$ref": "#/$defs/Color"}),
    ("Leg", {"$ref": "#/$defs/Leg"}),
    ("list[Row]", {"type": "array", "items": {"$ref": "#/$defs/Row"}}),
]


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
@pytest.mark.parametrize(("annotation", "schema"), PARAMETERS)
def test_a_parameter_has_a_schema(annotation: str, schema: Any, future: str) -> None:
    source = f"{TYPES}\ndef score(x: {annotation}): ..."
    function = defined(future + "\n" + _imports() + source, imports="")
    whole = signature_of(function).request_schema
    assert whole["properties"]["x"] == schema
    assert (whole["type"], whole["required"], whole["additionalProperties"]) == (
        "object",
        ["x"],
        False,
    )
    jsonschema.Draft202012Validator.check_schema(whole)


def _imports() -> str:
    from fakes.notebook_cells import IMPORTS

    return IMPORTS


RESULTS = [
    ("", {}),
    ("-> None", {"type": "null"}),
    ("-> dict[str, float]", {"type": "object", "additionalProperties": {"type": "number"}}),
    ("-> np.ndarray", {"type": "array"}),
    ("-> np.float64", {"type": "number"}),
    ("-> list[np.int64]", {"type": "array", "items": {"type": "integer"}}),
    ("-> pd.DataFrame", {"type": "array", "items": {"type": "object"}}),
    ("-> pd.Series", {"type": "array"}),
    ("-> pd.DataFrame | None", {"anyOf": [
        {"type": "array", "items": {"type": "object"}}, {"type": "null"},
    ]}),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "schema"), RESULTS)
def test_a_result_has_a_schema(annotation: str, schema: Any) -> None:
    found = signature_of(defined(f"def score(x: int) {annotation}: ...")).response_schema
    assert found == {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def test_nested_classes_reject_unknown_fields_and_may_refer_to_themselves() -> None:
    definitions = signature_of(defined(f"{TYPES}\ndef score(leg: Leg, row: Row): ..."))
    schema = definitions.request_schema["$defs"]
    assert schema["Leg"] == {
        "title": "Leg",
        "description": "One leg.",
        "type": "object",
        "properties": {
            "airport": {"type": "string"},
            "at": {"type": "string", "format": "date-time"},
            "kids": {"type": "array", "items": {"$ref": "#/$defs/Leg"}},
        },
        "required": ["airport", "at"],
        "additionalProperties": False,
    }
    assert (schema["Row"]["required"], schema["Row"]["additionalProperties"]) == (["x"], False)


DEFAULTS = [
    ("float = 7.25", 7.25),
    ("int = 0", 0),
    ("str = ''", ""),
    ("date = date(2026, 1, 1)", "2026-01-01"),
    ("Decimal = Decimal('1.50')", "1.50"),
    ("Color = Color.blue", "blue"),
    ("float = None", None),
    ("pd.DataFrame = None", None),
    ("bytes = b'x'", "eA=="),
]


@pytest.mark.parametrize(("declared", "default"), DEFAULTS)
def test_the_schema_shows_a_default(declared: str, default: Any) -> None:
    schema = signature_of(defined(f"{TYPES}\ndef score(x: {declared}): ...")).request_schema
    assert schema["properties"]["x"]["default"] == default
    assert not schema["required"]


@pytest.mark.parametrize(
    "declared",
    ["float = float('nan')", "float = 'cheap'", "list[int] = [1]", "Leg = Leg('a', None)"],
)
def test_a_default_without_json_is_optional_and_not_shown(declared: str) -> None:
    schema = signature_of(defined(f"{TYPES}\ndef score(x: {declared}): ...")).request_schema
    assert "default" not in schema["properties"]["x"]
    assert not schema["required"]


def test_the_docstring_is_the_description() -> None:
    schema = signature_of(
        defined("def score():\n    '''Score a trip.\n\n    Fast.\n    '''")
    ).request_schema
    assert schema["description"] == "Score a trip.\n\nFast."


REFUSED = [
    ("score = lambda x: x", "'<lambda>' is a lambda"),
    ("class score: ...", "'score' is a class"),
    ("score = len", "'len' is a builtin function"),
    ("score = [].append", "'append' is a builtin function"),
    ("score = 3", "'int' is an object of type int"),
    ("import functools\nscore = functools.partial(print, 1)", "an object of type partial"),
    ("class A:\n  def f(self, x: int): ...\nscore = A().f", "'f' is a method"),
    ("def score(x: int):\n  yield x", "'score' is a generator"),
    ("async def score(x: int):\n  yield x", "'score' is a generator"),
    ("def score(x): ...", "The parameter 'x' of 'score' has no annotation"),
    ("def score(x: int, y=3): ...", "The parameter 'y' of 'score' has no annotation"),
    ("def score(*xs: int): ...", "takes *xs: int;"),
    ("def score(x: int, **rest: int): ...", "takes **rest: int;"),
    ("def score(x: 'Missing'): ...", "parameter 'x' of 'score' cannot be resolved"),
    ("def score(x: 'list[Missing]'): ...", "name 'Missing' is not defined"),
    ("def score(x: int) -> 'Missing': ...", "result of 'score' cannot be resolved"),
    ("@dataclass\nclass D:\n  a: 'Missing'\ndef score(x: D): ...", "class 'D' cannot be resolved"),
    ("def score(x: complex): ...", "Type <class 'complex'> is not supported"),
    ("def score(x: np.ndarray): ...", "is not supported"),
    ("def score(x: pd.Series): ...", "is not supported"),
    ("def score(x: date | str): ...", "may not contain more than one str-like type"),
    ("def score(x: int | pd.DataFrame): ...", "A frame has no alternative but None"),
    ("class M: ...\ndef score(x: int) -> M: ...", "has a result without JSON"),
    ("def score(x: 3): ...", "'score'"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "message"), REFUSED)
def test_what_cannot_be_an_endpoint_is_refused(source: str, message: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        signature_of(defined(source))
    assert message in caught.value.message


def test_decorated_positional_only_and_coroutine_functions_are_endpoints() -> None:
    source = """
import functools
def twice(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return 2 * function(*args, **kwargs)
    return inner
@twice
def decorated(x: int, /, y: int = 1, *, z: int = 2) -> int: return x
async def waits(x: int) -> int: return x
def local():
    class Inner(TypedDict):
        a: int
    def nested(x: Inner) -> int: return x["a"]
    return nested
nested = local()
"""
    for name in ("decorated", "waits", "nested"):
        assert "x" in signature_of(defined(source, name)).request_schema["properties"]
