"""Static analysis of notebooks: cells, parameters, commands; and their snapshots."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.data import (
    DescribeRequest,
    LoadRequest,
    PreviewRequest,
    SourceRequest,
)
from jupyter_etl.language.commands.declarations import Request
from jupyter_etl.language.commands.publications import PublishTableRequest
from jupyter_etl.language.commands.queries import (
    CheckRequest,
    ParamRequest,
    ProfileRequest,
    SampleRequest,
    SqlRequest,
)
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.notebooks.cells import (
    calls_in,
    commands_in,
    parameters_in_python,
    parameters_in_text,
)
from jupyter_etl.language.parameters.parameter import parse_parameter
from jupyter_etl.model import Parameter

_VOLATILE_CELL = ("execution", "ExecuteTime", "papermill", "collapsed", "scrolled", "trusted")
_VOLATILE_NOTEBOOK = ("papermill", "widgets", "signature", "execution", "jupyter_etl")
_PARAMETERS = "parameters"
_READING_CALLS = frozenset(
    {"source", "describe", "check", "sql", "load", "preview", "profile", "sample"}
)
"""The functions of `etl` that read or declare what their first argument names."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell.

    Args:
        index: From 0, over all cells.
        kind: ``code``, ``markdown`` or ``raw``.
        source: Its text.
        tags: Its tags.
    """

    index: int
    kind: str
    source: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outline:
    """The declarations of a notebook, found without running it.

    Args:
        cells: All cells, in order.
        parameters: Declared parameters, in order; one per name.
        commands: Index of the cell and the command, for every valid ``%etl``.
        kernel: Name of its kernel; None if the notebook names none (python3 is assumed).
        language: Language of its code, in lower case.
        notes: Problems, one sentence each; they count cells from 1.
    """

    cells: tuple[Cell, ...]
    parameters: tuple[Parameter, ...] = ()
    commands: tuple[tuple[int, Request], ...] = ()
    kernel: str | None = None
    language: str = "python"
    notes: tuple[str, ...] = ()

    @property
    def outputs(self) -> dict[str, str]:
        """Frames that it publishes as tables: variable to publication."""
        return {
            request.data: request.name
            for _, request in self.commands
            if isinstance(request, PublishTableRequest)
        }

    @property
    def deployment(self) -> ScheduleRequest | None:
        """Its last ``%etl schedule`` that gives a schedule, if it has one."""
        found = [one for _, one in self.commands if isinstance(one, ScheduleRequest)]
        return found[-1] if found and (found[-1].when or found[-1].after) else None

    def sources_among(
        self, names: Collection[str], publications: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Return the names of the sources that it reads, as far as its text shows.

        Args:
            names: Declared sources; those that it declares itself count too.
            publications: Names that are not tables of a source, although they start with its name.
        """
        said = [named for _, request in self.commands if (named := named_source(request))]
        known = {*names}
        known |= {one.name for _, one in self.commands if isinstance(one, SourceRequest)}
        if self.language == "python":
            code = [cell.source for cell in self.cells if cell.kind == "code"]
            calls = [call for source in code for call in calls_in(source)]
            said += [target for function, target in calls if function in _READING_CALLS]
            known |= {target for function, target in calls if function == "source"}
        return tuple(
            sorted(
                {
                    found
                    for target in said
                    if target in known or target not in publications
                    for found in _head_in(known, target)
                }
            )
        )


def named_source(request: Request) -> str:
    """Return the source, table or frame that a request reads or declares; "" if it is none."""
    match request:
        case SourceRequest() | DescribeRequest() | CheckRequest():
            return request.name
        case LoadRequest() | PreviewRequest() | ProfileRequest() | SampleRequest():
            return request.target
        case SqlRequest():
            return request.source
        case _:
            return ""


