"""Approval and rejection of outputs that failed checks or the publish gate hold back."""

from __future__ import annotations

import builtins
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_etl.errors import (
    Conflict,
    NotFound,
    PermissionDenied,
    PublishError,
    user_code_boundary,
)
from jupyter_etl.language.names import nearest
from jupyter_etl.language.numbers import parse_id
from jupyter_etl.model import (
    Committed,
    Decision,
    Hold,
    PublicationKind,
    PublicationVersion,
    PublishMode,
    Run,
    RunState,
    Staged,
)
from jupyter_etl.ports import Clock, Store
from jupyter_etl.runner.commit import batch_of, newest_version
from jupyter_etl.runner.folders import STAGE, attempt_folder
from jupyter_etl.runner.watermarks import refuse_doubles
from jupyter_etl.services.lakes import LedgerLake
from jupyter_etl.services.preview import Preview, preview_of
from jupyter_etl.services.publications.locks import publication_lock
from jupyter_etl.services.reading import open_staged, publisher_for
from jupyter_etl.services.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Approved:
    """The result of an approval.

    Args:
        hold: The approved hold.
        versions: The new versions, one for each publication.
    """

    hold: Hold
    versions: tuple[PublicationVersion, ...]


class Holds:
    """Outputs of runs that wait for approval."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._lake = LedgerLake(root=settings.lake, store=store)

    def list(self) -> builtins.list[Hold]:
        """Return the pending holds, oldest first."""
        return self._store.load_holds()

    def get(self, target: str | int) -> Hold:
        """Return a hold.

        Args:
            target: Id of a run, or name of a publication, which means its newest pending hold.

        Raises:
            NotFound: There is no such hold.
        """
        text = str(target)
        number = parse_id(text)
        if number is not None:
            return self._hold_of(number)
        waiting = self.list()
        for hold in reversed(waiting):
            if text in hold.names:
                return hold
        held = sorted({name for hold in waiting for name in hold.names})
        published = [one.name for one in self._store.load_publications()]
        if text not in published:
            hint = nearest(text, [*held, *published]).strip()
            raise NotFound(f"There is no publication {text!r}.", hint=hint)
        known = ", ".join(held) or "nothing"
        raise NotFound(
            f"No output of {text!r} is held; held are: {known}.",
            hint="List all held runs: jupyter etl held",
        )

    def preview(self, target: str | int, name: str, *, limit: int = 20) -> Preview:
        """Return the first rows that an approval would publish.

        Args:
            target: See `get`.
            name: One of the publications that the run holds back.
            limit: Maximum number of rows.

        Returns:
            For an append or upsert, only the new rows.

        Raises:
            NotFound: Nothing of that name is held, or the staged files have been deleted.
            Conflict: It has been decided already, or the run is being retried.
            PublishError: It has no rows, or cannot be read.
        """
        hold = self.get(target)
        self._must_wait(hold, self._store.load_run(hold.run_id))
        staged = next((one for one in hold.staged if one.name == name), None)
        if staged is None:
            raise NotFound(
                f"Run {hold.run_id} does not hold {name!r}; it holds: "
                f"{', '.join(hold.names) or 'nothing'}.",
                hint=f"jupyter etl held {hold.run_id}",
            )
        self._must_be_there(hold, staged)
        return preview_of(open_staged(staged, limit=limit), limit)

    def approve(self, target: str | int) -> Approved:
        """Publish held outputs exactly as their run has staged them.

        All outputs of the run become visible at once, and the run counts as succeeded. Each version
        records who approved it. A run without outputs then counts as succeeded.

        Args:
            target: See `get`.

        Raises:
            NotFound: There is no such hold, or the staged files have been deleted.
            PermissionDenied: The run belongs to another owner.
            Conflict: It has been decided already, or something newer has been published.
            PublishError: It cannot be committed; it stays held.
        """
        hold = self._own(target)
        run = self._store.load_run(hold.run_id)
        self._must_wait(hold, run)
        for staged in hold.staged:
            self._must_be_there(hold, staged)
        draft = run.new.draft
        with publication_lock(self._store, self._clock, hold.names, draft=draft) as token:
            self._must_not_double(hold, run)
            self._lake.claim()
            committed = tuple(self._commit(hold, run))
            versions = self._store.decide_hold(
                hold,
                Decision.APPROVED,
                by=self._settings.owner,
                now=self._clock.now(),
                committed=committed,
                token=token,
            )
        self._discard(hold)
        return Approved(hold=hold, versions=tuple(versions))

    def reject(self, target: str | int) -> Hold:
        """Discard held outputs; the live version stays, and the run counts as cancelled.

        Args:
            target: See `get`.

        Raises:
            NotFound, PermissionDenied, Conflict: See `approve`.
        """
        hold = self._own(target)
        self._store.decide_hold(
            hold, Decision.REJECTED, by=self._settings.owner, now=self._clock.now()
        )
        self._discard(hold)
        return hold

    def _hold_of(self, run_id: int) -> Hold:
        try:
            return self._store.load_hold(run_id)
        except NotFound:
            if self._store.load_run(run_id).state is not RunState.HELD:
                raise
            # A ledger of an older version, in which a failed check stopped the notebook.
            raise NotFound(
                f"A check stopped run {run_id} before its last cell, so there is nothing to publish.",
                hint=f"Retry it: jupyter etl retry {run_id}",
            ) from None

    def _own(self, target: str | int) -> Hold:
        hold = self.get(target)
        if hold.owner != self._settings.owner:
            raise PermissionDenied(
                f"Run {hold.run_id} belongs to {hold.owner!r}, not to {self._settings.owner!r}.",
                hint="Ask its owner to decide.",
            )
        return hold

    def _must_wait(self, hold: Hold, run: Run) -> None:
        waits = run.state is RunState.HELD and run.attempts == hold.attempt
        if hold.decision is not None or not waits:
            by = f" by {hold.decided_by}" if hold.decided_by else ""
            what = (
                f"was {hold.decision}{by}" if hold.decision else (f"is being retried ({run.state})")
            )
            raise Conflict(f"Run {hold.run_id} {what}; there is nothing to decide about.")

    def _must_be_there(self, hold: Hold, staged: Staged) -> None:
        folder = Path(staged.folder)
        if not folder.is_dir() or any(not (folder / name).is_file() for name in staged.files):
            raise NotFound(
                f"The staged output {staged.name!r} of run {hold.run_id} is not on this machine "
                f"({folder}).",
                hint="Approve it on the machine that executed the run, or retry it: jupyter etl "
                f"retry {hold.run_id}",
            )

    def _must_not_double(self, hold: Hold, run: Run) -> None:
        """Refuse to append rows that a later run has read again, judging by its watermark."""
        load = self._store.load_watermark
        found = {move.cursor: load(run.new.pipeline, move.cursor) for move in hold.moves}
        refuse_doubles(hold.staged, hold.moves, found)

    def _commit(self, hold: Hold, run: Run) -> Iterator[Committed]:
        draft = run.new.draft
        for staged in hold.staged:
            previous = newest_version(self._store, staged.name, draft=draft)
            self._must_be_newest(hold, staged, previous)
            ready = replace(staged, approved=True, batch=staged.batch or batch_of(run, staged))
            if staged.kind is PublicationKind.REPORT:
                ready = replace(ready, options={**staged.options, "notebook": run.output})
            with user_code_boundary(f"Publishing {staged.name!r}", PublishError):
                yield publisher_for(staged.kind).commit(
                    ready,
                    lake=self._lake.root,
                    draft=draft,
                    number=self._store.next_publication_number(staged.name, draft=draft),
                    # The hold's token: an approval that is interrupted and repeated commits once.
                    token=f"approve-{hold.run_id}.{hold.attempt}/{staged.name}",
                    previous=previous,
                )

    def _must_be_newest(
        self, hold: Hold, staged: Staged, previous: PublicationVersion | None
    ) -> None:
        """Refuse to replace newer rows by older ones; rows that are only added may be late."""
        known = next((d for d in hold.differences if d.name == staged.name), None)
        if previous is None or staged.mode is PublishMode.APPEND:
            return
        moved = previous.published_at > hold.held_at
        if known is not None:
            moved = previous.number != known.number
        if moved and known is not None and staged.partition_by and known.replaced_rows is not None:
            now = publisher_for(staged.kind).compare(staged, previous)
            moved = now is None or now.replaced_rows != known.replaced_rows
        if moved:
            raise Conflict(
                f"Version {previous.number} of {staged.name!r} has been published since run "
                f"{hold.run_id} was held; an approval would overwrite newer rows.",
                hint=f"Retry it, jupyter etl retry {hold.run_id}, or reject it.",
                data={"name": staged.name, "version": previous.number},
            )

    def _discard(self, hold: Hold) -> None:
        folder = attempt_folder(self._settings.home, hold.run_id, hold.attempt) / STAGE
        shutil.rmtree(folder, ignore_errors=True)
