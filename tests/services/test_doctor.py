"""What the doctor finds, reports and repairs; without --repair it changes nothing."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from contracts.store_values import a_pipeline, a_run
from fakes.clock import FakeClock
from jupyter_etl.ledger.inspection import LedgerFacts
from jupyter_etl.model import Outcome, RunState
from jupyter_etl.ports import Claim, SchedulerInfo
from jupyter_etl.runner.folders import attempt_folder
from jupyter_etl.services import disk
from jupyter_etl.services.clock import SystemClock
from jupyter_etl.services.doctor import Diagnosis, Status, diagnose, ledger, machine
from jupyter_etl.services.doctor.diagnosis import Setup
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.settings import Settings, host_name
from ledger.old_ledgers import make_old_ledger

NOBODY = 2**22 - 1
"""A number that no process has."""


def found(settings: Settings, *, repair: bool = False) -> dict[str, Diagnosis]:
    return {one.what: one for one in diagnose(settings, SystemClock(), repair=repair)}


def add_run(etl: Etl, key: str, **fields: object) -> int:
    now = etl.clock.now()
    new = replace(a_run(key, due_at=now), **fields)  # type: ignore[arg-type]
    return etl.store.add_run(new, now=now).id


def claim(etl: Etl, run_id: int, *, by: str = "gone") -> Claim:
    (made,) = etl.store.claim(by, now=etl.clock.now(), limit=1, run_id=run_id)
    return made


def begin(etl: Etl, made: Claim, *, pid: int, host: str = "") -> None:
    attempt = made.attempt
    etl.store.start_attempt(
        attempt.run_id, attempt.number, attempt.token,
        host=host or host_name(), pid=pid, cells=1, now=etl.clock.now(),
    )  # fmt: skip


def add_scheduler(etl: Etl, id: str = "me", **fields: object) -> None:
    info = SchedulerInfo(
        id=id, host=host_name(), pid=os.getpid(), workers=2, seen_at=etl.clock.now()
    )
    etl.store.save_scheduler(replace(info, **fields))  # type: ignore[arg-type]


def test_a_home_that_does_not_exist_yet_is_not_made(isolation: Path) -> None:
    items = found(Settings.from_env())
    assert {one.status for one in items.values()} <= {Status.OK, Status.WARN}
    assert items["scheduler"].status is Status.WARN
    assert not isolation.exists()


def test_a_ledger_that_is_well(etl: Etl) -> None:
    items = found(etl.settings)
    wanted = {"ledger", "schema", "integrity", "clock", "home", "lake", "disk", "permissions"}
    wanted |= {"kernels", "packages", "scheduler", "attempts", "runs", "queue", "warm starts"}
    wanted |= {"mounted", "due times"}
    assert set(items) == wanted
    assert [one.what for one in items.values() if not one.ok] == []


def test_a_ledger_that_cannot_be_read_is_the_only_thing_said_of_it(home: Path) -> None:
    (home / "ledger.sqlite").write_text("a text, and no ledger")
    items = found(Settings.from_env(), repair=True)
    assert items["ledger"].status is Status.ERROR
    assert items["ledger"].hint
    assert "integrity" not in items
    assert (home / "ledger.sqlite").read_text() == "a text, and no ledger"


def test_an_older_ledger_is_looked_at_and_not_migrated(isolation: Path) -> None:
    isolation.mkdir()
    make_old_ledger(f"sqlite:///{isolation / 'ledger.sqlite'}")
    before = (isolation / "ledger.sqlite").read_bytes()
    items = found(Settings.from_env(), repair=True)
    assert items["schema"].status is Status.WARN
    assert "0001" in items["schema"].message
    assert items["integrity"].ok
    assert (isolation / "ledger.sqlite").read_bytes() == before


def test_a_newer_ledger_is_an_error(home: Path) -> None:
    with closing(sqlite3.connect(home / "ledger.sqlite")) as connection, connection:
        connection.execute("UPDATE ledger_revision SET version_num = '9999'")
    assert found(Settings.from_env())["schema"].status is Status.ERROR


def test_damage_is_found(home: Path) -> None:
    with closing(sqlite3.connect(home / "ledger.sqlite")) as connection, connection:
        connection.execute(
            "INSERT INTO pipeline_versions SELECT 'nobody', 1, '', '', NULL, '{}', '{}', '', 0"
        )
    item = found(Settings.from_env())["integrity"]
    assert item.status is Status.ERROR
    assert "pipelines" in item.message
    assert "jupyter etl restore" in item.hint


def test_the_journal_mode_is_repaired(home: Path) -> None:
    path = home / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    place = repr(f"sqlite:///{path}")
    facts = LedgerFacts(
        place=place, newest="0002", path=path, revision="0002", journal="WAL", safe_journal="DELETE"
    )
    setup = a_setup(facts)
    item = ledger.journal(setup)
    assert item is not None
    assert item.status is Status.ERROR
    repaired = ledger.journal(replace(setup, repair=True))
    assert repaired is not None
    assert repaired.repaired
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def a_setup(facts: LedgerFacts | None, **fields: object) -> Setup:
    made = Setup(
        settings=Settings.from_env(), clock=FakeClock(), facts=facts, problem=None, store=None,
        schedulers=(), alive=(), repair=False,
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


def test_a_network_file_system_is_reported() -> None:
    item = ledger.filesystem(a_setup(LedgerFacts(place="l", newest="0002", network="nfs4")))
    assert item is not None
    assert item.status is Status.ERROR
    assert "nfs4" in item.message


@pytest.mark.parametrize(
    ("ahead_s", "status", "said"),
    [
        (0, Status.OK, ""),
        (3, Status.OK, ""),
        (50, Status.WARN, "50 s ahead"),
        (90, Status.ERROR, "90 s ahead"),
        (-90, Status.ERROR, "behind"),
    ],
)
def test_the_databases_clock_is_compared(ahead_s: int, status: Status, said: str) -> None:
    now = FakeClock().now()
    there = now + timedelta(seconds=ahead_s)
    facts = LedgerFacts(place="l", newest="0002", now=there, asked_at=now, answered_at=now)
    item = ledger.clock(a_setup(facts))
    assert item.status is status
    assert said in item.message


def test_a_scheduler_from_the_future_is_reported(etl: Etl) -> None:
    add_scheduler(etl, "early", seen_at=etl.clock.now() + timedelta(hours=1))
    assert found(etl.settings)["clock"].status is Status.WARN


def test_pipelines_that_no_scheduler_may_run_are_reported(etl: Etl) -> None:
    owner = etl.settings.owner
    name = etl.store.deploy(replace(a_pipeline(), owner=owner), now=etl.clock.now()).name
    add_scheduler(etl, owners=("kim",))
    item = found(etl.settings)["scheduler"]
    assert item.status is Status.ERROR
    assert name in item.message
    assert item.hint == f"Run: jupyter etl up --for {owner}"
    overview = etl.health.overview()
    assert overview.unserved == [owner]
    assert f"no scheduler for {owner}" in overview.problems
    assert not etl.has_scheduler()
    add_scheduler(etl, owners=("kim", owner))
    assert found(etl.settings)["scheduler"].ok
    assert etl.health.overview().unserved == []
    assert etl.has_scheduler()


def test_no_scheduler_is_an_error_where_something_is_scheduled(etl: Etl) -> None:
    etl.store.deploy(a_pipeline(), now=etl.clock.now())
    assert found(etl.settings)["scheduler"].status is Status.ERROR
    add_scheduler(etl)
    assert found(etl.settings)["scheduler"].ok


def test_an_attempt_of_a_dead_runner_is_ended_by_its_token(etl: Etl) -> None:
    run_id = add_run(etl, "a")
    begin(etl, claim(etl, run_id), pid=NOBODY)
    item = found(etl.settings)["attempts"]
    assert item.status is Status.ERROR
    assert str(run_id) in item.message
    assert etl.store.load_run(run_id).state is RunState.RUNNING, "nothing is changed unasked"
    repaired = found(etl.settings, repair=True)["attempts"]
    assert (repaired.ok, repaired.repaired) == (True, f"ended as lost: {run_id}")
    assert etl.store.load_attempts(run_id)[0].outcome is Outcome.LOST
    assert etl.store.load_run(run_id).state is RunState.QUEUED, "the engine queues it again"
    assert found(etl.settings)["attempts"].status is Status.OK


def test_an_attempt_that_never_began_is_ended_when_its_time_is_over(home: Path) -> None:
    etl = Etl.open(replace(Settings.from_env(), lease_s=0.001))
    run_id = add_run(etl, "a")
    claim(etl, run_id)
    patient = replace(etl.settings, lease_s=30.0)
    assert found(patient)["attempts"].ok, "a runner needs time to begin"
    assert not found(etl.settings)["attempts"].ok
    etl.close()


def test_what_others_look_after_is_left_to_them(etl: Etl) -> None:
    add_scheduler(etl)
    runs = [add_run(etl, key, cause=a_run().cause) for key in ("a", "b", "c")]
    begin(etl, claim(etl, runs[0], by="me"), pid=NOBODY)
    begin(etl, claim(etl, runs[1]), pid=NOBODY, host="another")
    begin(etl, claim(etl, runs[2]), pid=os.getppid())
    items = found(etl.settings, repair=True)
    lives = {made.run.id for made in etl.store.load_live_attempts()}
    assert {runs[0], runs[1]} <= lives
    assert str(runs[0]) not in items["attempts"].repaired


def test_a_run_beyond_its_limit_is_reported(etl: Etl) -> None:
    policy = replace(a_run().policy, timeout_s=60.0)
    run_id = add_run(etl, "a", policy=policy)
    made = claim(etl, run_id)
    attempt = made.attempt
    etl.store.start_attempt(
        run_id, attempt.number, attempt.token, host="another", pid=1, cells=1,
        now=etl.clock.now() - timedelta(hours=1),
    )  # fmt: skip
    item = found(etl.settings)["runs"]
    assert item.status is Status.ERROR
    assert item.hint.startswith(f"jupyter etl cancel {run_id}")


def test_an_active_run_without_an_attempt_is_reported(etl: Etl, home: Path) -> None:
    run_id = add_run(etl, "a")
    with closing(sqlite3.connect(home / "ledger.sqlite")) as connection, connection:
        connection.execute("UPDATE runs SET state = 'running'")
    item = found(etl.settings)["runs"]
    assert item.status is Status.ERROR
    assert str(run_id) in item.message


def test_runs_that_wait_beside_free_workers_are_reported(etl: Etl) -> None:
    long_ago = etl.clock.now() - timedelta(hours=2)
    etl.store.add_run(a_run("a", due_at=long_ago), now=long_ago)
    assert found(etl.settings)["queue"].ok, "without a scheduler they wait for one"
    add_scheduler(etl)
    item = found(etl.settings)["queue"]
    assert item.status is Status.WARN
    assert "2 workers are free" in item.message


def test_runs_of_a_pipeline_that_is_off_the_schedule_are_reported(etl: Etl) -> None:
    etl.store.deploy(a_pipeline(), now=etl.clock.now())
    run_id = add_run(etl, "a", pipeline="orders")
    assert "unscheduled" not in found(etl.settings)
    etl.store.remove_pipeline("orders")
    assert found(etl.settings)["unscheduled"].hint.endswith(f"jupyter etl cancel {run_id}")


def test_folders_without_a_run_are_reported_and_never_deleted(etl: Etl) -> None:
    known = attempt_folder(etl.settings.home, add_run(etl, "a"), 1)
    lost = attempt_folder(etl.settings.home, 99, 1)
    for folder in (known, lost):
        folder.mkdir(parents=True)
    item = found(etl.settings, repair=True)["folders"]
    assert item.status is Status.WARN
    assert "00000099" in item.message
    assert "00000001" not in item.message
    assert lost.exists()


def test_what_is_private_is_made_so(etl: Etl) -> None:
    home = etl.settings.home
    home.chmod(0o755)
    (home / "ledger.sqlite").chmod(0o644)
    assert found(etl.settings)["permissions"].status is Status.WARN
    (home / "secrets").mkdir(mode=0o700)
    (home / "secrets" / "wh_pw").write_text("x")
    (home / "secrets" / "wh_pw").chmod(0o644)
    item = found(etl.settings)["permissions"]
    assert item.status is Status.ERROR
    assert f"chmod 700 {home}" in item.hint
    repaired = found(etl.settings, repair=True)["permissions"]
    assert repaired.ok
    assert "wh_pw is 600" in repaired.repaired
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "secrets" / "wh_pw").stat().st_mode) == 0o600
    assert found(etl.settings)["permissions"].status is Status.OK


def test_half_files_are_removed_when_they_are_old(etl: Etl) -> None:
    old, new = etl.settings.home / ".a.sqlite.1.part", etl.settings.home / ".b.sqlite.1.part"
    for file in (old, new):
        file.write_text("")
    two_days_ago = etl.clock.now().timestamp() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    assert str(old) in found(etl.settings)["partial files"].message
    assert old.exists()
    assert str(old) in found(etl.settings, repair=True)["partial files"].repaired
    assert (old.exists(), new.exists()) == (False, True)
    assert "partial files" not in found(etl.settings)


def test_a_full_disk_is_an_error(etl: Etl, monkeypatch: pytest.MonkeyPatch) -> None:
    full = replace(etl.settings, disk_reserve=99.9999)
    item = found(full)["disk"]
    assert item.status is Status.ERROR
    assert "no runs start" in item.message
    assert found(replace(full, disk_reserve=0.0))["disk"].ok
    assert disk.shortage([full.home], 99.9999)


def test_packages_that_do_not_match_are_reported(etl: Etl, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(etl.settings)["packages"].ok
    needed = ["duckdb>=999", "absent-package", 'psycopg>=999; extra == "postgres"', "psutil"]
    record = SimpleNamespace(version="0.0.1", requires=needed)
    known = machine.metadata.distribution
    monkeypatch.setattr(
        machine.metadata,
        "distribution",
        lambda name: record if name == "jupyter-etl" else known(name),
    )
    item = machine.packages(a_setup(None))
    assert item.status is Status.ERROR
    assert "required is >=999, absent-package is missing, required is" in item.message
    assert "jupyter-etl 0.0.1 is installed" in item.message
    assert "psycopg" not in item.message
    assert "psutil" not in item.message
    remote = replace(etl.settings, ledger="postgresql://u@h/d")
    assert "psycopg" in machine.packages(a_setup(None, settings=remote)).message


def test_a_due_time_that_its_schedule_does_not_explain_is_corrected(etl: Etl) -> None:
    now = etl.clock.now()
    etl.store.deploy(a_pipeline(next_due=now + timedelta(days=9)), now=now)
    said = found(etl.settings)["due times"]
    assert said.status is Status.ERROR
    assert "orders" in said.message
    assert "jupyter etl doctor --repair" in said.hint

    other = SchedulerInfo(
        id="other", host=host_name(), pid=os.getpid(), workers=1, seen_at=now + timedelta(hours=9)
    )
    etl.store.save_scheduler(other)
    assert found(etl.settings, repair=True)["due times"].status is Status.ERROR, (
        "whose clock is right?"
    )
    etl.store.remove_scheduler("other")

    assert found(etl.settings, repair=True)["due times"].repaired == "corrected orders"
    assert found(etl.settings)["due times"].status is Status.OK
    due = etl.store.load_pipeline("orders").next_due
    assert due is not None
    assert due - now < timedelta(days=2)


@pytest.mark.parametrize("seen_h", [-24, 0, 24])
def test_a_scheduler_that_plans_nothing_for_its_clock_is_reported(seen_h: int) -> None:
    now = FakeClock().now()
    info = SchedulerInfo(
        id="s", host=host_name(), pid=os.getpid(), workers=1, seen_at=now + timedelta(hours=seen_h),
        note="the clock is 1 day, 0:00:00 ahead of that of the ledger's server; set it by NTP",
    )  # fmt: skip
    item = ledger.clock(a_setup(None, schedulers=(info,)))
    assert item.status is Status.ERROR
    assert "1 day, 0:00:00 ahead" in item.message
