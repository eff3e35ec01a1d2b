"""What happened to gateways whose processes were killed, and what must not have happened."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from fakes.http_load import Reply

FOLLOW_S = 2.0
"""Seconds after a change in which calls may be answered as before: a second, on a busy machine."""

BACK_S = 20.0
"""Seconds after a kill in which the next answer must come."""

_NOTICED_S = 0.2
"""Seconds in which a gateway may send calls to a worker that has been killed."""

_DIED = 502


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call and its answer.

    Args:
        gateway: Number of the gateway.
        asked: The version that was asked for; None to let the traffic decide.
    """

    gateway: int
    asked: int | None
    reply: Reply


@dataclass(frozen=True, kw_only=True)
class Kill:
    """A process that was killed: ``gateway``, ``worker`` or ``fork server``.

    Args:
        at, done: Before and after it.
    """

    gateway: int
    role: str
    at: float
    done: float


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of the traffic.

    Args:
        begun, done: Before and after it.
        versions: Those that are live or canary from then on.
    """

    begun: float
    done: float
    versions: frozenset[int]


@dataclass
class Battle:
    """Result of a battle; the lists are what must not happen.

    Args:
        kills, calls, changes: In the order of their time.
        wrong: Answers of a version that was not live, canary or asked for.
        failed: Calls that failed without a kill.
        silent: Kills after which no answer came.
        left: Processes that were left at the end.
    """

    kills: list[Kill] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def findings(self) -> list[str]:
        """Return everything that must not happen."""
        return [*self.wrong, *self.failed, *self.silent, *self.left]

    def counts(self) -> dict[str, int]:
        """Return the numbers of the report."""
        kills = Counter(one.role for one in self.kills)
        bad = sum(one.reply.status != 200 for one in self.calls)
        return {
            **{f"{role} kills": kills[role] for role in ("worker", "fork server", "gateway")},
            "calls": len(self.calls), "failed in a kill": bad - len(self.failed),
            "changes": len(self.changes), "wrong": len(self.wrong), "failed": len(self.failed),
            "silent": len(self.silent), "left": len(self.left),
        }  # fmt: skip


def judge(found: Battle) -> None:
    """Add what must not have happened, except processes that are left."""
    for call in found.calls:
        reply = call.reply
        if reply.status != 200:
            if not _was_killed(found, call):
                found.failed.append(
                    f"gateway {call.gateway}, asked {call.asked}: {reply.status} {reply.body[:200]!r}"
                )
            continue
        allowed = {call.asked} if call.asked is not None else _allowed(found, reply)
        if reply.version not in allowed or reply.json() != {"result": reply.version}:
            found.wrong.append(
                f"version {reply.version} answered {reply.body!r}; allowed: {sorted(allowed)}"
            )
    for kill in found.kills:
        after = [
            one.reply.received
            for one in found.calls
            if one.gateway == kill.gateway and one.reply.sent > kill.at and one.reply.status == 200
        ]
        later = any(one.gateway == kill.gateway and one.at > kill.at for one in found.kills)
        if (not after and not later) or (after and min(after) - kill.at > BACK_S):
            found.silent.append(f"no answer within {BACK_S:g} s of the kill of a {kill.role}")


def _allowed(found: Battle, reply: Reply) -> set[int]:
    """Return the versions that may have answered a call: live or canary at its time."""
    ends = [*(one.done + FOLLOW_S for one in found.changes[1:]), math.inf]
    return {
        version
        for change, end in zip(found.changes, ends, strict=True)
        if change.begun <= reply.received and reply.sent <= end
        for version in change.versions
    }


def _was_killed(found: Battle, call: Call) -> bool:
    """Return whether a call failed because its process was killed.

    That is a call in progress when a worker is killed, or one between the end of a gateway and the
    first answer of the next.
    """
    reply = call.reply
    mine = [one for one in found.kills if one.gateway == call.gateway]
    if reply.status == _DIED:
        return any(
            one.at <= reply.received and reply.sent <= one.done + _NOTICED_S
            for one in mine
            if one.role != "gateway"
        )
    if reply.status != 0:
        return False
    restarts = [0.0, *(one.at for one in mine if one.role == "gateway")]
    ended = max(at for at in restarts if at <= reply.received)
    return not any(
        one.gateway == call.gateway and one.reply.status == 200
        and ended < one.reply.sent and one.reply.received < reply.sent
        for one in found.calls
    )  # fmt: skip
