"""Where a SQLite file must not lie."""

from __future__ import annotations

from pathlib import Path

# Their locks do not reach over all machines, or not always: sqlite.org/faq.html#q5.
_NETWORK = frozenset(
    [
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "davfs",
        "fuse.davfs2",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "orangefs",
        "smb3",
        "smbfs",
    ]
)
_MOUNTS = Path("/proc/self/mounts")


def network_filesystem(path: Path, *, mounts: Path = _MOUNTS) -> str:
    r"""Return the type of the network file system that holds a path.

    Args:
        path: An absolute path that may not exist yet.
        mounts: The table of mounts; on a system without one every path counts as local.

    Returns:
        The type, such as ``nfs4``; "" for a local path.

    Source: fstab(5): device, mount point and type, with blanks as ``\040``.
    """
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    wanted = path.resolve()
    kind, depth = "", -1
    for line in lines:
        _, point, mounted, *_ = line.split(" ")
        folder = Path(point.replace("\\040", " "))
        # A later mount on the same point hides an earlier one.
        if wanted.is_relative_to(folder) and len(folder.parts) >= depth:
            kind, depth = mounted, len(folder.parts)
    return kind if kind in _NETWORK else ""
