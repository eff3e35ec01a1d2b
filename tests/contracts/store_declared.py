"""Tests of every ledger: sources, snapshots, pipelines and schedulers."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from contracts.store_values import DAILY, HOUR, NOW, a_pipeline, a_plan, a_run
from jupyter_etl.errors import Conflict, NotFound, PermissionDenied
from jupyter_etl.model import Freshness, Policy, Schedule, ScheduleKind, Source
from jupyter_etl.ports import SchedulerInfo, Store

WAREHOUSE = Source(
    name="wh",
    kind="sql",
    location="postgresql://u@h/db",
    declared="postgresql://u@h/db",
    secrets=("WH_PASSWORD",),
    readonly=True,
    options={"schema": "sälés"},
    freshness=Freshness(warn_s=60.0),
    owner="ada",
    notebook="/home/ada/orders.ipynb",
    declared_at=NOW,
)
AFTER = Schedule(kind=ScheduleKind.AFTER, text="after sales.daily", after=("sales.daily",))


class DeclaredContract:
    """Sources, snapshots, pipelines, schedulers."""

    def test_a_source_comes_back_as_it_was_declared(self, store: Store) -> None:
        assert store.save_source(WAREHOUSE) == WAREHOUSE
        assert store.load_source("wh") == WAREHOUSE

    def test_the_same_source_twice_is_one(self, store: Store) -> None:
        store.save_source(WAREHOUSE)
        later = replace(WAREHOUSE, location="postgresql://u@h2/db", declared_at=NOW + HOUR)
        store.save_source(later)
        assert store.load_sources() == [later]

    def test_sources_are_listed_by_name(self, store: Store) -> None:
        for name in ("b", "a", "C", "ä"):
            store.save_source(replace(WAREHOUSE, name=name))
        assert [source.name for source in store.load_sources()] == ["C", "a", "b", "ä"]

    def test_a_source_of_another_owner_is_refused(self, store: Store) -> None:
        store.save_source(WAREHOUSE)
        with pytest.raises(PermissionDenied, match="ada"):
            store.save_source(replace(WAREHOUSE, owner="eve", location="http://evil"))
        assert store.load_source("wh") == WAREHOUSE

    def test_an_unknown_source_names_the_nearest(self, store: Store) -> None:
        store.save_source(replace(WAREHOUSE, name="warehouse"))
        with pytest.raises(NotFound, match=r"Did you mean 'warehouse'"):
            store.load_source("warehuose")

    def test_a_snapshot_is_kept_under_its_hash(self, store: Store) -> None:
        body = '{"cells": ["é\\u0000"]}' + "x" * 100_000 + "\0"
        assert store.save_snapshot(body) == hashlib.sha256(body.encode()).hexdigest()
        assert store.load_snapshot(store.save_snapshot(body)) == body
        with pytest.raises(NotFound):
            store.load_snapshot("0" * 64)

    def test_a_new_pipeline_gets_version_1(self, store: Store) -> None:
        declared = a_pipeline(parameters={"n": 1, "deep": {"x": [None]}})
        deployed = store.deploy(replace(declared, version=9, revision=7), now=NOW)
        assert deployed == replace(
            declared, version=1, revision=deployed.revision, created_at=NOW, updated_at=NOW
        )
        assert store.load_pipeline("orders") == deployed
        (version,) = store.load_pipeline_versions("orders")
        assert (version.number, version.schedule, version.parameters) == (
            1,
            DAILY,
            declared.parameters,
        )
        assert (version.deployed_by, version.deployed_at) == ("ada", NOW)

    def test_deploying_the_same_changes_nothing(self, store: Store) -> None:
        first = store.deploy(a_pipeline(), now=NOW)
        again = store.deploy(a_pipeline(next_due=NOW + 9 * HOUR), now=NOW + HOUR)
        assert again == first
        assert len(store.load_pipeline_versions("orders")) == 1

    def test_deploying_the_same_gives_a_schedule_without_a_next_time_one(
        self, store: Store
    ) -> None:
        first = store.deploy(a_pipeline(next_due=None), now=NOW)
        again = store.deploy(a_pipeline(), now=NOW)
        assert again.next_due == NOW + HOUR
        assert again.revision > first.revision
        assert again.version == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"content_hash": "b" * 64},
            {"parameters": {"n": 2}},
            {"policy": Policy(retries=0)},
            {"schedule": replace(DAILY, timezone="Asia/Tokyo")},
            {"schedule": None, "next_due": None},
        ],
    )
    def test_any_difference_is_a_new_version(self, store: Store, change: dict[str, object]) -> None:
        first = store.deploy(a_pipeline(), now=NOW)
        second = store.deploy(a_pipeline(**change), now=NOW + HOUR)  # type: ignore[arg-type]
        assert second.version == 2
        assert second.revision > first.revision
        assert (second.created_at, second.updated_at) == (NOW, NOW + HOUR)
        assert [v.number for v in store.load_pipeline_versions("orders")] == [2, 1]

    def test_a_new_schedule_brings_its_next_time(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        hourly = replace(DAILY, cron="0 * * * *")
        deployed = store.deploy(a_pipeline(schedule=hourly, next_due=NOW + 5 * HOUR), now=NOW)
        assert deployed.next_due == NOW + 5 * HOUR

    def test_a_due_time_is_not_lost_by_a_new_parameter(self, store: Store) -> None:
        store.deploy(a_pipeline(next_due=NOW - HOUR), now=NOW - 2 * HOUR)
        deployed = store.deploy(a_pipeline(next_due=NOW + HOUR, parameters={"n": 2}), now=NOW)
        assert deployed.version == 2
        assert deployed.next_due == NOW - HOUR

    def test_a_pipeline_of_another_owner_or_notebook_is_refused(self, store: Store) -> None:
        first = store.deploy(a_pipeline(), now=NOW)
        with pytest.raises(PermissionDenied, match="'ada'"):
            store.deploy(a_pipeline(owner="eve"), now=NOW)
        with pytest.raises(Conflict, match=r"/home/ada/orders\.ipynb"):
            store.deploy(a_pipeline(notebook="/home/ada/other.ipynb"), now=NOW)
        assert store.load_pipeline("orders") == first

    def test_a_paused_pipeline_stays_paused(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        paused = store.change_pipeline("orders", now=NOW, paused=True)
        assert (paused.paused, paused.next_due) == (True, None)
        again = store.deploy(a_pipeline(content_hash="b" * 64), now=NOW)
        assert (again.paused, again.next_due, again.version) == (True, None, 2)

    def test_resume_sets_the_next_time(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        paused = store.change_pipeline("orders", now=NOW, paused=True)
        resumed = store.change_pipeline("orders", now=NOW, paused=False, next_due=NOW + 3 * HOUR)
        assert (resumed.paused, resumed.next_due) == (False, NOW + 3 * HOUR)
        assert resumed.revision > paused.revision
        with pytest.raises(NotFound):
            store.change_pipeline("order", now=NOW, paused=True)

    def test_handing_over_changes_the_owner(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        assert store.change_pipeline("orders", now=NOW, owner="bob").owner == "bob"
        assert store.deploy(a_pipeline(owner="bob"), now=NOW).version == 1
        with pytest.raises(PermissionDenied):
            store.deploy(a_pipeline(owner="ada"), now=NOW)

    def test_a_removed_pipeline_stays_recorded(self, store: Store) -> None:
        pipeline = store.deploy(a_pipeline(next_due=NOW), now=NOW)
        store.plan([a_plan(pipeline, a_run(), next_due=NOW)], now=NOW)
        store.remove_pipeline("orders")
        with pytest.raises(NotFound):
            store.load_pipeline("orders")
        with pytest.raises(NotFound):
            store.remove_pipeline("orders")
        assert store.load_pipelines() == []
        assert store.load_due(NOW + HOUR) == []
        assert [v.number for v in store.load_pipeline_versions("orders")] == [1]
        assert store.count_runs(pipeline="orders") == 1

    def test_a_planner_that_holds_a_removed_pipeline_is_refused(self, store: Store) -> None:
        old = store.deploy(a_pipeline(), now=NOW)
        store.remove_pipeline("orders")
        assert store.plan([a_plan(old, a_run())], now=NOW) == [False]
        new = store.deploy(a_pipeline(owner="bob", notebook="/home/bob/o.ipynb"), now=NOW + HOUR)
        assert (new.owner, new.version, new.created_at) == ("bob", 2, NOW + HOUR)
        assert store.plan([a_plan(old, a_run())], now=NOW) == [False]
        assert store.count_runs() == 0

    def test_a_pipeline_that_returns_unchanged_keeps_its_version(self, store: Store) -> None:
        store.deploy(a_pipeline(), now=NOW)
        store.remove_pipeline("orders")
        back = store.deploy(a_pipeline(next_due=NOW + 2 * HOUR), now=NOW + HOUR)
        assert (back.version, back.next_due) == (1, NOW + 2 * HOUR)
        assert store.load_pipelines() == [back]

    def test_pipelines_are_listed_by_name(self, store: Store) -> None:
        for name in ("b", "a", "C"):
            store.deploy(a_pipeline(name), now=NOW)
        assert [pipeline.name for pipeline in store.load_pipelines()] == ["C", "a", "b"]

    @pytest.mark.parametrize(
        ("chosen", "names"),
        [
            ({}, ["Zoo", "ape", "brücke", "éa_b"]),
            ({"limit": 2}, ["Zoo", "ape"]),
            ({"limit": 2, "offset": 1}, ["ape", "brücke"]),
            ({"offset": 3}, ["éa_b"]),
            ({"offset": 9}, []),
            ({"owner": "bob"}, ["ape", "éa_b"]),
            ({"owner": "bob", "limit": 1, "offset": 1}, ["éa_b"]),
            ({"owner": "nobody"}, []),
            ({"search": "BRÜCKE"}, ["brücke"]),
            ({"search": "ÉA"}, ["éa_b"]),
            ({"search": "a_b"}, ["éa_b"]),
            ({"search": "%"}, []),
            ({"search": "BOB"}, ["ape", "éa_b"]),
            ({"search": "/NB/ape"}, ["ape"]),
            ({"search": "e", "owner": "bob", "limit": 1}, ["ape"]),
            ({"search": "team=B"}, ["ape", "éa_b"]),
            ({"tags": {"team": "bob"}, "limit": 1}, ["ape"]),
            ({"tags": {"team": "b"}}, []),
        ],
    )
    def test_a_page_of_the_pipelines_that_match(
        self, store: Store, chosen: dict[str, Any], names: list[str]
    ) -> None:
        for name, owner in (("éa_b", "bob"), ("Zoo", "ann"), ("ape", "bob"), ("brücke", "ann")):
            policy = Policy(tags={"team": owner})
            deployed = a_pipeline(
                name, owner=owner, notebook=f"/nb/{name[:3]}.ipynb", policy=policy
            )
            store.deploy(deployed, now=NOW)
        store.deploy(a_pipeline("removed", owner="bob"), now=NOW)
        store.remove_pipeline("removed")
        assert [pipeline.name for pipeline in store.load_pipelines(**chosen)] == names
        unlimited = {key: chosen[key] for key in ("search", "owner", "tags") if key in chosen}
        assert store.count_pipelines(**unlimited) == len(store.load_pipelines(**unlimited))

    def test_many_snapshots_are_loaded_at_once(self, store: Store) -> None:
        hashes = [store.save_snapshot(body) for body in ("a", "ü")]
        binary = hashlib.sha256(b"\xff").hexdigest()
        store.save_bundle("with a file", [b"\xff"])
        found = store.load_snapshots([*hashes, "0" * 64, binary])
        assert found == dict(zip(hashes, ("a", "ü"), strict=True))
        assert store.load_snapshots([]) == {}

    def test_subscribers_are_those_that_follow_and_are_not_paused(self, store: Store) -> None:
        store.deploy(a_pipeline("cron"), now=NOW)
        for name in ("after", "paused", "removed"):
            store.deploy(a_pipeline(name, schedule=AFTER, next_due=None), now=NOW)
        store.change_pipeline("paused", now=NOW, paused=True)
        store.remove_pipeline("removed")
        assert [pipeline.name for pipeline in store.load_subscribers()] == ["after"]

    def test_schedulers_say_that_they_live(self, store: Store) -> None:
        info = SchedulerInfo(id="s1", host="h", pid=1, workers=2, seen_at=NOW)
        store.save_scheduler(info)
        later = replace(
            info, workers=4, seen_at=NOW + HOUR, note="the disk is full", owners=("sam", "kim")
        )
        store.save_scheduler(later)
        store.save_scheduler(replace(info, id="s2"))
        assert store.load_schedulers() == [later, replace(info, id="s2")]
        store.remove_scheduler("s1")
        store.remove_scheduler("unknown")
        assert [scheduler.id for scheduler in store.load_schedulers()] == ["s2"]

    def test_lakes_are_recorded_once(self, store: Store) -> None:
        assert not store.has_lake("/a/lake")
        for _ in range(2):
            store.save_lake("/a/lake")
        assert store.has_lake("/a/lake")
        assert not store.has_lake("/a")
