"""``%etl`` and ``%etl COMMAND -h``."""

from __future__ import annotations

import sys

from jupyter_etl.spec.commands import Command, guide, usage
from jupyter_etl_magics.session import Session


def execute(_session: Session, command: Command) -> None:
    """Write the guide, or the usage of one command."""
    name = str(command.args["command"])
    sys.stdout.write((usage(name) if name else guide()) + "\n")
