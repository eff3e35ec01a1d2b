"""The bodies of error responses, of the Jupyter server and of the gateway."""

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


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with a field of a request to the gateway.

    Args:
        path: The field as a JSON path: ``$.age``.
    """

    path: str
    message: str


class GatewayErrorDetail(msgspec.Struct, frozen=True):
    """What failed in the gateway.

    Args:
        kind: Kind of error, such as ``NotFound``.
        hint: The next step.
        fields: The invalid fields of the request.
    """

    kind: str
    message: str
    hint: str = ""
    fields: tuple[FieldError, ...] = ()


class GatewayError(msgspec.Struct, frozen=True):
    """An error response of the gateway."""

    error: GatewayErrorDetail
