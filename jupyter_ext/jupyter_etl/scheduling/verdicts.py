"""Whose fault a failure is.

The kind of a failure decides where the platform itself knows it. Of an exception in a kernel, which
is another process, only the name of its class and its message are left. The rules for these are a
table of names, and a few patterns where the name alone is not enough.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from jupyter_etl.errors import first_line
from jupyter_etl.model import Failure, FailureKind, Verdict, VerdictKind

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
    explanation: str
    names: frozenset[str]
    retryable: bool = False


def _rule(kind: VerdictKind, explanation: str, names: str, *, retryable: bool = False) -> _Rule:
    return _Rule(
        kind=kind, explanation=explanation, names=frozenset(names.split()), retryable=retryable
    )


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
        "A file that the notebook reads does not exist",
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
    _rule(VerdictKind.PLATFORM, "The ledger could not be reached", "StoreError", retryable=True),
    _rule(
        VerdictKind.PLATFORM,
        "The lake is not available, or is damaged",
        "StorageError",
        retryable=True,
    ),
)

_QUOTING = (
    "SyntaxError IndentationError TabError NameError UnboundLocalError TypeError AttributeError "
    "AssertionError KeyError IndexError ValueError CheckFailed UsageError DeclarationError"
)
"""Errors whose text quotes data or code: disks and limits in it mean nothing."""

_OF_KINDS = {
    FailureKind.OUT_OF_MEMORY: (
        VerdictKind.NOTEBOOK,
        "The notebook needs more memory than its limit",
        False,
    ),
    FailureKind.KERNEL_EXITED: (
        VerdictKind.NOTEBOOK,
        "The notebook's code ended its own kernel",
        False,
    ),
    FailureKind.KERNEL_DIED: (VerdictKind.PLATFORM, "The kernel died", True),
    FailureKind.NOT_STARTED: (
        VerdictKind.PLATFORM,
        "The platform could not start the notebook",
        True,
    ),
    FailureKind.UNGUARDED: (VerdictKind.PLATFORM, "The watchdog of the notebook failed", True),
    FailureKind.TIMED_OUT: (
        VerdictKind.UNKNOWN,
        "It took longer than its timeout allows",
        False,
    ),
    FailureKind.CANCELLED: (VerdictKind.UNKNOWN, "It was cancelled on request", False),
    FailureKind.HELD: (VerdictKind.DATA, "Its outputs are pending approval", False),
    FailureKind.LOST: (VerdictKind.PLATFORM, "Its runner stopped without a report", True),
}


def judge(failure: Failure) -> Verdict:
    """Decide whose fault a failure is, and whether the same run may succeed when it is retried."""
    if failure.kind is not FailureKind.ERROR:
        kind, explanation, retryable = _OF_KINDS[failure.kind]
        detail = "" if failure.kind is FailureKind.CANCELLED else failure.message
        return _verdict(kind, explanation, detail, retryable=retryable)
    name = failure.error_type.rpartition(".")[2]
    kind, explanation, guess = _judge_error(name, failure.message)
    if failure.source:
        kind, explanation = VerdictKind.SOURCE, f"The source {failure.source!r} could not be read"
    shown = failure.message.startswith(name)
    detail = failure.message if shown else f"{name}: {failure.message}".rstrip(": ")
    retryable = guess if failure.retryable is None else failure.retryable
    return _verdict(kind, explanation, detail, retryable=retryable)


def _judge_error(name: str, message: str) -> tuple[VerdictKind, str, bool]:
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
            return rule.kind, rule.explanation, rule.retryable
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
        return VerdictKind.PLATFORM, "The storage of the outputs did not respond", True
    if _BROKEN_PROMISE.search(message):
        return VerdictKind.DATA, "The data do not match the publication", False
    return VerdictKind.PLATFORM, "An output could not be written", True


def _verdict(kind: VerdictKind, cause: str, detail: str, *, retryable: bool) -> Verdict:
    first = " ".join(first_line(detail).split())
    evidence = f"{cause}: {first}" if first else f"{cause}."
    return Verdict(kind=kind, evidence=evidence, retryable=retryable, cause=cause)
