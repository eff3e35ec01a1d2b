"""Processes that clear their environment, leave their session and their parents are found."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jupyter_etl.system.processes import orphans

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux")

ADOPT = """
import atexit, os, subprocess, sys, time
from jupyter_etl.system.processes import (
    adopt_orphans, kill_orphans, kill_tree, living, orphans, process_of,
)
ESCAPE = '''
import os, sys, time
for _ in range(2):
    if os.fork(): os._exit(0)
    os.setsid()
os.write(1, str(os.getpid()).encode() + b"\\\\n")
if sys.argv[1:] == ["grow"] and os.fork() == 0: os.write(1, str(os.getpid()).encode() + b"\\\\n")
os.closerange(0, 1024)
time.sleep(1000)
'''

def escape(*words):
    started = subprocess.Popen([sys.executable, "-c", ESCAPE, *words], env={}, stdout=subprocess.PIPE)
    lines = started.stdout.read().split()
    started.wait()
    return [int(line) for line in lines]

own = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
adopt_orphans()
kernel = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
for one in (own, kernel): atexit.register(one.kill)
"""


def adopting(code: str) -> str:
    """Execute code in a process of its own that adopts orphans."""
    ended = subprocess.run(
        [sys.executable, "-c", ADOPT + code], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("spared", [True, False])
def test_the_end_of_an_attempt_kills_what_has_escaped(spared: bool):
    code = f"""
escaped = [*escape(), *escape("grow")]
assert len(escaped) == 3 and set(escaped) == set(living(escaped))
kill_tree(process_of(kernel.pid), ("JUPYTER_ETL_ATTEMPT", "/nowhere"), but_itself={spared})
print([*living(escaped)], [*living([kernel.pid])] == [kernel.pid], [*living([own.pid])] == [own.pid])
assert not orphans([kernel.pid]), "they are waited for, too"
"""
    assert adopting(code) == f"[] {spared} True\n"


def test_a_fork_server_kills_orphans_of_runners_and_no_runner():
    code = """
escaped = escape("grow")
for _ in range(500):
    if not kill_orphans([kernel.pid]): break
    time.sleep(0.01)
print([*living(escaped)], [*living([kernel.pid, own.pid])] == [kernel.pid, own.pid])
"""
    assert adopting(code) == "[] True\n"


def test_a_fork_of_the_one_that_adopts_does_not():
    code = """
if os.fork() == 0:
    child = subprocess.Popen(["sleep", "1000"])
    os.write(1, str(orphans()).encode())
    child.kill()
    os._exit(0)
os.wait()
"""
    assert adopting(code) == "set()"


def test_nothing_is_an_orphan_without_a_subreaper():
    child = subprocess.Popen(["sleep", "1000"])
    assert orphans() == set()
    child.kill()
    child.wait()
