"""What a command of the magic works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from jupyter_etl.errors import Conflict, DeclarationError, NotFound
from jupyter_etl.language.names import nearest
from jupyter_etl.notebook.caller import CallerNames
from jupyter_etl.notebook.kernel_state import data_session, notebook_folder, open_etl
from jupyter_etl.notebook.location import in_run, notebook_path, saved_notebook

if TYPE_CHECKING:
    from jupyter_etl.notebook.session import DataSession
    from jupyter_etl.services.etl import Etl


@dataclass(frozen=True)
class Session:
    """One call of the magic in a shell.

    Args:
        shell: Of the kernel or terminal.
        names: Variables that are visible to the magic; by default those of the notebook.
    """

    shell: InteractiveShell
    names: Mapping[str, object] | None = None

    @property
    def namespace(self) -> Mapping[str, object]:
        """The variables that are visible to the magic: those of its function take precedence."""
        return self.shell.user_ns if self.names is None else self.names

    @property
    def data_session(self) -> DataSession:
        """Data in and out of this notebook."""
        return data_session(self.namespace)

    @property
    def etl(self) -> Etl:
        """The facade; raises `PermissionDenied` inside a run."""
        return open_etl()

    @property
    def in_run(self) -> bool:
        """Whether this is the kernel of a run."""
        return in_run()

    def frame(self, name: str) -> object:
        """Return a variable of the notebook; raises `NotFound`."""
        value = self.namespace.get(name)
        if value is None and name in self.namespace:
            raise NotFound(
                f"{name!r} is None, not a frame.",
                hint="Run the cell that defines it, and check that it assigns a value.",
            )
        if value is None:
            known = [known for known in self.namespace if not known.startswith("_")]
            raise NotFound(
                f"This notebook has no variable {name!r}.{nearest(name, known)}",
                hint="Run the cell that makes it first.",
            )
        return value

    def store(self, name: str, value: object) -> None:
        """Make a variable of the notebook.

        Raises:
            DeclarationError: At the place of the magic the name is a variable of a function, which
                a magic cannot set.
        """
        self.refuse_of_function(name)
        self.shell.user_ns[name] = value

    def refuse_of_function(self, name: str) -> None:
        """Refuse a name that cannot be stored; raises `DeclarationError`."""
        if isinstance(self.names, CallerNames) and self.names.of_function(name):
            raise DeclarationError(
                f"'{name}' is a variable of a function, which a magic cannot set.",
                hint=f"Assign the result: {name} = %etl sql ..., or {name} = etl.param(...).",
            )

    def notebook(self, given: str = "") -> Path:
        """Return the notebook that is meant.

        Args:
            given: Its path; "" for this one.

        Raises:
            DeclarationError: This kernel belongs to no notebook file.
        """
        if given:
            return notebook_folder(self.shell.user_ns) / Path(given).expanduser()
        return saved_notebook()

    def notebook_to_run(self, given: str = "") -> Path:
        """Return the notebook that is meant, whose file is what runs.

        Args:
            given: Its path; "" for this one.

        Raises:
            DeclarationError: This kernel belongs to no notebook file.
            Conflict: The file of this notebook lacks the cell that is being run.
        """
        notebook = self.notebook(given)
        if given and notebook.resolve() != self._own_notebook():
            return notebook
        history = self.shell.history_manager
        cell = history.input_hist_raw[-1].strip() if history is not None else ""
        saved = self.etl.pipelines.outline(notebook).cells
        if cell and not any(c.source.strip() == cell for c in saved):
            raise Conflict(
                f"{notebook.name} on disk lacks this cell, so an older state would run.",
                hint="Save the notebook first, then run the cell again.",
            )
        return notebook

    def _own_notebook(self) -> Path | None:
        path = notebook_path()
        return None if path is None else path.resolve()

    def pipeline(self, given: str = "") -> str:
        """Return the name of the pipeline that is meant.

        Args:
            given: Its name; "" for the one this notebook is deployed as.

        Raises:
            NotFound: This notebook is not deployed.
        """
        if given:
            return given
        notebook = self.notebook()
        path = str(notebook.resolve())
        names = [p.name for p in self.etl.pipelines.list() if p.notebook == path]
        moved = None if names else self.etl.pipelines.moved_to(notebook)
        if moved is not None:
            raise NotFound(
                f"This is the notebook of {moved.name}, which was deployed from {moved.notebook}.",
                hint="Relink it: %etl relink",
            )
        if not names:
            raise NotFound(
                "This notebook is not deployed.", hint='Deploy it: %etl schedule "daily at 06:00"'
            )
        return names[0]
