"""Tests of every publisher; an implementation's test class adds the three factories."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from jupyter_etl.errors import PublishError, StorageError
from jupyter_etl.model import Committed, PublicationVersion, PublishMode, Staged
from jupyter_etl.ports import Publisher, ReadRequest, Vacuumed

HOSTILE_NAMES = (
    *("../x", "/etc/x", "a/b", "..", ".", "", ".hidden", "a\0b", "a\nb", "a\\b", "x" * 300),
)


class PublisherContract(ABC):
    """Inherit this, name the class Test..., and override the factories."""

    has_rows = True

    @abstractmethod
    def publisher(self) -> Publisher:
        """Return the publisher under test."""

    @abstractmethod
    def request(self, folder: Path, content: int) -> Staged:
        """Return a request for the content of this number; all contents differ."""

    @abstractmethod
    def data(self, content: int) -> pa.RecordBatchReader | None:
        """Return the rows of that content; None for kinds without rows."""

    # -- what a test does over and over

    @pytest.fixture
    def lake(self, tmp_path: Path) -> str:
        return str(tmp_path / "lake")

    @pytest.fixture
    def folders(self, tmp_path: Path) -> Iterator[Path]:
        def endless() -> Iterator[Path]:
            number = 0
            while True:
                folder = tmp_path / "stages" / str(number)
                folder.mkdir(parents=True)
                yield folder
                number += 1

        return endless()

    def staged(self, folders: Iterator[Path], content: int) -> Staged:
        return self.publisher().stage(self.request(next(folders), content), self.data(content))

    def committed(
        self,
        staged: Staged,
        lake: str,
        number: int,
        token: str,
        *,
        draft: bool = False,
        after: Committed | None = None,
    ) -> Committed:
        """Commit; ``after`` is what the ledger has as the newest version."""
        previous = None if after is None else self.version(after, number - 1, draft=draft)
        return self.publisher().commit(
            staged, lake=lake, draft=draft, number=number, token=token, previous=previous
        )

    def version(
        self, what: Committed, number: int = 1, *, draft: bool = False
    ) -> PublicationVersion:
        return PublicationVersion(
            name=what.name,
            number=number,
            draft=draft,
            what=what,
            owner="sam",
            pipeline="",
            run_id=None,
            notebook="",
            published_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    def content_of(self, what: Committed) -> object:
        """Return the content that a reader of that version gets."""
        if self.has_rows:
            reading = self.publisher().read(self.version(what), ReadRequest())
            return reading.batches.read_all().to_pylist()
        return Path(what.location).read_bytes()

    def sorted_content_of(self, what: Committed) -> list[str]:
        """Return the rows of that version, sorted."""
        content = self.content_of(what)
        assert isinstance(content, list)
        return sorted(map(str, content))

    def vacuumed(
        self, lake: str, *kept: Committed, dry_run: bool = False, hours: float = 2
    ) -> Vacuumed:
        """Vacuum the folder of the live versions as if that many hours had passed."""
        return self.publisher().clean_up(
            [self.version(what) for what in kept],
            name=kept[0].name,
            lake=lake,
            draft=False,
            older_than=datetime.now(UTC) + timedelta(hours=hours - 1),
            dry_run=dry_run,
        )

    def on_disk(self, lake: str) -> dict[str, bytes]:
        """Return every file of a lake with its bytes."""
        files = (path for path in Path(lake).rglob("*") if path.is_file())
        return {path.relative_to(lake).as_posix(): path.read_bytes() for path in files}

    # -- the contract

    def test_a_stage_describes_what_it_wrote(self, folders: Iterator[Path]) -> None:
        staged = self.staged(folders, 1)
        sizes = [Path(staged.folder, file).stat().st_size for file in staged.files]
        assert staged.bytes == sum(sizes)
        assert staged.kind == self.publisher().kind
        if self.has_rows:
            assert staged.rows
            assert staged.columns

    def test_staging_touches_nothing_but_its_folder(
        self, folders: Iterator[Path], tmp_path: Path
    ) -> None:
        before = {path for path in tmp_path.rglob("*") if "stages" not in path.parts}
        self.staged(folders, 1)
        assert {path for path in tmp_path.rglob("*") if "stages" not in path.parts} == before

    def test_a_commit_is_readable_and_shows_what_it_holds(
        self, folders: Iterator[Path], lake: str
    ) -> None:
        staged = self.staged(folders, 1)
        what = self.committed(staged, lake, 1, "run-1/out")
        assert what.name == staged.name
        assert what.kind == staged.kind
        assert what.bytes > 0
        assert what.location.startswith(lake)
        assert self.content_of(what)

    def test_the_same_token_commits_once(self, folders: Iterator[Path], lake: str) -> None:
        staged = self.staged(folders, 1)
        first = self.committed(staged, lake, 1, "run-1/out")
        assert self.committed(staged, lake, 1, "run-1/out") == first
        assert self.committed(self.staged(folders, 1), lake, 1, "run-1/out") == first

    def test_a_token_on_record_commits_nothing_more(
        self, folders: Iterator[Path], lake: str
    ) -> None:
        first = self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        staged = self.staged(folders, 2)
        second = self.committed(staged, lake, 2, "run-2/out", after=first)
        previous = self.version(second, 2)
        again = self.publisher().commit(
            staged, lake=lake, draft=False, number=2, token="run-2/out", previous=previous
        )
        assert again == second

    def test_what_was_never_recorded_is_not_in_the_next(
        self, folders: Iterator[Path], lake: str
    ) -> None:
        first = self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        seen = self.content_of(first)
        killed = self.staged(folders, 2)
        self.committed(killed, lake, 2, "run-2/out", after=first)
        third = self.committed(self.staged(folders, 3), lake, 2, "run-3/out", after=first)
        # An undone commit counts as not committed: the run's next attempt can commit its content.
        again = self.committed(killed, lake, 3, "run-2/out", after=third)
        assert self.content_of(first) == seen

        quiet = lake + "-without-a-kill"
        first = self.committed(self.staged(folders, 1), quiet, 1, "run-1/out")
        alone = self.committed(self.staged(folders, 3), quiet, 2, "run-3/out", after=first)
        last = self.committed(self.staged(folders, 2), quiet, 3, "run-2/out", after=alone)
        if self.has_rows:
            assert self.sorted_content_of(third) == self.sorted_content_of(alone)
            assert self.sorted_content_of(again) == self.sorted_content_of(last)
        assert third.rows == alone.rows
        assert again.rows == last.rows

    def test_a_first_commit_that_was_never_recorded_is_not_in_the_next(
        self, folders: Iterator[Path], lake: str
    ) -> None:
        self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        first = self.committed(self.staged(folders, 2), lake, 1, "run-2/out")
        alone = self.committed(self.staged(folders, 2), lake + "-alone", 1, "run-2/out")
        assert self.content_of(first) == self.content_of(alone)
        assert first.rows == alone.rows

    def test_an_old_version_stays_as_it_was(self, folders: Iterator[Path], lake: str) -> None:
        first = self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        seen = self.content_of(first)
        second = self.committed(self.staged(folders, 2), lake, 2, "run-2/out", after=first)
        assert self.content_of(second) != seen
        assert self.content_of(first) == seen

    def restored(
        self, lake: str, what: Committed, number: int, after: Committed, *, live: int
    ) -> Committed:
        """Roll back to the version ``number`` while ``live`` is the newest."""
        return self.publisher().restore(
            self.version(what, number),
            lake=lake,
            draft=False,
            number=live + 1,
            token=f"back-{live + 1}/out",
            previous=self.version(after, live),
        )

    def test_an_old_version_comes_back_as_the_newest(
        self, folders: Iterator[Path], lake: str
    ) -> None:
        first = self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        seen = self.content_of(first)
        second = self.committed(self.staged(folders, 2), lake, 2, "run-2/out", after=first)
        other = self.content_of(second)
        # The remainder of a killed run is not included.
        self.committed(self.staged(folders, 5), lake, 3, "run-5/out", after=second)
        back = self.restored(lake, first, 1, second, live=2)
        assert self.restored(lake, first, 1, second, live=2) == back
        assert (self.content_of(back), back.rows, back.columns) == (seen, first.rows, first.columns)
        assert (self.content_of(first), self.content_of(second)) == (seen, other)
        if second.delta_version is not None:
            assert back.delta_version is not None
            assert back.delta_version > second.delta_version
        again = self.restored(lake, first, 1, back, live=3)
        assert self.content_of(again) == seen
        last = self.committed(self.staged(folders, 3), lake, 5, "run-3/out", after=again)
        assert self.content_of(last) != seen
        self.vacuumed(lake, last, again)
        assert self.content_of(again) == seen

    def test_a_version_without_files_is_not_restored(
        self, folders: Iterator[Path], lake: str
    ) -> None:
        first = self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        strange = replace(first, location=first.location + "-x")
        with pytest.raises((PublishError, StorageError), match=r"not in the lake|another lake"):
            self.restored(lake, strange, 1, first, live=1)

    def test_two_runs_with_the_same_number_do_not_overwrite_each_other(
        self, folders: Iterator[Path], lake: str
    ) -> None:
        first = self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        seen = self.content_of(first)
        second = self.committed(self.staged(folders, 2), lake, 1, "run-2/out")
        assert self.content_of(first) == seen
        assert self.content_of(second) != seen

    def test_a_draft_lies_apart(self, folders: Iterator[Path], lake: str) -> None:
        live = self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        seen = self.content_of(live)
        draft = self.committed(self.staged(folders, 2), lake, 1, "draft-1/out", draft=True)
        assert draft.location != live.location
        assert draft.location.startswith(f"{lake}/drafts/")
        assert self.content_of(live) == seen

    def test_a_hostile_name_is_refused_and_writes_nothing(
        self, folders: Iterator[Path], lake: str
    ) -> None:
        staged = self.staged(folders, 1)
        for name in HOSTILE_NAMES:
            with pytest.raises(PublishError, match="not allowed"):
                self.committed(replace(staged, name=name), lake, 1, "run-1/out")
        assert list(Path(lake).rglob("*")) == []

    def test_a_lake_that_cannot_be_written_is_one_sentence(
        self, folders: Iterator[Path], tmp_path: Path
    ) -> None:
        staged = self.staged(folders, 1)
        (tmp_path / "plain").write_text("a file, not a folder")
        with pytest.raises(PublishError) as caught:
            self.committed(staged, str(tmp_path / "plain" / "lake"), 1, "run-1/out")
        assert "\n" not in str(caught.value)
        assert "cannot be published" in str(caught.value)

    def test_missing_files_are_reported(self, folders: Iterator[Path], lake: str) -> None:
        if not self.has_rows:
            pytest.skip("a kind without rows is not read by its publisher")
        what = self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        with pytest.raises(StorageError, match="is not in the lake"):
            self.publisher().read(
                self.version(replace(what, location=what.location + "-x")), ReadRequest()
            )

    def test_a_vacuum_leaves_kept_versions_unchanged(
        self, folders: Iterator[Path], lake: str
    ) -> None:
        made: list[Committed] = []
        for number in (1, 2, 3, 4):
            staged, after = self.staged(folders, number), made[-1] if made else None
            made.append(self.committed(staged, lake, number, f"run-{number}/out", after=after))
        killed = self.committed(self.staged(folders, 5), lake, 5, "run-5/out", after=made[-1])
        seen, before = [self.content_of(what) for what in made], self.on_disk(lake)
        kept = (made[3], made[1])
        planned = self.vacuumed(lake, *kept, dry_run=True)
        assert self.on_disk(lake) == before
        assert self.vacuumed(lake, *kept) == planned
        assert planned.files >= 1
        gone = before.keys() - self.on_disk(lake).keys()
        assert planned == Vacuumed(files=len(gone), bytes=sum(len(before[path]) for path in gone))
        assert [self.content_of(what) for what in (made[1], made[3])] == [seen[1], seen[3]]
        for what in (made[2], killed) if self.has_rows else ():
            if self.is_whole(what):
                with pytest.raises((StorageError, OSError)):
                    self.content_of(what)
        assert self.vacuumed(lake, *kept) == Vacuumed()
        after = self.committed(self.staged(folders, 6), lake, 5, "run-6/out", after=made[3])
        assert self.content_of(after)

    def is_whole(self, what: Committed) -> bool:
        """Return whether no later version uses files of this one."""
        return what.mode is PublishMode.REPLACE and not what.partition_by

    def test_a_vacuum_leaves_young_files(self, folders: Iterator[Path], lake: str) -> None:
        first = self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        second = self.committed(self.staged(folders, 2), lake, 2, "run-2/out", after=first)
        before = self.on_disk(lake)
        assert self.vacuumed(lake, second, hours=0) == Vacuumed()
        # None of the kept files is here: this is another lake than the one in the ledger.
        strange = replace(second, location=second.location.replace(lake, lake + "-moved"))
        assert self.vacuumed(lake, strange) == Vacuumed()
        assert self.on_disk(lake) == before
