"""Limits of one attempt's use of the machine."""

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
    """The limits of a machine, used if a pipeline's policy sets none.

    Args:
        memory_bytes: Resident memory of a kernel with all its processes; 0 for no limit, None for
            80 % of the memory of the machine, or of its control group.
        cell_output_bytes: Size of the output kept of one cell.
        run_output_bytes: Size of the output kept of all cells of a run.
    """

    memory_bytes: int | None = None
    cell_output_bytes: int = CELL_OUTPUT_BYTES
    run_output_bytes: int = RUN_OUTPUT_BYTES

    def memory_for(self, asked: int | None) -> int | None:
        """Return the memory that an attempt may use; None for no limit.

        Args:
            asked: The limit of its policy; None if it sets none.
        """
        limit = self.memory_bytes if asked is None else asked
        if limit is None:
            limit = int(machine_memory_bytes() * _SHARE)
        return limit or None


@cache
def machine_memory_bytes() -> int:
    """Return the memory of this machine, or of its control group if that is limited, in bytes.

    The limits are read once per process, because a group has many parents.
    """
    return group_memory_bytes(_CGROUP, _SELF)


def group_memory_bytes(cgroup: Path, own: Path) -> int:
    """Return the least of the memory of this machine and the limits of control groups, in bytes.

    Args:
        cgroup: Mount point of the control groups.
        own: File that names the groups of a process.

    Source:
        cgroups(7): ``memory.max`` in version 2, ``memory.limit_in_bytes`` in version 1.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_group_limits(cgroup, own)])


def address_space_bytes(memory_bytes: int | None) -> int | None:
    """Return the limit of the address space for a memory limit: a backstop, not the limit itself.

    Reserved memory is not used memory. Measured: pandas, pyarrow and DuckDB together reserve 2.5 GB
    for 0.2 GB in use, a Java virtual machine 4 GB, Node with one WebAssembly memory 12 GB and a
    headless Chromium between 64 and 96 GiB. Below the sum of that and four times the memory, valid
    notebooks would fail; only erroneous allocations exceed it.
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
        # In a container the group is often mounted as the root, under a different name.
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
