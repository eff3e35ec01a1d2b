"""Errors as HTTP answers."""

from __future__ import annotations

from http.client import responses

from tornado.web import HTTPError

from jupyter_etl.errors import EtlError


def status_of(error: EtlError) -> int:
    """Return the HTTP status that answers an error; 503 only where the same request may do later."""
    return 500 if error.http_status == 503 and not error.retryable else error.http_status


def error_body(status: int, problem: BaseException | None) -> dict[str, dict[str, str]]:
    """Make the JSON body of an error answer.

    Args:
        status: HTTP status of the answer.
        problem: What was raised; None where only the status is known.

    Returns:
        ``{"error": {"type", "message", "hint"}}``, with ``field`` where one field of the request is
        known to be wrong. An unforeseen exception gives nothing of itself
        away: it may carry data or paths, and is in the server's log.
    """
    kind, hint = responses.get(status, "Error").replace(" ", ""), ""
    message = f"{responses.get(status, 'Error')}."
    if isinstance(problem, EtlError):
        kind, message, hint = type(problem).__name__, problem.message, problem.hint
    elif isinstance(problem, HTTPError):
        if problem.log_message:
            message = problem.log_message % problem.args if problem.args else problem.log_message
        elif problem.reason:
            message = f"{problem.reason}."
    elif problem is not None:
        message = "The server met an error it did not expect."
        hint = "The log of the Jupyter server has the details."
    error = {"type": kind, "message": message, "hint": hint}
    if isinstance(problem, EtlError) and isinstance(field := problem.data.get("field"), str):
        error["field"] = field
    return {"error": error}
