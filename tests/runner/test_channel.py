"""The line between kernel and runner, both ends in this process."""

from __future__ import annotations

import inspect
import json
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from fakes.attempts import AT, AttemptHarness, notebook_text
from jupyter_etl.errors import (
    DeclarationError,
    EtlError,
    ExecutionError,
    NotFound,
    PermissionDenied,
    PublishError,
)
from jupyter_etl.model import (
    CheckResult,
    CheckRule,
    CheckStatus,
    Committed,
    PublicationKind,
    PublishMode,
    Read,
    Source,
    Staged,
)
from jupyter_etl.notebook.interactive import InteractiveChannel
from jupyter_etl.ports.channel import AnyRequest, ChannelRequest, Verbs
from jupyter_etl.runner.channel import server as channel_module
from jupyter_etl.runner.channel.client import RunnerChannel
from jupyter_etl.runner.channel.protocol import Answer, error_of, refusal_of
from jupyter_etl.runner.channel.record import RunRecord
from jupyter_etl.runner.channel.server import ChannelServer


class Line:
    """Both ends of a channel, on a ledger."""

    def __init__(self, harness: AttemptHarness) -> None:
        claim = harness.claim(notebook_text(["1"]), parameters={"day": "2026-01-01"})
        self.folder = harness.folder(claim)
        self.store = harness.store
        self.record = RunRecord(
            harness.context(
                claim,
                publishers=dict.fromkeys([PublicationKind.TABLE, PublicationKind.FILE]),
            )
        )
        self.server = ChannelServer(self.record)
        self.kernel = RunnerChannel(self.server.path)

    def published(self, name: str, owner: str = "sam") -> None:
        """Publish a table interactively."""
        self.store.publish(
            Committed(name=name, kind=PublicationKind.TABLE, location="lake"),
            owner=owner,
            pipeline="",
            notebook="",
            draft=False,
            now=AT,
        )

    def staged(self, name: str = "t", **options: object) -> Staged:
        """Stage a file as a kernel does."""
        folder = self.kernel.stage_folder(name)
        (folder / "part").write_text("rows")
        base = Staged(
            name=name, kind=PublicationKind.TABLE, folder=str(folder), files=("part",), rows=1
        )
        return replace(base, **options)

    def raw(self, line: bytes) -> dict[str, object]:
        """Send a line as it is and read one back."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.server.path))
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            return json.loads(connection.makefile("rb").readline())


@pytest.fixture
def line(harness: AttemptHarness) -> Iterator[Line]:
    made = Line(harness)
    with made.server:
        yield made


def test_a_kernel_has_its_run(line: Line):
    context = line.kernel.context
    assert (context.id, context.attempt, context.owner) == (1, 1, "sam")
    assert (context.logical_at, context.end) == (AT, AT)
    assert context.parameters == {"day": "2026-01-01"}
    assert Path(context.folder) == line.folder / "stage"


def test_only_this_user_can_open_the_socket_and_it_ends_with_the_run(harness: AttemptHarness):
    made = Line(harness)
    with made.server:
        path = made.server.path
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert len(os.fsencode(path)) < 100
    assert not path.parent.exists()
    with pytest.raises(ExecutionError, match="does not answer"):
        made.kernel.sources()


def test_it_ends_even_where_the_notebook_has_removed_the_socket(harness: AttemptHarness):
    made = Line(harness)
    with made.server:
        made.server.path.unlink()
    assert not made.server.path.parent.exists()
    assert "etl-channel" not in {thread.name for thread in threading.enumerate()}


def test_a_long_temporary_folder_does_not_matter(harness: AttemptHarness, monkeypatch, tmp_path):
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    made = Line(harness)
    with made.server:
        assert made.kernel.sources() == []


def test_sources_are_declared_in_the_name_of_the_run(line: Line):
    declared = line.kernel.declare_source(
        Source(name="wh", kind="csv", location="/data/wh.csv", owner="somebody else")
    )
    assert declared.owner == "sam"
    assert declared.notebook.endswith("nb.ipynb")
    assert line.kernel.source("wh") == declared
    assert line.kernel.sources() == [declared]


def test_errors_keep_their_class_hint_and_data(line: Line):
    with pytest.raises(NotFound):
        line.kernel.source("nope")
    for cls in (*EtlError.__subclasses__(), EtlError):
        problem = cls("what", hint="do", retryable=True, data={"n": 1, "path": Path("/x")})
        back = error_of(refusal_of(problem))
        assert type(back) is cls
        assert (back.message, back.hint, back.retryable) == ("what", "do", True)
        assert back.data == {"n": 1, "path": "/x"}


def test_a_publication_stays_the_one_first_seen(line: Line):
    line.published("daily")
    assert line.kernel.publication("daily").live.number == 1
    line.published("daily")
    line.published("other")
    assert line.kernel.publication("daily").live.number == 1
    listed = {one.name: one.live.number for one in line.kernel.publications()}
    assert listed == {"daily": 1, "other": 1}
    assert [version.number for version in line.kernel.history("daily")] == [2, 1]
    assert line.kernel.history("daily", draft=True) == []


def test_reads_and_the_last_result_of_each_check_are_kept(line: Line):
    def result(status: CheckStatus, dataset: str = "orders") -> CheckResult:
        rule = CheckRule(text="rows > 0", kind="rows", argument="> 0")
        return CheckResult(
            rule=rule, status=status, dataset=dataset, failed_rows=None, total_rows=1, message="m"
        )

    line.kernel.report_read(Read(source="wh", rows=3))
    line.kernel.report_read(Read(source="wh", rows=3))
    line.kernel.report_checks([result(CheckStatus.ERROR), result(CheckStatus.WARN, "other")])
    line.kernel.report_checks([result(CheckStatus.PASS)])
    assert line.record.reads == (Read(source="wh", rows=3),)
    assert [check.status for check in line.record.checks] == [CheckStatus.PASS, CheckStatus.WARN]


def test_what_is_staged_waits_and_a_replace_replaces(line: Line):
    assert line.kernel.publish(line.staged("a", rows=1)) is None
    assert line.kernel.publish(line.staged("b"), live=True) is None
    assert line.kernel.publish(line.staged("a", rows=2)) is None
    assert [(one.name, one.rows) for one in line.record.staged] == [("a", 2), ("b", 1)]


@pytest.mark.parametrize(
    "second",
    [
        {"mode": PublishMode.APPEND},
        {"mode": PublishMode.UPSERT, "key": ("id",)},
        {"partition_by": ("day",)},
        {"kind": PublicationKind.FILE},
    ],
)
def test_a_second_publication_that_would_lose_rows_is_refused(line: Line, second):
    line.kernel.publish(line.staged())
    with pytest.raises(PublishError, match="published before in this run"):
        line.kernel.publish(line.staged(**second))
    assert line.record.staged[0].mode is PublishMode.REPLACE


def test_a_name_of_another_owner_fails_in_the_cell(line: Line):
    line.published("hers", owner="kim")
    with pytest.raises(PermissionDenied):
        line.kernel.publish(line.staged("hers"))
    assert line.record.staged == []


def test_a_kind_without_publisher_is_refused(line: Line):
    with pytest.raises(PublishError, match="file, table"):
        line.kernel.publish(line.staged(kind=PublicationKind.API))


def test_nothing_outside_the_stage_is_taken(line: Line, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "part").write_text("secret")
    inside = line.kernel.stage_folder("t")
    (inside / "link").symlink_to(outside / "part")
    (inside.parent / "linked").symlink_to(outside)
    (inside.parent / f"{inside.name}-sibling").mkdir()
    for folder, files in [
        (outside, ("part",)),
        (inside.parent, ()),
        (inside.parent.parent, ("context.json",)),
        (inside, ("../../context.json",)),
        (inside, (str(outside / "part"),)),
        (inside, ("link",)),
        (inside.parent / "linked", ("part",)),
        (inside / "absent", ()),
    ]:
        staged = Staged(name="t", kind=PublicationKind.TABLE, folder=str(folder), files=files)
        with pytest.raises(DeclarationError, match="outside the folder of the run"):
            line.kernel.publish(staged)
    assert line.record.staged == []


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "..", "a/b", "日本", "x" * 300, ""])
def test_a_stage_folder_is_new_empty_and_inside(line: Line, name):
    first, second = line.kernel.stage_folder(name), line.kernel.stage_folder(name)
    assert first != second
    assert first.parent == line.folder / "stage"
    assert list(first.iterdir()) == []


@pytest.mark.parametrize(
    "request_line",
    [
        b"hello\n",
        b"{}\n",
        b"[]\n",
        b'{"verb": "finish"}\n',
        b'{"verb": "__class__"}\n',
        b'{"verb": "set_parameters", "parameters": {}}\n',
        b'{"verb": "ask", "request": {}}\n',
        b'{"verb": "source"}\n',
        b'{"verb": "source", "name": 3}\n',
        b'{"verb": "source", "name": "x", "more": 1}\n',
        b'{"verb": "publish", "staged": {}}\n',
        b'{"verb": "sources", "token": "x"}\n',
        b'{"verb": "context"',
        b"\xff\xfe\n",
    ],
)
def test_a_malformed_request_gets_an_error_and_does_no_harm(line: Line, request_line):
    answer = line.raw(request_line)
    assert answer["error"]["type"] == "DeclarationError"
    assert line.kernel.sources() == []


@pytest.mark.parametrize("request_type", get_args(AnyRequest))
@pytest.mark.parametrize("handler", [RunRecord, InteractiveChannel])
def test_both_ends_answer_every_request(
    handler: type[Verbs], request_type: type[ChannelRequest[object]]
) -> None:
    verb = str(request_type.__struct_config__.tag)
    assert getattr(handler, verb) is not getattr(Verbs, verb), "it would ask itself"
    names = [
        name for name in inspect.signature(getattr(handler, verb)).parameters if name != "self"
    ]
    assert names == list(request_type.__struct_fields__)


def test_a_line_that_never_ends_is_cut_off(line: Line, monkeypatch):
    monkeypatch.setattr(channel_module, "MAX_LINE_BYTES", 1000)
    answer = line.raw(b"x" * 1001)
    assert "more than 1000 bytes" in answer["error"]["message"]


def test_a_fault_of_the_runner_is_an_answer_too(line: Line, monkeypatch):
    def broken() -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(line.store, "load_sources", broken)
    with pytest.raises(ExecutionError, match="ZeroDivisionError: oops"):
        line.kernel.sources()


def test_many_threads_of_a_kernel_get_their_own_answers(line: Line):
    names = [f"s{number}" for number in range(40)]

    def declare(name: str) -> str:
        return line.kernel.declare_source(
            Source(name=name, kind="csv", location=f"/{name}")
        ).location

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(declare, names)) == [f"/{name}" for name in names]
    assert len(line.kernel.sources()) == 40


def test_an_empty_answer_is_no_answer():
    assert Answer().ok is None
