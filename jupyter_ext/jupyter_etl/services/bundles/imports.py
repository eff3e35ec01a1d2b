"""Imports, executed scripts and file reads of Python code, from its text."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from jupyter_etl.scheduling.preflight.cell_code import parse_cell
from jupyter_etl.services.bundles.paths import PathReader

_MAGIC = re.compile(r"(?m)^[^\S\n]*%(run|load_ext|reload_ext|aimport)[^\S\n]+([^\n]+)")
_WRITTEN = re.compile(r"\s*%%(?:writefile|file)[^\S\n]+(?:-a[^\S\n]+)?([^\n]+)")
_RESOURCES = frozenset({"importlib.resources", "importlib_resources", "pkg_resources"})
_LISTINGS = frozenset({"iter_modules", "walk_packages"})


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An imported module.

    Args:
        name: Absolute dotted name.
        names: Names imported from it, which may be submodules; ``*`` for all.
    """

    name: str
    names: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Needs:
    """The dependencies of Python code.

    Args:
        modules: Imported modules.
        scripts: Executed files, as written.
        folders: Folders that are added to ``sys.path``, absolute.
        written: Files that the cells write.
        dynamic: Whether it imports modules whose names are only known at run time.
        reads_own_files: Whether it opens files relative to its own file.
    """

    modules: list[Wanted] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    dynamic: bool = False
    reads_own_files: bool = False


def needs_of_cell(source: str, paths: PathReader) -> Needs:
    """Return the dependencies of a cell; none if it is not Python."""
    written = _WRITTEN.match(source)
    if written is not None:
        return Needs(written=[written[1].strip().strip("'\"")])
    try:
        tree = parse_cell(source)
    except SyntaxError:
        return Needs()
    needs = _needs_of_tree(tree, paths, package="")
    if tree.body or not source.lstrip().startswith("%%"):
        for name, rest in _MAGIC.findall(source):
            _add_magic(needs, name, rest)
    return needs


def needs_of_module(source: bytes, paths: PathReader, *, package: str) -> Needs:
    """Return the dependencies of a module file.

    Args:
        paths: Evaluates path expressions.
        package: The package that relative imports start from; "" for none.
    """
    try:
        return _needs_of_tree(ast.parse(source), paths, package=package)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Needs()


def _needs_of_tree(tree: ast.Module, paths: PathReader, *, package: str) -> Needs:
    paths.learn(tree)
    needs = Needs(folders=paths.folders_added(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            needs.modules += [Wanted(name=alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node.module or "", node.level, package)
            if base:
                names = tuple(alias.name for alias in node.names)
                needs.modules.append(Wanted(name=base, names=names))
        elif isinstance(node, ast.Call):
            _add_call(needs, node, paths, package)
        elif isinstance(node, ast.Name) and node.id == "__file__":
            needs.reads_own_files = True
    if any(wanted.name in _RESOURCES or _takes_resources(wanted) for wanted in needs.modules):
        needs.reads_own_files = True
    return needs


def _takes_resources(wanted: Wanted) -> bool:
    return wanted.name == "importlib" and "resources" in wanted.names


def _absolute(module: str, level: int, package: str) -> str:
    """Return the absolute name of a relative import; "" if it leaves its package."""
    if level == 0:
        return module
    parts = package.split(".") if package else []
    if len(parts) < level:
        return ""
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{module}" if module else base


def _add_call(needs: Needs, node: ast.Call, paths: PathReader, package: str) -> None:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in _LISTINGS:
        needs.dynamic = True
    elif name == "get_data":
        needs.reads_own_files = True
    elif name in {"import_module", "__import__", "run_module"}:
        _add_named(needs, node, package)
    elif name in {"run_path", "spec_from_file_location"}:
        at = 0 if name == "run_path" else 1
        path = paths.path(node.args[at]) if len(node.args) > at else None
        if path is None:
            needs.dynamic = True
        else:
            needs.scripts.append(path)


def _add_named(needs: Needs, node: ast.Call, package: str) -> None:
    """Add the module of ``importlib.import_module("name")``."""
    first = node.args[0] if node.args else None
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        needs.dynamic = True
        return
    level = len(first.value) - len(first.value.lstrip("."))
    given = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "package")]
    literal = given[0].value if given and isinstance(given[0], ast.Constant) else package
    name = _absolute(first.value[level:], level, str(literal))
    if name:
        needs.modules.append(Wanted(name=name))


def _add_magic(needs: Needs, name: str, rest: str) -> None:
    words = list(_words(rest))
    if name != "run":
        needs.modules += [Wanted(name=word.strip(",-")) for word in words]
        return
    if "-m" in words[:-1]:
        needs.modules.append(Wanted(name=words[words.index("-m") + 1]))
        return
    target = next((word for word in words if not word.startswith("-")), "")
    if "$" in target or "{" in target:
        needs.dynamic = True
    elif target:
        needs.scripts.append(target)


def _words(text: str) -> Iterator[str]:
    try:
        yield from shlex.split(text, comments=True)
    except ValueError:
        yield from text.split()
