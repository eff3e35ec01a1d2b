"""What one attempt may take of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CELL_OUTPUT_BYTES = 1_000_000
RUN_OUTPUT_BYTES = 20_000_000
_SHARE = 0.8
_FACTOR = 4
_RESERVED_BYTES = 96 * 2**30
_CGROUP = Path("/sys/fs/cgroup")
_SELF = Path("/proc/self/cgroup")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a machine, where a pipeline's policy sets none.

    Args:
        memory_bytes: Most resident memory of a kernel with all it started; 0 for no limit, None
            for 80 % of what the machine, or its control group, has.
        cell_output_bytes: Most that is kept of what one cell shows.
        run_output_bytes: Most that is kept of what all cells of a run show.
    """

    memory_bytes: int | None = None
    cell_output_bytes: int = CELL_OUTPUT_BYTES
    run_output_bytes: int = RUN_OUTPUT_BYTES

    def memory_for(self, asked: int | None) -> int | None:
        """Return the memory that an attempt may use; None for no limit.

        Args:
            asked: What its policy says; None where it says nothing.
        """
        limit = self.memory_bytes if asked is None else asked
        if limit is None:
            limit = int(machine_memory_bytes() * _SHARE)
        return limit or None


@cache
def machine_memory_bytes() -> int:
    """Return the memory of this machine, or of the control group it is confined to, in bytes.

    The limits are read once in each process: a group has many parents.
    """
    return group_memory_bytes(_CGROUP, _SELF)


def group_memory_bytes(cgroup: Path, own: Path) -> int:
    """Return the least of the memory of this machine and the limits of control groups, in bytes.

    Args:
        cgroup: Where control groups are mounted.
        own: The file that names the groups of a process.

    Source:
        cgroups(7): ``memory.max`` in version 2, ``memory.limit_in_bytes`` in version 1.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_group_limits(cgroup, own)])


def address_space_bytes(memory_bytes: int | None) -> int | None:
    """Return the address space that goes with a memory limit: a backstop, not the limit.

    What is reserved is not used. Measured: pandas, pyarrow and DuckDB together reserve 2.5 GB for
    0.2 GB in use, a Java virtual machine 4 GB, Node with one WebAssembly memory 12 GB and a
    headless Chromium between 64 and 96 GiB. Below the sum of that and four times the memory, good
    notebooks would fail; above it are only allocations that cannot be meant.
    """
    return None if memory_bytes is None else _FACTOR * memory_bytes + _RESERVED_BYTES


def _group_limits(cgroup: Path, own: Path) -> Iterator[int]:
    """Yield the limits of all groups above this process."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, group = line.split(":", 2)
        if number == "0":
            root, name = cgroup, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = cgroup / "memory", "memory.limit_in_bytes"
        else:
            continue
        inner = root / group.lstrip("/")
        # In a container the group is often mounted as the root, under another name than it has.
        for folder in [inner, *inner.parents]:
            if folder != root and root not in folder.parents:
                break
            yield from _limit_of(folder / name)


def _limit_of(path: Path) -> list[int]:
    try:
        text = path.read_text().strip()
    except OSError:
        return []
    return [int(text)] if text.isdigit() and int(text) > 0 else []
