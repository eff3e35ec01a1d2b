"""The lake of a ledger: checks that it is mounted and is the right one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_etl.errors import EtlError, StorageError
from jupyter_etl.model import PublicationVersion
from jupyter_etl.ports import Store
from jupyter_etl.publishing.lake.layout import (
    LAKE_MARKER,
    is_local,
    marker_path,
    read_marker,
    write_marker,
)


@dataclass(frozen=True, kw_only=True)
class LedgerLake:
    """Implements `jupyter_etl.ports.Lake` with a marker file in the lake's root.

    Args:
        root: Folder or fsspec URL of the lake.
        store: The ledger.
    """

    root: str
    store: Store

    def check(self) -> None:
        """Raise `StorageError` if a folder is not the lake of this ledger; see the port."""
        if is_local(self.root):
            self._find_marker()

    def claim(self) -> None:
        """Check the lake, and mark it if it is new; see the port."""
        if not self._find_marker():
            self._mark()
        elif not self.store.has_lake(self._place):
            self.store.save_lake(self._place)

    def mark_again(self) -> bool:
        """Mark a lake that was emptied on purpose; return False if that is not the problem."""
        if any(self._expected()):
            return False
        try:
            self._mark()
        except EtlError:
            return False
        return True

    @property
    def _place(self) -> str:
        return str(Path(self.root).absolute()) if is_local(self.root) else self.root.rstrip("/")

    def _mark(self) -> None:
        ledger = self.store.load_identity()
        found = write_marker(self.root, ledger)
        if found != ledger:
            raise self._foreign(found)
        self.store.save_lake(self._place)

    def _find_marker(self) -> bool:
        """Return whether there is a marker; raise `StorageError` for a wrong or missing one."""
        found = read_marker(self.root)
        if found is not None:
            if found != self.store.load_identity():
                raise self._foreign(found)
            return True
        expected = list(self._expected())
        # A lake without a marker is new, or was written by a version without markers.
        if any(map(_is_there, expected)):
            return False
        if expected:
            raise StorageError(
                f"The lake {self.root} is not available: none of the {len(expected):,} publications of "
                "the ledger can be found in it.",
                hint="Mount it, or set JUPYTER_ETL_LAKE to its location. If it is lost, restore "
                "it from a backup.",
            )
        if self.store.has_lake(self._place):
            raise StorageError(
                f"The lake {self.root} is not available: its marker {LAKE_MARKER} is missing.",
                hint="Mount it, or set JUPYTER_ETL_LAKE to its location. If you have emptied it: "
                "jupyter etl doctor --repair",
            )
        return False

    def _expected(self) -> Iterator[PublicationVersion]:
        for publication in self.store.load_publications():
            live = publication.live
            if live is not None and live.what.location.startswith(f"{self._place}/"):
                yield live

    def _foreign(self, found: str) -> StorageError:
        return StorageError(
            f"The lake {self.root} belongs to another ledger ({found[:12]}).",
            hint="Set JUPYTER_ETL_LAKE to the lake of this ledger, or restore the ledger that "
            "belongs to it. To use it with this ledger anyway, remove "
            f"{marker_path(self.root)}.",
            retryable=False,
        )


def _is_there(version: PublicationVersion) -> bool:
    location = version.what.location
    if is_local(location):
        return Path(location).exists()
    import fsspec

    filesystem, remote = fsspec.core.url_to_fs(location)
    return bool(filesystem.exists(remote))
