"""Resumption of a run from a checkpoint: what must be unchanged, and what must be saved."""

from __future__ import annotations

import builtins
import re
from collections.abc import Collection, Mapping, Sequence

from jupyter_etl.language.notebooks.notebook import Cell, Outline, parse_notebook
from jupyter_etl.model import Checkpoint, Resumption
from jupyter_etl.scheduling.preflight.cell_code import opens_namespace, parse_cell
from jupyter_etl.scheduling.preflight.names import NameReader

_WORD = re.compile(r"[A-Za-z_]\w*")
_NOT_PYTHON = re.compile(r"(?m)^\s*(?:[\w.,\[\]'\" ]+?=\s*)?[%!?].*|^.*\?\s*$")


def plan_resumption(
    checkpoint: Checkpoint, snapshot: str, parameters: Mapping[str, object]
) -> Resumption:
    """Decide whether a notebook can resume from a checkpoint.

    Args:
        checkpoint: The checkpoint of a failed attempt.
        snapshot: The notebook that would be executed now.
        parameters: Its parameters, typed, as JSON values.

    Returns:
        The cell to resume at, or the reason why that is not possible.

    Raises:
        DeclarationError: The snapshot is not a notebook.
    """
    notebook = parse_notebook(snapshot)
    code = [cell for cell in notebook.cells if cell.kind == "code"]
    done = len(checkpoint.before)
    why_not = (
        checkpoint.problem
        or _other_kernel(checkpoint, notebook)
        or _other_parameters(checkpoint, parameters)
        or _other_cells(checkpoint, code)
        or _lacks(checkpoint, code[done:])
    )
    if why_not:
        return Resumption(why_not=why_not)
    return Resumption(cell=code[done].index if len(code) > done else len(notebook.cells))


def _other_kernel(checkpoint: Checkpoint, notebook: Outline) -> str:
    if notebook.kernel == checkpoint.kernel:
        return ""
    return (
        f"the notebook's kernel is {notebook.kernel or 'not named'} now, and was "
        f"{checkpoint.kernel or 'not named'} in attempt {checkpoint.attempt}"
    )


def _other_parameters(checkpoint: Checkpoint, parameters: Mapping[str, object]) -> str:
    before = checkpoint.parameters
    names = sorted(
        name
        for name in {*before, *parameters}
        if name not in before or name not in parameters or before[name] != parameters[name]
    )
    if not names:
        return ""
    return f"parameters are not those of attempt {checkpoint.attempt}: {', '.join(names)}"


def _other_cells(checkpoint: Checkpoint, code: Sequence[Cell]) -> str:
    before = checkpoint.before
    if len(code) < len(before):
        return (
            f"the notebook has {len(code)} code cells now, and attempt {checkpoint.attempt} had "
            f"executed {len(before)} before the one that failed"
        )
    differing = [
        str(cell.index + 1)
        for old, cell in zip(before, code, strict=False)
        if old.strip() != cell.source.strip()
    ]
    if not differing:
        return ""
    cells, verb = ("cells", "are") if len(differing) > 1 else ("cell", "is")
    return (
        f"{cells} {', '.join(differing)} {verb} not as attempt {checkpoint.attempt} executed "
        f"{'them' if len(differing) > 1 else 'it'}"
    )


def _lacks(checkpoint: Checkpoint, rest: Sequence[Cell]) -> str:
    used = _names_used(rest, checkpoint.left_out)
    for name in sorted(used):
        used |= _reached(name, checkpoint.uses)
    lacking = sorted(used & checkpoint.left_out.keys())
    if not lacking:
        return ""
    names = "; ".join(f"{name} ({checkpoint.left_out[name]})" for name in lacking)
    return f"the remaining cells use variables that could not be saved: {names}"


def _names_used(cells: Sequence[Cell], doubtful: Collection[str]) -> set[str]:
    """Return the names that cells use before they define them; it may return too many.

    Args:
        cells: Code cells, in order.
        doubtful: Names that count as used wherever they are mentioned.
    """
    reader = NameReader()
    mentioned: set[str] = set()
    for cell in cells:
        text = cell.source
        try:
            tree = parse_cell(text)
        except SyntaxError:
            mentioned |= set(_WORD.findall(text))
            continue
        magics = text if text.lstrip().startswith("%%") else "\n".join(_NOT_PYTHON.findall(text))
        mentioned |= set(_WORD.findall(magics)) - reader.defined.keys()
        reader.read(cell.index, tree)
        if reader.opened or opens_namespace(text):
            # A string that is executed may use any name that it mentions.
            mentioned |= set(_WORD.findall(text)) - reader.defined.keys()
            reader.opened = False
        hiding = {name for name in doubtful if name in vars(builtins)}
        mentioned |= hiding & set(_WORD.findall(text))
    return {*reader.undefined(), *mentioned}


def _reached(name: str, uses: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the names that the functions behind a name look up, including called functions."""
    reached: set[str] = set()
    new = set(uses.get(name, ()))
    while new:
        reached |= new
        new = {far for near in new for far in uses.get(near, ())} - reached
    return reached
