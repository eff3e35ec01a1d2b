"""``jupyter etl``: the facade as a command line."""

from jupyter_etl.cli.main import main

__all__ = ["main"]
