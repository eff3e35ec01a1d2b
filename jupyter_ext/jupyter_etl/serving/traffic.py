"""Which version of an endpoint answers a call."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from jupyter_etl.model import CallRole, Traffic, TrafficMode


@dataclass(frozen=True, kw_only=True)
class Route:
    """The version that answers a call, and why.

    Args:
        version: Its number.
        role: Its part in the traffic.
    """

    version: int
    role: CallRole


def choose_version(traffic: Traffic, *, draw: float, value: object = None) -> Route:
    """Return the version that answers a call.

    With a field (`Traffic.by`), equal values always get the same version, on every gateway, and a
    caller that a growing canary has reached stays with it.

    Args:
        draw: A random number in ``[0, 1)``, for calls without a value.
        value: The value of the field ``traffic.by`` in the request; None if it is not there.
    """
    if traffic.mode is TrafficMode.LIVE:
        return Route(version=traffic.live, role=CallRole.LIVE)
    place = draw if value is None or not traffic.by else _place(traffic.name, value)
    role = CallRole.CANARY if traffic.mode is TrafficMode.CANARY else CallRole.SPLIT
    reached = 0.0
    for arm in traffic.arms:
        reached += arm.share
        if place < reached:
            return Route(version=arm.version, role=role)
    if traffic.mode is TrafficMode.CANARY:
        return Route(version=traffic.live, role=CallRole.LIVE)
    # The shares may add up to a little less than 1.
    return Route(version=traffic.arms[-1].version, role=role)


def _place(name: str, value: object) -> float:
    """Return the place of a value in ``[0, 1)``; 7 and "7" are the same value, as in a URL."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    digest = hashlib.sha256(f"{name}\0{text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
