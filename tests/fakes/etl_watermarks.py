"""Watermarks of the facade for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_etl.model import Cursor, CursorKind, CursorValue, Watermark

if TYPE_CHECKING:
    from fakes.etl import FakeEtl


class FakeWatermarks:
    def __init__(self, etl: FakeEtl) -> None:
        self._etl = etl
        self.held = Watermark(
            pipeline="delays",
            cursor=Cursor(source="trips", table="", column="id"),
            value=CursorValue(kind=CursorKind.INTEGER, text="42"),
            era=0,
            run_id=2,
            moved_by="sam",
            moved_at=etl.clock.now(),
        )

    def list(self, pipeline: str | None = None) -> list[Watermark]:
        self._etl.calls.append("watermarks.list")
        return [self.held]

    def set(
        self, pipeline: str, target: str, value: str | None, *, column: str | None = None
    ) -> Watermark:
        self._etl.calls.append("watermarks.set")
        assert (pipeline, target, column) == ("delays", "trips", "id")
        self.held = replace(self.held, value=None, run_id=None)
        return self.held
