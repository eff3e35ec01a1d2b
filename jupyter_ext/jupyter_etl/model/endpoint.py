"""Endpoints: queries and functions as APIs, and the traffic of their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class EndpointKind(StrEnum):
    """What answers the calls of an endpoint."""

    QUERY = "query"
    FUNCTION = "function"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A call that was made in a fresh worker when a version was published.

    Args:
        request: The body of the request, as JSON text.
        response: The result, as JSON text.
        seconds: How long the call took.
    """

    request: str
    response: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """What a version of an endpoint is, as the ledger records it.

    Args:
        kind: Query or function.
        request_schema: JSON Schema 2020-12 of a function's request body, or of a query's parameters
            as an object, as JSON text.
        response_schema: JSON Schema of a function's result, or of a query's row, as JSON text.
        doc: The docstring of a function, or the leading comment of a query.
        timeout_s: Time limit of a call in seconds.
        memory_bytes: Memory limit of a worker.
        workers: Number of worker processes.
        keep_warm: Whether the workers keep running without calls.
        interpreter: Path of the Python interpreter that published a function.
        python: Its version, such as 3.11.
        packages: Versions of the packages that a function needs, by distribution.
        code_hash: Digest of a function's code and of the values it captured.
        samples: Its samples, in order.
        replayed: The samples of the version that was live, called on this version.
        sql: The text of a query.
        reads: The tables that a query reads, or that a function looks rows up in.
        secrets: Names of the secrets that a function may use.
        key: The columns that a query is called by, which are indexed.
        limit: Maximum number of rows of a page.
    """

    kind: EndpointKind
    request_schema: str
    response_schema: str
    doc: str = ""
    timeout_s: float = 30.0
    memory_bytes: int = 1 << 30
    workers: int = 1
    keep_warm: bool = False
    interpreter: str = ""
    python: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    code_hash: str = ""
    samples: tuple[Sample, ...] = ()
    replayed: tuple[Sample, ...] = ()
    sql: str = ""
    reads: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    limit: int = 1000


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A version that answers a share of the calls.

    Args:
        version: Its number.
        share: From 0 to 1.
    """

    version: int
    share: float


class TrafficMode(StrEnum):
    """Why several versions answer.

    ``live``: only the live version does. ``canary``: the only arm is a candidate; the live version
    answers the remaining calls. ``split``: the arms answer all calls.
    """

    LIVE = "live"
    CANARY = "canary"
    SPLIT = "split"


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Which versions of an endpoint answer calls.

    Args:
        name: The endpoint.
        live: The live version.
        mode: Why other versions answer, too.
        arms: The other version of a canary; all versions of a split. The shares of a split add up
            to 1.
        by: Field of the request that decides which arm answers, so that equal values always reach
            the same arm; "" if each call is decided at random.
        shadow: A version that is also called and never answers; None for none.
        changed_at: UTC.
        changed_by: The owner who changed it; "" for a run that published a version.
        note: What was changed: ``promoted version 3``.
    """

    name: str
    live: int
    mode: TrafficMode = TrafficMode.LIVE
    arms: tuple[Arm, ...] = ()
    by: str = ""
    shadow: int | None = None
    changed_at: datetime
    changed_by: str
    note: str = ""

    @property
    def shares(self) -> dict[int, float]:
        """The share of the calls that each version answers, by number."""
        shares = {arm.version: arm.share for arm in self.arms}
        if self.mode is not TrafficMode.SPLIT:
            shares[self.live] = 1 - sum(shares.values())
        return dict(sorted(shares.items()))

    @property
    def served(self) -> tuple[int, ...]:
        """The versions that need workers, by number."""
        shadow = () if self.shadow is None else (self.shadow,)
        return tuple(sorted({*self.shares, *shadow}))


@dataclass(frozen=True, kw_only=True)
class ServedMark:
    """What a gateway compares to notice that it has to serve something else.

    Args:
        live: The live version of a publication; 0 for none.
        draft: Its newest draft; 0 for none.
        changed_at: When the traffic of an endpoint was changed, UTC; None for never.
    """

    live: int
    draft: int
    changed_at: datetime | None


class CallRole(StrEnum):
    """Why a version received a call.

    ``live``, ``canary``, ``split`` and ``shadow`` are its part in the traffic; ``fallback`` is the
    version before one that cannot start; for ``version`` and ``draft``, the caller asked for it.
    """

    LIVE = "live"
    CANARY = "canary"
    SPLIT = "split"
    SHADOW = "shadow"
    FALLBACK = "fallback"
    VERSION = "version"
    DRAFT = "draft"


@dataclass(frozen=True, kw_only=True)
class CallCounts:
    """The calls that one gateway sent to a version within a minute.

    Args:
        name: The endpoint.
        version: Number of the version.
        role: Why it received them.
        minute: Start of the minute, UTC.
        gateway: Id of the gateway.
        calls: All calls.
        errors: Those that ended with a status of 500 or more.
        refused: Those that ended with a status of 400 to 499.
        seconds: Number of calls by bucket of their latency; see `jupyter_etl.serving.histograms`.
        compared: Calls of a shadow whose answer was compared with that of the version that answered.
        differing: Those with a different answer.
        gaps: Their number by bucket of the largest difference between two numbers in the answers.
    """

    name: str
    version: int
    role: CallRole
    minute: datetime
    gateway: str
    calls: int = 0
    errors: int = 0
    refused: int = 0
    seconds: Mapping[int, int] = field(default_factory=dict)
    compared: int = 0
    differing: int = 0
    gaps: Mapping[int, int] = field(default_factory=dict)
