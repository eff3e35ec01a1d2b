"""A runner that was started cold and killed leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from fakes.patience import PATIENCE_S
from jupyter_etl.runner import supervisor
from jupyter_etl.system.processes import living

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux")

SUPERVISED = [sys.executable, "-I", "-S", str(supervisor.__file__)]
LEAVES = """
import os, signal, subprocess, sys, time
escape = '''
import os, time
for _ in range(2):
    if os.fork(): os._exit(0)
    os.setsid()
os.write(1, str(os.getpid()).encode() + b"\\\\n")
if os.fork() == 0: os.write(1, str(os.getpid()).encode() + b"\\\\n")
os.closerange(0, 1024)
time.sleep(1000)
'''
kernel = subprocess.Popen([sys.executable, "-c", escape], env={}, stdout=subprocess.PIPE)
pids = kernel.stdout.read()
kernel.wait()
print(os.getsid(0) == os.getpid(), pids.decode(), flush=True)
os.kill(os.getpid(), int(sys.argv[1])) if sys.argv[1] != "0" else sys.exit(5)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, -15), (0, 5)])
def test_what_a_runner_leaves_is_killed_however_it_ends(number: int, code: int) -> None:
    command = [*SUPERVISED, sys.executable, "-c", LEAVES, str(int(number))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    own_session, *pids = ended.stdout.split()
    assert (ended.returncode, own_session, len(pids)) == (code, "True", 2), ended.stderr
    assert list(living(map(int, pids))) == []


def test_the_supervisor_keeps_no_descriptor_of_its_runner() -> None:
    read, write = os.pipe()
    code = f"import os, sys; os.close({write}); sys.stdin.read()"
    command = [*SUPERVISED, sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[write]) as child:
        os.close(write)
        assert os.read(read, 1) == b"", "nobody has it open any more"
        os.close(read)
    assert child.returncode == 0


def test_a_program_that_is_not_there_ends_as_in_a_shell() -> None:
    ended = subprocess.run([*SUPERVISED, "/no/such/program"], capture_output=True, check=False)
    assert ended.returncode == 127
