"""A page of examples: its cells, what they show, and the same page with what they show today."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_STEP = re.compile(
    r"^```text\n(?P<cell>.*?)^```\n(?:\n```output\n(?P<shown>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
_VARIES = (
    (re.compile(r"\b20[2-9]\d-\d\d-\d\d \d\d:\d\d(?::\d\d)?"), "TIME"),
    (re.compile(r"\b[\d.,]+ (?:ms|s)\b"), "SECONDS"),
    (re.compile(r"\b[\d.]+ (?:B|kB|MB|GB)\b"), "SIZE"),
    (re.compile(r"\b[0-9a-f]{8,64}\b"), "ID"),
    # Columns are as wide as what is in them.
    (re.compile(r"[-─]{2,}"), "-"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A cell and what it shows: "" for nothing."""

    cell: str
    shown: str


def steps_of(page: str) -> list[Step]:
    """Return the cells of a page, in order."""
    return [
        Step(cell=found["cell"].rstrip("\n"), shown=(found["shown"] or "").rstrip("\n"))
        for found in _STEP.finditer(page)
    ]


def normal(shown: str) -> str:
    """Return what was shown without what differs from one day, or machine, to the next."""
    for pattern, name in _VARIES:
        shown = pattern.sub(name, shown)
    return "\n".join(line.strip() for line in shown.strip().splitlines())


def reported(shown: str, names: Mapping[str, str]) -> str:
    """Return what was shown with the names that the page uses for addresses and folders here."""
    for page_name, here in names.items():
        shown = shown.replace(here, page_name)
    return "\n".join(line.rstrip() for line in shown.strip().splitlines())


def with_shown(page: str, shown: Sequence[str]) -> str:
    """Return the page with other outputs; one that says the same stays as it is, seconds and all."""
    today = iter(shown)

    def step(found: re.Match[str]) -> str:
        text = next(today)
        if normal(text) == normal(found["shown"] or ""):
            return found[0]
        cell = f"```text\n{found['cell']}```\n"
        return f"{cell}\n```output\n{text}\n```\n" if text else cell

    return _STEP.sub(step, page)
