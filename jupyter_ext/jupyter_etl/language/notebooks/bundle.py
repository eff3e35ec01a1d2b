"""The list of a version's files, stored in the snapshot's metadata.

One hash therefore identifies the notebook with all of its files, for everything that refers to a
snapshot (versions, runs, backfills, retries).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import msgspec

from jupyter_etl.model import Bundle, FileChange

_KEY, _FIELD = "jupyter_etl", "bundle"


def add_bundle(snapshot: str, bundle: Bundle) -> str:
    """Return a snapshot that lists the files of a bundle; unchanged if there are none.

    Args:
        snapshot: From `snapshot_of`.
        bundle: The files pinned with the notebook.
    """
    if not bundle.files:
        return snapshot
    document = json.loads(snapshot)
    document["metadata"][_KEY] = {_FIELD: msgspec.to_builtins(bundle)}
    return json.dumps(document, sort_keys=True, indent=1) + "\n"


def bundle_in(metadata: Mapping[str, object]) -> Bundle | None:
    """Return the bundle that the metadata of a snapshot lists; None for a notebook alone."""
    own = metadata.get(_KEY)
    listed = own.get(_FIELD) if isinstance(own, Mapping) else None
    return None if listed is None else msgspec.convert(listed, Bundle)


def bundle_of(snapshot: str) -> Bundle:
    """Return the bundle that a snapshot lists; an empty one for a notebook alone."""
    if f'"{_KEY}"' not in snapshot:
        return Bundle()
    return bundle_in(json.loads(snapshot)["metadata"]) or Bundle()


def without_bundle(metadata: dict[str, object]) -> Bundle | None:
    """Remove the list of files from the metadata of a notebook that is about to be executed."""
    found = bundle_in(metadata)
    if found is not None:
        del metadata[_KEY]
    return found


def key_of(bundle: Bundle) -> str:
    """Return the SHA-256 (hex) of a bundle's content: the paths and contents of its files."""
    digest = hashlib.sha256()
    for file in bundle.files:
        mode = "x" if file.executable else "-"
        digest.update(f"{file.content_hash} {mode} {file.path}\n".encode())
    return digest.hexdigest()


def changed_files(before: Bundle, after: Bundle) -> tuple[FileChange, ...]:
    """Return the differences between the files of two bundles, by path."""
    old, new = ({f.path: (f.content_hash, f.executable) for f in b.files} for b in (before, after))
    return tuple(
        FileChange(
            path=path,
            change="added" if path not in old else "removed" if path not in new else "changed",
        )
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    )
