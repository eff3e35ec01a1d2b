"""Reads that bypass declared sources, and writes that bypass publications."""

from __future__ import annotations

import ast
import fnmatch
import keyword
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from jupyter_etl.errors import EtlError
from jupyter_etl.language.names import slug
from jupyter_etl.language.sources import file_kind
from jupyter_etl.scheduling.preflight.accesses import Access, AccessReader, shell_accesses
from jupyter_etl.scheduling.preflight.findings import Environment, Finding, Scan
from jupyter_etl.scheduling.preflight.literals import Literals
from jupyter_etl.scheduling.preflight.platform_calls import Use

_SCRATCH = ("/tmp/", "/var/tmp/", "/dev/", "/proc/", "/sys/", "memory://")  # noqa: S108
"""Locations whose content is temporary."""

_UNKNOWN = re.compile(r"\{\{[^{}]*\}\}|\{[^{}]*\}")
_DRIVER = re.compile(r"^([a-zA-Z0-9]+)\+[a-zA-Z0-9_]+(?=://)")
_SUBJECT = {"file": "", "url": "", "database": "the database ", "table": "the table "}


class UndeclaredScan:
    """Collects the reads and writes of cells and reports those that are not declared.

    Args:
        scan: Collects the findings.
        literals: The values of names.
    """

    def __init__(self, scan: Scan, literals: Literals) -> None:
        self._scan = scan
        self._reader = AccessReader(literals)
        self._accesses: dict[Access, None] = {}
        self._sources: list[str] = []
        self._published: list[str] = []
        self._included: list[str] = []

    def read_text(self, cell: int, source: str) -> None:
        """Record what the shell commands of a cell read."""
        self._add(shell_accesses(cell, source))

    def bind(self, node: ast.AST) -> None:
        """Record a node that binds a name."""
        self._reader.bind(node)

    def read(self, cell: int, node: ast.Call) -> None:
        """Record the reads and writes of a call."""
        self._add(self._reader.read(cell, node))

    def declare(self, use: Use) -> None:
        """Record a source, a publication, or files that the deployed version contains."""
        args = use.args
        match use.name:
            case "source":
                self._sources += _texts([args.get("location")])
            case "publish" if args.get("kind") != "table":
                self._published += _texts([args.get("path"), args.get("name")])
            case "schedule":
                include = args.get("include")
                self._included += _texts(
                    include if isinstance(include, list | tuple) else [include]
                )

    def findings(self, may_write: Callable[[str], bool]) -> Iterator[Finding]:
        """Yield one warning for each undeclared read or write.

        Args:
            may_write: Returns whether the notebook may write a path, including by code that
                cannot be analysed.
        """
        environment = self._scan.environment
        sources = [*map(self._located, self._sources)]
        if environment is not None:
            sources += [_comparable(one.location) for one in environment.sources.values()]
        published = [_comparable(one) for one in self._published]
        written = [_comparable(one.target) for one in self._accesses if one.verb == "writes"]
        seen: set[tuple[str, str]] = set()
        for one in self._accesses:
            target = _comparable(one.target)
            known = [*sources, *(published if one.verb == "writes" else written)]
            if one.verb == "reads":
                known += [*map(_comparable, self._included), *published]
            if one.target.startswith(_SCRATCH) or (one.verb, target) in seen:
                continue
            places = {target, self._located(one.target)}
            if one.what != "table" and any(_is_in(place, known) for place in places):
                continue
            if one.verb == "reads" and one.what == "file" and self._is_made(one.target, may_write):
                continue
            seen.add((one.verb, target))
            yield _finding(one)

    def _is_made(self, path: str, may_write: Callable[[str], bool]) -> bool:
        environment = self._scan.environment
        absent = environment is not None and not environment.has_file(path, pattern=False)
        return absent and may_write(path)

    def _add(self, found: Iterable[Access]) -> None:
        self._accesses.update(dict.fromkeys(found))

    def _located(self, location: str) -> str:
        """Return a location in the form of the catalogue, which makes paths absolute."""
        environment = self._scan.environment
        return _comparable(location if environment is None else _declared(environment, location))


