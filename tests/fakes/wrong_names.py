"""Misspelled names, and the commands of a table with such a name, which must be refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fakes.notebooks import write_notebook
from jupyter_etl.language.commands.declarations import Argument, CellUse, CommandSpec
from jupyter_etl.notebook import kernel_state
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.services.etl import Etl

RIGHT = {
    "frame": "orders_frame",
    "notebook": "daily-sales.ipynb",
    "pipeline": "daily-sales",
    "publication": "sales.daily",
    "run": "1",
    "source": "orders",
    "table": "orders",
}
WRONG = {
    "frame": "order_frame",
    "notebook": "daily-sale.ipynb",
    "pipeline": "daily-sale",
    "publication": "sales.dayly",
    "run": "99",
    "source": "ordes",
    "table": "ordes",
}
SUGGESTION = {**{kind: f"Did you mean '{name}'?" for kind, name in RIGHT.items()}, "run": "There is no run"}  # fmt: skip
"""The message about the wrong name; runs have numbers, so no similar one is suggested."""

_FILLER = {
    "after": "2",
    "amount": "10",
    "before": "1",
    "question": "mean(a) of orders",
    "shares": "1=100",
    "span": "2026-01-01..2026-01-02",
    "verb": "rm",
    "version": "1",
    "when": '"daily at 06:00"',
}
NEW_NAMES = frozenset(
    {("publish table", "name"), ("schedule", "after"), ("token", "read"), ("token", "call")}
)
"""Arguments whose name need not exist; those of ``--after`` have tests of their own."""


@dataclass(frozen=True)
class WrongName:
    """A command with one name that does not exist.

    Args:
        words: The command without ``%etl`` or ``jupyter etl``.
        kind: Kind of the name, a key of `WRONG`.
        cell: Whether the command takes a cell.
    """

    words: tuple[str, ...]
    kind: str
    cell: bool


def wrong_names(table: Sequence[CommandSpec]) -> Iterator[WrongName]:
    """Yield a command for each argument of a table that completes to an existing name."""
    for spec in table:
        command = spec.title
        for wanted in spec.arguments:
            if wanted.completes in WRONG and (command, wanted.name) not in NEW_NAMES:
                words = [part for one in spec.arguments for part in _part(one, wanted)]
                yield WrongName(
                    (*command.split(), *words), wanted.completes, spec.form.cell is CellUse.OPTIONAL
                )


def declare_right_names(etl: Etl, folder: Path) -> None:
    """Declare, deploy and publish the objects of the right names."""
    (folder / "orders.csv").write_text("a\n1\n")
    etl.sources.declare("orders", "orders.csv", base=folder)
    notebook = write_notebook(folder / "daily-sales.ipynb", "1 + 1")
    etl.pipelines.schedule(notebook, "daily at 06:00")
    publish_table(kernel_state.data_session({}), "sales.daily", pd.DataFrame({"a": [1]}), live=True)


def _part(argument: Argument, wanted: Argument) -> list[str]:
    if argument is wanted:
        wrong = WRONG[str(argument.completes)]
        return [argument.flags[-1], wrong] if argument.flags else [wrong]
    if argument.flags or not argument.required:
        return []
    return [RIGHT.get(str(argument.completes)) or _FILLER.get(argument.name, "x")]
