"""A home with something of everything to lose, what attackers send, and what must stay the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from fakes.notebooks import code, write_notebook
from jupyter_etl.notebook import api
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.settings import Settings
from rest.conftest import *  # noqa: F403
from rest.example import content_of

NAMES = (
    "..", ".", "%2e%2e", "%252e%252e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..%5cwin.ini",
    "%252e%252e%252fetc%252fpasswd", "..%c0%af..%c0%afetc", "%00", "delays%00.ipynb", "%ff%fe",
    "%ef%bc%8e%ef%bc%8e%ef%bc%8fetc", "%e2%80%ae", "delays%0d%0aX-Evil:%201", "delays%0aX-Evil:1",
    "'%20OR%20'1'='1", "1;%20drop%20table%20runs", "%22;--", "{{7*7}}", "$%7b7*7%7d", "%25s%25n",
    "__proto__", "constructor", "%3cscript%3e", "%3bls", "%7cid", "`id`", "a" * 4_000,
    "file:%2f%2f%2fetc%2fpasswd", "http:%2f%2f127.0.0.1%2f", "~root", "CON", "-1", "0x1",
    "9" * 30, "1e9", "NaN", "%ef%bc%91", "+1", "%201",
)  # fmt: skip
"""Instead of a name or number in an address: traversals raw and encoded, NUL, Unicode, injections."""

DEEP = 10_000
BODIES: dict[str, bytes] = {
    "no JSON": b"notebook=delays.ipynb",
    "cut": b'{"notebook": "delays.ipynb"',
    "two values": b"{} {}",
    "array": b"[]",
    "null": b"null",
    "number": b"1",
    "text": b'"delays.ipynb"',
    "10 MB": b'{"notebook": "' + b"a" * 10_000_000 + b'"}',
    "deep arrays": b'{"x": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"x": ' * DEEP + b"1" + b"}" * DEEP,
    "twice the same key": b'{"evil": 1, "evil": 2}',
    "NaN": b'{"retries": NaN, "x": NaN}',
    "Infinity": b'{"x": -Infinity}',
    "huge number": b'{"x": 1e999, "y": ' + b"9" * 5_000 + b"}",
    "unknown field": b'{"evil": true}',
    "prototype": b'{"__proto__": {"admin": true}, "constructor": {"prototype": {}}}',
    "not UTF-8": b'{"x": "\xff\xfe"}',
    "UTF-16": '{"x": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}x",
    "NUL": b"{}\0",
    "single quotes": b"{'x': 1}",
    "comment": b"{} // x",
    "lone surrogate": b'{"\\ud800": 1}',
    "control character": b'{"x": "\x01"}',
}
"""What no route takes as its body."""

TEXTS = (
    "../../../etc/passwd", "/etc/passwd", "..\\..\\x", "a\0b", "a\r\nX-Evil: 1", "\u202e", "\ud7ff\uffff",
    "'; DROP TABLE runs; --", "{{ 7*7 }}", "${7*7}", "%s%n", "<script>alert(1)</script>",
    "$(touch evil)", "`touch evil`", "; touch evil", "\x1b]0;evil\x07", "a" * 5_000, "",
)  # fmt: skip
"""Instead of a name: in bodies, on the command line, and behind `%etl`."""

WRONG: tuple[object, ...] = (
    [],
    {},
    True,
    1,
    -1,
    1e308,
    10**30,
    "x" * 100_000,
    [[]],
    [{}],
    {"a": []},
)
"""Instead of the right type of a field."""


@dataclass(frozen=True)
class Target:
    """What is attacked.

    Args:
        etl: Has the pipeline ``delays``, the source ``trips``, run 1 and the table ``sales``.
        folders: That must stay as they are.
    """

    etl: Etl
    folders: tuple[Path, ...]

    def state(self) -> dict[str, object]:
        """Return what must stay the same."""
        return content_of(*self.folders)


@pytest.fixture
def target(home: Path, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    work = jp_root_dir
    monkeypatch.chdir(work)
    write_notebook(work / "delays.ipynb", code("1"))
    (work / "trips.csv").write_text("id,fare\n1,4.5\n")
    api.publish("sales", pd.DataFrame({"id": [1, 2]}), live=True)
    opened = Etl.open(Settings.from_env())
    opened.sources.declare("trips", "trips.csv", base=work)
    opened.pipelines.schedule(work / "delays.ipynb", "daily at 06:00")
    opened.runs.trigger("delays")
    yield Target(opened, (home, work))
    opened.close()


@pytest.fixture
def etl(target: Target) -> Etl:
    """The facade that the routes of the server call."""
    return target.etl


@dataclass
class Seen:
    """Collects what came back otherwise than expected, and counts all inputs."""

    inputs: int = 0
    wrong: list[str] | None = None

    def note(self, what: object, status: int, expected: set[int] | range) -> None:
        """Compare one status."""
        self.inputs += 1
        self.wrong = self.wrong or []
        if status not in expected:
            self.wrong.append(f"{status}: {what!r:.200}")

    def done(self, least: int) -> None:
        """Fail with all that was wrong, or where fewer inputs were tried than said."""
        assert not self.wrong
        assert self.inputs >= least


def as_json(value: object) -> bytes:
    """Return a body."""
    return json.dumps(value).encode("utf-8", "surrogatepass")
