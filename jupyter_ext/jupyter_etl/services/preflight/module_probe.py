"""A script for a kernel's interpreter that finds missing modules, with the standard library alone.

It reads a JSON list of dotted names, and writes ``{"python": [3, 12], "missing": [...], "path":
[...]}``.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import sys
from collections.abc import Iterable
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

_DYNAMIC = re.compile(
    r"import\s*\(?\s*\*|__getattr__|globals\(\)|locals\(\)|vars\(|exec\(|setattr\(|sys\.modules|lazy"
)
"""Code that defines names dynamically."""


def is_missing(asked: str) -> bool:
    """Return whether a module, or a name in one, does not exist.

    Nothing is imported except packages whose modules cannot be found otherwise.

    Args:
        asked: ``package.module``, or ``package.module:name``.
    """
    name, _, inside = asked.partition(":")
    parts = name.split(".")
    try:
        spec: Any = importlib.util.find_spec(parts[0])
    except Exception:  # noqa: BLE001 - a finder of an installed package; the run will tell
        return False
    if spec is None:
        return True
    for count in range(2, len(parts) + 1):
        places = spec.submodule_search_locations
        part = ".".join(parts[:count])
        spec = PathFinder.find_spec(part, list(places)) if places is not None else None
        if spec is None:
            # For example os.path, or modules that a package creates when it is imported.
            return _fails(part)
    return bool(inside) and lacks(spec.origin, spec.submodule_search_locations, inside)


def lacks(origin: str | None, places: Iterable[str] | None, name: str) -> bool:
    """Return whether a module's text shows that it lacks a name; False if it cannot be read.

    Args:
        places: Folders of its modules if it is a package.
        name: The name that it would have to define, or that of a submodule.
    """
    if not origin or not origin.endswith(".py"):
        return False
    if places is not None and PathFinder.find_spec(name, list(places)) is not None:
        return False
    try:
        text = Path(origin).read_text("utf-8")
    except (OSError, ValueError):
        return False
    return not re.search(r"\b" + re.escape(name) + r"\b", text) and not _DYNAMIC.search(text)


def _fails(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as problem:
        return problem.name is not None and (name + ".").startswith(problem.name + ".")
    except BaseException:  # noqa: BLE001 - it exists, and cannot be imported here
        return False
    return False


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    found = {
        "python": list(sys.version_info[:2]),
        "missing": [name for name in asked if is_missing(name)],
        "path": [place for place in sys.path if place],
    }
    sys.stdout.write("\n" + json.dumps(found))
