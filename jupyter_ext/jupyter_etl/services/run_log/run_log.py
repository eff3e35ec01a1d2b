"""The log of one run, read from the ledger and from the files of its attempts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from jupyter_etl.errors import NotFound
from jupyter_etl.language.text import printable
from jupyter_etl.model import TERMINAL, Attempt, Hold, Outcome, Run, RunState
from jupyter_etl.ports import Clock, Store
from jupyter_etl.runner.folders import EVENTS, LOG, attempt_folder
from jupyter_etl.services.run_log.events import lines_of_event
from jupyter_etl.services.run_log.ledger import (
    claimed_lines,
    ended_lines,
    hold_lines,
    published_lines,
    queued_line,
    recorded_lines,
    run_end_line,
    started_line,
    wait_reason,
)
from jupyter_etl.services.run_log.line import LineKind, LogLine, zone_named


class TailReader:
    """Reads what was appended to a file since the last call, up to a limit.

    Args:
        path: The file; it need not exist yet.
        limit: Bytes. If more was appended, only the end is read.

    A file that was replaced or truncated is read from its start.

    Attributes:
        skipped: Number of bytes skipped so far.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.skipped = 0
        self._path = path
        self._limit = limit
        self._offset = 0
        self._inode = 0

    def lines(self, *, rest: bool = False) -> list[str]:
        """Return the new lines, without their line ends.

        Args:
            rest: Whether to include a last line without a line end.
        """
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                size = found.st_size
                if found.st_ino != self._inode or size < self._offset:
                    self._inode, self._offset = found.st_ino, 0
                begin = max(self._offset, size - self._limit)
                file.seek(begin)
                data = file.read(size - begin)
        except OSError:
            # It does not exist yet, or has been deleted.
            return []
        if begin > self._offset:
            # The first line is incomplete.
            cut = data.find(b"\n") + 1
            begin, data = begin + cut, data[cut:]
            self.skipped += begin - self._offset
        if not rest:
            data = data[: data.rfind(b"\n") + 1]
        self._offset = begin + len(data)
        if not data:
            return []
        return data.removesuffix(b"\n").decode("utf-8", errors="replace").split("\n")


_EVENT_BYTES, _OUTPUT_BYTES = 500_000, 100_000
"""For the last attempt; a tenth of it for earlier ones."""
_WHOLE_ATTEMPTS = 10
"""Number of the last attempts that are read from their files."""
_POLL_S = 0.25
_LONGEST = 2_000
"""Maximum characters of one line of output."""


@dataclass(frozen=True, kw_only=True)
class _Files:
    folder: Path
    events: TailReader
    output: TailReader


