"""The environment that preflight queries: the kernel, the files and the ledger."""

from jupyter_etl.services.preflight.place import NotebookPlace

__all__ = ["NotebookPlace"]
