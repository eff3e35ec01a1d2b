"""Tests of every ledger: the files that snapshots list."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.store_values import NOW, a_pipeline, a_run
from jupyter_etl.errors import NotFound
from jupyter_etl.ports import Store

LONG_AGO, LATER = NOW - timedelta(days=3650), NOW + timedelta(days=36500)


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class BundlesContract:
    """Each content is stored once, for as long as a snapshot lists it."""

    def test_a_snapshot_with_its_files(self, store: Store) -> None:
        files = (b"x = 1", b"\x00\xff binary", b"", b"x = 1")
        saved = store.save_bundle("the notebook", files)
        assert saved == hash_of(b"the notebook")
        assert store.load_snapshot(saved) == "the notebook"
        assert store.load_files([hash_of(one) for one in files]) == {
            hash_of(one): one for one in files
        }
        assert store.load_files([]) == {}
        assert store.save_bundle("the notebook", files) == saved
        with pytest.raises(NotFound, match="1 of the 2 files"):
            store.load_files([hash_of(b"x = 1"), hash_of(b"nobody saved it")])

    def test_equal_contents_are_stored_once(self, store: Store) -> None:
        first = store.save_bundle("first", [b"shared", b"only the first's"])
        second = store.save_bundle("second", [b"shared"])
        by_run = store.save_bundle("by run", [b"of a run"])
        store.deploy(a_pipeline(content_hash=second), now=NOW)
        store.add_run(replace(a_run(), content_hash=by_run), now=NOW)
        assert store.prune_snapshots(before=LONG_AGO, dry_run=False) == (0, 0)
        gone = (2, len("first") + len("only the first's"))
        assert store.prune_snapshots(before=LATER, dry_run=True) == gone
        assert store.prune_snapshots(before=LATER, dry_run=False) == gone
        assert store.prune_snapshots(before=LATER, dry_run=False) == (0, 0)
        assert set(store.load_files([hash_of(b"shared"), hash_of(b"of a run")])) == {
            hash_of(b"shared"), hash_of(b"of a run"),
        }  # fmt: skip
        for missing in (first, hash_of(b"only the first's")):
            with pytest.raises(NotFound):
                store.load_files([missing])

    def test_a_pruned_bundle_that_is_saved_again(self, store: Store) -> None:
        store.save_bundle("body", [b"content"])
        assert store.prune_snapshots(before=LATER, dry_run=False)[0] == 2
        again = store.save_bundle("body", [b"content"])
        store.deploy(a_pipeline(content_hash=again), now=NOW)
        assert store.prune_snapshots(before=LATER, dry_run=False) == (0, 0)
        assert store.load_files([hash_of(b"content")])

    def test_files_of_old_versions_stay(self, store: Store) -> None:
        for number in range(3):
            saved = store.save_bundle(f"body {number}", [b"file %d" % number, b"shared"])
            store.deploy(a_pipeline(content_hash=saved), now=NOW)
        assert store.prune_snapshots(before=LATER, dry_run=False) == (0, 0)
        hashes = [hash_of(b"file %d" % number) for number in range(3)]
        assert len(store.load_files(hashes)) == 3
