"""Tests of every ledger: watermarks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.store_values import (
    HOUR,
    NOW,
    a_pipeline,
    a_run,
    an_output,
    finish,
    started,
    succeeded,
)
from jupyter_etl.errors import Conflict, PermissionDenied
from jupyter_etl.model import (
    AttemptReport,
    Cursor,
    CursorKind,
    CursorMove,
    CursorStart,
    CursorValue,
    Outcome,
    PublicationVersion,
    RunState,
    VersionWatermark,
    Watermark,
)
from jupyter_etl.ports import Claim, Store

ORDERS = Cursor(source="wh", table="orders", column="updated_at")


def number(value: int) -> CursorValue:
    return CursorValue(kind=CursorKind.INTEGER, text=str(value))


def moved_to(
    value: CursorValue | None,
    *,
    cursor: Cursor = ORDERS,
    after: CursorValue | None = None,
    era: int = 0,
) -> CursorMove:
    start = CursorStart(after=after, era=era, until=NOW)
    return CursorMove(cursor=cursor, start=start, upto=value, value=value, rows=3)


def publish(store: Store, claim: Claim, *moves: CursorMove) -> None:
    output = an_output("out", delta_version=None)
    finish(store, claim, replace(succeeded(output), moves=moves))


def value_of(store: Store, cursor: Cursor = ORDERS) -> CursorValue | None:
    found = store.load_watermark("orders", cursor)
    return None if found is None else found.value


class WatermarksContract:
    """Watermarks move when the run's outputs become visible, and never back."""

    def test_there_is_none_at_first(self, store: Store) -> None:
        assert store.load_watermark("orders", ORDERS) is None
        assert store.load_watermarks() == []

    def test_it_moves_with_what_a_run_publishes(self, store: Store) -> None:
        claim = started(store)
        publish(store, claim, moved_to(number(7)))
        assert store.load_watermark("orders", ORDERS) == Watermark(
            pipeline="orders",
            cursor=ORDERS,
            value=number(7),
            era=0,
            run_id=claim.run.id,
            moved_by="ada",
            moved_at=NOW,
        )

    @pytest.mark.parametrize(
        "report",
        [
            AttemptReport(outcome=Outcome.SUCCEEDED),
            AttemptReport(outcome=Outcome.FAILED),
            AttemptReport(outcome=Outcome.LOST),
            AttemptReport(outcome=Outcome.TIMED_OUT),
            AttemptReport(outcome=Outcome.CANCELLED),
            AttemptReport(outcome=Outcome.HELD),
        ],
    )
    def test_what_publishes_nothing_moves_nothing(
        self, store: Store, report: AttemptReport
    ) -> None:
        state = RunState.SUCCEEDED if report.outcome is Outcome.SUCCEEDED else RunState.FAILED
        finish(store, started(store), replace(report, moves=(moved_to(number(7)),)), state=state)
        assert store.load_watermarks() == []

    def test_a_draft_moves_nothing(self, store: Store) -> None:
        publish(store, started(store, a_run(draft=True)), moved_to(number(7)))
        assert store.load_watermarks() == []

    def test_no_row_moves_nothing(self, store: Store) -> None:
        publish(store, started(store), moved_to(None))
        assert store.load_watermarks() == []

    def test_a_stale_attempt_moves_nothing(self, store: Store) -> None:
        claim = started(store)
        stale = replace(claim, attempt=replace(claim.attempt, token="f" * 32))
        with pytest.raises(Conflict):
            publish(store, stale, moved_to(number(7)))
        assert store.load_watermarks() == []

    def test_nothing_moves_where_a_name_is_refused(self, store: Store) -> None:
        publish(store, started(store, a_run("1")), moved_to(number(1)))
        other = started(store, a_run("2", owner="bob"))
        report = replace(succeeded(an_output("out")), moves=(moved_to(number(9)),))
        with pytest.raises(PermissionDenied):
            finish(store, other, report)
        assert value_of(store) == number(1)

    @pytest.mark.parametrize(("first", "second"), [(5, 9), (9, 5), (9, 10), (10, 9)])
    def test_of_two_runs_from_one_start_the_further_counts(
        self, store: Store, first: int, second: int
    ) -> None:
        one, two = started(store, a_run("1")), started(store, a_run("2"))
        publish(store, one, moved_to(number(first)))
        publish(store, two, moved_to(number(second)))
        assert value_of(store) == number(max(first, second))

    def test_another_kind_of_value_does_not_move_it(self, store: Store) -> None:
        publish(store, started(store, a_run("1")), moved_to(number(5)))
        text = CursorValue(kind=CursorKind.TEXT, text="z")
        publish(store, started(store, a_run("2")), moved_to(text))
        assert value_of(store) == number(5)

    def test_each_cursor_has_its_own(self, store: Store) -> None:
        others = [
            replace(ORDERS, source="lake"),
            replace(ORDERS, table="lines"),
            replace(ORDERS, column="id"),
        ]
        moves = [moved_to(number(n), cursor=c) for n, c in enumerate([ORDERS, *others])]
        publish(store, started(store), *moves)
        publish(store, started(store, a_run(pipeline="q")), moved_to(number(8)))
        found = [(w.pipeline, w.cursor.label, w.value) for w in store.load_watermarks()]
        assert found == [
            ("orders", "lake.orders.updated_at", number(1)),
            ("orders", "wh.lines.updated_at", number(2)),
            ("orders", "wh.orders.id", number(3)),
            ("orders", "wh.orders.updated_at", number(0)),
            ("q", "wh.orders.updated_at", number(8)),
        ]
        assert [w.value for w in store.load_watermarks("q")] == [number(8)]

    @pytest.mark.parametrize("value", [number(3), number(30), None])
    def test_what_a_user_sets_wins_over_active_runs(
        self, store: Store, value: CursorValue | None
    ) -> None:
        publish(store, started(store, a_run("1")), moved_to(number(5)))
        in_progress = started(store, a_run("2"))
        now = NOW + HOUR
        was_set = store.set_watermark("orders", ORDERS, value, by="ada", now=now)
        assert (was_set.value, was_set.era, was_set.run_id) == (value, 1, None)
        assert (was_set.moved_by, was_set.moved_at) == ("ada", now)
        publish(store, in_progress, moved_to(number(9), after=number(5)))
        assert value_of(store) == value
        publish(store, started(store, a_run("3")), moved_to(number(40), after=value, era=1))
        assert value_of(store) == number(40)

    def test_a_person_may_set_one_that_is_not_there(self, store: Store) -> None:
        for era in (1, 2):
            later = NOW + timedelta(minutes=era)
            assert store.set_watermark("p", ORDERS, number(era), by="eve", now=later).era == era
        assert store.load_watermarks() == store.load_watermarks("p")

    def test_only_the_owner_sets_it(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        with pytest.raises(PermissionDenied, match="belongs to 'ada'"):
            store.set_watermark("orders", ORDERS, number(1), by="eve", now=NOW)
        assert store.load_watermarks() == []
        store.set_watermark("orders", ORDERS, number(1), by="ada", now=NOW)

    @pytest.mark.parametrize(
        "text", ["2026-01-31T06:00:00.123456789Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
    )
    def test_values_come_back_as_they_were(self, store: Store, text: str) -> None:
        value = CursorValue(kind=CursorKind.INSTANT, text=text)
        publish(store, started(store), moved_to(value))
        assert value_of(store) == value

    def test_a_version_records_how_far_its_loads_had_come(self, store: Store) -> None:
        publish(store, started(store, a_run("1")), moved_to(number(3)))
        publish(store, started(store, a_run("2")), moved_to(number(7), after=number(3)))
        publish(store, started(store, a_run("3", pipeline="q")), moved_to(number(5)))
        of_q = VersionWatermark(pipeline="q", cursor=ORDERS, value=number(5), begun=None)
        recorded = [v.watermarks for v in store.load_publication_versions("out")]
        assert recorded == [
            (recorded_at(7), of_q),
            (recorded_at(7),),
            (recorded_at(3),),
        ]

    def test_a_version_of_no_load_has_the_record_of_the_one_before(self, store: Store) -> None:
        finish(store, started(store, a_run("1")), succeeded(an_output("out")))
        publish(store, started(store, a_run("2")), moved_to(number(7), after=number(4)))
        finish(store, started(store, a_run("3")), succeeded(an_output("out")))
        publish(store, started(store, a_run("4", draft=True)), moved_to(number(9)))
        recorded = [v.watermarks for v in store.load_publication_versions("out")]
        assert recorded == [(recorded_at(7, begun=4),), (recorded_at(7, begun=4),), ()]
        (draft,) = store.load_publication_versions("out", draft=True)
        assert draft.watermarks == ()

    def test_a_version_records_the_watermark_that_counts(self, store: Store) -> None:
        """The watermark is that of a run that went further, or one that a user has set."""
        one, two = started(store, a_run("1")), started(store, a_run("2"))
        publish(store, one, moved_to(number(9)))
        publish(store, two, moved_to(number(5)))
        store.set_watermark("orders", ORDERS, number(2), by="ada", now=NOW)
        publish(store, started(store, a_run("3")), moved_to(number(12), after=number(9)))
        recorded = [v.watermarks for v in store.load_publication_versions("out")]
        assert recorded == [(recorded_at(2),), (recorded_at(9),), (recorded_at(9),)]

    def test_watermarks_are_set_with_the_version_whose_content_comes_back(
        self, store: Store
    ) -> None:
        publish(store, started(store, a_run("1")), moved_to(number(3)))
        in_progress = started(store, a_run("2"))
        publish(store, started(store, a_run("3")), moved_to(number(7), after=number(3)))
        version = roll_back(store, recorded_at(3))
        assert (version.number, version.watermarks) == (3, (recorded_at(3),))
        found = store.load_watermark("orders", ORDERS)
        assert found is not None
        assert (found.value, found.era, found.run_id, found.moved_by) == (number(3), 1, None, "ada")
        # The current run began before the reset.
        publish(store, in_progress, moved_to(number(5), after=number(3)))
        assert value_of(store) == number(3)

    def test_nothing_is_set_and_nothing_visible_where_a_pipeline_is_another_owners(
        self, store: Store
    ) -> None:
        publish(store, started(store, a_run("1")), moved_to(number(3)))
        publish(store, started(store, a_run("2")), moved_to(number(7), after=number(3)))
        store.deploy(replace(a_pipeline(), owner="eve"), now=NOW)
        with pytest.raises(PermissionDenied, match="belongs to 'eve'"):
            roll_back(store, recorded_at(3))
        assert value_of(store) == number(7)
        assert len(store.load_publication_versions("out")) == 2


def recorded_at(value: int, *, begun: int | None = None) -> VersionWatermark:
    return VersionWatermark(
        pipeline="orders",
        cursor=ORDERS,
        value=number(value),
        begun=None if begun is None else number(begun),
    )


def roll_back(store: Store, *watermarks: VersionWatermark) -> PublicationVersion:
    return store.publish(
        an_output("out"),
        owner="ada",
        pipeline="orders",
        notebook="",
        draft=False,
        now=NOW,
        content_of=1,
        watermarks=watermarks,
    )