class RunLog:
    """Reads the new log lines of a run.

    Facts that the ledger records are read from there, so a run has a log even if its files were
    deleted or its runner wrote nothing. Of long files, only the end is read.

    Args:
        clock: For the time, and for the wait between two polls.

    Attributes:
        run: The run as of the last call.

    Raises:
        NotFound: There is no such run.
    """

    def __init__(self, run_id: int, *, store: Store, clock: Clock, home: Path) -> None:
        self.run: Run = store.load_run(run_id)
        self._store = store
        self._clock = clock
        self._home = home
        self._files: dict[int, _Files] = {}
        self._written: set[object] = set()

    @property
    def zone(self) -> tzinfo:
        """The time zone in which the run's days are counted."""
        return zone_named(self.run.new.timezone)

    def follow(self) -> Iterator[list[LogLine]]:
        """Yield the existing lines, then new ones until the run has ended."""
        while True:
            lines = self.new_lines()
            if lines:
                yield lines
            self._clock.wait(_POLL_S)
            if self.run.state in TERMINAL:
                # Processes may write a last line after the ledger has recorded the end.
                yield self.new_lines(rest=True)
                return

    def new_lines(self, *, rest: bool = False) -> list[LogLine]:
        """Return the lines since the last call; the first call returns all.

        Args:
            rest: Whether to include an unfinished last line of output.
        """
        # Load the state first: everything that it reflects is in the files by then.
        self.run = self._store.load_run(self.run.id)
        attempts = self._store.load_attempts(self.run.id)
        hold = self._hold(attempts)
        lines = self._once("queued", [queued_line(self.run, self.zone)])
        for attempt in attempts:
            lines += self._attempt(attempt, attempts[-1], hold, rest=rest)
        return lines + self._state(attempts[-1] if attempts else None, hold)

    def _attempt(
        self, attempt: Attempt, last: Attempt, hold: Hold | None, *, rest: bool
    ) -> list[LogLine]:
        number = attempt.number
        timed = self._once(("claimed", number), claimed_lines(attempt))
        if attempt.started_at is not None:
            timed += self._once(("started", number), [started_line(attempt)])
        read = last.number - number < _WHOLE_ATTEMPTS
        events, output = (
            self._in_files(attempt, is_last=attempt is last, rest=rest) if read else ([], [])
        )
        timed += events
        if attempt is last:
            for line in published_lines(self.run, number):
                timed += self._once(("published", line.text), [line])
        if attempt.outcome is not None:
            timed += self._ended(attempt, attempt.outcome, last)
        if hold is not None and hold.attempt == number:
            for place, line in enumerate(hold_lines(hold)):
                timed += self._once(("hold", number, place), [line])
        return _by_time(timed) + output

    def _ended(self, attempt: Attempt, outcome: Outcome, last: Attempt) -> list[LogLine]:
        number = attempt.number
        lines = []
        if not attempt_folder(self._home, attempt.run_id, number).is_dir():
            text = (
                "the files of this attempt are no longer on this machine; this log is from the "
                "ledger"
            )
            lines = [LogLine(kind=LineKind.NOTE, text=text, attempt=number)]
            if attempt is last:
                lines += recorded_lines(self.run, number)
        return self._once(("ended", number), [*lines, *ended_lines(attempt, outcome)])

    def _in_files(
        self, attempt: Attempt, *, is_last: bool, rest: bool
    ) -> tuple[list[LogLine], list[LogLine]]:
        """Return new events and new output of an attempt."""
        number = attempt.number
        files = self._files.get(number) or self._open(attempt, is_last=is_last)
        texts = files.events.lines()
        events = [line for text in texts for line in lines_of_event(text, number)]
        if files.events.skipped:
            events = [*self._skipped(files.events, files.folder / EVENTS, number), *events]
        output = [
            LogLine(kind=LineKind.OUTPUT, text=_cut(printable(text)), attempt=number)
            for text in files.output.lines(rest=rest)
        ]
        if files.output.skipped:
            output = [*self._skipped(files.output, files.folder / LOG, number), *output]
        if output:
            text = "output of the processes"
            head = LogLine(kind=LineKind.NOTE, text=text, attempt=number)
            output = [*self._once(("output", number), [head]), *output]
        return events, output

    def _open(self, attempt: Attempt, *, is_last: bool) -> _Files:
        folder = attempt_folder(self._home, attempt.run_id, attempt.number)
        share = 1 if is_last else 10
        files = _Files(
            folder=folder,
            events=TailReader(folder / EVENTS, _EVENT_BYTES // share),
            output=TailReader(folder / LOG, _OUTPUT_BYTES // share),
        )
        self._files[attempt.number] = files
        return files

    def _skipped(self, tail: TailReader, path: Path, number: int) -> list[LogLine]:
        text = f"[{tail.skipped:,} bytes omitted; the complete log is {path}]"
        line = LogLine(kind=LineKind.NOTE, text=text, attempt=number)
        return self._once(("skipped", text), [line])

    def _state(self, last: Attempt | None, hold: Hold | None) -> list[LogLine]:
        """Describe what the run waits for, or how it ended after its attempts."""
        run, now = self.run, self._clock.now()
        end = run_end_line(run, last)
        if end is not None:
            return self._once(("end", run.state), [end])
        texts = [wait_reason(run, self._store, now, self.zone)]
        if run.state is RunState.HELD and hold is not None and hold.decision is None:
            texts.append(
                f"waits for a decision: jupyter etl approve {run.id}, or: "
                f"jupyter etl reject {run.id}"
            )
        if run.cancel_requested and run.state not in TERMINAL:
            texts.append("its cancellation was requested")
        lines: list[LogLine] = []
        for text in filter(None, texts):
            line = LogLine(kind=LineKind.RUN, text=text, at=now)
            lines += self._once(("state", text), [line])
        return lines

    def _hold(self, attempts: list[Attempt]) -> Hold | None:
        if all(attempt.outcome is not Outcome.HELD for attempt in attempts):
            return None
        try:
            return self._store.load_hold(self.run.id)
        except NotFound:
            # A failed check without a publication holds nothing back.
            return None

    def _once(self, key: object, lines: list[LogLine]) -> list[LogLine]:
        if key in self._written:
            return []
        self._written.add(key)
        return lines


def _by_time(lines: list[LogLine]) -> list[LogLine]:
    """Sort by time; a line without a time stays after the preceding line."""
    latest = datetime.min.replace(tzinfo=UTC)
    keyed = []
    for line in lines:
        latest = line.at or latest
        keyed.append((latest, line))
    return [line for _, line in sorted(keyed, key=lambda pair: pair[0])]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
