"""A ledger on a network file system is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_etl.errors import StoreError
from jupyter_etl.ledger import migration, open_store
from jupyter_etl.ledger.databases.sqlite import network_filesystem

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
server:/old /data nfs rw 0 0
/dev/sdb1 /data xfs rw 0 0
/dev/sdc1 /home/ada/fast ext4 rw 0 0
//nas/share /mnt/my\\040share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/ledger.sqlite", ""),
        ("/home/ada/ledger.sqlite", "nfs4"),
        ("/home/ada/fast/new/ledger.sqlite", ""),
        ("/homework/ledger.sqlite", ""),
        ("/data/ledger.sqlite", ""),
        ("/mnt/my share/ledger.sqlite", "cifs"),
    ],
)
def test_the_innermost_and_last_mount_counts(tmp_path: Path, path: str, kind: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert network_filesystem(Path(path), mounts=mounts) == kind


def test_a_system_without_a_table_of_mounts_counts_as_local(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path, mounts=tmp_path / "none") == ""


def test_a_ledger_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "network_filesystem", lambda path: "nfs4")
    with pytest.raises(StoreError, match="nfs4") as caught:
        open_store(f"sqlite:///{tmp_path}/home/ledger.sqlite")
    assert "postgresql://" in caught.value.hint
    assert not (tmp_path / "home").exists()
