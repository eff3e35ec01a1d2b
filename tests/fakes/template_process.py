"""``python template_process.py STAND_IN LIFE ROOM``: a template whose runners are a script."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import msgspec

from jupyter_etl.execution.fork import leave
from jupyter_etl.execution.stem import Stem
from jupyter_etl.execution.template import Life, serve

if __name__ == "__main__":
    script, life = sys.argv[1], msgspec.json.decode(sys.argv[2], type=Life)

    def run(folder: Path, stem: Stem) -> int:
        """Do what the script does for this folder; how it exits is how this exits."""
        sys.argv = [script, str(folder)]
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    serve(life, run, lambda: None, (sys.executable, __file__, script))
    leave(0)
