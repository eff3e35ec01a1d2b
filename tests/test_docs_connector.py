"""The connector that docs/blocks.md shows, under the suite that it shows."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

_PAGE = (Path(__file__).parent.parent / "docs" / "blocks.md").read_text("utf-8")
_CONNECTOR, _TEST, *_OTHER = re.findall(r"^```python\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)


def _module(name: str, code: str) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(code, f"docs/blocks.md: {name}", "exec"), module.__dict__)  # noqa: S102 - our page
    return module


_module("etl_feather", "")
_module("etl_feather.feather_connector", _CONNECTOR)
TestFeatherConnector = _module("etl_feather.test_feather_connector", _TEST).TestFeatherConnector
TestFeatherConnector.__module__ = __name__
