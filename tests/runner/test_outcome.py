"""The verdict, from the messages of a kernel and the fields of an error."""

from __future__ import annotations

import pytest

from fakes.attempts import AttemptHarness, notebook_text
from jupyter_etl.errors import (
    DeclarationError,
    EtlError,
    ExecutionError,
    PublishError,
    SourceError,
    StoreError,
    user_code_boundary,
)
from jupyter_etl.model import AttemptReport, Failure, FailureKind, Outcome, VerdictKind
from jupyter_etl.runner.channel.client import RunnerChannel
from jupyter_etl.runner.channel.record import RunRecord
from jupyter_etl.runner.channel.server import ChannelServer
from jupyter_etl.runner.outcome import AttemptOutcome, failure_of_etl_error, one_line
from jupyter_etl.runner.report import with_failure
from jupyter_etl.scheduling.attempt_policy import StandardAttemptPolicy

MESSAGE = "Source 'wh': connection refused. The database may answer later."


@pytest.fixture
def record(harness: AttemptHarness) -> RunRecord:
    return RunRecord(harness.context(harness.claim(notebook_text(["1"]))))


def failed(error: str) -> AttemptOutcome:
    failure = Failure(kind=FailureKind.ERROR, error_type="SourceError", message=error)
    return AttemptOutcome(failure=failure, failed_cell=1)


def failure_of(outcome: AttemptOutcome) -> Failure:
    assert outcome.failure is not None
    return outcome.failure


def test_a_source_is_to_blame_for_its_own_error_only(record: RunRecord) -> None:
    same = failed(MESSAGE)
    assert record.blame(same) == same
    with ChannelServer(record) as server:
        kernel = RunnerChannel(server.path)
        kernel.report_failure("trips", "it is gone", retryable=False)
        kernel.report_failure("wh", MESSAGE, retryable=True)
    blamed = record.blame(same)
    assert (failure_of(blamed).source, failure_of(blamed).retryable) == ("wh", True)
    assert blamed.failed_cell == 1
    for error in ("NameError: x", "it is gone", f"RuntimeError: {MESSAGE}", ""):
        assert record.blame(failed(error)) == failed(error)


def test_a_long_error_is_known_again(record: RunRecord) -> None:
    message = "Source 'wh': \x1b[31m" + "no " * 400 + "\nand more lines"
    with pytest.raises(SourceError) as caught:
        raise SourceError(message)
    record.report_failure("wh", str(caught.value), True)
    blamed = record.blame(failed(one_line("SourceError", caught.value)))
    assert failure_of(blamed).source == "wh"


def wrapped(problem: Exception) -> EtlError:
    """Return what the boundary around a block makes of a foreign error."""
    with pytest.raises(EtlError) as caught, user_code_boundary("the publisher", PublishError):
        raise problem
    return caught.value


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (StoreError("the ledger cannot be reached"), True),
        (StoreError("the ledger is of a newer version", retryable=False), False),
        (PublishError("somebody else wrote first", retryable=True), True),
        (PublishError("the disk timeout is not valid"), False),
        (DeclarationError("connection is no parameter"), False),
        (wrapped(TimeoutError("the lake did not answer")), None),
    ],
)
def test_an_error_of_the_runner_itself_says_whether_it_is_retryable(
    problem: EtlError, says: bool | None
) -> None:
    assert failure_of_etl_error(problem).retryable is says


def test_the_cause_of_an_error_that_says_nothing_is_judged_by_its_text() -> None:
    try:
        raise ExecutionError("the kernel cannot be started") from KeyError("NoSuchKernel")
    except ExecutionError as problem:
        failure = failure_of_etl_error(problem)
    assert (failure.error_type, failure.retryable) == ("KeyError", None)


def test_the_report_carries_the_verdict_and_the_source(harness: AttemptHarness) -> None:
    failure = Failure(
        kind=FailureKind.ERROR,
        error_type="SourceError",
        message=MESSAGE,
        source="wh",
        retryable=True,
    )
    report = AttemptReport(outcome=Outcome.SUCCEEDED)
    judged = with_failure(report, failure, StandardAttemptPolicy(store=harness.store))
    assert (judged.outcome, judged.error) == (Outcome.FAILED, MESSAGE)
    assert judged.failed_source == "wh"
    assert judged.verdict is not None
    assert (judged.verdict.kind, judged.verdict.retryable) == (VerdictKind.SOURCE, True)
