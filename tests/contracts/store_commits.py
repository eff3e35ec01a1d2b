"""Tests of every ledger: publication locks and retention."""

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
    claim_one,
    finish,
    started,
    succeeded,
)
from jupyter_etl.errors import Conflict
from jupyter_etl.model import AttemptReport, Outcome, PublicationVersion, RunState
from jupyter_etl.ports import Claim, Store

LOST = AttemptReport(outcome=Outcome.LOST)


class CommitsContract:
    """Locks have one holder at a time, until its attempt has ended."""

    def test_an_attempt_has_the_publication_lock_until_it_ends(self, store: Store) -> None:
        first, second = started(store, a_run("1")), started(store, a_run("2"))
        assert publication_lock(store, first, "a", "b") == ()
        assert publication_lock(store, first, "a", "b") == ()
        assert publication_lock(store, second, "b", "c") == ("b",)
        # All or none: "c" was not locked.
        assert interactive(store, "hand", "c") == ()
        finish(store, first, succeeded(an_output("a"), an_output("b")))
        assert publication_lock(store, second, "b") == ()

    @pytest.mark.parametrize("report", [LOST, AttemptReport(outcome=Outcome.FAILED)])
    def test_whatever_the_end(self, store: Store, report: AttemptReport) -> None:
        first, second = started(store, a_run("1")), started(store, a_run("2"))
        publication_lock(store, first, "a")
        finish(store, first, report, state=RunState.QUEUED)
        assert publication_lock(store, second, "a") == ()
        again = claim_one(store, run_id=first.run.id)
        assert publication_lock(store, again, "a") == ("a",)

    def test_an_ended_attempt_gets_no_publication_lock(self, store: Store) -> None:
        claim = started(store)
        finish(store, claim, LOST, state=RunState.QUEUED)
        with pytest.raises(Conflict):
            publication_lock(store, claim, "a")
        again = claim_one(store, run_id=claim.run.id)
        with pytest.raises(Conflict):
            store.begin_commits(
                ["a"], draft=False, token="other", run_id=claim.run.id, number=2, now=NOW
            )
        assert publication_lock(store, again, "a") == ()

    def test_drafts_have_turns_of_their_own(self, store: Store) -> None:
        claim = started(store)
        publication_lock(store, claim, "a")
        assert interactive(store, "hand", "a", draft=True) == ()
        assert interactive(store, "hand", "a") == ("a",)

    def test_an_interactive_publication_lock_expires(self, store: Store) -> None:
        claim = started(store)
        assert interactive(store, "hand", "a") == ()
        assert interactive(store, "hand", "a") == ()
        assert interactive(store, "other", "a") == ("a",)
        assert publication_lock(store, claim, "a") == ("a",)
        assert publication_lock(store, claim, "a", now=NOW + HOUR) == ()
        assert interactive(store, "hand", "a") == ("a",)

    def test_an_interactive_publication_lock_is_released(self, store: Store) -> None:
        interactive(store, "hand", "a", "b")
        store.end_commits("hand")
        store.end_commits("hand")
        assert interactive(store, "other", "a", "b") == ()

    def test_interactive_publishing_requires_the_publication_lock(self, store: Store) -> None:
        interactive(store, "late", "a")
        assert publish(store, "late").number == 1
        with pytest.raises(Conflict, match="Another process has published"):
            publish(store, "late")
        interactive(store, "late", "a")
        # The holder was late, but there was no other one.
        assert publish(store, "late").number == 2
        interactive(store, "late", "a")
        claim = started(store)
        assert publication_lock(store, claim, "a", now=NOW + HOUR) == ()
        with pytest.raises(Conflict, match="Another process has published"):
            publish(store, "late")
        finish(store, claim, succeeded(an_output("a")))
        assert [v.number for v in store.load_publication_versions("a")] == [3, 2, 1]

    def test_pruned_versions_are_marked_once(self, store: Store) -> None:
        for _ in range(3):
            publish(store, None)
        store.save_pruned("a", [1, 2], draft=False, now=NOW)
        store.save_pruned("a", [2], draft=False, now=NOW + HOUR)
        store.save_pruned("a", [3], draft=True, now=NOW)
        store.save_pruned("a", [], draft=False, now=NOW)
        found = store.load_publication_versions("a")
        assert [version.pruned_at for version in found] == [None, NOW, NOW]

    def test_old_runs_beyond_the_newest_of_each_pipeline(self, store: Store) -> None:
        ids: dict[str, list[int]] = {"p": [], "q": []}
        for number in range(4):
            for pipeline, made in ids.items():
                claim = started(store, a_run(str(number), pipeline=pipeline))
                finish(store, claim, now=NOW + number * HOUR)
                made.append(claim.run.id)
        waiting = store.add_run(a_run("waiting", pipeline="r"), now=NOW)
        p, q = ids["p"], ids["q"]
        until = NOW + 100 * HOUR
        assert store.load_old_runs(before=until, keep=2) == sorted([*p[:2], *q[:2]])
        assert store.load_old_runs(before=NOW + HOUR, keep=0) == sorted([p[0], q[0]])
        assert store.load_old_runs(before=until, keep=4) == []
        assert waiting.id not in store.load_old_runs(before=until, keep=0)

    def test_attempts_that_ended_before(self, store: Store) -> None:
        first, second = started(store, a_run("1")), started(store, a_run("2"))
        finish(store, first, LOST, state=RunState.QUEUED)
        again = claim_one(store, run_id=first.run.id)
        ids = [first.run.id, second.run.id, 10_000]
        assert store.load_ended_attempts(ids, before=NOW + HOUR) == [(first.run.id, 1)]
        assert store.load_ended_attempts(ids, before=NOW) == []
        assert store.load_ended_attempts([], before=NOW + HOUR) == []
        assert again.attempt.number == 2

    def test_snapshots_that_nothing_names(self, store: Store) -> None:
        named, unnamed = store.save_snapshot("named"), store.save_snapshot("unnamed")
        by_run = store.save_snapshot("by run")
        store.deploy(a_pipeline(content_hash=named), now=NOW)
        store.add_run(replace(a_run(), content_hash=by_run), now=NOW)
        # They were saved just now, and may be about to be referenced.
        long_ago, later = NOW - timedelta(days=3650), NOW + timedelta(days=36500)
        assert store.prune_snapshots(before=long_ago, dry_run=False) == (0, 0)
        assert store.prune_snapshots(before=later, dry_run=True) == (1, 7)
        assert store.load_snapshot(unnamed) == "unnamed"
        assert store.prune_snapshots(before=later, dry_run=False) == (1, 7)
        assert store.prune_snapshots(before=later, dry_run=False) == (0, 0)
        assert (store.load_snapshot(named), store.load_snapshot(by_run)) == ("named", "by run")


def publication_lock(store: Store, claim: Claim, *names: str, now=NOW) -> tuple[str, ...]:  # type: ignore[no-untyped-def]
    attempt = claim.attempt
    return store.begin_commits(
        names,
        draft=False,
        token=attempt.token,
        run_id=attempt.run_id,
        number=attempt.number,
        now=now,
    )


def interactive(store: Store, token: str, *names: str, draft: bool = False) -> tuple[str, ...]:
    until = NOW + timedelta(minutes=5)
    return store.begin_commits(names, draft=draft, token=token, until=until, now=NOW)


def publish(store: Store, token: str | None) -> PublicationVersion:
    return store.publish(
        an_output("a"),
        owner="ada",
        pipeline="",
        notebook="",
        draft=False,
        now=NOW,
        token=token,
    )
