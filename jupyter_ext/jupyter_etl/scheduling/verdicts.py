"""Whose fault a failure is, judged from the name and the message of its error.

All that is left of an exception of a kernel in another process is text, so the rules here are a
table of names, and a few patterns for names that do not say enough. Where the platform itself has
seen the error, its fields are used instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from jupyter_etl.errors import first_line
from jupyter_etl.model import Outcome, Verdict, VerdictKind

_TRANSIENT = re.compile(
    r"connect|timeout|timed out|temporar|unreachable|reset by peer|unavailable|too many|locked"
    r"|broken pipe|server closed|starting up|shutting down|recovery mode|name resolution"
    r"|try again|deadlock|\b(?:429|50[0234])\b",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"authentication|password|access denied|permission denied|not authorized|unauthorized"
    r"|forbidden|\b40[0134]\b",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    r"no such|not found|does not exist|there is no\b|has no\b|not a file|unknown (?:table|column)"
    r"|matches no|no file|cut off|truncated|corrupt|malformed|not declared|invalid",
    re.IGNORECASE,
)
_EXHAUSTED = re.compile(
    r"no space left|disk (?:is )?full|quota exceeded|too many open files|input/output error"
    r"|resource temporarily unavailable|cannot allocate|read-only file system|stale file handle",
    re.IGNORECASE,
)
_BROKEN_PROMISE = re.compile(r"contract|schema|column|type|unique|null|key|rows", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Rule:
    kind: VerdictKind
    says: str
    names: frozenset[str]
    retryable: bool = False


def _rule(kind: VerdictKind, says: str, names: str, *, retryable: bool = False) -> _Rule:
    return _Rule(kind=kind, says=says, names=frozenset(names.split()), retryable=retryable)


_RULES = (
    _rule(
        VerdictKind.NOTEBOOK,
        "A package is missing in the kernel's environment",
        "ModuleNotFoundError ImportError MissingDependency PackageNotFoundError",
    ),
    _rule(
        VerdictKind.NOTEBOOK,
        "The notebook asks for a kernel that is not installed here",
        "NoSuchKernel KernelNotFound",
    ),
    _rule(
        VerdictKind.NOTEBOOK,
        "The notebook asks for input, which a run does not have",
        "StdinNotImplementedError EOFError",
    ),
    _rule(
        VerdictKind.NOTEBOOK,
        "The notebook uses a name that none of its cells defines",
        "NameError UnboundLocalError",
    ),
    _rule(
        VerdictKind.NOTEBOOK,
        "The notebook's code raised an error",
        "SyntaxError IndentationError TabError TypeError AttributeError AssertionError "
        "ZeroDivisionError RecursionError NotImplementedError IndexError RuntimeError "
        "DeprecationWarning FutureWarning SystemExit ProgrammingError CompileError ArgumentError "
        "InvalidRequestError BinderException CatalogException UsageError CalledProcessError",
    ),
    _rule(
        VerdictKind.NOTEBOOK,
        "A declaration in the notebook cannot be followed",
        "DeclarationError NotFound PermissionDenied Conflict PapermillMissingParameterException "
        "PapermillParameterOverwriteWarning NotJSONError ValidationError NBFormatError",
    ),
    _rule(
        VerdictKind.NOTEBOOK,
        "The notebook needs more memory than its limit",
        "OutOfMemory",
    ),
    _rule(
        VerdictKind.NOTEBOOK,
        "The notebook's code ended its own kernel",
        "KernelExited",
    ),
    _rule(
        VerdictKind.DATA,
        "The data are not as the notebook expects",
        "CheckFailed KeyError ValueError UnicodeDecodeError ParserError EmptyDataError "
        "JSONDecodeError ArrowInvalid ArrowTypeError ArrowKeyError OutOfBoundsDatetime MergeError "
        "IntCastingNaNError IntegrityError DataError SchemaError SchemaErrors "
        "ConversionException ConstraintException InvalidInputException OutOfRangeException "
        "DateParseError OverflowError StopIteration LookupError XLRDError BadZipFile",
    ),
    _rule(
        VerdictKind.SOURCE,
        "A source did not answer",
        "TimeoutError ConnectTimeout ReadTimeout ReadTimeoutError ConnectTimeoutError "
        "gaierror timeout URLError SSLError MaxRetryError NewConnectionError ProxyError "
        "ChunkedEncodingError ProtocolError RemoteDisconnected IncompleteRead ServerDisconnected "
        "ServerDisconnectedError ClientConnectorError EndpointConnectionError DisconnectionError "
        "BrokenPipeError ConnectError ReadError RemoteProtocolError TransportError",
        retryable=True,
    ),
    _rule(
        VerdictKind.SOURCE,
        "A file that the notebook reads is not there",
        "FileNotFoundError NotADirectoryError IsADirectoryError NoSuchKey NoSuchBucket",
    ),
    _rule(
        VerdictKind.PLATFORM,
        "There was not enough memory",
        "MemoryError OutOfMemoryError OutOfMemoryException ArrowMemoryError _ArrayMemoryError",
    ),
    _rule(
        VerdictKind.PLATFORM,
        "The kernel died",
        "DeadKernelError DeadKernel KernelDied",
        retryable=True,
    ),
    _rule(
        VerdictKind.PLATFORM,
        "The platform could not start the notebook",
        "NotStarted",
        retryable=True,
    ),
    _rule(
        VerdictKind.PLATFORM,
        "The runner could not watch over its notebook",
        "GuardError",
        retryable=True,
    ),
    _rule(VerdictKind.PLATFORM, "The ledger could not be reached", "StoreError", retryable=True),
    _rule(
        VerdictKind.PLATFORM,
        "The lake is not there, or is damaged",
        "StorageError",
        retryable=True,
    ),
)

_QUOTING = (
    "SyntaxError IndentationError TabError NameError UnboundLocalError TypeError AttributeError "
    "AssertionError KeyError IndexError ValueError CheckFailed UsageError DeclarationError "
    "OutOfMemory"
)
"""Errors whose text quotes data or code: what it says of disks and limits means nothing."""

_ENDINGS = {
    Outcome.SUCCEEDED: "It succeeded.",
    Outcome.CANCELLED: "It was cancelled on request.",
    Outcome.TIMED_OUT: "It took longer than its timeout allows",
    Outcome.LOST: "Its runner stopped without a report",
    Outcome.HELD: "Its outputs are pending approval",
}


def judge(
    error_type: str,
    message: str,
    *,
    outcome: Outcome,
    source: str = "",
    retryable: bool | None = None,
) -> Verdict:
    """Say whose fault a failure is, and whether the same run may succeed when it is tried again.

    Args:
        error_type: Name of the error's class, with or without its module.
        source: Name of the source whose error it is; "" where none is known.
        retryable: What the error itself says; None where only its text is left.
    """
    if outcome is Outcome.LOST:
        evidence = _sentence(_ENDINGS[outcome], message)
        return Verdict(kind=VerdictKind.PLATFORM, evidence=evidence, retryable=True)
    if outcome is Outcome.HELD:
        return Verdict(kind=VerdictKind.DATA, evidence=_sentence(_ENDINGS[outcome], message))
    if outcome is not Outcome.FAILED:
        detail = message if outcome is Outcome.TIMED_OUT else ""
        evidence = _sentence(_ENDINGS[outcome], detail)
        return Verdict(kind=VerdictKind.UNKNOWN, evidence=evidence)
    name = error_type.rpartition(".")[2]
    kind, says, guess = _judge_failure(name, message)
    if source:
        kind, says = VerdictKind.SOURCE, f"The source {source!r} could not be read"
    detail = message if message.startswith(name) else f"{name}: {message}".rstrip(": ")
    again = guess if retryable is None else retryable
    return Verdict(kind=kind, evidence=_sentence(says, detail), retryable=again)


def _judge_failure(name: str, message: str) -> tuple[VerdictKind, str, bool]:
    if _EXHAUSTED.search(message) and name not in _QUOTING.split():
        return VerdictKind.PLATFORM, "The machine ran out of a resource", True
    if name in ("SourceError", "OperationalError", "InterfaceError", "DatabaseError", "OSError"):
        return _judge_source(message)
    if name.endswith(("HTTPError", "HTTPStatusError", "ClientError", "ClientResponseError")):
        return _judge_source(message)
    if name == "PermissionError":
        return VerdictKind.SOURCE, "Reading or writing a file is not permitted", False
    if name == "PublishError":
        return _judge_publish(message)
    for rule in _RULES:
        if name in rule.names:
            return rule.kind, rule.says, rule.retryable
    if name.startswith("Connection") or name.endswith(("Timeout", "TimeoutError")):
        return VerdictKind.SOURCE, "A source did not answer", True
    return VerdictKind.UNKNOWN, "The cause of the error is unknown", False


def _judge_source(message: str) -> tuple[VerdictKind, str, bool]:
    if _REFUSED.search(message):
        return VerdictKind.SOURCE, "A source refused access", False
    if _TRANSIENT.search(message):
        return VerdictKind.SOURCE, "A source did not answer", True
    if _ABSENT.search(message):
        return VerdictKind.SOURCE, "A source lacks the requested table, column or file", False
    return VerdictKind.SOURCE, "A source could not be read", True


def _judge_publish(message: str) -> tuple[VerdictKind, str, bool]:
    if _REFUSED.search(message):
        return VerdictKind.PLATFORM, "An output may not be written there", False
    if _TRANSIENT.search(message):
        return VerdictKind.PLATFORM, "The place of the outputs did not answer", True
    if _BROKEN_PROMISE.search(message):
        return VerdictKind.DATA, "The data do not match the publication", False
    return VerdictKind.PLATFORM, "An output could not be written", True


def _sentence(says: str, detail: str) -> str:
    first = " ".join(first_line(detail).split())
    return f"{says}: {first}" if first else f"{says.rstrip('.')}."
