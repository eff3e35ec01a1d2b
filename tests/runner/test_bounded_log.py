"""The log of an attempt stays small, whoever writes to its descriptors, without blocking."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.redacted_output import LogCleanup
from jupyter_etl.services.run_log.run_log import TailReader

LIMIT = 400_000

WRITE = """
import os, subprocess, sys
from pathlib import Path
from jupyter_etl.runner.bounded_log import bounded_log, drain_log
log = Path(sys.argv[1])
"""
WRITERS = {
    "descriptor 1": "for _ in range(3000): os.write(1, b'x' * 999 + b'\\n')",
    "descriptor 2": "for _ in range(3000): os.write(2, b'x' * 999 + b'\\n')",
    "print": "for _ in range(3000): print('x' * 999)",
    "a child": "subprocess.run(['head', '-c', '3000000', '/dev/zero'])",
    "C": "subprocess.run(['sh', '-c', 'yes | head -c 3000000 >&2'])",
}


def run(log: Path, code: str, limit: int = LIMIT) -> subprocess.Popen[bytes]:
    """Execute code as a runner would: its outputs are the log."""
    body = "\n".join(f"    {line}" for line in code.splitlines())
    program = f"{WRITE}\nwith bounded_log(log, limit={limit}):\n{body}\nos.write(2, b'after')"
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-c", program, str(log)],
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


@pytest.mark.parametrize("writer", WRITERS)
def test_a_flood_leaves_the_beginning_and_the_end(tmp_path: Path, writer: str):
    log = tmp_path / "runner.log"
    code = (
        f"os.write(1, b'first\\n')\n{WRITERS[writer]}\nsys.stdout.flush()\nos.write(2, b'last\\n')"
    )
    assert run(log, code).wait(60) == 0
    content = log.read_bytes()
    assert content.startswith(b"first\n")
    assert content.endswith(b"last\nafter")
    assert b" omitted; a log keeps at most 400 kB\n" in content
    assert LIMIT // 2 < len(content) <= LIMIT + len(b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["runner.log"]


def test_what_is_short_is_kept_as_it_is(tmp_path: Path):
    log = tmp_path / "runner.log"
    log.write_bytes(b"before\n")
    code = "os.write(1, b'a\\n')\nsubprocess.run(['echo', 'b'])\ndrain_log()\nassert log.read_bytes() == b'before\\na\\nb\\n'"
    assert run(log, code).wait(60) == 0
    assert log.read_bytes() == b"before\na\nb\nafter"


def test_nothing_is_done_where_the_output_is_not_the_log(tmp_path: Path):
    log = tmp_path / "runner.log"
    log.touch()
    program = f"{WRITE}\nwith bounded_log(log): print('shown', flush=True)"
    ended = subprocess.run(
        [sys.executable, "-c", program, str(log)], capture_output=True, timeout=60
    )
    assert (ended.stdout, log.read_bytes()) == (b"shown\n", b"")


@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), 9)", "pass"])
def test_who_writes_after_the_end_of_the_runner_does_not_wait(tmp_path: Path, end: str):
    log, done = tmp_path / "runner.log", tmp_path / "done"
    child = f"import os, sys, time; time.sleep(0.5)\ntry:\n    while True: os.write(1, bytes(9999))\nexcept OSError: open({str(done)!r}, 'w').close()"
    code = f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n{end}"
    runner = run(log, code)
    runner.wait(60)
    # The pipe's other end is gone: a write fails, and the child ends by itself.
    for _ in range(600):
        if done.exists():
            break
        subprocess.run(["sleep", "0.05"])
    assert done.exists()
    assert log.stat().st_size <= LIMIT + len(b"after")


def test_a_truncated_log_is_read_and_redacted_further(tmp_path: Path):
    log = tmp_path / "runner.log"
    redactor = Redactor()
    redactor.register("wh_pw", "canary-7f3a91")
    reader, clean_up = TailReader(log, 1_000), LogCleanup(redactor, log)
    log.write_bytes(b"canary-7f3a91\n" + b"x" * 5_000 + b"\n")
    clean_up.clean_up()
    assert reader.lines() == []
    other = tmp_path / "other"
    other.write_bytes(b"new\ncanary-7f3a91\n" + b"y" * 6_000 + b"\nlast\n")
    other.replace(log)
    clean_up.clean_up()
    assert b"canary" not in log.read_bytes()
    assert reader.lines() == ["last"]
    with log.open("ab") as file:
        file.write(b"more\n")
    assert reader.lines() == ["more"]
    log.write_bytes(b"begun anew\n")
    assert reader.lines() == ["begun anew"]


def test_the_end_of_a_large_file_is_read_without_the_rest(tmp_path: Path):
    log = tmp_path / "runner.log"
    with log.open("wb") as file:
        # A hole: it has a size and no content.
        file.truncate(50_000_000_000)
        file.seek(0, 2)
        file.write(b"\nthe end\n")
    reader = TailReader(log, 1_000)
    assert reader.lines() == ["the end"]
    assert reader.skipped == 50_000_000_001
