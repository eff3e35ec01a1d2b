"""Requests that show endpoints, and direct their traffic."""

from __future__ import annotations

from typing import Annotated, ClassVar

from jupyter_etl.language.commands.common import CLI, MAGIC, Name, Version, both, magic
from jupyter_etl.language.commands.declarations import (
    Argument,
    CellUse,
    JsonOutput,
    Request,
    ValueKind,
)

_NAME = Argument(on=(MAGIC, CLI), required=True, completes="publication", help="The endpoint.")
_GROUPS = ("Serve", "Serve")
_TIMEOUT = Argument(
    flags=("--timeout",),
    kind=ValueKind.DURATION,
    placeholder="TIME",
    help="The time limit of a call, such as 2s. Default: 30s.",
)
_MEMORY = Argument(
    flags=("--memory",),
    kind=ValueKind.SIZE,
    placeholder="SIZE",
    help="The memory limit of a worker, such as 2GB. Default: 1GB.",
)
_WORKERS = Argument(
    flags=("--workers",),
    least=1,
    most=64,
    placeholder="N",
    help="The number of processes that answer calls. Default: 1.",
)
_KEEP_WARM = Argument(
    flags=("--keep-warm",), help="Keep the workers running when there are no calls."
)
_LIVE = Argument(
    flags=("--live",), help="Publish the live version interactively; recorded in the history."
)


class PublishQueryRequest(Request, frozen=True, kw_only=True):
    """Publish a query over publications as an API."""

    forms: ClassVar = (
        magic(
            "publish",
            "Serve",
            "Publish a query over publications as an API.",
            "publish query sales.by_customer --key cust",
            variant="query",
            cell=CellUse.REQUIRED,
            cell_help="One SELECT, with typed parameters: {{cust: int}}, {{since: date = 2026-01-01}}",
        ),
    )

    name: Annotated[str, Argument(required=True, help="The endpoint, such as sales.by_customer.")]
    cell: str = ""
    key: Annotated[
        tuple[str, ...],
        Argument(
            flags=("--key",),
            kind=ValueKind.NAMES,
            placeholder="A,B",
            help="The columns that it is called by; they get an index.",
        ),
    ] = ()
    limit: Annotated[
        int,
        Argument(
            flags=("--limit",),
            least=1,
            most=100_000,
            placeholder="N",
            help="The maximum number of rows of a page. Default: 1000.",
        ),
    ] = 1000
    timeout_s: Annotated[float, _TIMEOUT] = 30.0
    memory_bytes: Annotated[int, _MEMORY] = 1 << 30
    workers: Annotated[int, _WORKERS] = 1
    keep_warm: Annotated[bool, _KEEP_WARM] = False
    live: Annotated[bool, _LIVE] = False


class PublishFunctionRequest(Request, frozen=True, kw_only=True):
    """Publish a function as an API."""

    forms: ClassVar = (
        magic(
            "publish",
            "Serve",
            "Publish a function as an API.",
            """publish function score --sample '{"age": 40, "fare": 7.25}'""",
            variant="function",
            cell=CellUse.REQUIRED,
            cell_help="The definition of the function, with annotated parameters.",
        ),
    )

    name: Annotated[str, Argument(required=True, help="The endpoint, such as score.")]
    cell: str = ""
    sample: Annotated[
        tuple[str, ...],
        Argument(
            flags=("--sample",),
            repeated=True,
            placeholder="JSON",
            help="A request that is called before the function is published; may be repeated. By "
            "default, the calls in the next cell.",
        ),
    ] = ()
    timeout_s: Annotated[float, _TIMEOUT] = 30.0
    memory_bytes: Annotated[int, _MEMORY] = 1 << 30
    workers: Annotated[int, _WORKERS] = 1
    keep_warm: Annotated[bool, _KEEP_WARM] = False
    anyway: Annotated[
        bool, Argument(flags=("--anyway",), help="Capture values of more than 100 MB, too.")
    ] = False
    live: Annotated[bool, _LIVE] = False


class EndpointsRequest(JsonOutput, frozen=True, kw_only=True):
    """List endpoints with their versions, traffic and calls."""

    forms: ClassVar = both(
        "endpoints",
        _GROUPS,
        "List endpoints with their versions, traffic and calls.",
        "endpoints",
    )


class PromoteRequest(JsonOutput, frozen=True, kw_only=True):
    """Make a version live, or give it a part of the traffic."""

    forms: ClassVar = both(
        "promote",
        _GROUPS,
        "Make a version live, or give it a part of the traffic.",
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
            help="How far back calls are compared, such as 2h or 7d. Default: 24h.",
        ),
    ] = 86400.0
