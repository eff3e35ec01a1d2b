"""Modules that a notebook's code imports and that its kernel lacks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_etl.scheduling.preflight.findings import Scan
from jupyter_etl.scheduling.preflight.reachability import Reachability

_INSTALLS = re.compile(
    r"(?m)^\s*[!%]\s*(?:\S*python\S*\s+-m\s+)?(?:pip3?|conda|mamba|micromamba|uv)\b.*\binstall\b"
    r"|^\s*[!%]\s*uv\s+add\b|\bpiplite\.install\b|\bmicropip\.install\b|['\"]pip['\"]\s*,\s*['\"]install"
)
_CHANGES_PATH = re.compile(
    r"\bsys\.path\b|\bsite\.addsitedir\b|\bsys\.(?:modules|meta_path)\b|__path__"
)
_WRITES_MODULE = re.compile(r"(?m)^\s*%%(?:writefile|file)\s+(?:-a\s+)?(?:\S*/)?(\w+)\.py\b")
_EXTENSION = re.compile(r"(?m)^%(?:re)?load_ext\s+([\w.]+)\s*$")
_CATCHES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_BUILT_IN = frozenset({"autoreload", "storemagic", "cython", "rmagic", "octavemagic"})


@dataclass(frozen=True, kw_only=True)
class _Import:
    cell: int
    module: str
    certain: bool


class ImportScan:
    """Collects the imports of a notebook's cells, in order; the kernel is queried once."""

    def __init__(self, scan: Scan, reachability: Reachability) -> None:
        self._scan = scan
        self._reachability = reachability
        self._imports: list[_Import] = []
        self._made: set[str] = set()
        self._doubtful = False

    def read_text(self, cell: int, source: str) -> None:
        """Record what the magics of a cell install, write and load."""
        self._made.update(_WRITES_MODULE.findall(source))
        if _INSTALLS.search(source) or _CHANGES_PATH.search(source):
            self._doubtful = True
        if not source.lstrip().startswith("%%"):
            for found in _EXTENSION.finditer(source):
                line = source.count("\n", 0, found.start()) + 1
                if found[1] not in _BUILT_IN:
                    certain = self._reachability.has_line(cell, line)
                    self._add(cell, found[1], certain=certain)

    def read(self, cell: int, tree: ast.Module) -> None:
        """Analyse the code of a cell."""
        for node in _unguarded(tree):
            certain = self._reachability.has(node)
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._add(cell, alias.name, certain=certain)
            elif node.level:
                self._scan.add(
                    "import",
                    cell,
                    f"imports '{'.' * node.level}{node.module or ''}' relative to a package, and a notebook "
                    "is in none.",
                    "Name the module without the dots.",
                    certain=certain,
                )
            else:
                self._add(cell, node.module or "", certain=certain)
                for alias in node.names:
                    if alias.name != "*":
                        self._add(cell, f"{node.module}:{alias.name}", certain=certain)

    def finish(self) -> None:
        """Check all modules in one query."""
        environment = self._scan.environment
        names = {one.module for one in self._imports}
        if environment is None or not names:
            return
        missing = environment.missing_modules(names)
        if missing is None:
            for cell in dict.fromkeys(one.cell for one in self._imports):
                self._scan.unsure(cell, "the imports of the kernel cannot be checked")
            return
        reported: set[str] = set()
        for one in sorted(self._imports, key=lambda one: not one.certain):
            if one.module in missing and not {one.module, one.module.partition(":")[0]} & reported:
                reported.add(one.module)
                self._report(one)

    def _report(self, one: _Import) -> None:
        module, _, name = one.module.partition(":")
        if name:
            message = f"imports '{name}' from '{module}', which has no such name."
            hint = "Correct the name, or install another version."
        else:
            message = f"imports '{module}', which is not installed for the notebook's kernel."
            hint = "Install it there, or put the module in the notebook's folder."
        self._scan.add("import", one.cell, message, hint, certain=one.certain)

    def _add(self, cell: int, module: str, *, certain: bool) -> None:
        if module and module.partition(":")[0].partition(".")[0] not in self._made:
            sure = certain and not self._doubtful
            self._imports.append(_Import(cell=cell, module=module, certain=sure))


def _unguarded(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that no handler guards."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node
        return
    if isinstance(node, ast.Try | ast.TryStar) and any(map(_catches, node.handlers)):
        for child in (*node.handlers, *node.orelse, *node.finalbody):
            yield from _unguarded(child)
        return
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    for child in ast.iter_child_nodes(node):
        yield from _unguarded(child)


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    named = (
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(handler.type)
        if isinstance(node, ast.Name | ast.Attribute)
    )
    return not _CATCHES.isdisjoint(named)
