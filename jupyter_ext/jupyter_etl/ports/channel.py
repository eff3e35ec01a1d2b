"""What code in a kernel may ask of its run, and report to it: one request type a verb.

In a run the other end is the runner, over a private socket. Interactively it is the ledger.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, get_args

import msgspec

from jupyter_etl.model import (
    CheckResult,
    Cursor,
    CursorMove,
    CursorStart,
    Publication,
    PublicationVersion,
    Read,
    RunContext,
    Source,
    Staged,
)

P = ParamSpec("P")
T = TypeVar("T")


class ChannelRequest(
    msgspec.Struct, Generic[T], frozen=True, forbid_unknown_fields=True, tag_field="verb"
):
    """What code in a kernel asks or reports; the parameter is the type of the answer.

    Its tag is the verb: the name of the method that answers it.
    """

    @classmethod
    def answer_type(cls) -> Any:
        """Return the type of the answer, as `msgspec.convert` takes it."""
        (base,) = cls.__orig_bases__  # type: ignore[attr-defined]
        return get_args(base)[0]

    def answer_with(self, handler: Verbs) -> Any:
        """Return the answer of a handler."""
        verb = self.__struct_config__.tag
        return getattr(handler, str(verb))(*msgspec.structs.astuple(self))


class LoadContext(ChannelRequest[RunContext], frozen=True, tag="load_context"):
    """Return the run that the code belongs to."""


class DeclareSource(ChannelRequest[Source], frozen=True, tag="declare_source"):
    """Write a source into the catalogue; the same declaration twice is one."""

    source: Source


class ResolveSecret(ChannelRequest[str], frozen=True, tag="secret"):
    """Return the value of a secret; see `jupyter_etl.ports.SecretResolver`.

    In a run it is removed from everything that the run shows and records from then on.
    """

    name: str
    source: Source | None = None


class LoadSource(ChannelRequest[Source], frozen=True, tag="source"):
    """Return a source by name; raises `NotFound` with the nearest names."""

    name: str


class LoadSources(ChannelRequest[list[Source]], frozen=True, tag="sources"):
    """Return all sources, by name."""


class LoadPublication(ChannelRequest[Publication], frozen=True, tag="publication"):
    """Return a publication by name; in a run its live version stays the one first seen."""

    name: str


class LoadPublications(ChannelRequest[list[Publication]], frozen=True, tag="publications"):
    """Return all publications, by name."""


class LoadHistory(ChannelRequest[list[PublicationVersion]], frozen=True, tag="history"):
    """Return the versions of a publication, newest first."""

    name: str
    draft: bool = False


class ReportRead(ChannelRequest[None], frozen=True, tag="report_read"):
    """Report what was read."""

    read: Read


class StartCursor(ChannelRequest[CursorStart], frozen=True, tag="cursor_start"):
    """Return where incremental loads by a cursor begin.

    In a run the answer is the same for all loads by the cursor.
    """

    cursor: Cursor


class ReportMove(ChannelRequest[None], frozen=True, tag="report_move"):
    """Report what an incremental load read.

    In a run the watermark advances with what the run publishes. Interactively it does not advance.
    """

    move: CursorMove


class ReportFailure(ChannelRequest[None], frozen=True, tag="report_failure"):
    """Report a source that could not be read.

    Args:
        source: Its name.
        message: Text of the error that the cell is about to raise.
        retryable: Whether the same read may succeed later.
    """

    source: str
    message: str
    retryable: bool


class ReportChecks(ChannelRequest[None], frozen=True, tag="report_checks"):
    """Report the results of checks.

    Args:
        results: One a rule.
        returned: Whether the notebook gets them as values, and can act on them.
    """

    results: Sequence[CheckResult]
    returned: bool = False


class Publish(ChannelRequest[PublicationVersion | None], frozen=True, tag="publish"):
    """Hand over a staged output.

    In a run it is committed after the last cell, and the answer is None. Interactively it is
    committed at once, as a draft, or with ``live`` as the live version.

    Args:
        live: Ignored in a run, which decides between draft and live.
    """

    staged: Staged
    live: bool = False


class LoadStaged(ChannelRequest[list[Staged]], frozen=True, tag="staged_outputs"):
    """Return the outputs that this run has staged so far; interactively there are none."""


AnyRequest = (
    LoadContext
    | DeclareSource
    | ResolveSecret
    | LoadSource
    | LoadSources
    | LoadPublication
    | LoadPublications
    | LoadHistory
    | ReportRead
    | StartCursor
    | ReportMove
    | ReportFailure
    | ReportChecks
    | Publish
    | LoadStaged
)
"""Every request."""


def _verb(request: Callable[P, ChannelRequest[T]]) -> Callable[Concatenate[Verbs, P], T]:
    """Return the method that makes a request, with the request's fields as its parameters."""

    def ask(self: Verbs, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.ask(request(*args, **kwargs))

    ask.__doc__ = request.__doc__
    return ask


class Verbs:
    """A method for each request. It makes the request, unless it is overridden by what answers it."""

    load_context = _verb(LoadContext)
    declare_source = _verb(DeclareSource)
    secret = _verb(ResolveSecret)
    source = _verb(LoadSource)
    sources = _verb(LoadSources)
    publication = _verb(LoadPublication)
    publications = _verb(LoadPublications)
    history = _verb(LoadHistory)
    report_read = _verb(ReportRead)
    cursor_start = _verb(StartCursor)
    report_move = _verb(ReportMove)
    report_failure = _verb(ReportFailure)
    report_checks = _verb(ReportChecks)
    publish = _verb(Publish)
    staged_outputs = _verb(LoadStaged)

    def ask(self, request: ChannelRequest[T]) -> T:
        """Return the answer to a request.

        Raises:
            EtlError: Whatever the other end raised.
            ExecutionError: The other end does not answer.
        """
        raise NotImplementedError(type(request).__name__)


class Channel(Verbs):
    """What code in a kernel may ask and report."""

    @property
    def context(self) -> RunContext:
        """The run that the code belongs to."""
        return self.load_context()

    @abstractmethod
    def stage_folder(self, name: str) -> Path:
        """Return a new empty folder to stage an output in."""
