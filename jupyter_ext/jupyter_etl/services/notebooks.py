"""Notebook files on disk."""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_etl.errors import DeclarationError, NotFound, PermissionDenied
from jupyter_etl.language.names import nearest
from jupyter_etl.language.notebooks.notebook import Outline, parse_notebook
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.ports import Store

MAX_BYTES = 100_000_000


def read_notebook(notebook: Path) -> tuple[Path, str, Outline]:
    """Read and parse a notebook file.

    Returns:
        The absolute path, the text, and what the notebook declares.

    Raises:
        NotFound: There is no such file.
        PermissionDenied: It cannot be read.
        DeclarationError: It is not a notebook, or is larger than 100 MB.
    """
    if "\0" in str(notebook):
        raise DeclarationError(f"The path {str(notebook)!r} contains a NUL character.")
    path = notebook.expanduser().resolve()
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DeclarationError(
                f"{path.name} has {rounded_size(size)}; at most {rounded_size(MAX_BYTES)} can be "
                "deployed.",
                hint="Clear its outputs and save it again.",
            )
        text = path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        siblings = [p.name for p in path.parent.glob("*.ipynb")] if path.parent.is_dir() else []
        guess = nearest(path.name, siblings)
        raise NotFound(f"There is no notebook at {path}.{guess}") from None
    except IsADirectoryError:
        raise DeclarationError(f"{path} is a folder, not a notebook.") from None
    except PermissionError:
        raise PermissionDenied(
            f"The notebook {path} cannot be read.", hint=f"chmod u+r {path}"
        ) from None
    except UnicodeDecodeError:
        raise DeclarationError(
            f"{path.name} is not UTF-8 text, so it is not a notebook.",
            hint="Open it in JupyterLab and save it again.",
        ) from None
    except OSError as problem:
        raise DeclarationError(
            f"The notebook {path} cannot be read: {problem.strerror}.",
            hint="Check its path and its disk.",
        ) from problem
    return path, text, parse_notebook(text, path=str(path))


def has_outputs(notebook: Path, *, cards: bool) -> bool:
    """Return whether a saved notebook has any output.

    Args:
        notebook: A readable notebook.
        cards: Whether the output of `%etl` itself counts.
    """
    cells = json.loads(notebook.read_text("utf-8")).get("cells", [])
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return any(
        cards or not output.get("metadata", {}).get("jupyter_etl", {}).get("card")
        for output in outputs
    )


def sources_of(outline: Outline, store: Store) -> tuple[str, ...]:
    """Return the names of the sources that a notebook reads; see `Outline.sources_among`."""
    return outline.sources_among(
        [source.name for source in store.load_sources()],
        [one.name for one in store.load_publications() if one.live is not None],
    )
