"""Incidents of storage: a lake that is not mounted, a damaged log, a full disk."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.world import TABLE, World

BEGUN_S = 1.0
"""Longer than a commit takes from its check of the lake to its files."""

AWAY_S = 3.0
"""Longer than the pause of the reader."""


def log_entries(world: World) -> list[Path]:
    """Return the entries of the table's log, the newest last."""
    return sorted((world.home / "lake").glob(f"**/{TABLE}/_delta_log/*.json"))


def unmount(world: World) -> None:
    """Replace the lake by an empty folder for a while; nothing may be written there.

    A commit that had found the lake may still write, but is not recorded: a version without its
    file is found at the end.
    """
    lake, aside = world.home / "lake", world.home / "lake-aside"
    lake.rename(aside)
    lake.mkdir()
    time.sleep(BEGUN_S)
    for begun in lake.iterdir():
        begun.rename(world.home / f"begun-{time.monotonic_ns()}")
    time.sleep(AWAY_S)
    world.noticed += [
        f"written to the mount point: {path.relative_to(lake)}"
        for path in lake.rglob("*")
        if path.is_file()
    ]
    lake.rename(world.home / f"mount-point-{time.monotonic_ns()}")
    aside.rename(lake)


def damage(world: World, draw: random.Random) -> None:
    """Empty or truncate the newest log entry of the table; repair it after a while."""
    newest = log_entries(world)[-1]
    content = newest.read_bytes()
    newest.write_bytes(content[: draw.choice((0, len(content) // 2))])
    time.sleep(AWAY_S)
    world.call("doctor", "--repair", codes=(0, 1))
    if newest.read_bytes() != content:
        world.noticed.append(f"{newest.name} was not repaired")


@contextmanager
def small_disk(place: Path) -> Iterator[bool]:
    """Mount a disk of 64 MB, if that is permitted."""
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    mounted = os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=False)


def fill(ballast: Path) -> None:
    """Write until the disk is full."""
    try:
        with ballast.open("wb") as file:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
    except OSError:
        return
