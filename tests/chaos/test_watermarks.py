"""Runs that load by one cursor, overlap, die and are retried never skip a row.

The ledger is real; the source is a growing list of numbers, and the published data is a set. After
each step all rows up to the watermark must have been published. The mutant moves the watermark when
the rows are read, before they are published.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from contracts.store_values import NOW, a_run, an_output, finish, start
from contracts.store_watermarks import ORDERS, number
from fakes.ledger import new_ledger
from jupyter_etl.ledger import open_store
from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.ledger.runs import locked_run
from jupyter_etl.ledger.store import SqlStore
from jupyter_etl.ledger.watermarks import advance_watermarks
from jupyter_etl.model import AttemptReport, CursorMove, Outcome, RunState
from jupyter_etl.ports import Claim
from jupyter_etl.runner.watermarks import CursorBook

pytestmark = pytest.mark.chaos

STEPS = 60
LOST = AttemptReport(outcome=Outcome.LOST)


@dataclass
class Attempt:
    """An active run, and the rows that it has read."""

    claim: Claim
    book: CursorBook
    rows: frozenset[int] = frozenset()


class Pipeline:
    """One pipeline with one source.

    Args:
        store: The ledger.
        draw: Random generator of the steps.
        early: Whether the mutant is active.
    """

    def __init__(self, store: SqlStore, draw: random.Random, *, early: bool) -> None:
        self.store, self.draw, self.early = store, draw, early
        self.source = 0
        self.published: set[int] = set()
        self.hand: list[Attempt] = []
        self.waiting: list[int] = []
        self.count = 0

    @property
    def watermark(self) -> int:
        found = self.store.load_watermark("orders", ORDERS)
        return int(found.value.text) if found and found.value else 0

    @property
    def skipped(self) -> list[int]:
        """Rows up to the watermark that have not been published."""
        return sorted(set(range(1, self.watermark + 1)) - self.published)

    def step(self) -> None:
        """Take one random step."""
        self.source += self.draw.randint(0, 2)
        one = self.draw.choice(self.hand) if self.hand else None
        if one is None or (len(self.hand) < 3 and self.draw.random() < 0.2):
            self.begin()
        elif not one.rows:
            self.read(one)
        else:
            acts = [self.publish, self.publish, self.fail, self.die, self.publish_draft]
            self.end(one, self.draw.choice(acts))
        if self.draw.random() < 0.05:
            back = self.draw.randint(0, self.watermark)
            value = number(back) if back else None
            self.store.set_watermark("orders", ORDERS, value, by="ada", now=NOW)

    def begin(self) -> None:
        self.count += 1
        if self.waiting and self.draw.random() < 0.7:
            run_id = self.waiting.pop()
        else:
            run_id = self.store.add_run(a_run(f"run {self.count}"), now=NOW).id
        (claim,) = self.store.claim("s", now=NOW, limit=1, run_id=run_id)
        start(self.store, claim)
        self.hand.append(Attempt(claim, CursorBook(claim.run.new)))

    def read(self, one: Attempt) -> None:
        began = one.book.start(ORDERS, self.store.load_watermark("orders", ORDERS), NOW)
        after = int(began.after.text) if began.after else 0
        one.rows = frozenset(range(after + 1, self.source + 1))
        top = number(max(one.rows)) if one.rows else None
        move = CursorMove(cursor=ORDERS, start=began, upto=top, value=top, rows=len(one.rows))
        one.book.move(move)
        if self.early:
            with self.ledger.writing() as connection:
                row = locked_run(connection, one.claim.run.id)
                advance_watermarks(connection, row, one.book.moves, NOW)

    @property
    def ledger(self) -> Ledger:
        return self.store._ledger

    def end(self, one: Attempt, act: Callable[[Attempt], None]) -> None:
        act(one)
        self.hand.remove(one)

    def publish(self, one: Attempt) -> None:
        report = AttemptReport(outcome=Outcome.SUCCEEDED, committed=(an_output(),))
        finish(self.store, one.claim, replace(report, moves=one.book.moves))
        self.published |= one.rows

    def publish_draft(self, one: Attempt) -> None:
        """Succeed, and publish nothing."""
        report = AttemptReport(outcome=Outcome.SUCCEEDED, moves=one.book.moves)
        finish(self.store, one.claim, report)

    def fail(self, one: Attempt) -> None:
        report = AttemptReport(outcome=Outcome.FAILED, moves=one.book.moves)
        finish(self.store, one.claim, report, state=RunState.FAILED)

    def die(self, one: Attempt) -> None:
        finish(self.store, one.claim, LOST, state=RunState.QUEUED)
        self.waiting.append(one.claim.run.id)


def story(folder: Path, seed: int, *, early: bool = False) -> list[int]:
    """Take steps until rows are skipped, and return these."""
    folder.mkdir()
    store = open_store(new_ledger(folder))
    assert isinstance(store, SqlStore)
    pipeline = Pipeline(store, random.Random(seed), early=early)
    try:
        for _ in range(STEPS):
            pipeline.step()
            if pipeline.skipped:
                return pipeline.skipped
        assert len(pipeline.published) > 0
        return []
    finally:
        store.close()


@pytest.mark.parametrize("seed", range(8))
def test_no_row_is_skipped(tmp_path: Path, seed: int) -> None:
    assert story(tmp_path / "story", seed) == []


def test_a_watermark_before_the_commit_is_caught(tmp_path: Path) -> None:
    assert all(story(tmp_path / str(seed), seed, early=True) for seed in range(3))
