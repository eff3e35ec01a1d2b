"""Capture: what is taken along, what is refused, and what another process makes of it."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes.notebook_cells import IMPORTS, defined, run_cell
from fakes.served_functions import result
from jupyter_etl.errors import DeclarationError, EtlError, ExecutionError, LimitExceeded
from jupyter_etl.serving.functions.capture import capture
from jupyter_etl.serving.functions.hooks import WorkerHooks, install_hooks
from jupyter_etl.serving.functions.loading import load_function
from jupyter_etl.serving.functions.payload import LIMIT_BYTES

SECRET = "pä$$word-of-the-shop"


def secret_in(content: bytes) -> str:
    return "shop" if SECRET.encode() in content else ""


NOTEBOOK = """
from __future__ import annotations
import numpy as np
from dataclasses import dataclass
from datetime import datetime
from sklearn.linear_model import LogisticRegression

@dataclass
class Trip:
    fare: float
    at: datetime
    next: Trip | None = None

class Base:
    def total(self, trip: Trip) -> float:
        return FACTOR * trip.fare

class Scorer(Base):
    pass

FACTOR = 2
scorer = Scorer()
model = LogisticRegression().fit(np.array([[1.0], [2.0], [3.0]]), [0, 0, 1])
unused = open

def total(trip: Trip) -> float:
    return scorer.total(trip) + (total(trip.next) if trip.next else 0)

def with_offset(offset: float):
    def score(trip: Trip, extra: float = 1.5) -> dict[str, float]:
        "Score a trip."
        return {"p": total(trip) + offset + extra, "q": model.predict([[trip.fare]])[0]}
    return score
score = with_offset(0.25)
"""
BODY = {"trip": {"fare": 1, "at": "2026-01-01T00:00:00Z",
                 "next": {"fare": 2, "at": "2026-01-01T00:00:00Z"}}}  # fmt: skip
OTHER_PROCESS = """
import sys
from pathlib import Path
from jupyter_etl.serving.functions.loading import load_function
function = load_function(Path(sys.argv[1]).read_bytes())
for body in sys.argv[2:]:
    sys.stdout.write(function.call(body.encode(), "").body.decode() + "\\n")