def parse_notebook(text: str, *, path: str = "") -> Outline:
    """Parse a notebook.

    Returns:
        Its outline. Invalid commands and parameters become notes, because only running the notebook
        shows whether they matter.

    Raises:
        DeclarationError: It is empty, not JSON, not a notebook, or in a format before 4.
    """
    document = _load(text, path)
    cells = tuple(_cell(index, raw, path) for index, raw in enumerate(document["cells"]))
    metadata = _mapping(document.get("metadata"))
    kernel, language, notes = _kernel(metadata)
    tagged = [cell for cell in cells if cell.kind == "code" and _PARAMETERS in cell.tags]
    if len(tagged) > 1:
        notes.append(
            f"{len(tagged)} cells have the tag '{_PARAMETERS}'; only the first one, cell "
            f"{tagged[0].index + 1}, is used."
        )
    parameters: dict[str, Parameter] = {}
    commands: list[tuple[int, Request]] = []
    for cell in (cell for cell in cells if cell.kind == "code"):
        found, in_cell, mentions = _read_code(cell, language, tagged=cell in tagged[:1])
        parameters.update({parameter.name: parameter for parameter in found})
        commands += [(cell.index, command) for command in in_cell]
        notes += [f"Cell {cell.index + 1}: {note}" for note in mentions]
    return Outline(
        cells=cells,
        parameters=tuple(parameters.values()),
        commands=tuple(commands),
        kernel=kernel,
        language=language,
        notes=tuple(notes),
    )


def _head_in(known: Collection[str], target: str) -> tuple[str, ...]:
    """Return the longest known prefix of ``wh.orders``, if there is one."""
    parts = target.split(".")
    heads = (".".join(parts[:cut]) for cut in range(len(parts), 0, -1))
    return tuple(head for head in heads if head in known)[:1]


def _read_code(
    cell: Cell, language: str, *, tagged: bool
) -> tuple[list[Parameter], list[Request], list[str]]:
    """Return the parameters, the commands and the notes of one code cell."""
    found: list[Parameter] = []
    notes: list[str] = []
    if tagged:
        read = parameters_in_python if language == "python" else parameters_in_text
        found, notes = read(cell.source)
    if language != "python":
        return found, [], notes
    commands, mentions = commands_in(cell.source)
    declared, more = _declared(commands, cell.source)
    return [*found, *declared], commands, [*notes, *mentions, *more]


def _declared(commands: list[Request], source: str) -> tuple[list[Parameter], list[str]]:
    texts = [request.text for request in commands if isinstance(request, ParamRequest)]
    found: list[Parameter] = []
    notes: list[str] = []
    called = [text for name, text in calls_in(source) if name == "param"]
    for text in (*texts, *called):
        try:
            found.append(parse_parameter(text))
        except DeclarationError as problem:
            notes.append(str(problem))
    return found, notes


def _kernel(metadata: dict[str, object]) -> tuple[str | None, str, list[str]]:
    spec = _mapping(metadata.get("kernelspec"))
    info = _mapping(metadata.get("language_info"))
    name = spec.get("name")
    kernel = name if isinstance(name, str) and name else None
    language = info.get("name") or spec.get("language") or "python"
    notes = [] if kernel else ["The notebook has no kernel; python3 is used."]
    # The Python kernel sometimes calls its language ipython.
    return kernel, str(language).lower().replace("ipython", "python"), notes


