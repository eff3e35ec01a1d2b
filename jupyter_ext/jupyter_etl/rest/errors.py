"""Errors as HTTP responses."""

from __future__ import annotations

from http.client import responses

import msgspec
from tornado.web import HTTPError

from jupyter_etl.errors import EtlError
from jupyter_etl.language.error_response import Error, ErrorDetail


def error_body(status: int, problem: BaseException | None) -> Error:
    """Make the body of an error response.

    The text of an unexpected exception is not sent, because it may contain data or paths; it is in
    the server's log.

    Args:
        status: HTTP status of the response.
        problem: The exception; None if only the status is known.
    """
    kind = responses.get(status, "Error").replace(" ", "")
    message = f"{responses.get(status, 'Error')}."
    if isinstance(problem, EtlError):
        field = problem.data.get("field")
        return Error(
            error=ErrorDetail(
                type=type(problem).__name__,
                message=problem.message,
                hint=problem.hint,
                field=field if isinstance(field, str) else msgspec.UNSET,
            )
        )
    hint = ""
    if isinstance(problem, HTTPError):
        if problem.log_message:
            message = problem.log_message % problem.args if problem.args else problem.log_message
        elif problem.reason:
            message = f"{problem.reason}."
    elif problem is not None:
        message = "The server met an error it did not expect."
        hint = "The log of the Jupyter server has the details."
    return Error(error=ErrorDetail(type=kind, message=message, hint=hint))
