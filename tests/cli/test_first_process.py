"""``jupyter etl up`` as the first process of a container."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib import import_module

import pytest

from fakes.patience import PATIENCE_S
from jupyter_etl.language.commands.runs import StatusRequest
from jupyter_etl.language.commands.schedule import UpRequest

SCRIPT = """
import ctypes, os, signal, subprocess, sys, time
from pathlib import Path
from jupyter_etl.cli.init_process import in_a_child

PR_SET_CHILD_SUBREAPER = 36
# What the first process of a container is without that.
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0

def work():
{work}

{before}
sys.exit(in_a_child(work))
"""


def first_process(*work: str, before: str = "") -> subprocess.Popen[str]:
    code = SCRIPT.format(work="\n".join(f"    {line}" for line in work), before=before)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_it_buries_whoever_dies_without_a_parent() -> None:
    process = first_process(
        "asked = ['sh', '-c', 'sleep 0.1 >/dev/null & echo $!']",
        "orphan = subprocess.run(asked, stdout=subprocess.PIPE, text=True).stdout.strip()",
        "while Path('/proc', orphan).exists():",
        "    time.sleep(0.02)",
        "return 3",
    )
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_passes_signals_on(number: signal.Signals) -> None:
    process = first_process(
        f"signal.signal({number.value}, lambda *_: os._exit(7))",
        "print('up', flush=True)",
        "time.sleep(1000)",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 7


def test_it_reports_which_signal_killed_the_child() -> None:
    process = first_process("os.kill(os.getpid(), signal.SIGKILL)")
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + signal.SIGKILL


def test_it_detects_the_end_of_its_child_where_that_was_ignored() -> None:
    process = first_process("return 3", before="signal.signal(signal.SIGCHLD, signal.SIG_IGN)")
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3


def test_only_the_scheduler_is_an_init_process(monkeypatch: pytest.MonkeyPatch) -> None:
    main = import_module("jupyter_etl.cli.main")
    monkeypatch.setattr(main, "in_a_child", lambda work: 40 + work())
    monkeypatch.setattr(main, "_call_with_ledger", lambda *_: 2)
    assert main._call(UpRequest()) == 2
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert main._call(UpRequest()) == 42
    assert main._call(StatusRequest()) == 2
