"""Power cuts: the state of a lake if only synced data has reached the disk.

A run publishes a table and a file with the real ledger, publisher and commits. The platform is
copied before each fsync, and once the ledger has recorded the run, in a state that a power cut at
that moment could leave. The copy contains the ledger, which SQLite syncs itself, the synced part of
the lake, and more or less of the rest. Each of these images must match its ledger, and accept the
next run. Many images are equal, file by file: each content is examined once.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa

from fakes.commits import MODES, TABLE, Publishing
from fakes.ledger import new_ledger
from jupyter_etl.errors import EtlError
from jupyter_etl.ledger import open_store
from jupyter_etl.ports import Claim

FILE = "note"
ORDER = [("run", "ascending"), ("row", "ascending")]
_LEDGER_FILES = ("ledger.sqlite", "ledger.sqlite-wal")


@dataclass(frozen=True, kw_only=True)
class Survival:
    """The unsynced data that survives a power cut.

    Args:
        name: Whether a name in a folder survives.
        content: Share of a file's content that survives, from its beginning.
    """

    name: Callable[[], bool]
    content: Callable[[], float]


def survivals(seeds: Iterable[int]) -> dict[str, Survival]:
    """Return three kinds: nothing, names without contents (delayed allocation), and random ones."""
    found = {
        "what was synced": Survival(name=lambda: False, content=lambda: 0.0),
        "names": Survival(name=lambda: True, content=lambda: 0.0),
    }
    for seed in seeds:
        draw = random.Random(seed)
        found[f"seed {seed}"] = Survival(
            name=partial(draw.choice, (True, False)), content=partial(draw.choice, (0.0, 0.5, 1.0))
        )
    return found


@dataclass
class Disk:
    """Records which data below a folder has been synced.

    Args:
        root: The folder; its own name is on the disk once its parent was synced.
        before_sync: Called before each fsync of a file or folder below the root.
    """

    root: Path
    before_sync: Callable[[], None] = lambda: None
    _contents: dict[int, bytes] = field(default_factory=dict)
    _names: dict[Path, frozenset[str]] = field(default_factory=dict)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Record every fsync of this process."""
        with patch("os.fsync", self._fsync):
            yield

    def _fsync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        inside = path == self.root or self.root in path.parents
        if inside:
            self.before_sync()
        if path.is_dir():
            self._names[path] = frozenset(one.name for one in path.iterdir())
        elif inside:
            self._contents[path.stat().st_ino] = path.read_bytes()

    def copy(self, target: Path, survival: Survival) -> None:
        """Write the remainder of the root after a power cut; the target does not exist yet."""
        if not self._has_name(self.root, survival):
            return
        if self.root.is_file():
            target.write_bytes(self._content(self.root, survival))
            return
        target.mkdir()
        for path in sorted(self.root.iterdir()):
            replace(self, root=path).copy(target / path.name, survival)

    def _has_name(self, path: Path, survival: Survival) -> bool:
        return path.name in self._names.get(path.parent, ()) or survival.name()

    def _content(self, path: Path, survival: Survival) -> bytes:
        content = path.read_bytes()
        if self._contents.get(path.stat().st_ino) == content:
            return content
        return content[: int(survival.content() * len(content))]


@dataclass(frozen=True, kw_only=True)
class Image:
    """A platform after a power cut.

    Args:
        what: The moment, and the surviving data.
        folder: Folder with ledger and lake.
    """

    what: str
    folder: Path


class Workload:
    """A table of three versions, and a run that publishes the next one while images are taken.

    Args:
        base: Empty folder.
        mode: One of `MODES`.
        seeds: Seeds of the images with random survival.
    """

    def __init__(self, base: Path, mode: str, seeds: range) -> None:
        self.base, self.declared, self.seeds = base, MODES[mode], seeds
        self.images: list[Image] = []
        self.rows: dict[int, pa.Table] = {}
        self._cuts = 0
        self._contents: set[frozenset[tuple[str, str]]] = set()
        self._disk = Disk(base / "lake")

    def run(self) -> None:
        """Publish, and take an image at each possible moment of a power cut."""
        world = Publishing(self.base, open_store(new_ledger(self.base)))
        with self._disk.watch():
            for key in "abc":
                self._publish(world, world.run(key))
            claim = world.run("d")
            self._disk.before_sync = self._take_images
            self._publish(world, claim)
            self._take_images()
        world.store.close()
        self._claim = claim

    def _publish(self, world: Publishing, claim: Claim) -> None:
        table = world.stage(world.rows_of(claim), **self.declared)
        file = world.stage_file(FILE, claim.run.new.logical_key)
        committed = world.commit(claim, [table, file])
        for version in world.finish(claim, committed):
            if version.name == TABLE:
                self.rows[version.number] = world.read(version).sort_by(ORDER)

    def _take_images(self) -> None:
        self._cuts += 1
        for way, survival in survivals(self.seeds).items():
            folder = self.base / f"image-{len(self.images)}"
            folder.mkdir()
            for name in _LEDGER_FILES:
                if (self.base / name).exists():
                    shutil.copy(self.base / name, folder)
            self._disk.copy(folder / "lake", survival)
            content = _content_of(folder)
            if content in self._contents:
                shutil.rmtree(folder)
                continue
            self._contents.add(content)
            self.images.append(Image(what=f"cut {self._cuts}, {way} survives", folder=folder))

    def findings(self) -> Iterator[str]:
        """Yield the lost or duplicate data of all images."""
        for one in self.images:
            yield from (f"{one.what}: {text}" for text in self._check(one))

    def _check(self, image: Image) -> list[str]:
        self._restore(image)
        world = Publishing(self.base, open_store(f"sqlite:///{self.base / _LEDGER_FILES[0]}"))
        try:
            return [*self._lost(world), *self._of_next_run(world)]
        finally:
            world.store.close()

    def _restore(self, image: Image) -> None:
        """Copy an image to the lake's location in the ledger."""
        shutil.rmtree(self.base / "lake", ignore_errors=True)
        for path in self.base.glob("ledger.sqlite*"):
            path.unlink()
        shutil.copytree(image.folder, self.base, dirs_exist_ok=True)

    def _lost(self, world: Publishing) -> Iterator[str]:
        for version in world.store.load_publication_versions(TABLE):
            try:
                rows = world.read(version).sort_by(ORDER)
            except EtlError as problem:
                yield f"version {version.number} cannot be read: {problem}"
                continue
            expected = self.rows[version.number]
            if not rows.equals(expected):
                yield f"version {version.number} has {rows.num_rows} of {expected.num_rows} rows"
        for version in world.store.load_publication_versions(FILE):
            run = world.store.load_run(version.run_id or 0)
            path = Path(version.what.location)
            if not path.exists() or path.read_text() != run.new.logical_key:
                yield f"version {version.number} of the file is not what run {run.id} wrote"

    def _of_next_run(self, world: Publishing) -> list[str]:
        live = world.store.load_publication(TABLE).live
        assert live is not None
        claim = self._claim
        if live.run_id == claim.run.id:
            claim = world.run("next")
        else:
            world.lose(claim)
            claim = world.attempt(claim.run.id)
        try:
            self._publish(world, claim)
        except EtlError as problem:
            return [f"the next run cannot publish: {problem}"]
        replaces = self.declared == MODES["replace"]
        return [] if replaces else [f"after the next run, {one}" for one in world.wrong()]


def _content_of(folder: Path) -> frozenset[tuple[str, str]]:
    """Return the content of a folder: each path with the digest of its file, "" for a folder."""
    return frozenset(
        (
            str(path.relative_to(folder)),
            sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in folder.rglob("*")
    )