"""
CAPTURE_AGAIN = """
import sys
from pathlib import Path
from jupyter_etl.serving.functions.capture import capture
# Lines, file names and the order of definitions differ between sessions.
source = "\\n\\n\\n" + Path(sys.argv[1]).read_text()
exec(compile(source, "another", "exec", dont_inherit=True), globals())
sys.stdout.write(capture(score).code_hash)
"""


def other_process(source: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_another_process_calls_it_with_what_it_refers_to(tmp_path: Path) -> None:
    captured = capture(run_cell(NOTEBOOK)["score"])
    parts = {part.name: part.kind for part in captured.parts}
    assert parts == {
        "score": "function", "total": "function", "offset": "float", "model":
        "sklearn.LogisticRegression", "scorer": "Scorer", "Scorer": "class", "Base": "class",
        "FACTOR": "int", "Trip": "class",
    }  # fmt: skip
    assert captured.parts[0].name == "score"
    assert all(part.bytes > 0 for part in captured.parts)
    assert sum(part.bytes for part in captured.parts) <= len(captured.payload)
    assert {"cloudpickle", "numpy", "scikit-learn"} <= set(captured.packages)
    assert captured.python == sys.version.split()[0]
    payload = tmp_path / "payload"
    payload.write_bytes(captured.payload)
    bodies = json.dumps(BODY), '{"trip": {"fare": 1}}'
    right, wrong = map(json.loads, other_process(OTHER_PROCESS, str(payload), *bodies).splitlines())
    assert right == {"result": {"p": 7.75, "q": 0}}
    missing = {"path": "$.trip.at", "message": "missing required field"}
    assert wrong["error"]["fields"] == [missing]
    source = tmp_path / "source.py"
    source.write_text(NOTEBOOK)
    assert other_process(CAPTURE_AGAIN, str(source)) == captured.code_hash


CHANGES = [
    ("FACTOR = 2", "FACTOR = 3"),
    ("return FACTOR * trip.fare", "return FACTOR + trip.fare"),
    ("extra: float = 1.5", "extra: float = 2.5"),
    ("with_offset(0.25)", "with_offset(0.5)"),
    ("[0, 0, 1]", "[0, 1, 1]"),
    ("    fare: float\n", "    fare: int\n"),
    ("class Scorer(Base):\n    pass", "class Scorer(Base):\n    x = 1"),
]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_the_code_hash_covers_code_and_values(before: str, after: str) -> None:
    assert before in NOTEBOOK
    changed = capture(run_cell(NOTEBOOK.replace(before, after))["score"]).code_hash
    assert changed != capture(run_cell(NOTEBOOK)["score"]).code_hash


SAME = [
    ("unused = open", "unused = 3"),
    ("FACTOR = 2", "# A comment.\nFACTOR = 2"),
]


@pytest.mark.parametrize(("before", "after"), SAME)
def test_the_code_hash_leaves_the_rest_out(before: str, after: str) -> None:
    changed = capture(run_cell(NOTEBOOK.replace(before, after))["score"]).code_hash
    assert changed == capture(run_cell(NOTEBOOK)["score"]).code_hash


REFUSED = [
    ("f = open('/dev/null')", "f", "The variable 'f' is an open file"),
    ("import sys\nf = {'a': [sys.__stdin__]}", "f", "The variable 'f' (dict) contains an open file"),
    ("import tempfile\nf = tempfile.TemporaryFile()", "f", "is an open file"),
    ("import sqlite3\nf = sqlite3.connect(':memory:')", "f", "is a database connection"),
    ("import sqlite3\nf = [sqlite3.connect(':memory:').cursor()]", "f", "contains a database"),
    ("import sqlalchemy\nf = sqlalchemy.create_engine('sqlite://')", "f", "a database connection"),
    ("import duckdb\nf = duckdb.connect()", "f", "is a database connection"),
    ("import socket\nf = socket.socket()", "f", "is a socket"),
    ("import threading\nf = threading.Lock()", "f", "is a lock"),
    ("import threading\nf = threading.RLock()", "f", "is a lock"),
    ("import threading\nf = threading.Event()", "f", "is a lock"),
    ("import threading\nf = threading.Thread(target=print)", "f", "is a thread"),
    ("f = (x for x in [1])", "f", "is a generator"),
    ("import multiprocessing\nf = [*multiprocessing.Pipe()]", "f", "contains a connection"),
    ("f = []\nfor _ in range(10_000): f = [f]", "f", "contains data that is nested too deeply"),
    ("import httpx\nf = httpx.Client()", "f", "(httpx.Client) contains"),
    ("import queue\nf = queue.Queue()", "f", "contains a lock"),
    ("import logging\nf = [logging.FileHandler('/dev/null')]", "f", "contains"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "name", "message"), REFUSED)
@pytest.mark.parametrize("place", ["variable", "closure", "default", "helper"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_another_process_cannot_use_is_refused(
    source: str, name: str, message: str, place: str
) -> None:
    uses = {
        "variable": "def score(x: int): return f",
        "closure": "def make(f):\n  def score(x: int): return f\n  return score\nscore = make(f)",
        "default": "def score(x: int, f: Any = f): return f",
        "helper": "def helper(): return f\ndef score(x: int): return helper()",
    }
    cell = run_cell(IMPORTS + source + "\n" + uses[place])
    with pytest.raises(DeclarationError) as caught:
        capture(cell["score"])
    expected = message
    if place == "default":
        expected = message.replace("The variable 'f' (dict)", "The variable 'f'")
        expected = expected.replace("The variable", "The default of the parameter")
        expected = expected.replace("(httpx.Client) ", "")
    assert expected in caught.value.message
    assert f"{name!r}" in caught.value.message
    assert caught.value.message.endswith("which another process cannot use.")
    # What was opened is closed while its warnings are ignored.
    del caught
    cell.clear()
    gc.collect()


SECRETS = [
    f"key = {SECRET!r}\ndef score(x: int): return key",
    f"key = {{'a': [('b', {SECRET!r})]}}\ndef score(x: int): return key",
    f"key = {SECRET.encode()!r}\ndef score(x: int): return key",
    f"key = np.array([{SECRET.encode()!r}])\ndef score(x: int): return key",
    f"key = pd.DataFrame({{'a': [{SECRET!r}]}})\ndef score(x: int): return len(key)",
    f"class Client:\n  def __init__(self, token): self.token = token\n"
    f"key = Client({SECRET!r})\n"
    "def score(x: int): return key.token",
    f"def make(key):\n  def score(x: int): return key\n  return score\nscore = make({SECRET!r})",
    f"def score(x: int, key: str = {SECRET!r}): return key",
    f"def score(x: int, *, key: str = 'Bearer ' + {SECRET!r}): return key",
]


@pytest.mark.parametrize("source", SECRETS)
def test_the_value_of_a_secret_is_refused(source: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        capture(defined(source), secret_in=secret_in)
    assert "'key'" in caught.value.message
    assert "the secret 'shop'" in caught.value.message
    assert SECRET not in str(caught.value)
    assert 'etl.secret("shop")' in caught.value.hint


@pytest.mark.parametrize(
    ("source", "label"),
    [
        (f"def score(x: int): return {SECRET!r}", "The function 'score'"),
        (f"def helper(): return {SECRET!r}\ndef score(x: int): return helper()", "'helper'"),
        (f"class A:\n  key = {SECRET!r}\ndef score(x: int): return A.key", "The class 'A'"),
        (f"def score(x: int):\n  '''{SECRET}'''", "The function 'score'"),
    ],
)
def test_the_value_of_a_secret_in_code_is_refused(source: str, label: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        capture(defined(source), secret_in=secret_in)
    assert label in caught.value.message
    assert SECRET not in str(caught.value)


LARGE = LIMIT_BYTES // 8 + 10
TOO_LARGE = [
    (f"big = np.zeros({LARGE})", "numpy.ndarray"),
    (f"big = pd.DataFrame({{'a': np.zeros({LARGE})}})", "pandas.DataFrame"),
    (f"big = {{'weights': [np.zeros({LARGE})]}}", "dict"),
    (f"big = bytes({LIMIT_BYTES + 1})", "bytes"),
]


@pytest.mark.parametrize(("source", "kind"), TOO_LARGE)
def test_a_value_over_100_mb_is_refused(source: str, kind: str) -> None:
    cell = run_cell(f"{IMPORTS}{source}\ndef score(x: int): return len(big)")
    with pytest.raises(LimitExceeded) as caught:
        capture(cell["score"])
    assert caught.value.message.startswith(f"The variable 'big' ({kind}) takes ")
    assert "--anyway" in caught.value.hint


def test_a_value_over_100_mb_is_captured_anyway() -> None:
    cell = run_cell(f"big = bytes({LIMIT_BYTES + 1})\ndef score(x: int): return len(big)")
    captured = capture(cell["score"], anyway=True)
    assert {part.name: part.bytes > LIMIT_BYTES for part in captured.parts}["big"]


KEPT = [
    ("import functools\n@functools.cache\ndef kept(x): return x + y\ny = 1", "kept(1)", 2),
    ("import functools\nkept = functools.partial(int, base=2)", "kept('11')", 3),
    ("import logging\nkept = logging.getLogger('a')", "kept.name", "a"),
    ("import re\nkept = re.compile('a+')", "kept.match('aab').end()", 2),
    ("import io\nkept = io.StringIO('a')", "kept.getvalue()", "a"),
    ("from collections import defaultdict\nkept = defaultdict(lambda: 3)", "kept['a']", 3),
    ("kept = np.random.default_rng(1)", "kept.integers(1, 2)", 1),
    ("class kept(Enum):\n  a = 'b'", "kept.a", "b"),
    ("class A:\n  __slots__ = ('x',)\nkept = A()\nkept.x = {1}", "kept.x", [1]),
    ("class A:\n  def f(self): return 1\nclass B(A):\n  def f(self): return super().f() + 1\n"
     "kept = B()", "kept.f()", 2),
    ("class A:\n  @property\n  def p(self): return y\nkept = A()\ny = 4", "kept.p", 4),
    ("predict = open\nclass A:\n  def predict(self): return 1\nkept = A()", "kept.predict()", 1),
    ("kept = []\nkept.append(kept)", "len(kept)", 1),
    ("import types\nkept = types.ModuleType('made_here')\nkept.x = 3", "kept.x", 3),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expression", "expected"), KEPT)
def test_values_of_many_kinds_are_captured(source: str, expression: str, expected: Any) -> None:
    captured = capture(defined(f"{source}\ndef score(): return {expression}"))
    assert result(captured) == expected


def test_a_secret_is_resolved_in_the_worker() -> None:
    source = "import jupyter_etl as etl\ndef score(name: str): return etl.secret(name)[::-1]"
    captured = capture(defined(source), secret_in=secret_in)
    install_hooks(WorkerHooks(secret={"shop": SECRET}.__getitem__))
    try:
        assert result(captured, name="shop") == SECRET[::-1]
        install_hooks(WorkerHooks())
        answer = load_function(captured.payload).call(b'{"name": "shop"}', "")
        assert b"'shop' is not available to this endpoint" in answer.body
    finally:
        install_hooks(None)


def test_it_can_be_captured_again_where_it_was_loaded() -> None:
    cell = run_cell(NOTEBOOK)
    first = capture(cell["score"])
    assert result(first, **BODY) == {"p": 7.75, "q": 0}
    assert capture(cell["score"]).code_hash == first.code_hash


@pytest.mark.parametrize("payload", [b"", b"\x80\x05K\x01.", b"no pickle", b"\x80\x05]."])
def test_a_damaged_payload_is_an_error_with_a_sentence(payload: bytes) -> None:
    with pytest.raises(ExecutionError, match="The function cannot be loaded: "):
        load_function(payload)


def test_errors_are_of_the_house() -> None:
    with pytest.raises(EtlError):
        capture(lambda x: x)