def _load(text: str, path: str) -> dict[str, list[object]]:
    called = f"The notebook '{path}'" if path else "The notebook"
    if not text.strip():
        raise DeclarationError(
            f"{called} is empty.", hint="Open it in JupyterLab, and save it there."
        )
    try:
        document = json.loads(text)
    except RecursionError:
        raise DeclarationError(
            f"{called} is nested too deeply.", hint="Save it again in JupyterLab."
        ) from None
    except json.JSONDecodeError as problem:
        raise _no_json(text, called, problem) from None
    if not isinstance(document, dict) or not ("cells" in document or "worksheets" in document):
        raise DeclarationError(
            f"{called} is JSON, but not a notebook: it has no cells.",
            hint="Use the path of a notebook file (.ipynb) saved by JupyterLab.",
        )
    version = document.get("nbformat", 4)
    if "worksheets" in document or not isinstance(version, int) or version < 4:
        raise DeclarationError(
            f"{called} has the old format {version}; format 4 is required.",
            hint=f"Convert it: jupyter nbconvert --to notebook --inplace {path or 'NOTEBOOK'}",
        )
    if version > 4 or not isinstance(document["cells"], list):
        what = (
            f"has format {version}; format 4 is required" if version > 4 else "has no list of cells"
        )
        raise DeclarationError(f"{called} {what}.", hint="Save it again in JupyterLab 4.")
    return document


def _no_json(text: str, called: str, problem: json.JSONDecodeError) -> DeclarationError:
    where = f"line {problem.lineno}, column {problem.colno}"
    if "\n<<<<<<< " in f"\n{text}":
        hint = "It contains the markers of a merge conflict: resolve it, for example with nbdime."
    elif problem.pos >= len(text.rstrip()) - 1 or "Unterminated" in problem.msg:
        hint = "It is truncated: restore it from a checkpoint or from version control."
    else:
        hint = "Open it in JupyterLab, and save it there."
    return DeclarationError(f"{called} is not valid JSON ({where}: {problem.msg}).", hint=hint)


def _cell(index: int, raw: object, path: str) -> Cell:
    cell = _mapping(raw)
    kind, source = cell.get("cell_type"), cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(kind, str) or not isinstance(source, str):
        raise DeclarationError(
            f"Cell {index + 1} of the notebook{f' {path!r}' if path else ''} is damaged: it has no "
            "type or no source.",
            hint="Open it in JupyterLab, and save it there.",
        )
    tags = _mapping(cell.get("metadata")).get("tags")
    return Cell(
        index=index,
        kind=kind,
        source=source,
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
    )


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def snapshot_of(text: str) -> str:
    """Return a notebook as it is deployed: canonical JSON without the results of execution.

    Returns:
        JSON that is the same for the same cells, tags and kernel, regardless of outputs, execution
        counts and the patch version of the language. ASCII, keys sorted.

    Raises:
        DeclarationError: See `parse_notebook`.
    """
    document = _load(text, "")
    minor = document.get("nbformat_minor", 5)
    has_ids = isinstance(minor, int) and minor >= 5
    metadata = _without(_mapping(document.get("metadata")), _VOLATILE_NOTEBOOK)
    if "language_info" in metadata:
        metadata["language_info"] = _without(_mapping(metadata["language_info"]), ("version",))
    cells = [
        _bare_cell(_cell(index, raw, ""), _mapping(raw), has_ids)
        for index, raw in enumerate(document["cells"])
    ]
    snapshot = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}
    return json.dumps(snapshot, sort_keys=True, indent=1) + "\n"


def cells_by_id(snapshot: str) -> dict[str, str]:
    """Return the sources of a snapshot's cells by their ids; empty for formats before 4.5."""
    cells = json.loads(snapshot)["cells"]
    return {str(cell["id"]): str(cell["source"]) for cell in cells if "id" in cell}


def _bare_cell(cell: Cell, raw: dict[str, object], has_ids: bool) -> dict[str, object]:
    bare = {
        **_without(raw, ("outputs", "execution_count", "id")),
        "source": cell.source,
        "metadata": _without(_mapping(raw.get("metadata")), _VOLATILE_CELL),
    }
    if cell.kind == "code":
        bare |= {"outputs": [], "execution_count": None}
    if has_ids:
        # Without an id, nbformat assigns a random one at every reading.
        bare["id"] = raw.get("id") or f"cell-{cell.index}"
    return bare


def _without(mapping: dict[str, object], names: tuple[str, ...]) -> dict[str, object]:
    return {key: value for key, value in mapping.items() if key not in names}
