"""Functions as a notebook defines them: in ``__main__``, whatever the test's own module is."""

from __future__ import annotations

from typing import Any

IMPORTS = """
import asyncio, dataclasses, decimal, enum, uuid
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Optional, TypedDict, Union
from uuid import UUID
import msgspec, numpy as np, pandas as pd
"""


def run_cell(source: str) -> dict[str, Any]:
    """Execute the text of a cell and return its variables."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell>", "exec", dont_inherit=True), names)  # noqa: S102
    return names


def defined(source: str, name: str = "score", *, imports: str = IMPORTS) -> Any:
    """Return what a cell defines under a name."""
    return run_cell(imports + source)[name]
