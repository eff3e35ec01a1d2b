"""Tests of every ledger: traffic of endpoints, and counts of their calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.store_values import HOUR, NOW, an_output
from jupyter_etl.errors import Conflict, NotFound, PermissionDenied
from jupyter_etl.model import (
    Arm,
    CallCounts,
    CallRole,
    Endpoint,
    EndpointKind,
    PublicationKind,
    PublicationVersion,
    ServedMark,
    Traffic,
    TrafficMode,
)
from jupyter_etl.ports import Store

SCORE = Endpoint(kind=EndpointKind.FUNCTION, request_schema="{}", response_schema="{}")
CANARY = (Arm(version=2, share=0.1),)
HALVES = (Arm(version=1, share=0.5), Arm(version=2, share=0.5))


def publish(
    store: Store, name: str = "score", *, promote: bool = True, draft: bool = False
) -> PublicationVersion:
    what = replace(
        an_output(name, kind=PublicationKind.API, rows=None, delta_version=None),
        endpoint=SCORE,
        promote=promote,
    )
    return store.publish(
        what, owner="ada", pipeline="train", notebook="/train.ipynb", draft=draft, now=NOW
    )


def change(store: Store, name: str = "score", *, owner: str = "ada", **changes: object) -> Traffic:
    now = store.load_traffic(name)
    new = replace(now, changed_at=NOW + HOUR, changed_by=owner, **changes)
    return store.save_traffic(new, replaces=now, owner=owner)


class EndpointsContract:
    """Versions that are live, canaries, arms of a split, shadows; counts of calls."""

    def test_an_endpoint_is_loaded_as_it_was_published(self, store: Store) -> None:
        publish(store)
        live = store.load_publication("score").live
        assert live is not None
        assert live.what.endpoint == SCORE

    def test_the_newest_version_is_live_by_itself(self, store: Store) -> None:
        publish(store)
        publish(store)
        assert store.load_traffic("score") == Traffic(
            name="score", live=2, changed_at=NOW, changed_by=""
        )
        assert store.load_traffic("score").shares == {2: 1.0}

    def test_a_version_waits_to_be_promoted(self, store: Store) -> None:
        publish(store, promote=False)
        second = publish(store, promote=False)
        assert second.number == 2
        publication = store.load_publication("score")
        assert publication.live is not None
        # The first is live in any case: nothing was served before.
        assert publication.live.number == 1
        change(store, live=2, note="promoted version 2")
        assert store.load_traffic("score").live == 2
        assert publish(store).number == 3
        assert store.load_traffic("score").live == 3

    def test_numbers_go_on_after_a_rollback(self, store: Store) -> None:
        publish(store)
        publish(store)
        change(store, live=1)
        assert publish(store, promote=False).number == 3
        assert store.next_publication_number("score", draft=False) == 4
        assert [v.number for v in store.load_publication_versions("score")] == [3, 2, 1]

    @pytest.mark.parametrize(
        "traffic",
        [
            {"live": 1, "mode": TrafficMode.CANARY, "arms": CANARY},
            {"live": 1, "mode": TrafficMode.SPLIT, "arms": HALVES, "by": "customer_id"},
            {"live": 1, "shadow": 2},
        ],
    )
    def test_new_versions_wait_while_traffic_is_shared(
        self, store: Store, traffic: dict[str, object]
    ) -> None:
        publish(store)
        publish(store)
        changed = change(store, **traffic)
        publish(store)
        assert store.load_traffic("score") == changed
        assert changed.served == (1, 2)
        change(store, live=2, mode=TrafficMode.LIVE, arms=(), by="", shadow=None)
        publish(store)
        assert store.load_traffic("score").live == 4

    def test_a_change_by_somebody_else_is_not_overwritten(self, store: Store) -> None:
        publish(store)
        publish(store)
        seen = store.load_traffic("score")
        change(store, live=1, note="promoted version 1")
        new = replace(seen, live=2, shadow=1, changed_at=NOW + HOUR, changed_by="ada")
        with pytest.raises(Conflict, match="was changed by ada at the same time: promoted"):
            store.save_traffic(new, replaces=seen, owner="ada")
        assert store.load_traffic("score").live == 1

    def test_only_its_owner_changes_it(self, store: Store) -> None:
        publish(store)
        with pytest.raises(PermissionDenied, match="belongs to 'ada'"):
            change(store, owner="bob", shadow=None)

    @pytest.mark.parametrize(
        "traffic",
        [
            {"live": 7},
            {"shadow": 7},
            {"arms": (Arm(version=7, share=0.1),), "mode": TrafficMode.CANARY},
        ],
    )
    def test_a_version_that_does_not_exist(self, store: Store, traffic: dict[str, object]) -> None:
        publish(store)
        with pytest.raises(NotFound, match="Version 7 of 'score' does not exist"):
            change(store, **traffic)
        assert store.load_traffic("score").live == 1

    def test_a_pruned_version(self, store: Store) -> None:
        publish(store)
        publish(store)
        store.save_pruned("score", [1], draft=False, now=NOW)
        with pytest.raises(NotFound, match="Version 1 of 'score' was pruned"):
            change(store, live=1)

    def test_what_has_no_traffic(self, store: Store) -> None:
        publish(store, "drafted", draft=True)
        store.publish(an_output(), owner="ada", pipeline="", notebook="", draft=False, now=NOW)
        with pytest.raises(NotFound, match="only drafts"):
            store.load_traffic("drafted")
        with pytest.raises(Conflict, match=r"'sales\.daily' is a table"):
            store.load_traffic("sales.daily")
        with pytest.raises(NotFound, match="unknown"):
            store.load_traffic("unknown")
        assert store.load_all_traffic() == []

    def test_all_traffic_by_name(self, store: Store) -> None:
        publish(store, "b")
        publish(store, "a")
        publish(store, "b")
        assert [(one.name, one.live) for one in store.load_all_traffic()] == [("a", 1), ("b", 2)]

    def test_what_gateways_serve(self, store: Store) -> None:
        publish(store)
        publish(store)
        publish(store, draft=True)
        store.publish(an_output(), owner="ada", pipeline="", notebook="", draft=False, now=NOW)
        table = ServedMark(live=1, draft=0, changed_at=None)
        before = {"sales.daily": table, "score": ServedMark(live=2, draft=1, changed_at=None)}
        assert store.load_served_marks() == before
        change(store, live=1)
        after = {"sales.daily": table, "score": ServedMark(live=1, draft=1, changed_at=NOW + HOUR)}
        assert store.load_served_marks() == after
        versions = store.load_endpoint_versions()
        assert [(v.number, v.draft) for v in versions] == [(1, False), (2, False), (1, True)]
        store.save_pruned("score", [2], draft=False, now=NOW)
        assert store.load_endpoint_versions() == [versions[0], versions[2]]

    def test_counts_of_calls(self, store: Store) -> None:
        publish(store)
        first = CallCounts(
            name="score",
            version=1,
            role=CallRole.LIVE,
            minute=NOW,
            gateway="g1",
            calls=3,
            errors=1,
            seconds={5: 2, 7: 1},
            gaps={-3: 1},
        )
        other = replace(first, gateway="g2", calls=1, errors=0, refused=1, seconds={5: 1})
        later = replace(first, minute=NOW + timedelta(minutes=1))
        store.add_call_counts([])
        store.add_call_counts([first, other, later])
        more = replace(first, calls=4, seconds={5: 3, 7: 1})
        store.add_call_counts([more])
        assert store.load_call_counts(since=NOW) == [more, other, later]
        assert store.load_call_counts(since=NOW + timedelta(seconds=1)) == [later]
        assert store.load_call_counts(since=NOW, name="other") == []
        assert store.prune_call_counts(before=later.minute, dry_run=True) == 2
        assert store.prune_call_counts(before=later.minute, dry_run=False) == 2
        assert store.load_call_counts(since=NOW) == [later]
