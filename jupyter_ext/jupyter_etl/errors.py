"""Every error of jupyter-etl.

::

    EtlError
    ├── DeclarationError     what was written cannot be understood: a command, a schedule, a check, a notebook
    ├── SourceError          a declared source is absent, unreadable or not what was asked of it
    ├── ExecutionError       a notebook could not be run to its end
    ├── CheckFailed          data broke a rule whose severity is error
    ├── PublishError         an output cannot be staged or committed
    ├── StoreError           the ledger cannot be reached or is not usable
    ├── NotFound             no source, pipeline, run or publication has that name
    ├── Conflict             somebody else was first: a stale token, an edited pipeline, a name in use
    ├── PermissionDenied     the name belongs to another owner
    ├── LimitExceeded        a read takes more memory or time than allowed
    └── MissingDependency    an optional package is needed and not installed

A message says what failed, the value received and the values allowed; ``hint`` is the next step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# In ``scheme://user:password@host`` what is between; a port and a path with an @ are none.
_IN_URL = re.compile(r"""(:/+[^\s:/?#'"@]*:)(?!\d{1,5}(?:[/?#\s'"]|$))[^\s'"]+@""")
_IN_PAIR = re.compile(r"""\b((?:password|passwd|pwd)=)[^\s&;'"]+""", re.IGNORECASE)


_LONG_NUMBER = re.compile(r"\d{100,}")


def _shortened(text: str) -> str:
    """Return a text in which a number of thousands of digits stands as its beginning."""
    return _LONG_NUMBER.sub(lambda found: f"{found[0][:20]}... ({len(found[0]):,} digits)", text)


def _without_passwords(text: str) -> str:
    """Return a text with ``***`` in place of passwords in URLs and in ``password=...``."""
    if ":/" not in text and "=" not in text:
        return text
    return _IN_PAIR.sub(r"\1***", _IN_URL.sub(r"\1***@", text))


def first_line(said: object) -> str:
    """Return the first line of a text or of the message of an exception; "" where it is empty."""
    return (str(said).strip().splitlines() or [""])[0]


class EtlError(Exception):
    """The base of all errors that jupyter-etl raises on purpose.

    Args:
        message: One sentence: what failed, the value received, the values allowed.
        hint: The next step, as a sentence or a command to type.
        retryable: Whether the same call may succeed later without a change by its caller.
        data: The facts behind the message, for programs (JSON values).
    """

    retryable_by_default = False
    http_status = 500
    """Status of an HTTP response for this error; 503 only if the same request may succeed later."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        retryable: bool | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        # Whatever was typed may be in a message, and messages end in notebooks, ledger and alerts.
        self.message = _shortened(_without_passwords(message))
        super().__init__(self.message)
        self.hint = _shortened(_without_passwords(hint))
        self.retryable = self.retryable_by_default if retryable is None else retryable
        if self.http_status == 503 and not self.retryable:
            self.http_status = 500
        self.data = dict(data or {})

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.retryable, self.data)


def _rebuild(
    cls: type[EtlError], message: str, hint: str, retryable: bool, data: Mapping[str, object]
) -> EtlError:
    return cls(message, hint=hint, retryable=retryable, data=data)


class DeclarationError(EtlError):
    """What was written cannot be understood: a command, a schedule, a check, a notebook."""

    http_status = 400


class SourceError(EtlError):
    """A declared source is absent, unreadable or not what was asked of it."""

    http_status = 422
    retryable_by_default = True


class ExecutionError(EtlError):
    """A notebook could not be run to its end."""

    http_status = 422


class CheckFailed(EtlError):
    """Data broke a rule whose severity is error; what it would have published is held back."""

    http_status = 422


class PublishError(EtlError):
    """An output cannot be staged or committed."""

    http_status = 422


class StorageError(EtlError):
    """What was published is not in the lake, or is not what the ledger has on record.

    The lake is not mounted, or files or log entries of a table are missing or damaged.
    """

    retryable_by_default = True
    http_status = 503


class StoreError(EtlError):
    """The ledger cannot be reached or is not usable."""

    retryable_by_default = True
    http_status = 503


class NotFound(EtlError):
    """No source, pipeline, run or publication has that name."""

    http_status = 404


class Conflict(EtlError):
    """Somebody else was first: a stale token, an edited pipeline, a name in use."""

    http_status = 409


class PermissionDenied(EtlError):
    """The name belongs to another owner."""

    http_status = 403


class LimitExceeded(EtlError):
    """An interactive read or a preview took more memory or time than allowed, and was stopped."""

    http_status = 413


class MissingDependency(EtlError):
    """An optional package is needed and not installed."""

    http_status = 501


@contextmanager
def user_code_boundary(what: str, error: type[EtlError] = ExecutionError) -> Iterator[None]:
    """Keep an exception of a user's code or of a block apart from the platform's own.

    Args:
        what: What was being called, as the subject of the message: ``"connector 'sql'"``.
        error: The class raised in place of whatever came out.

    Raises:
        EtlError: Unchanged, when the code inside raised one itself; otherwise ``error`` with the
            original exception as its cause, so that its trace is kept.
    """
    try:
        yield
    except EtlError:
        raise
    except Exception as problem:
        said = f"{type(problem).__name__}: {first_line(problem)}"
        raise error(f"{what} failed: {said}".rstrip(": ")) from problem
