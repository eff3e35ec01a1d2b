"""Requests that are not answered with rows: the error that becomes the body of the answer."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_etl.errors import EtlError
from jupyter_etl.serving.workers.protocol import Answer, error_answer


class Rejected(EtlError):
    """A request is not answered; `answer_of` returns what its sender receives instead."""

    http_status = 400


def rejected(
    status: int,
    kind: str,
    message: str,
    hint: str = "",
    *,
    fields: Sequence[tuple[str, str]] = (),
    retry_after: int | None = None,
) -> Rejected:
    """Return an error with its HTTP status.

    Args:
        kind: For programs: ``InvalidParameters``.
        fields: Names of parameters, each with a message that says what is allowed.
        retry_after: Seconds after which the same request may succeed.
    """
    data = {
        "status": status,
        "kind": kind,
        "fields": [{"path": f"$.{name}", "message": text} for name, text in fields],
        "retry_after": retry_after,
    }
    made = Rejected(message, hint=hint, retryable=retry_after is not None, data=data)
    made.http_status = status
    return made


def invalid(fields: Sequence[tuple[str, str]]) -> Rejected:
    """Return the error for parameters with the wrong name or value: status 422."""
    return rejected(422, "InvalidParameters", fields[0][1], fields=fields)


def answer_of(problem: Rejected) -> Answer:
    """Return the body of all errors of the gateway."""
    data = problem.data
    return error_answer(
        data["status"],  # type: ignore[arg-type]  # of `rejected`
        str(data["kind"]),
        problem.message,
        problem.hint,
        fields=data["fields"],  # type: ignore[arg-type]
        retry_after=data["retry_after"],  # type: ignore[arg-type]
    )
