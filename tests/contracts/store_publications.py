"""Tests of every ledger: publications."""

from __future__ import annotations

from dataclasses import replace

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
from jupyter_etl.errors import Conflict, NotFound, PermissionDenied, StoreError
from jupyter_etl.model import (
    AttemptReport,
    Committed,
    Freshness,
    Outcome,
    PublicationKind,
    PublicationVersion,
    RunState,
)
from jupyter_etl.ports import Store


class PublicationsContract:
    """Visibility and ownership of publications."""

    def test_a_run_makes_all_its_outputs_visible(self, store: Store) -> None:
        claim = started(store)
        table, report = an_output(), an_output("brief", kind=PublicationKind.REPORT, rows=None)
        attempt = claim.attempt
        visible = store.finish_attempt(
            attempt.run_id,
            attempt.number,
            attempt.token,
            succeeded(table, report),
            state=RunState.SUCCEEDED,
            not_before=None,
            now=NOW + HOUR,
        )
        assert visible[0] == PublicationVersion(
            name="sales.daily",
            number=1,
            draft=False,
            what=table,
            owner="ada",
            pipeline="orders",
            run_id=claim.run.id,
            notebook="/home/ada/orders.ipynb",
            published_at=NOW + HOUR,
        )
        assert [version.what for version in visible] == [table, report]
        run = store.load_run(claim.run.id)
        assert sorted(version.name for version in run.published) == ["brief", "sales.daily"]
        assert store.load_runs()[0].published == run.published
        publication = store.load_publication("sales.daily")
        assert (publication.live, publication.draft) == (visible[0], None)
        assert (publication.owner, publication.pipeline) == ("ada", "orders")
        assert (publication.kind, publication.created_at) == (PublicationKind.TABLE, NOW + HOUR)

    def test_no_number_is_given_again(self, store: Store) -> None:
        interactive(store, draft=False)
        store.save_given_numbers({("sales.daily", False): 7, ("new", True): 3})
        store.save_given_numbers({("sales.daily", False): 5, ("new", True): 4})
        assert store.next_publication_number("sales.daily", draft=False) == 8
        assert store.next_publication_number("sales.daily", draft=True) == 1
        assert store.next_publication_number("new", draft=True) == 5
        numbers = [interactive(store, draft=draft).number for draft in (False, False, True)]
        assert numbers == [8, 9, 1]
        publication = store.load_publication("sales.daily")
        assert publication.live is not None
        assert publication.live.number == 9
        history = store.load_publication_versions("sales.daily")
        assert [version.number for version in history] == [9, 8, 1]
        assert store.next_publication_number("sales.daily", draft=False) == 10

    def test_live_and_draft_are_numbered_apart(self, store: Store) -> None:
        assert store.next_publication_number("sales.daily", draft=True) == 1
        first = interactive(store, draft=True)
        assert (first.number, first.draft, first.run_id) == (1, True, None)
        assert store.load_publication("sales.daily").live is None
        assert store.next_publication_number("sales.daily", draft=True) == 2
        assert store.next_publication_number("sales.daily", draft=False) == 1
        live = [publish_by_run(store, key) for key in ("a", "b")]
        second = interactive(store, draft=True)
        assert [version.number for version in live] == [1, 2]
        assert second.number == 2
        publication = store.load_publication("sales.daily")
        assert (publication.live, publication.draft) == (live[1], second)
        assert store.load_publication_versions("sales.daily") == [live[1], live[0]]
        assert store.load_publication_versions("sales.daily", draft=True) == [second, first]

    def test_an_interactive_draft_leaves_the_pipeline_that_publishes(self, store: Store) -> None:
        publish_by_run(store, "a")
        interactive(store, draft=True)
        assert store.load_publication("sales.daily").pipeline == "orders"
        interactive(store, draft=False)
        assert store.load_publication("sales.daily").pipeline == ""

    def test_a_draft_run_publishes_drafts(self, store: Store) -> None:
        claim = started(store, a_run(draft=True))
        finish(store, claim, succeeded(an_output()))
        (version,) = store.load_run(claim.run.id).published
        assert (version.draft, version.number) == (True, 1)
        assert store.load_publication("sales.daily").live is None

    def test_a_run_publishes_all_or_nothing(self, store: Store) -> None:
        interactive(store, an_output("zoe"), owner="zoe", draft=True)
        claim = started(store)
        with pytest.raises(PermissionDenied, match="'zoe'"):
            finish(store, claim, succeeded(an_output("a"), an_output("zoe"), an_output("z")))
        assert [publication.name for publication in store.load_publications()] == ["zoe"]
        assert store.load_publication("zoe").live is None
        run = store.load_run(claim.run.id)
        assert (run.state, run.outcome, run.published) == (RunState.RUNNING, None, ())
        finish(store, claim, succeeded(an_output("a")))
        assert store.load_run(claim.run.id).state is RunState.SUCCEEDED

    def test_an_attempt_that_failed_publishes_nothing(self, store: Store) -> None:
        claim = started(store)
        report = AttemptReport(outcome=Outcome.FAILED, committed=(an_output(),))
        with pytest.raises(StoreError):
            finish(store, claim, report, state=RunState.FAILED)
        assert store.load_publications() == []

    def test_the_same_name_twice_in_a_run_is_two_versions(self, store: Store) -> None:
        claim = started(store)
        finish(store, claim, succeeded(an_output(rows=1), an_output(rows=2)))
        published = store.load_run(claim.run.id).published
        assert [(version.number, version.what.rows) for version in published] == [(1, 1), (2, 2)]

    def test_a_name_belongs_to_who_published_first(self, store: Store) -> None:
        store.check_publication("sales.daily", PublicationKind.TABLE, "eve")
        interactive(store, draft=True)
        store.check_publication("sales.daily", PublicationKind.TABLE, "ada")
        with pytest.raises(PermissionDenied):
            store.check_publication("sales.daily", PublicationKind.TABLE, "eve")
        with pytest.raises(PermissionDenied):
            interactive(store, owner="eve", draft=True)

    def test_a_name_is_of_one_pipeline_unless_it_is_shared(self, store: Store) -> None:
        def check(pipeline: str | None) -> None:
            store.check_publication("sales.daily", PublicationKind.TABLE, "ada", pipeline=pipeline)

        published = publish_by_run(store, "1")
        check("second")
        first = a_pipeline(name=published.pipeline, owner="ada")
        store.deploy(first, now=NOW)
        check(first.name)
        check(None)
        with pytest.raises(Conflict, match=first.name):
            check("second")
        store.deploy(replace(first, policy=replace(first.policy, shared=True)), now=NOW)
        check("second")
        store.deploy(first, now=NOW)
        store.remove_pipeline(first.name)
        check("second")

    def test_a_name_is_of_one_kind(self, store: Store) -> None:
        interactive(store, draft=True)
        with pytest.raises(Conflict, match="table"):
            store.check_publication("sales.daily", PublicationKind.FILE, "ada")
        with pytest.raises(Conflict):
            interactive(store, an_output(kind=PublicationKind.FILE), draft=False)
        assert store.load_publication("sales.daily").live is None

    def test_a_pipeline_that_is_handed_over_takes_its_publications(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        publish_by_run(store, "a")
        interactive(store, an_output("other"), draft=False)
        store.change_pipeline("orders", now=NOW, owner="bob")
        claim = started(store, a_run("b", owner="bob"))
        finish(store, claim, succeeded(an_output()))
        versions = store.load_publication_versions("sales.daily")
        assert [version.owner for version in versions] == ["bob", "ada"]
        assert store.load_publication("other").owner == "ada"

    def test_publications_are_listed_by_name_with_their_versions(self, store: Store) -> None:
        for name in ("b", "a", "C"):
            interactive(store, an_output(name), draft=name == "a")
        listed = store.load_publications()
        assert [publication.name for publication in listed] == ["C", "a", "b"]
        assert [publication.live is None for publication in listed] == [False, True, False]
        assert listed == [store.load_publication(publication.name) for publication in listed]

    def test_freshness_is_promised_by_the_owner(self, store: Store) -> None:
        interactive(store, draft=True)
        promise = Freshness(warn_s=3600.0, error_s=7200.0)
        assert store.set_freshness("sales.daily", promise, owner="ada").freshness == promise
        assert store.load_publication("sales.daily").freshness == promise
        with pytest.raises(PermissionDenied):
            store.set_freshness("sales.daily", None, owner="eve")
        assert store.set_freshness("sales.daily", None, owner="ada").freshness is None
        with pytest.raises(NotFound):
            store.set_freshness("unknown", promise, owner="ada")

    def test_unknown_publications_are_reported(self, store: Store) -> None:
        interactive(store, draft=True)
        with pytest.raises(NotFound, match=r"Did you mean 'sales\.daily'"):
            store.load_publication("sales.dayly")
        with pytest.raises(NotFound):
            store.load_publication_versions("unknown")


def interactive(
    store: Store, what: Committed | None = None, *, owner: str = "ada", draft: bool
) -> PublicationVersion:
    return store.publish(
        what or an_output(), owner=owner, pipeline="", notebook="/n.ipynb", draft=draft, now=NOW
    )


def publish_by_run(store: Store, key: str) -> PublicationVersion:
    claim = started(store, a_run(key))
    finish(store, claim, succeeded(an_output()))
    return store.load_run(claim.run.id).published[0]
