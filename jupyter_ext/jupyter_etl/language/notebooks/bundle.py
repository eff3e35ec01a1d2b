"""A version's files in its snapshot: they are listed in the notebook's metadata.

So one hash names the notebook with all of its files, and whatever names a snapshot (versions, runs,
backfills, retries) names them too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import msgspec

from jupyter_etl.model import Bundle, FileChange

_KEY, _FIELD = "jupyter_etl", "bundle"


def add_bundle(snapshot: str, bundle: Bundle) -> str:
    """Return a snapshot that lists the files of a bundle; the same one where there are none.

    Args:
        snapshot: As of `snapshot_of`.
        bundle: What is pinned beside the notebook.
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
    """Take the list of files out of the metadata of a notebook that is to be executed."""
    found = bundle_in(metadata)
    if found is not None:
        del metadata[_KEY]
    return found


def key_of(bundle: Bundle) -> str:
    """Return the SHA-256 (hex) of what a bundle contains: the paths and contents of its files."""
    digest = hashlib.sha256()
    for file in bundle.files:
        mode = "x" if file.executable else "-"
        digest.update(f"{file.content_hash} {mode} {file.path}\n".encode())
    return digest.hexdigest()


def changed_files(before: Bundle, after: Bundle) -> tuple[FileChange, ...]:
    """Return how the files of a bundle differ from those of another, by path."""
    old, new = ({f.path: (f.content_hash, f.executable) for f in b.files} for b in (before, after))
    return tuple(
        FileChange(
            path=path,
            change="added" if path not in old else "removed" if path not in new else "changed",
        )
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    )
