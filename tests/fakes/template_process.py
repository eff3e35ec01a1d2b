"""``python template_process.py STAND_IN LIFE ROOM``: a template whose runners are a script."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import msgspec

from jupyter_etl.runner.warm.fork import leave
from jupyter_etl.runner.warm.fork_server import Life, serve
from jupyter_etl.runner.warm.forked_kernel import Stem

if __name__ == "__main__":
    script, life = sys.argv[1], msgspec.json.decode(sys.argv[2], type=Life)

    class Ready:
        """Does what the script does for a folder; how that exits is how this exits."""

        def __init__(self, stem: Stem) -> None:
            """Need nothing."""
            self._rehearsed = Path(script).with_name("rehearsed")

        def rehearse(self) -> None:
            """Tell who does so, and fail where the test wants it."""
            with self._rehearsed.open("a") as file:
                file.write(f"{os.getpid()}\n")
            if self._rehearsed.with_name("fails").exists():
                raise RuntimeError("the rehearsal failed")

        def run(self, folder: Path) -> int:
            """Run the script."""
            sys.argv = [script, str(folder)]
            try:
                runpy.run_path(script, run_name="__main__")
            except SystemExit as end:
                return int(end.code or 0)
            return 0

        def dismiss(self) -> None:
            """Have nothing to let go."""

    class Workshop:
        """Makes runners of the script ready."""

        def plan_rehearsal(self) -> None:
            """Have no plan."""

        def make_ready(self, stem: Stem) -> Ready:
            """Return one."""
            return Ready(stem)

    serve(life, Workshop, (sys.executable, __file__, script))
    leave(0)
