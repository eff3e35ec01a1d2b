"""Whose fault a failure is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_etl.model import Failure, FailureKind, VerdictKind
from jupyter_etl.scheduling.verdicts import judge

NOTEBOOK, DATA, SOURCE = VerdictKind.NOTEBOOK, VerdictKind.DATA, VerdictKind.SOURCE
PLATFORM, UNKNOWN = VerdictKind.PLATFORM, VerdictKind.UNKNOWN


def error(name: str, message: str, *, source: str = "", retryable: bool | None = None) -> Failure:
    return Failure(
        kind=FailureKind.ERROR,
        error_type=name,
        message=message,
        source=source,
        retryable=retryable,
    )


@pytest.mark.parametrize(
    ("error_type", "message", "kind", "retryable"),
    [
        ("NameError", "NameError: name 'df2' is not defined", NOTEBOOK, False),
        ("SyntaxError", "invalid syntax", NOTEBOOK, False),
        ("ModuleNotFoundError", "No module named 'prophet'", NOTEBOOK, False),
        ("NoSuchKernel", "No such kernel named r", NOTEBOOK, False),
        ("StdinNotImplementedError", "raw_input was called", NOTEBOOK, False),
        ("DeclarationError", "There is no command 'sorce'.", NOTEBOOK, False),
        ("PermissionDenied", "sales.daily belongs to kim", NOTEBOOK, False),
        ("jupyter_etl.errors.CheckFailed", "id: 3 rows are null", DATA, False),
        ("KeyError", "'amount'", DATA, False),
        ("ValueError", "could not convert string to float: 'n/a'", DATA, False),
        ("pandas.errors.ParserError", "Expected 3 fields, saw 4", DATA, False),
        ("SourceError", "wh could not be reached: connection refused", SOURCE, True),
        ("SourceError", "wh has no table 'orders'", SOURCE, False),
        ("SourceError", "trips: no file matches data/*.csv", SOURCE, False),
        ("OperationalError", "(psycopg) password authentication failed", SOURCE, False),
        ("OperationalError", "database is locked", SOURCE, True),
        ("ConnectionResetError", "[Errno 104] Connection reset by peer", SOURCE, True),
        ("httpx.ReadTimeout", "", SOURCE, True),
        ("HTTPError", "503 Server Error: Service Unavailable", SOURCE, True),
        ("HTTPError", "404 Client Error", SOURCE, False),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'x.csv'", SOURCE, False),
        ("MemoryError", "Unable to allocate 80 GiB", PLATFORM, False),
        ("DeadKernelError", "Kernel died", PLATFORM, True),
        ("StoreError", "the ledger cannot be reached", PLATFORM, True),
        ("OSError", "[Errno 28] No space left on device", PLATFORM, True),
        ("PublishError", "No space left on device", PLATFORM, True),
        ("PublishError", "sales.daily is frozen: its schema would change", DATA, False),
        ("PublishError", "Permission denied: /lake/sales", PLATFORM, False),
        ("WeirdError", "odd", UNKNOWN, False),
        ("", "", UNKNOWN, False),
    ],
)
def test_a_failure_is_judged_by_its_error(
    error_type: str, message: str, kind: VerdictKind, retryable: bool
) -> None:
    verdict = judge(error(error_type, message))
    assert (verdict.kind, verdict.retryable) == (kind, retryable)
    assert message in verdict.evidence


@pytest.mark.parametrize(
    ("failed", "kind", "retryable"),
    [
        (FailureKind.LOST, PLATFORM, True),
        (FailureKind.HELD, DATA, False),
        (FailureKind.TIMED_OUT, UNKNOWN, False),
        (FailureKind.CANCELLED, UNKNOWN, False),
        (FailureKind.OUT_OF_MEMORY, NOTEBOOK, False),
        (FailureKind.KERNEL_EXITED, NOTEBOOK, False),
        (FailureKind.KERNEL_DIED, PLATFORM, True),
        (FailureKind.NOT_STARTED, PLATFORM, True),
        (FailureKind.UNGUARDED, PLATFORM, True),
    ],
)
def test_a_kind_other_than_an_error_is_enough(
    failed: FailureKind, kind: VerdictKind, retryable: bool
) -> None:
    verdict = judge(Failure(kind=failed, error_type="SourceError", message="connection refused"))
    assert (verdict.kind, verdict.retryable) == (kind, retryable)


@pytest.mark.parametrize("name", ["OutOfMemory", "KernelExited", "NotStarted", "GuardError"])
def test_an_exception_with_the_name_of_a_kind_is_not_of_that_kind(name: str) -> None:
    assert judge(error(name, "of a user's own class")).kind is UNKNOWN


@pytest.mark.parametrize(
    ("error_type", "kind"),
    [("SyntaxError", NOTEBOOK), ("CheckFailed", DATA), ("KeyError", DATA), ("NameError", NOTEBOOK)],
)
def test_what_code_or_data_quote_is_no_trouble_of_the_machine(error_type, kind) -> None:
    verdict = judge(error(error_type, "'no space left on device'"))
    assert (verdict.kind, verdict.retryable) == (kind, False)


@pytest.mark.parametrize("retryable", [True, False])
def test_a_source_that_is_known_is_named_with_what_its_error_says(retryable: bool) -> None:
    for message in ("connection refused", "wh has no table 't'", "No space left on device"):
        verdict = judge(error("SourceError", message, source="wh", retryable=retryable))
        assert (verdict.kind, verdict.retryable) == (SOURCE, retryable)
        assert verdict.evidence.startswith("The source 'wh' could not be read: ")


@pytest.mark.parametrize("retryable", [True, False])
def test_what_an_error_says_of_itself_outranks_its_text(retryable: bool) -> None:
    verdict = judge(error("PublishError", "a timeout", retryable=retryable))
    assert (verdict.kind, verdict.retryable) == (PLATFORM, retryable)


@settings(deadline=None, max_examples=30)
@given(st.text(), st.text(), st.sampled_from(FailureKind))
def test_any_text_gives_one_line_of_evidence(name: str, message: str, kind: FailureKind) -> None:
    verdict = judge(Failure(kind=kind, error_type=name, message=message))
    assert verdict.evidence
    assert "\n" not in verdict.evidence
