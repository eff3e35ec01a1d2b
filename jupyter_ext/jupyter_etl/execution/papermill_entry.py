"""What papermill finds as its engine ``jupyter_etl``; it loads every entry point when imported."""

from __future__ import annotations

from typing import Any


class PapermillEntry:
    """An engine of papermill that imports nothing until it is used.

    Papermill loads its engines while it is being imported, and the platform imports papermill: an
    import of either here would find the other one half done.

    Source:
        Papermill, "Developing a new engine": the entry point group ``papermill.engine``.
    """

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Execute a parameterised notebook; the arguments are papermill's."""
        from jupyter_etl.execution.standalone_engine import StandaloneEngine

        return StandaloneEngine.execute_notebook(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> Any:
        """Return the kernel that a notebook names, or ``name``."""
        from papermill.utils import nb_kernel_name

        return nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> Any:
        """Return the language that a notebook names, or ``language``."""
        from papermill.utils import nb_language

        return nb_language(nb, language)
