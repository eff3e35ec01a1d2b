"""The body of an error response, of the Jupyter server and of the gateway."""

from __future__ import annotations

import msgspec


class ErrorDetail(msgspec.Struct, frozen=True):
    """What failed.

    Args:
        type: Kind of error, such as ``NotFound``.
        hint: The next step.
        field: The invalid field of the request, if one is known; ``parameters.NAME`` for the value of
            a parameter.
    """

    type: str
    message: str
    hint: str
    field: str | msgspec.UnsetType = msgspec.UNSET


class Error(msgspec.Struct, frozen=True):
    """An error response."""

    error: ErrorDetail
