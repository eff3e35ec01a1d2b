"""Retention on a real lake and ledger, some months later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.store_values import an_output
from fakes.commits import ROWS, TABLE, Publishing
from fakes.patience import until
from fakes.published_endpoints import add_calls, add_versions
from jupyter_etl.cli.main import main
from jupyter_etl.errors import NotFound
from jupyter_etl.model import PublicationVersion, PublishMode, RunState
from jupyter_etl.runner.folders import attempt_folder
from jupyter_etl.services import Settings
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.maintenance import daily
from jupyter_etl.services.maintenance import pruning as prune_module
from jupyter_etl.services.maintenance.daily import is_due
from jupyter_etl.services.maintenance.pruning import plan_kept, prune
from jupyter_etl.services.publications.publications import Publications

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Shifted:
    """The real time, and some days."""

    def __init__(self, days: float) -> None:
        self._by = timedelta(days=days)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


def version(number: int, days_ago: float, *, pruned: bool = False) -> PublicationVersion:
    return PublicationVersion(
        name="t",
        number=number,
        draft=False,
        what=an_output("t"),
        owner="",
        pipeline="",
        run_id=None,
        notebook="",
        published_at=NOW - timedelta(days=days_ago),
        pruned_at=NOW if pruned else None,
    )


@pytest.mark.parametrize(
    ("ages", "versions", "days", "kept"),
    [
        ([0, 10, 20, 30], 2, 15, [4, 3]),
        ([0, 10, 20, 30], 1, 25, [4, 3, 2]),
        ([400, 500], 1, 90, [2]),
        ([0.5, 10, 20], 1, 1, [3, 2]),
        ([], 30, 90, []),
    ],
)
def test_what_is_kept(ages: list[float], versions: int, days: int, kept: list[int]) -> None:
    """The third was read by whoever began half a day ago, when it was still the newest."""
    history = [version(len(ages) - place, age) for place, age in enumerate(ages)]
    found = plan_kept(history, now=NOW, versions=versions, days=days)
    assert [one.number for one in found] == kept


def test_versions_that_answer_calls_are_kept(etl: Etl) -> None:
    add_versions(etl, count=5)
    etl.endpoints.split("score", {1: 0.5, 3: 0.5})
    settings = replace(etl.settings, keep_versions=1, keep_days=0)
    prune(settings, etl.store, Shifted(100))
    history = etl.publications.history("score")
    assert [v.number for v in history if v.pruned_at is None] == [5, 3, 1]


def test_old_counts_of_calls_are_deleted(etl: Etl) -> None:
    add_versions(etl)
    add_calls(etl, 1, calls=7)
    for days, left in ((80, 7), (100, 0)):
        prune(etl.settings, etl.store, Shifted(days))
        assert etl.endpoints.get("score").statistics.calls == left


def test_pruned_versions_do_not_count() -> None:
    history = [version(3, 0), version(2, 200, pruned=True), version(1, 300)]
    found = plan_kept(history, now=NOW, versions=2, days=1)
    assert [one.number for one in found] == [3, 1]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Publishing]:
    world = Publishing(tmp_path)
    yield world
    world.store.close()


def settings_of(world: Publishing, *, versions: int = 2) -> Settings:
    home = world.base / "home"
    home.mkdir(exist_ok=True)
    settings = Settings.from_env({}, home=str(home), lake=world.lake, owner="ada")
    url = f"sqlite:///{world.base / 'ledger.sqlite'}"
    return replace(settings, ledger=url, keep_versions=versions, keep_days=90)


def everything(world: Publishing) -> dict[str, bytes]:
    files = [p for root in (world.lake, world.base / "home") for p in Path(root).rglob("*")]
    return {str(path): path.read_bytes() for path in files if path.is_file()}


def counts(world: Publishing, *, days: float = 200, dry_run: bool = False) -> dict[str, int]:
    done = prune(settings_of(world), world.store, Shifted(days), dry_run=dry_run)
    assert done.failed == ()
    return {one.kind: one.count for one in done.pruned}


NOTHING = dict.fromkeys(
    (
        *("versions", "files", "runs", "stages", "bundles", "holds", "snapshots", "logs"),
        "call counts",
    ),
    0,
)


@pytest.fixture
def filled(world: Publishing) -> Publishing:
    """Five versions of a table and of a file, files of killed runs, folders and a log."""
    world.clock = Shifted(0)
    for number in range(5):
        claim = world.run(str(number))
        staged = [
            world.stage(world.rows_of(claim), mode=PublishMode.REPLACE),
            world.stage_file("note", f"text {number}"),
        ]
        world.finish(claim, world.commit(claim, staged))
        folder = attempt_folder(world.base / "home", claim.run.id, 1)
        folder.mkdir(parents=True)
        (folder / "executed.ipynb").write_text("{}")
    killed = world.run("killed")
    world.commit(killed, [world.stage(world.rows_of(killed)), world.stage_file("note", "lost")])
    world.lose(killed)
    stage = attempt_folder(world.base / "home", killed.run.id, 1) / "stage"
    stage.mkdir(parents=True)
    (stage / "part.parquet").write_text("staged")
    table = Path(world.lake, "tables", TABLE)
    (table / "part-0.parquet#1").write_text("half a file")
    (table / "_delta_log" / "_commit_0.json.tmp").write_text("half a commit")
    world.store.save_snapshot("nobody names it")
    (world.base / "home" / "scheduler.log").write_text("x" * 100 + "the end\n")
    return world


def test_everything_that_is_old(filled: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune_module, "_LOG_BYTES", 8)
    histories = {n: filled.store.load_publication_versions(n) for n in (TABLE, "note")}
    rows = [filled.read(one) for one in histories[TABLE]]
    before = everything(filled)

    planned = counts(filled, dry_run=True)
    assert everything(filled) == before
    assert {n: filled.store.load_publication_versions(n) for n in histories} == histories
    assert counts(filled) == planned
    # Three versions of each; their data files, those of the killed run, and two halves; of a file
    # also the mark that tells whose folder it is.
    assert planned["versions"] == 6
    assert planned["files"] == 3 + 1 + 2 + 3 * 2 + 1 * 2
    # Of six runs the two newest stay, one of which waits for its next attempt.
    assert planned["runs"] == 4
    assert (planned["stages"], planned["snapshots"], planned["logs"]) == (1, 1, 1)
    assert counts(filled) == NOTHING

    kept = filled.store.load_publication_versions(TABLE)
    assert [one.pruned_at is None for one in kept] == [True, True, False, False, False]
    assert [filled.read(one) for one in kept[:2]] == rows[:2]
    publications = Publications(filled.store, filled.clock, settings_of(filled))
    assert publications.file("note").read_text() == "text 4"
    assert publications.file("note", version=4).read_text() == "text 3"
    for name in (TABLE, "note"):
        with pytest.raises(NotFound, match=f"Version 2 of '{name}' was pruned on 20"):
            publications.file(name, version=2)
    log = filled.base / "home" / "scheduler.log"
    assert (log.read_text(), log.with_name("scheduler.log.1").read_text()) == ("", "the end\n")
    after = everything(filled)
    assert all(before[path] == after[path] for path in after.keys() & before.keys() - {str(log)})


def test_publishing_continues_after_it(filled: Publishing) -> None:
    counts(filled)
    claim = filled.run("next")
    assert filled.publish(claim).what.rows == 2 * ROWS
    assert set(filled.read()["run"].to_pylist()) == {5, claim.run.id}


def test_what_is_young_stays(filled: Publishing) -> None:
    before = everything(filled)
    assert counts(filled, days=0) == NOTHING
    assert everything(filled) == before
    # A day later the rest of what was killed goes, and nothing else.
    young = counts(filled, days=1.5)
    assert young == {**NOTHING, "files": 5, "stages": 1, "snapshots": 1}


def test_a_publication_that_is_being_published_is_left(filled: Publishing) -> None:
    claim = filled.run("now")
    filled.commit(claim, [filled.stage(filled.rows_of(claim))])
    done = prune(settings_of(filled), filled.store, Shifted(200))
    assert (done.busy, done.failed) == ((TABLE,), ())
    # Afterwards the lock is released again, also the one of prune.
    later = prune(settings_of(filled), filled.store, Shifted(200), dry_run=True)
    assert later.pruned[0].count == 3
    assert filled.run("other").run.state is RunState.DISPATCHED


def test_a_lake_that_lacks_files_is_left_as_it_is(filled: Publishing) -> None:
    live = filled.store.load_publication(TABLE).live
    assert live is not None
    for path in Path(filled.lake, "tables", TABLE).glob("*.parquet"):
        path.unlink()
    done = prune(settings_of(filled), filled.store, Shifted(200))
    assert "are missing" in done.failed[0]
    assert [one.count for one in done.pruned[2:5]] == [4, 1, 1]


def test_the_command(
    filled: Publishing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in settings_of(filled, versions=2).environ().items():
        monkeypatch.setenv(name, value)
    assert main(["prune", "--json", "--dry-run"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["dry_run"] is True
    assert {one["what"] for one in said["pruned"]} == NOTHING.keys()
    assert main(["prune"]) == 0
    assert "versions: 0 gone" in capsys.readouterr().out


def test_it_is_due_once_a_day(world: Publishing) -> None:
    settings = settings_of(world)
    stamp = settings.home / "pruned"
    assert is_due(settings)
    stamp.touch()
    assert not is_due(settings)
    for wrong in (time.time() - 90_000, time.time() + 90_000):
        os.utime(stamp, (wrong, wrong))
        assert is_due(settings)


def test_a_prune_of_the_day_is_buried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(settings: Settings) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-c", ""]))
        return started[0]

    monkeypatch.setattr(daily, "_POLL_S", 0.01)
    monkeypatch.setattr(daily, "is_due", lambda settings: not started)
    monkeypatch.setattr(daily, "start_prune", start)
    with daily.daily_prune(Settings.from_env({}, home=tmp_path)):
        # That it is None until somebody has waited is what subprocess promises.
        until("its end", lambda: bool(started) and started[0].returncode == 0)