def _declared(environment: Environment, location: str) -> str:
    for kind in (None, "csv"):
        try:
            return environment.declare(
                {"name": "data", "location": location, "kind": kind}
            ).location
        except EtlError:
            continue
    return location


def _texts(given: Iterable[object]) -> list[str]:
    return [one for one in given if isinstance(one, str) and one]


def _comparable(location: str) -> str:
    """Return a location in a canonical form; ``*`` replaces unknown parts."""
    location = _DRIVER.sub(r"\1", _UNKNOWN.sub("*", location)).removeprefix("sqlite:///")
    scheme, mark, rest = location.partition("://")
    if not mark:
        return posixpath.normpath(location)
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.rpartition('@')[2].lower()}{slash}{path.rstrip('/')}"


def _is_in(target: str, known: Iterable[str]) -> bool:
    return any(
        target == one
        or target.startswith(f"{one}/")
        or fnmatch.fnmatchcase(target, one)
        or ("*" in target and fnmatch.fnmatchcase(one, target))
        for one in known
    )


def _finding(one: Access) -> Finding:
    shown = _shown(one.target)
    clause = f"{one.verb} {_SUBJECT[one.what]}'{shown}'"
    if one.verb == "reads":
        clause = clause.replace("reads the database", "opens the database")
        message, hint = f"{clause}, which is not a declared source.", _source_hint(one, shown)
    elif one.verb == "writes":
        message, hint = f"{clause}, which is not a publication.", _publish_hint(one, shown)
    else:
        message = f"sends a {one.method} request to '{shown}', and again when the run is repeated."
        hint = "Publish the data, and let others read it: %etl publish table NAME FRAME."
    return Finding(
        severity="warning",
        cell=one.cell,
        message=f"Cell {one.cell + 1} {message}",
        hint=hint,
        kind="undeclared",
    )


def _source_hint(one: Access, shown: str) -> str:
    location = _UNKNOWN.sub("*", shown)
    if one.what == "url" and "*" in location and location.startswith("http"):
        location = location.partition("*")[0]
    name = _name(shown)
    if one.what == "file" and file_kind(location) is None:
        return f"Pin it with the version: %etl schedule WHEN --include {_word(location)}"
    secret = f" --secret {name}_pw" if _has_password(one.target) else ""
    read = f"%%etl sql {name}" if one.what == "database" else f"%etl load {name}"
    return f"Declare it: %etl source {name} {_word(location)}{secret}, and read it by {read}."


def _publish_hint(one: Access, shown: str) -> str:
    frame = one.frame or "FRAME"
    if one.what == "table":
        return f"Publish the frame instead: %etl publish table {_name(shown)} {frame}"
    if one.what == "url" or (one.frame and file_kind(shown) is None):
        return f"Publish the frame instead: %etl publish table {_name(shown)} {frame}"
    path = _word(re.sub(r"(?<!\{)\{(\w+)\}(?!\})", r"{{\1}}", shown))
    return f"Publish it: %etl publish file {path}{' ' if one.frame else ''}{one.frame}"


def _word(text: str) -> str:
    return text if re.fullmatch(r"[^\s'\"]+", text) else f'"{text}"'


def _shown(target: str) -> str:
    """Return a target without user, password and query, which may be secret."""
    scheme, mark, rest = target.partition("://")
    if mark:
        rest = re.split(r"[?#]", rest, maxsplit=1)[0]
        host, slash, path = rest.partition("/")
        target = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
    return target if len(target) <= 100 else f"{target[:99]}…"


def _has_password(target: str) -> bool:
    try:
        return urlsplit(target).password is not None
    except ValueError:
        return False


def _name(shown: str) -> str:
    """Suggest a name for a source or publication at a location."""
    plain = _UNKNOWN.sub("*", shown)
    _, mark, rest = plain.partition("://")
    parts = [part.partition(".")[0] for part in (rest if mark else plain).split("/")]
    known = [part for part in parts if part and "*" not in part]
    name = slug(known[-1] if known else "", empty="data").replace("-", "_")
    return f"{name}_data" if keyword.iskeyword(name) or name == "local" else name
