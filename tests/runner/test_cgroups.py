"""Control groups of attempts: where they are, what is killed in them, and that they go away."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.attempts import AttemptHarness, notebook_text, outputs
from fakes.patience import PATIENCE_S
from jupyter_etl.model import Outcome
from jupyter_etl.runner.orphans import clean_up_attempt
from jupyter_etl.system import cgroups
from jupyter_etl.system.cgroups import (
    PROCS,
    find_groups,
    group_of,
    kill_group,
    name_of,
    own_group,
    pids_in,
    remove_group,
)
from jupyter_etl.system.processes import kill_tree, living

ATTEMPT = Path("/home/sam/etl/runs/00000007/1")
ESCAPE = """
import os, time
for _ in range(2):
    if os.fork(): os._exit(0)
    os.setsid()
os.write(1, str(os.getpid()).encode() + b"\\n")
os.closerange(0, 1024)
time.sleep(1000)
"""
"""Leaves its parents, its session and its environment, and has no file of anybody's open."""


def mounted(*points: str) -> str:
    """Return lines of a mountinfo; a point is ``MOUNTED-ROOT MOUNT-POINT KIND``."""
    lines = ["22 1 0:5 / /proc rw,relatime shared:2 - proc proc rw"]
    for point in points:
        root, place, kind = point.split()
        lines.append(f"30 22 0:26 {root} {place} rw,nosuid shared:9 - {kind} {kind} rw")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("mounts", "own", "found"),
    [
        (["/ /sys/fs/cgroup cgroup2"], "0::/user.slice/a.scope\n", "/sys/fs/cgroup/user.slice/a.scope"),
        (["/ /sys/fs/cgroup cgroup2"], "0::/\n", "/sys/fs/cgroup"),
        (["/ /sys/fs/cgroup/memory cgroup", "/ /unified cgroup2"], "4:memory:/x\n0::/y\n", "/unified/y"),
        (["/ /with\\040blank cgroup2"], "0::/a\n", "/with blank/a"),
        (["/ /sys/fs/cgroup/memory cgroup"], "4:memory:/x\n", None),
        (["/docker/abc /sys/fs/cgroup cgroup2"], "0::/docker/abc\n", None),
        (["/ /sys/fs/cgroup cgroup2"], "0::/../../outside\n", None),
        (["/ /sys/fs/cgroup cgroup2"], "", None),
        ([], "0::/\n", None),
    ],
)  # fmt: skip
def test_the_group_of_a_process_is_found_where_version_2_is_mounted(
    tmp_path: Path, mounts: list[str], own: str, found: str | None
) -> None:
    (tmp_path / "mountinfo").write_text(mounted(*mounts))
    (tmp_path / "cgroup").write_text(own)
    group = own_group(tmp_path / "mountinfo", tmp_path / "cgroup")
    assert group == (Path(found) if found else None)
    assert own_group(tmp_path / "none", tmp_path / "none") is None


