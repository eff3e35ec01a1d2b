"""Tests of every ledger: which runs can be claimed, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from contracts.store_planning import NO_ANSWER
from contracts.store_values import HOUR, NOW, a_run, finish, started
from jupyter_etl.model import Cause, Policy, Read, RunState, Source
from jupyter_etl.model.source import FAILURES, PROBE_S
from jupyter_etl.ports import Claim, Store

PROBE = timedelta(seconds=PROBE_S)
MINUTE = timedelta(minutes=1)


class ClaimsContract:
    """Claims."""

    def test_planned_runs_of_a_pipeline_go_one_after_another(self, store: Store) -> None:
        for key, cause in (("1", Cause.SCHEDULE), ("2", Cause.UPSTREAM), ("3", Cause.SCHEDULE)):
            store.add_run(a_run(key, cause=cause), now=NOW)
        store.add_run(a_run("asked for", cause=Cause.MANUAL), now=NOW)
        store.add_run(a_run("other", pipeline="other", cause=Cause.SCHEDULE), now=NOW)
        claims = store.claim("s", now=NOW, limit=9)
        assert set(keys(claims)) == {"1", "asked for", "other"}
        assert store.claim("s", now=NOW, limit=9) == []
        finish(store, claims[0])
        assert keys(store.claim("s", now=NOW, limit=9)) == ["2"]

    def test_a_line_goes_by_priority_then_by_the_longest_due(self, store: Store) -> None:
        for key, due_at, priority in (
            ("young", NOW, 0),
            ("old", NOW - HOUR, 0),
            ("urgent", NOW, 5),
            ("low", NOW - 9 * HOUR, -1),
            ("later", NOW + HOUR, 9),
        ):
            store.add_run(a_run(key, due_at=due_at, priority=priority), now=NOW)
        first = store.claim("s", now=NOW, limit=2)
        assert keys(first) == ["urgent", "old"]
        rest = store.claim("s", now=NOW, limit=9)
        assert keys(rest) == ["young", "low"]
        assert store.claim("s", now=NOW + HOUR, limit=0) == []
        assert len({claim.attempt.token for claim in first + rest}) == 4

    def test_a_claim_may_be_for_some_owners(self, store: Store) -> None:
        for owner in ("sam", "kim", "eve"):
            for cause in (Cause.SCHEDULE, Cause.MANUAL):
                new = a_run(f"{owner} {cause}", pipeline=owner, cause=cause, owner=owner)
                store.add_run(new, now=NOW)

        def owners_of_claims(*owners: str) -> set[str]:
            claims = store.claim("s", now=NOW, limit=9, owners=owners)
            return {claim.run.new.owner for claim in claims}

        assert owners_of_claims("nobody") == set()
        assert owners_of_claims("kim", "eve") == {"kim", "eve"}
        assert owners_of_claims("kim", "eve") == set()
        assert owners_of_claims() == {"sam"}

    def test_a_claim_by_id_takes_that_run_only(self, store: Store) -> None:
        store.add_run(a_run("a", priority=9), now=NOW)
        wanted = store.add_run(a_run("b"), now=NOW)
        (claim,) = store.claim("s", now=NOW, limit=1, run_id=wanted.id)
        assert claim.run.id == wanted.id
        assert store.claim("s", now=NOW, limit=1, run_id=wanted.id) == []
        assert store.claim("s", now=NOW, limit=1, run_id=9999) == []

    def test_pipelines_take_turns_however_long_their_lines_are(self, store: Store) -> None:
        for name, count in (("busy", 9), ("other", 3), ("third", 1)):
            for i in range(count):
                store.add_run(a_run(str(i), pipeline=name), now=NOW)
        served = []
        for step in range(6):
            at = NOW + step * MINUTE
            served += [claim.run.new.pipeline for claim in store.claim("s", now=at, limit=1)]
        assert served == ["busy", "other", "third", "busy", "other", "busy"]

    def test_a_batch_takes_turns_too(self, store: Store) -> None:
        for name in ("busy", "other"):
            for i in range(4):
                store.add_run(a_run(str(i), pipeline=name), now=NOW)
        claims = store.claim("s", now=NOW + MINUTE, limit=6)
        names = [claim.run.new.pipeline for claim in claims]
        assert names[:2] == ["busy", "other"]
        assert (names.count("busy"), names.count("other")) == (3, 3)

    def test_a_priority_is_a_head_start_of_minutes(self, store: Store) -> None:
        for i in range(9):
            store.add_run(a_run(str(i), pipeline="urgent", priority=3), now=NOW)
        store.add_run(a_run(pipeline="patient"), now=NOW)
        served = []
        for step in range(6):
            at = NOW + step * MINUTE + timedelta(seconds=1)
            served += [claim.run.new.pipeline for claim in store.claim("s", now=at, limit=1)]
        assert served == ["urgent"] * 4 + ["patient", "urgent"]

    @pytest.mark.parametrize(("highest", "minutes"), [(10**6, 100), (50, 50)])
    def test_no_priority_is_a_longer_head_start_than_the_longest(
        self, store: Store, highest: int, minutes: int
    ) -> None:
        store.add_run(a_run(pipeline="patient"), now=NOW)
        soon, late = (NOW + (minutes + n) * MINUTE for n in (-1, 1))
        store.add_run(a_run("a", pipeline="urgent", priority=highest, due_at=soon), now=soon)
        assert pipelines_of(store.claim("s", now=soon, limit=1)) == ["urgent"]
        store.add_run(a_run("b", pipeline="latest", priority=highest, due_at=late), now=late)
        assert pipelines_of(store.claim("s", now=late, limit=1)) == ["patient"]

    def test_backfills_go_as_many_at_once_as_the_policy_says(self, store: Store) -> None:
        policy = Policy(parallel=2)
        for name in ("orders", "other"):
            for i in range(4):
                new = a_run(str(i), pipeline=name, cause=Cause.BACKFILL, policy=policy)
                store.add_run(new, now=NOW)
        claims = store.claim("s", now=NOW, limit=9)
        assert sorted(pipelines_of(claims)) == ["orders"] * 2 + ["other"] * 2
        assert store.claim("s", now=NOW, limit=9) == []
        finish(store, claims[0])
        (following,) = store.claim("s", now=NOW, limit=9)
        assert following.run.new.pipeline == claims[0].run.new.pipeline

    def test_a_source_is_read_by_as_many_runs_as_it_allows(self, store: Store) -> None:
        store.save_source(Source(name="wh", kind="sql", location="postgresql://h/d", limit=2))
        store.save_source(Source(name="files", kind="csv", location="/data"))
        for i in range(4):
            store.add_run(a_run(pipeline=f"p{i}", sources=("files", "wh")), now=NOW)
            store.add_run(a_run(pipeline=f"q{i}", sources=("files", "unknown")), now=NOW)
        claims = store.claim("s", now=NOW, limit=9)
        assert sorted(pipelines_of(claims)) == ["p0", "p1", "q0", "q1", "q2", "q3"]
        waiting = store.load_runs(states=(RunState.QUEUED,))[-1]
        assert store.claim("s", now=NOW, limit=1, run_id=waiting.id) == []
        finish(store, next(c for c in claims if c.run.new.pipeline == "p0"))
        assert pipelines_of(store.claim("s", now=NOW, limit=9)) == ["p2"]

    def test_a_database_is_read_by_four_runs_by_default(self, store: Store) -> None:
        store.save_source(Source(name="wh", kind="sql", location="postgresql://h/d"))
        for i in range(6):
            store.add_run(a_run(str(i), sources=("wh",)), now=NOW)
        assert len(store.claim("s", now=NOW, limit=9)) == 4

    def test_who_waits_long_for_two_sources_is_not_passed_for_ever(self, store: Store) -> None:
        for name in ("a", "b"):
            store.save_source(Source(name=name, kind="sql", location="sqlite:///x", limit=1))
        one = claimed(store, a_run(pipeline="a only", sources=("a",)))
        two = claimed(store, a_run(pipeline="b only", sources=("b",)))
        store.add_run(a_run(pipeline="both", sources=("a", "b")), now=NOW)
        at = NOW
        for step in range(12):
            at = NOW + step * 3 * MINUTE
            free, name = (one, "a") if step % 2 else (two, "b")
            store.add_run(a_run(str(step), pipeline=f"{name} only", sources=(name,)), now=at)
            finish(store, free, now=at)
            (claim,) = store.claim("s", now=at, limit=9) or (None,)
            if claim is None:
                continue
            if claim.run.new.pipeline == "both":
                break
            one, two = (claim, two) if step % 2 else (one, claim)
        assert store.count_runs(pipeline="both", states=(RunState.DISPATCHED,)) == 1
        assert at <= NOW + 20 * MINUTE

    def test_behind_an_open_breaker_one_run_at_a_time_is_let_through(self, store: Store) -> None:
        break_source(store, "wh")
        for i in range(5):
            store.add_run(a_run(pipeline=f"p{i}", sources=("crm", "wh")), now=NOW)
        store.add_run(a_run(pipeline="other", sources=("crm",)), now=NOW)
        assert pipelines_of(store.claim("s", now=NOW, limit=9)) == ["other"]
        (first,) = store.claim("s", now=NOW + PROBE, limit=9)
        assert store.claim("s", now=NOW + PROBE * 1.9, limit=9) == []
        finish(store, first, NO_ANSWER, state=RunState.FAILED, now=NOW + PROBE * 1.5)
        assert store.claim("s", now=NOW + PROBE * 2.4, limit=9) == []
        (second,) = store.claim("s", now=NOW + PROBE * 2.5, limit=9)
        answered = replace(NO_ANSWER, reads=(Read(source="wh"),), failed_source="")
        finish(store, second, answered, state=RunState.FAILED, now=NOW + PROBE * 3)
        assert store.load_breakers() == []
        assert len(store.claim("s", now=NOW + PROBE * 3, limit=9)) == 3

    def test_a_source_is_probed_only_by_a_run_that_starts(self, store: Store) -> None:
        break_source(store, "wh")
        break_source(store, "crm", now=NOW + PROBE)
        store.add_run(a_run(pipeline="both", sources=("wh", "crm")), now=NOW)
        assert store.claim("s", now=NOW + PROBE, limit=9) == []
        probes = {breaker.source: breaker.retry_at for breaker in store.load_breakers()}
        assert probes == {"wh": NOW + PROBE, "crm": NOW + 2 * PROBE}
        assert len(store.claim("s", now=NOW + 2 * PROBE, limit=9)) == 1

    def test_a_dead_source_is_tried_once_in_half_a_minute(self, store: Store) -> None:
        break_source(store, "wh")
        for i in range(60):
            store.add_run(a_run(str(i), pipeline=f"p{i % 20}", sources=("wh",)), now=NOW)
        tries: list[datetime] = []
        for second in range(1, 200):
            at = NOW + timedelta(seconds=second)
            for claim in store.claim("s", now=at, limit=9):
                tries.append(at)
                finish(store, claim, NO_ANSWER, state=RunState.FAILED, now=at)
        assert tries == [NOW + n * PROBE for n in range(1, 7)]


def keys(claims: Iterable[Claim]) -> list[str]:
    return [claim.run.new.logical_key for claim in claims]


def pipelines_of(claims: Iterable[Claim]) -> list[str]:
    return [claim.run.new.pipeline for claim in claims]


def claimed(store: Store, new) -> Claim:  # type: ignore[no-untyped-def]
    run = store.add_run(new, now=NOW)
    (claim,) = store.claim("s", now=NOW, limit=1, run_id=run.id)
    return claim


def break_source(store: Store, name: str, *, now: datetime = NOW) -> None:
    """Report failures of a source until its breaker opens."""
    for number in range(FAILURES):
        claim = started(store, a_run(f"{name} {number}", pipeline="broken"), now=now)
        report = replace(NO_ANSWER, failed_source=name)
        finish(store, claim, report, state=RunState.FAILED, now=now)
