"""The pinned files of a version on the disk of the machine that runs it.

``HOME/bundles/HASH/`` contains the files of one bundle, written once for all runs and never
changed. If cells open pinned files by path, an attempt works in a folder of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from jupyter_etl.errors import ExecutionError
from jupyter_etl.language.notebooks.bundle import key_of
from jupyter_etl.model import Bundle
from jupyter_etl.runner.kernel.kernels import BUNDLE, WORKING_FOLDER

WORK = "work"
"""Name of the kernel's working folder in an attempt's folder, if it needs one of its own."""

LoadFiles = Callable[[Collection[str]], Mapping[str, bytes]]
"""``load_files(hashes)`` returns contents from the ledger by their hash."""

_READ_ONLY = 0o444
_EXECUTABLE = 0o111
_OWNER_WRITES = 0o200
_CACHE = "__pycache__"
_SOURCE = Path(__file__).with_name("imports.py")


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """A bundle that is ready to be used by a kernel.

    Args:
        root: Folder with the files, laid out as in the project root.
        folder: The kernel's working directory.
        live: The project root on this machine; it need not exist.
        bundle: The bundle.
    """

    root: Path
    folder: Path
    live: Path
    bundle: Bundle

    @property
    def env(self) -> dict[str, str]:
        """Environment variables of the kernel."""
        own = self.folder.is_relative_to(self.root)
        return {BUNDLE: str(self.root)} | ({WORKING_FOLDER: str(self.folder)} if own else {})

    @property
    def code(self) -> str:
        """Code that makes a Python kernel import the pinned modules; "" for none."""
        if not self.bundle.modules:
            return ""
        search = [str(self.root / one) for one in self.bundle.search]
        call = f"install({search!r}, {list(self.bundle.modules)!r}, {str(self.live)!r})"
        source = f"{_SOURCE.read_text('utf-8')}\n{call}\n"
        return f"exec({source!r}, {{'__name__': 'jupyter_etl.runner.bundles.imports'}})"

    @property
    def why_cold(self) -> str:
        """Why a fork of this process cannot be the kernel; "" if it can.

        A fork is not possible if this process has imported an installed module that a pinned one
        replaces.
        """
        replaced = sorted(sys.modules.keys() & set(self.bundle.modules))
        return f"it has imported another module {replaced[0]}" if replaced else ""


def pin(bundle: Bundle, notebook: Path, *, home: Path, attempt: Path, load: LoadFiles) -> Pinned:
    """Write the files of a bundle on this machine, unless an earlier run has.

    Args:
        load: Called only if no run on this machine has used the bundle before.

    Raises:
        ExecutionError: The files cannot be written.
        NotFound: The ledger does not have them.
    """
    live = notebook.parent
    for _ in PurePosixPath(bundle.folder).parts:
        live = live.parent
    try:
        root = _materialised(bundle, home, load)
        folder = notebook.parent
        if bundle.by_path or not folder.is_dir():
            root = _working_tree(bundle, root, live, attempt / WORK)
            folder = root / bundle.folder
    except OSError as problem:
        raise ExecutionError(
            f"The files of the version cannot be written: {problem.strerror}: {problem.filename}.",
            hint="Check the disk's free space and the folder's permissions.",
            retryable=True,
        ) from problem
    return Pinned(root=root, folder=folder, live=live, bundle=bundle)


def bundles_folder(home: Path) -> Path:
    """Return the folder that contains the bundles, each in a folder named by its hash."""
    return home / "bundles"


def _materialised(bundle: Bundle, home: Path, load: LoadFiles) -> Path:
    place = bundles_folder(home) / key_of(bundle)
    try:
        # Bundles that no run has used recently are pruned.
        os.utime(place)
    except FileNotFoundError:
        _write_all(bundle, place, load({file.content_hash for file in bundle.files}))
    return place


def _write_all(bundle: Bundle, place: Path, contents: Mapping[str, bytes]) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=place.parent, prefix=".part-"))
    try:
        for file in bundle.files:
            content = contents[file.content_hash]
            if sha256(content).hexdigest() != file.content_hash:
                raise ExecutionError(
                    f"The ledger has other content for {file.path} than the version pins.",
                    hint="Schedule the notebook again, or restore the ledger from a backup.",
                )
            path = part / _inside(file.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(_READ_ONLY | (_EXECUTABLE if file.executable else 0))
        for folder in (bundle.folder, *bundle.search):
            (part / _inside(folder)).mkdir(parents=True, exist_ok=True)
        try:
            part.rename(place)
        except OSError:
            # Another run may have written the same files meanwhile.
            if not place.is_dir():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _inside(path: str) -> PurePosixPath:
    """Return a path of a bundle; raises `ExecutionError` if it leads outside the bundle."""
    found = PurePosixPath(path)
    if found.is_absolute() or ".." in found.parts:
        raise ExecutionError(f"The path {path!r} of a pinned file leads out of the project.")
    return found


def _working_tree(bundle: Bundle, contents: Path, live: Path, tree: Path) -> Path:
    """Create a folder that mirrors the project, with copies of the pinned files.

    Everything else in the folders that have pinned files is a link to the current files.

    Args:
        bundle: The pinned files.
        contents: The folder with the pinned files.
        live: The project root; it need not exist.
    """
    pinned = {PurePosixPath(file.path) for file in bundle.files}
    inner = [
        *pinned,
        PurePosixPath(bundle.folder) / "_",
        *(PurePosixPath(s) / "_" for s in bundle.search),
    ]
    folders = {parent for path in inner for parent in path.parents}
    shutil.rmtree(tree, ignore_errors=True)
    for folder in sorted(folders):
        (tree / folder).mkdir(mode=0o700)
        with contextlib.suppress(OSError), os.scandir(live / folder) as entries:
            for entry in entries:
                path = folder / entry.name
                if path not in folders and path not in pinned and entry.name != _CACHE:
                    (tree / path).symlink_to(entry.path)
    for path in pinned:
        shutil.copy(contents / path, tree / path)
        (tree / path).chmod((tree / path).stat().st_mode | _OWNER_WRITES)
    return tree