class Tree:
    """A folder that looks like a hierarchy of control groups, and those who live in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mounts = root.parent / "mountinfo"
        self.mounts.write_text(mounted(f"/ {root} cgroup2"))

    def group(self, path: str, *pids: int, kills: bool) -> Path:
        folder = self.root / path
        folder.mkdir(parents=True)
        (folder / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))
        (folder / "cgroup.events").write_text("populated 1\nfrozen 1\n")
        (folder / "cgroup.freeze").write_text("0")
        if kills:
            (folder / "cgroup.kill").write_text("")
        return folder


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "fs").mkdir()
    return Tree(tmp_path / "fs")


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started = [subprocess.Popen(["sleep", "1000"]) for _ in range(3)]
    yield started
    for one in started:
        one.kill()
        one.wait()


def test_a_group_is_one_attempts_and_is_found_wherever_its_runner_was(tree: Tree) -> None:
    own = tree.root / "user.slice" / "jupyter.scope"
    own.mkdir(parents=True)
    group = group_of(ATTEMPT, own)
    assert group == own / name_of(ATTEMPT)
    group.mkdir()
    assert name_of(ATTEMPT) != name_of(ATTEMPT.with_name("2"))
    assert find_groups(ATTEMPT, tree.mounts) == [group]
    assert find_groups(ATTEMPT.with_name("2"), tree.mounts) == []
    assert find_groups(ATTEMPT, tree.root / "none") == []


@pytest.mark.parametrize("of", [lambda root: None, lambda root: group_of(ATTEMPT, root / "absent")])
def test_what_is_done_with_a_group_that_does_not_exist_is_nothing(
    tree: Tree, of: Callable[[Path], Path | None]
) -> None:
    group = of(tree.root)
    kill_group(group)
    assert pids_in(group) == set()
    assert remove_group(group)
    assert list(tree.root.iterdir()) == []


def test_a_group_is_killed_by_one_word_where_linux_knows_it(tree: Tree) -> None:
    group = tree.group("a", 12345678, kills=True)
    kill_group(group)
    assert (group / "cgroup.kill").read_text() == "1"
    assert (group / "cgroup.freeze").read_text() == "0"


def test_before_that_a_group_is_frozen_and_killed_with_those_below_it(
    tree: Tree, sleepers: list[subprocess.Popen[bytes]]
) -> None:
    inner, outer, stranger = sleepers
    group = tree.group("a", outer.pid, 0, kills=False)
    tree.group("a/b", inner.pid, kills=False)
    tree.group("c", stranger.pid, kills=False)
    assert pids_in(group) == {inner.pid, outer.pid}
    kill_group(group)
    assert [inner.wait(PATIENCE_S), outer.wait(PATIENCE_S), stranger.poll()] == [-9, -9, None]
    assert (group / "cgroup.freeze").read_text() == "0"


def test_a_group_with_processes_is_waited_for_and_then_left_alone(tree: Tree) -> None:
    (tree.root / "a" / "b").mkdir(parents=True)
    file = tree.root / "a" / "process"
    file.write_text("")
    assert not remove_group(tree.root / "a", patience_s=0.05)
    assert not (tree.root / "a" / "b").exists()
    file.unlink()
    assert remove_group(tree.root / "a")
    assert remove_group(tree.root / "a")


@pytest.fixture
def writable() -> Path:
    """Return the group of this process where groups can be made in it."""
    own = own_group()
    probe = group_of(Path(f"/probe/{os.getpid()}"))
    if own is None or probe is None or not os.access(own, os.W_OK):
        pytest.skip("this process may make no control groups")
    try:
        probe.mkdir()
    except OSError:
        pytest.skip("this process may make no control groups")
    remove_group(probe)
    return own


def escaped(group: Path) -> int:
    """Start a process in a group that nothing but the group leads to, and return its number."""
    command = [sys.executable, "-c", ESCAPE]
    join_first = lambda: (group / PROCS).write_text("0")  # noqa: E731 - between fork and exec
    started = subprocess.Popen(command, env={}, stdout=subprocess.PIPE, preexec_fn=join_first)
    assert started.stdout is not None
    pid = int(started.stdout.readline())
    started.wait()
    started.stdout.close()
    return pid


def test_what_has_escaped_from_everything_else_is_killed_with_its_group(
    writable: Path, tmp_path: Path
) -> None:
    group = group_of(tmp_path)
    assert group is not None
    group.mkdir()
    pid = escaped(group)
    assert pids_in(group) == {pid}
    assert kill_tree(None, ("JUPYTER_ETL_ATTEMPT", str(tmp_path)), group=group) == 1
    assert list(living([pid])) == []
    assert remove_group(group, patience_s=PATIENCE_S)


def test_the_recovery_of_a_lost_attempt_kills_its_group(writable: Path, tmp_path: Path) -> None:
    group = group_of(tmp_path)
    assert group is not None
    group.mkdir()
    pid = escaped(group)
    clean_up_attempt(tmp_path, pid=None, command=["no-such-runner"])
    assert list(living([pid])) == []
    assert not group.exists()


SHOWS = "import os; print([l for l in open('/proc/self/cgroup').read().split() if l[:3] == '0::'])"


@pytest.mark.kernel
def test_a_kernel_and_what_it_starts_are_in_the_group_of_its_attempt(
    writable: Path, harness: AttemptHarness
) -> None:
    daemon = (
        "import subprocess, sys\ncommand = [sys.executable, '-c', ESCAPE]\n"
        "print(subprocess.run(command, env={}, capture_output=True, text=True).stdout)"
    ).replace("ESCAPE", repr(ESCAPE))
    report, claim = harness.run_text(notebook_text([SHOWS, daemon]))
    assert report.outcome is Outcome.SUCCEEDED, report.error
    shown = outputs(harness.executed(claim)).split()
    assert any(name_of(harness.folder(claim)) in one for one in shown), shown
    assert list(living([int(shown[-1])])) == []
    assert find_groups(harness.folder(claim)) == []


@pytest.mark.kernel
def test_a_run_needs_no_group(harness: AttemptHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "own_group", lambda: None)
    report, _ = harness.run_text(notebook_text(["1"]))
    assert report.outcome is Outcome.SUCCEEDED, report.error
