"""Requests that show endpoints, and direct their traffic."""

from __future__ import annotations

from typing import Annotated, ClassVar

from jupyter_etl.language.commands.common import CLI, MAGIC, Name, Version, both
from jupyter_etl.language.commands.declarations import Argument, JsonOutput, ValueKind

_NAME = Argument(on=(MAGIC, CLI), required=True, completes="publication", help="The endpoint.")
_GROUPS = ("Serve", "Serve")


class EndpointsRequest(JsonOutput, frozen=True, kw_only=True):
    """List endpoints with their versions, traffic and calls."""

    forms: ClassVar = both(
        "endpoints",
        _GROUPS,
        "List endpoints with their versions, traffic and calls.",
        "endpoints",
    )


class PromoteRequest(JsonOutput, frozen=True, kw_only=True):
    """Make a version of an endpoint live, or give it a part of the traffic."""

    forms: ClassVar = both(
        "promote",
        _GROUPS,
        "Make a version of an endpoint live, or give it a part of the traffic.",
        "promote score 2",
        "promote score 2 --canary 10%",
        "promote score 2 --shadow",
    )

    name: Annotated[str, _NAME]
    version: Annotated[Version, Argument(required=True, least=1, help="The version.")]
    canary: Annotated[
        str,
        Argument(
            flags=("--canary",),
            placeholder="P%",
            help="The share of the calls that it answers while the live version stays; 0% ends it.",
        ),
    ] = ""
    shadow: Annotated[
        bool,
        Argument(
            flags=("--shadow",),
            help="Send it all calls, too, and compare its answers, which no caller gets.",
        ),
    ] = False


class SplitRequest(JsonOutput, frozen=True, kw_only=True):
    """Divide the calls of an endpoint among versions."""

    forms: ClassVar = both(
        "split",
        _GROUPS,
        "Divide the calls of an endpoint among versions.",
        "split score 1=50 2=50",
        "split score 1=50 2=50 --by customer_id",
    )

    name: Annotated[str, _NAME]
    shares: Annotated[
        dict[str, str],
        Argument(
            required=True,
            kind=ValueKind.OPTIONS,
            placeholder="VERSION=PERCENT",
            help="The share of each version; together 100.",
        ),
    ]
    by: Annotated[
        Name | None,
        Argument(
            flags=("--by",),
            placeholder="FIELD",
            help="A field of the request: equal values always get the same version.",
        ),
    ] = None


class CompareRequest(JsonOutput, frozen=True, kw_only=True):
    """Compare the calls and answers of two versions of an endpoint."""

    forms: ClassVar = both(
        "compare",
        _GROUPS,
        "Compare the calls and answers of two versions of an endpoint.",
        "compare score 1 2",
    )

    name: Annotated[str, _NAME]
    before: Annotated[Version, Argument(required=True, least=1, help="The first version.")]
    after: Annotated[Version, Argument(required=True, least=1, help="The second version.")]
    since: Annotated[
        float,
        Argument(
            flags=("--since",),
            kind=ValueKind.DURATION,
            placeholder="TIME",
            help="How far back calls are compared, such as 2h or 7d.",
        ),
    ] = 86400.0
