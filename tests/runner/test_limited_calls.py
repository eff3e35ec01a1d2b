"""Calls in children with limits: what takes too much is stopped and named."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from fakes import limited_functions
from fakes.patience import until
from jupyter_etl.errors import EtlError, ExecutionError, LimitExceeded, SourceError
from jupyter_etl.runner.limited_calls import CallLimits, LimitedCalls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")

LIMITS = CallLimits(memory_bytes=100_000_000, seconds=1.5, result_bytes=1_000_000)


@pytest.fixture(scope="module")
def calls() -> Iterator[LimitedCalls]:
    paths = os.pathsep.join(
        [str(Path(limited_functions.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", paths)
        made = LimitedCalls(["fakes.limited_functions", "pyarrow"], LIMITS)
        yield made
        made.close()


def ask(calls: LimitedCalls, function: str, **arguments: object) -> bytes:
    return calls.call(
        f"fakes.limited_functions:{function}",
        arguments,
        what="The preview of 'orders'",
        env={**os.environ, "ETL_TEST_SECRET": "canary-7f3a"},
    )


def forker_of(calls: LimitedCalls) -> psutil.Process:
    return psutil.Process(int(ask(calls, "hello", name="you").split()[2]))


def test_a_function_returns_and_its_environment_is_on_no_command_line(calls: LimitedCalls):
    words = ask(calls, "hello", name="you").decode().split()
    assert words[:2] == ["hello", "you"]
    assert words[3] == "canary-7f3a"
    forker = psutil.Process(int(words[2]))
    assert forker.ppid() == os.getpid()
    assert "canary-7f3a" not in f"{forker.cmdline()} {forker.environ()}"


@pytest.mark.parametrize(
    ("function", "kind", "said"),
    [
        ("take_memory", LimitExceeded, "it needs more than 100 MB of memory"),
        ("take_arrow_memory", LimitExceeded, "it needs more than 100 MB of memory"),
        ("nest", LimitExceeded, "it is nested too deeply"),
        ("crash", LimitExceeded, "it ended the process that read it"),
        ("work", LimitExceeded, "it takes more than 1.5 s"),
        ("show", LimitExceeded, "it has more than 1 MB to show"),
        ("write", LimitExceeded, "it ended the process that read it"),
        ("wait", TimeoutError, "The preview of 'orders' took longer than 1.5 s."),
        ("refuse", SourceError, "It is not there. Look."),
        ("fail", ExecutionError, "The preview of 'orders' failed: ValueError: wrong"),
        ("absent", ExecutionError, "AttributeError"),
    ],
)
def test_what_takes_too_much_is_stopped_and_named(
    calls: LimitedCalls, function: str, kind: type[Exception], said: str
):
    with pytest.raises((EtlError, TimeoutError)) as caught:
        ask(calls, function)
    assert type(caught.value) is kind
    assert said in str(caught.value)
    if kind is LimitExceeded:
        assert str(caught.value).startswith("The preview of 'orders' was stopped: ")
        assert "notebook" in caught.value.hint
    until("the end of the child", lambda: not forker_of(calls).children())
    assert b"hello again" in ask(calls, "hello", name="again")


def test_an_error_keeps_what_it_says(calls: LimitedCalls):
    with pytest.raises(SourceError) as caught:
        ask(calls, "refuse")
    problem = caught.value
    assert (problem.hint, problem.retryable, problem.data) == ("Look.", False, {"field": "name"})


def test_several_at_once_are_distinguished(calls: LimitedCalls):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ask(calls, "hello", name=f"<{n}>"), range(16)))
    assert [answer.split()[1] for answer in answers] == [f"<{n}>".encode() for n in range(16)]


def test_a_process_that_was_killed_is_replaced_and_ends_with_who_started_it(calls: LimitedCalls):
    forker = forker_of(calls)
    forker.kill()
    forker.wait()
    other = forker_of(calls)
    assert other.pid != forker.pid
    calls.close()
    assert not other.is_running()


def test_a_call_that_is_too_large_is_refused(calls: LimitedCalls):
    with pytest.raises(ExecutionError, match="too large"):
        ask(calls, "hello", name="x" * 200_000)
