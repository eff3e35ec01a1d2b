"""A process that executes code for the benchmark, and returns its cost.

Both sides are measured in such a process. It needs only the standard library, because it also runs
in the peers' environment. The code runs in ``__main__``, like that of a notebook.

Input is one JSON object per line, ``{"code": ...}``. So is output, with wall-clock and processor
seconds, the peak of the resident memory, and the variable ``value``.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
import traceback
from typing import Any, TextIO

_NAMES = globals()
"""Those of ``__main__``, until the code starts an IPython shell, which replaces them."""


def peak_bytes() -> int:
    """Return the largest resident memory of this process since it was started.

    Source:
        proc(5), VmHWM. ``ru_maxrss`` would begin with the memory of the process that forked this.
    """
    with open("/proc/self/status") as status:  # noqa: PTH123 - as bare as can be
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def cpu_s() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def execute(code: str) -> dict[str, Any]:
    """Execute code in ``__main__`` and return its cost, with its ``value`` or its error."""
    _NAMES["value"] = None
    compiled = compile(code, "<bench>", "exec")
    gc.collect()
    cpu, begun = cpu_s(), time.perf_counter()
    try:
        exec(compiled, _NAMES)  # noqa: S102 - the benchmark's own code
    except BaseException:  # noqa: BLE001 - whatever it is, the benchmark is told
        return {"error": traceback.format_exc(limit=-6)}
    wall = time.perf_counter() - begun
    return {
        "wall_s": wall,
        "cpu_s": cpu_s() - cpu,
        "peak_bytes": peak_bytes(),
        "value": _NAMES["value"],
    }


def main() -> None:
    """Execute each line until the input ends; the code's output goes to stderr."""
    answers: TextIO = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(execute(json.loads(line)["code"]), default=str) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
