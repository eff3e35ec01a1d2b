"""Calls of functions that a cell defines, as a worker makes them."""

from __future__ import annotations

import json
from typing import Any

from fakes.notebook_cells import defined
from jupyter_etl.serving.functions.answers import JSON
from jupyter_etl.serving.functions.capture import Captured, capture
from jupyter_etl.serving.functions.loading import LoadedFunction, load_function

TYPES = """
@dataclass
class Leg:
    airport: str
    at: datetime
    kids: list["Leg"] = field(default_factory=list)
    def __post_init__(self):
        if self.airport == "XXX":
            raise ValueError("no such airport")
class Row(TypedDict):
    x: int
    y: NotRequired[str]
class Pair(NamedTuple):
    a: int
    b: float = 2.0
"""


def loaded(source: str, name: str = "score") -> LoadedFunction:
    return load_function(capture(defined(TYPES + source, name)).payload)


def called(source: str, body: object, content_type: str = JSON) -> tuple[int, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = loaded(source).call(raw, content_type)
    assert answer.content_type == JSON
    return answer.status, json.loads(answer.body)


def result(captured: Captured, **body: object) -> Any:
    answer = load_function(captured.payload).call(json.dumps(body).encode(), "")
    assert answer.status == 200, answer.body
    return json.loads(answer.body)["result"]
