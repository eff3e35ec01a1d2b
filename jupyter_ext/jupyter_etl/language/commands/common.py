"""Types and arguments that several requests have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from jupyter_etl.language.commands.declarations import Argument, Form, Surface, ValueKind
from jupyter_etl.language.numbers import MOST_ID

MAGIC, CLI, REST = Surface.MAGIC, Surface.CLI, Surface.REST

Text = Annotated[str, Meta(max_length=2_000)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Names = Annotated[tuple[Name, ...], Meta(max_length=100)]
Patterns = Annotated[tuple[Text, ...], Meta(max_length=100)]
PathText = Annotated[str, Meta(min_length=1, max_length=4_000)]
Tags = Annotated[dict[Name, Text], Meta(max_length=50)]
Version = Annotated[int, Meta(ge=1, le=MOST_ID)]
Values = dict[str, object]
FrameType = Literal["pandas", "arrow", "polars"]

TAGS = Argument(
    on=(MAGIC, CLI),
    flags=("--tag",),
    kind=ValueKind.OPTIONS,
    placeholder="K=V",
    help="Only those with this tag; may be repeated.",
)
PARAMETERS = Argument(
    flags=("-p", "--param"), placeholder="K=V", help="A parameter of the notebook; may be repeated."
)
DRAFT = Argument(flags=("--draft",), help="Publish drafts instead of live versions.")
TIMEOUT = Argument(
    flags=("--timeout",),
    placeholder="TIME",
    help="Stop the run after this time: seconds, or 90s, 15m, 1h.",
)
CHECKPOINT = Argument(
    flags=("--checkpoint",),
    help="Save the variables when a cell fails, so a retry can resume at that cell.",
)
COLD = Argument(
    flags=("--cold",),
    help="Start new interpreters instead of forks with the usual packages imported.",
)
RUN = Argument(required=True, least=1, most=MOST_ID, completes="run", help="The number of the run.")
PIPELINE = Argument(
    on=(CLI,), required=True, completes="pipeline", help="The name of the pipeline."
)
THIS_PIPELINE = Argument(
    on=(MAGIC,),
    completes="pipeline",
    help="The name of the pipeline; by default that of this notebook.",
)
NAMED_PIPELINE = Argument(
    on=(MAGIC,),
    flags=("--pipeline",),
    placeholder="NAME",
    completes="pipeline",
    help="The pipeline; by default that of this notebook.",
)
NOTEBOOK = Argument(
    on=(CLI, REST), required=True, completes="notebook", help="The path of the notebook."
)
THIS_NOTEBOOK = Argument(
    on=(MAGIC,), completes="notebook", help="The path of the notebook; by default this one."
)
TARGET = Argument(
    required=True, completes="table", help="A source, SOURCE.TABLE, a publication or a frame."
)
FRAME_TYPE = Argument(flags=("--as",), help="The type of the result.")
ANYWAY = Argument(
    flags=("--anyway",), help="Read it even if it exceeds the memory limit of interactive reads."
)
ROW_LIMIT = Argument(
    flags=("-n", "--limit"), least=1, placeholder="N", help="The maximum number of rows."
)
KEY = Argument(
    flags=("--key",),
    kind=ValueKind.NAMES,
    placeholder="A,B",
    completes="column",
    help="The key columns; only the newest row of each key is returned.",
)


def magic(
    name: str, group: str, summary: str, *examples: str, ledger: bool = False, **more: Any
) -> Form:
    """Return a command of ``%etl``; ``more`` are other fields of `Form`."""
    return Form(
        on=MAGIC, name=name, group=group, summary=summary, examples=examples, ledger=ledger, **more
    )


def both(
    name: str, groups: tuple[str, str], summary: str, *examples: str, ledger: bool = True
) -> tuple[Form, Form]:
    """Return the same command of ``%etl`` and of ``jupyter etl``.

    Args:
        groups: Its heading in each guide.
        ledger: Whether ``%etl`` opens the ledger; ``jupyter etl`` does.
    """
    of_magic = magic(name, groups[0], summary, *examples, ledger=ledger)
    return of_magic, cli(name, groups[1], summary, *examples)


def cli(name: str, group: str, summary: str, *examples: str, ledger: bool = True) -> Form:
    """Return a command of ``jupyter etl``."""
    return Form(on=CLI, name=name, group=group, summary=summary, examples=examples, ledger=ledger)
