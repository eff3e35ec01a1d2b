"""A kernel asks its runner for secrets; its later output is recorded without them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fakes.attempts import AttemptHarness, notebook_text
from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.model import CheckResult, CheckRule, CheckStatus, Failure, FailureKind, Source
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.channel.client import RunnerChannel
from jupyter_etl.runner.channel.record import RunRecord
from jupyter_etl.runner.channel.server import ChannelServer
from jupyter_etl.runner.outcome import AttemptOutcome

VALUE = "hunter22-and-more"


@dataclass
class Line:
    """Both ends of a channel, and what the runner keeps."""

    record: RunRecord
    kernel: RunnerChannel
    redactor: Redactor


@pytest.fixture
def line(harness: AttemptHarness) -> Iterator[Line]:
    claim = harness.claim(notebook_text(["1"]))
    redactor = Redactor()

    def secret(name: str, source: Source | None = None) -> str:
        if name != "wh_pw":
            raise NotFound(f"There is no secret {name!r}.", hint="Set it.")
        return VALUE

    record = RunRecord(harness.context(claim, secret=secret, redactor=redactor))
    server = ChannelServer(record)
    with server:
        yield Line(record, RunnerChannel(server.path), redactor)


def test_a_kernel_receives_a_secret_and_the_runner_remembers_it(line: Line) -> None:
    assert not line.redactor.is_active
    assert line.kernel.secret("wh_pw") == VALUE
    assert line.kernel.secrets == {VALUE: "wh_pw"}
    assert line.redactor.redact(VALUE) == "[secret wh_pw]"


def test_one_that_is_not_there_is_an_error_of_the_cell(line: Line) -> None:
    with pytest.raises(NotFound) as caught:
        line.kernel.secret("nope")
    assert caught.value.hint == "Set it."
    assert line.kernel.secrets == {}


def source(location: str) -> Source:
    return Source(name="wh", kind="http", location=location, declared=location, owner="sam")


def test_no_source_holds_a_value(line: Line, harness: AttemptHarness) -> None:
    line.kernel.secret("wh_pw")
    with pytest.raises(DeclarationError, match="contains the value of the secret 'wh_pw'"):
        line.kernel.declare_source(source(f"https://api.example/{VALUE}/rows"))
    assert harness.store.load_sources() == []
    line.kernel.declare_source(source("https://api.example/rows"))
    assert [one.name for one in harness.store.load_sources()] == ["wh"]


def test_checks_and_failures_are_recorded_without_it(line: Line) -> None:
    line.kernel.secret("wh_pw")
    result = CheckResult(
        rule=CheckRule(text="a > 1", kind="expression"),
        status=CheckStatus.WARN,
        dataset="d",
        failed_rows=1,
        total_rows=2,
        message=f"a is {VALUE}",
        sample=({"a": VALUE},),
    )
    line.kernel.report_checks([result])
    assert VALUE not in repr(line.record.checks)
    assert line.record.checks[0].sample == ({"a": "[secret wh_pw]"},)

    line.kernel.report_failure("wh", f"no {VALUE} here", retryable=False)
    shown = "no [secret wh_pw] here"
    failure = Failure(kind=FailureKind.ERROR, error_type="SourceError", message=shown)
    blamed = line.record.blame(AttemptOutcome(failure=failure, failed_cell=1)).failure
    assert blamed is not None
    assert blamed.source == "wh", "the error of the cell and that of the source are still one"
