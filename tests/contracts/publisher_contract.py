"""What every publisher does, whatever its kind; a block's test class adds the three makers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from jupyter_etl.errors import PublishError
from jupyter_etl.model import Committed, PublicationVersion, Staged
from jupyter_etl.ports import Publisher, ReadRequest

HOSTILE_NAMES = (
    *("../x", "/etc/x", "a/b", "..", ".", "", ".hidden", "a\0b", "a\nb", "a\\b", "x" * 300),
)


class PublisherContract(ABC):
    """Inherit, name the class Test..., and make the publisher and what it publishes."""

    has_rows = True

    @abstractmethod
    def publisher(self) -> Publisher:
        """Return the block under test."""

    @abstractmethod
    def request(self, folder: Path, content: int) -> Staged:
        """Return a request for the ``content``-th of any number of different contents."""

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
        self, staged: Staged, lake: str, number: int, token: str, *, draft: bool = False
    ) -> Committed:
        return self.publisher().commit(
            staged, lake=lake, draft=draft, number=number, token=token, previous=None
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
        """Return what a reader of that version gets."""
        if self.has_rows:
            reading = self.publisher().read(self.version(what), ReadRequest())
            return reading.batches.read_all().to_pylist()
        return Path(what.location).read_bytes()

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

    def test_a_commit_is_readable_and_says_what_it_holds(
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

    def test_the_same_token_gives_the_same_after_others_committed(
        self, folders: Iterator[Path], lake: str
    ) -> None:
        staged = self.staged(folders, 1)
        first = self.committed(staged, lake, 1, "run-1/out")
        seen = self.content_of(first)
        self.committed(self.staged(folders, 2), lake, 2, "run-2/out")
        assert self.committed(staged, lake, 1, "run-1/out") == first
        assert self.content_of(first) == seen

    def test_an_old_version_stays_as_it_was(self, folders: Iterator[Path], lake: str) -> None:
        first = self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        seen = self.content_of(first)
        second = self.committed(self.staged(folders, 2), lake, 2, "run-2/out")
        assert self.content_of(second) != seen
        assert self.content_of(first) == seen

    def test_two_runs_that_were_told_the_same_number_do_not_overwrite_each_other(
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
        assert not Path(lake).exists() or not list(Path(lake).iterdir())

    def test_a_lake_that_cannot_be_written_is_one_sentence(
        self, folders: Iterator[Path], tmp_path: Path
    ) -> None:
        staged = self.staged(folders, 1)
        (tmp_path / "plain").write_text("a file, not a folder")
        with pytest.raises(PublishError) as caught:
            self.committed(staged, str(tmp_path / "plain" / "lake"), 1, "run-1/out")
        assert "\n" not in str(caught.value)
        assert "cannot be published" in str(caught.value)

    def test_files_that_are_gone_are_said_to_be(self, folders: Iterator[Path], lake: str) -> None:
        if not self.has_rows:
            pytest.skip("a kind without rows is not read by its publisher")
        what = self.committed(self.staged(folders, 1), lake, 1, "run-1/out")
        with pytest.raises(PublishError, match="gone"):
            self.publisher().read(
                self.version(replace(what, location=what.location + "-x")), ReadRequest()
            )
