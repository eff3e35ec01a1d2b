"""The answers of a function: results, and errors in the shape of the gateway."""

from __future__ import annotations

import json

from jupyter_etl.serving.workers.protocol import Answer

JSON = "application/json"


class CallFailed(Exception):
    """A call has no result.

    Args:
        status: Of HTTP: 4xx if the request is at fault, 500 if the function is.
        kind: ``InvalidJson``, ``InvalidRequest``, ``RequestTooLarge``, ``UnsupportedMediaType`` or
            ``FunctionFailed``.
        message: One sentence.
        hint: The next step.
        path: JSON path of the invalid value, such as ``$.age``.
        reason: What is wrong with the value at ``path``.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        hint: str = "",
        path: str = "",
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.hint = hint
        self.path = path
        self.reason = reason

    @property
    def answer(self) -> Answer:
        """The answer of the endpoint."""
        fields = [{"path": self.path, "message": self.reason or self.message}] if self.path else []
        error = {"kind": self.kind, "message": self.message, "hint": self.hint, "fields": fields}
        body = printable(json.dumps({"error": error}, ensure_ascii=False)).encode()
        return Answer(status=self.status, body=body, content_type=JSON)


def printable(text: str) -> str:
    """Return a text with lone surrogates, which UTF-8 does not have, as question marks."""
    return text.encode(errors="replace").decode()


def invalid_request(path: str, reason: str) -> CallFailed:
    """Return the failure of a request with an invalid value."""
    where = "" if path == "$" else f" at {path}"
    return CallFailed(
        422,
        "InvalidRequest",
        f"The request is not valid{where}: {reason}.",
        hint="The endpoint's entry in /openapi.json shows what it accepts.",
        path=path,
        reason=reason,
    )


def function_failed(
    message: str, *, path: str = "", hint: str = "The log of the worker has the traceback."
) -> CallFailed:
    """Return the failure of a function."""
    return CallFailed(500, "FunctionFailed", message, hint=hint, path=path)
