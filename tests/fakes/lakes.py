"""A lake that is always mounted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FakeLake:
    root: str = "lake"

    def check(self) -> None:
        pass

    def claim(self) -> None:
        pass
