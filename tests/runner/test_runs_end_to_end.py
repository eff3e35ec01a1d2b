"""Runs from their start to what they publish, with real runners and kernels."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from fakes.command import finish, start
from fakes.notebooks import code, write_notebook
from fakes.patience import PATIENCE_S, until
from jupyter_etl.cli.main import main
from jupyter_etl.errors import NotFound
from jupyter_etl.model import Outcome, Run, RunState, VerdictKind
from jupyter_etl.services.etl import Etl

pytestmark = pytest.mark.kernel

FRAME = "import pandas as pd\ndf = pd.DataFrame({'id': [1, 2], 'day': ['a', 'b']})"


@pytest.fixture
def leave_nothing(isolation: Path) -> Iterator[None]:
    """End the processes of this test's own home, and of no other; for tests that start commands."""
    yield
    for process in psutil.process_iter():
        try:
            if process.environ().get("JUPYTER_ETL_HOME") == str(isolation):
                process.kill()
        except psutil.Error:
            continue


def test_a_run_publishes_what_it_staged(etl: Etl, here: Path) -> None:
    path = write_notebook(
        here / "sales.ipynb",
        "%load_ext jupyter_etl\n%etl param n int = 1",
        FRAME,
        "import jupyter_etl as etl\nprint(etl.run.id, etl.run.draft, etl.run.attempt, n)",
        "%%etl check df\nid: unique",
        "%etl publish table sales.daily df --partition day",
        "%etl publish file out/{{n}}.csv df",
        "x = %etl load sales.source",
        "%etl schedule @daily",
    )
    (here / "in.csv").write_text("a\n1\n2\n3\n")
    etl.sources.declare("sales.source", "in.csv", base=here)
    said: list[str] = []
    run = etl.runs.run(path, parameters={"n": "7"}, on_event=lambda e: said.append(e["kind"]))
    assert (run.state, run.error) == (RunState.SUCCEEDED, "")
    assert {(v.name, v.number, v.draft, v.run_id) for v in run.published} == {
        ("sales.daily", 1, False, run.id),
        ("out", 1, False, run.id),
    }
    assert etl.publications.read("sales.daily").num_rows == 2
    assert etl.publications.file("out").name == "7.csv"
    assert [(r.source, r.rows) for r in run.reads] == [("sales.source", 3)]
    assert [c.dataset for c in run.checks] == ["df"]
    assert said[0] == "started"
    assert said[-1] == "finished"
    assert {"cell_started", "cell_finished", "read", "checks", "staged"} <= set(said)
    executed = json.loads(etl.runs.notebook(run.id))
    printed = [o["text"] for c in executed["cells"] for o in c.get("outputs", []) if "text" in o]
    assert f"{run.id} False 1 7\n" in ["".join(text) for text in printed]
    assert "does nothing inside a run" in json.dumps(executed)
    assert etl.pipelines.list() == []

    draft = etl.runs.run(path, draft=True)
    assert all(version.draft for version in draft.published)
    assert etl.publications.get("sales.daily").live.number == 1
    again = etl.runs.run(path)
    assert etl.publications.get("sales.daily").live.number == 2
    assert etl.publications.read("sales.daily").num_rows == 2
    assert again.id == run.id + 2


def test_a_run_that_would_publish_a_secret_publishes_nothing(
    etl: Etl, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_ETL_SECRET_API_KEY", "c4nary-of-the-warehouse")
    path = write_notebook(
        here / "leak.ipynb",
        "import jupyter_etl as etl\n%load_ext jupyter_etl\n" + FRAME,
        "df['url'] = ['https://h.org', f'https://h.org?key={etl.secret(\"api_key\")}']",
        "%etl publish table other.table df",
    )
    run = etl.runs.run(path)
    assert run.outcome is Outcome.FAILED
    assert run.error.startswith(
        "'other.table' is not published: 1 row of the column 'url' contains the value of the secret "
        "'api_key'. Nothing of the run was published."
    )
    assert etl.publications.list() == []


def test_when_the_last_check_fails_nothing_is_published(etl: Etl, here: Path) -> None:
    path = write_notebook(
        here / "a.ipynb",
        FRAME,
        "%etl publish table a.table df",
        "%etl publish file a.csv df",
        "%%etl check df\nid: unique, not null\nrows > 100",
    )
    run = etl.runs.run(path)
    assert (run.state, run.outcome, run.failed_cell) == (RunState.HELD, Outcome.HELD, 3)
    assert run.verdict is not None
    assert run.verdict.kind is VerdictKind.DATA
    assert run.published == ()
    for name in ("a.table", "a"):
        with pytest.raises(NotFound):
            etl.publications.get(name)
    assert not [p for p in Path(etl.settings.lake).rglob("*") if p.is_file()]
    statuses = [c.status.value for c in run.checks]
    assert statuses.count("error") == 1
    assert "rows > 100" in etl.runs.notebook(run.id)


MAGIC = "%%etl check df\nrows > 100"
CALL = "etl.check('df', 'rows > 100')"
HANDLED = f"try:\n    {CALL}\nexcept Exception as problem:\n    print(problem)"


@pytest.mark.parametrize(
    ("check", "publishes", "state"),
    [
        (MAGIC, True, RunState.HELD),
        (MAGIC, False, RunState.HELD),
        (CALL, True, RunState.HELD),
        (CALL, False, RunState.SUCCEEDED),
        (HANDLED, True, RunState.HELD),
        (HANDLED, False, RunState.SUCCEEDED),
    ],
)
def test_what_a_failed_check_does_to_a_run(
    etl: Etl, here: Path, check: str, publishes: bool, state: RunState
) -> None:
    last = "%etl publish table a.table df" if publishes else "print('end')"
    cells = [FRAME, "import jupyter_etl as etl", check, last]
    run = etl.runs.run(write_notebook(here / "a.ipynb", *cells))
    assert run.state is state
    assert [one.status.value for one in run.checks] == ["error"]
    assert run.published == ()


def test_what_was_live_stays_when_a_later_run_fails(etl: Etl, here: Path) -> None:
    path = write_notebook(
        here / "a.ipynb",
        code("bad = 0", "parameters"),
        FRAME,
        "%etl publish table t df",
        "assert not bad",
    )
    assert etl.runs.run(path).state is RunState.SUCCEEDED
    failed = etl.runs.run(path, parameters={"bad": 1})
    assert (failed.outcome, failed.failed_cell) == (Outcome.FAILED, 3)
    assert failed.error.startswith("AssertionError")
    assert etl.publications.get("t").live.number == 1
    assert etl.publications.read("t").num_rows == 2


@pytest.mark.usefixtures("leave_nothing")
@pytest.mark.slow
@pytest.mark.chaos
def test_the_run_outlives_the_process_that_started_it(etl: Etl, here: Path) -> None:
    write_notebook(
        here / "slow.ipynb",
        FRAME,
        "import os, time\nopen('running', 'w').close()\n"
        "while not os.path.exists('go'): time.sleep(0.05)",
        "%etl publish table t df",
    )
    process = start("run", "slow.ipynb")
    until("the cell", (here / "running").exists)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (run,) = etl.runs.list()
    assert run.state is RunState.RUNNING
    (here / "go").touch()
    ended = etl.runs.wait(run.id, timeout_s=PATIENCE_S)
    assert (ended.state, ended.attempts) == (RunState.SUCCEEDED, 1)
    assert etl.publications.read("t").num_rows == 2


@pytest.mark.usefixtures("leave_nothing")
@pytest.mark.slow
def test_two_schedulers_and_one_due_time_are_one_run(etl: Etl, here: Path) -> None:
    path = write_notebook(here / "once.ipynb", "open('ran', 'a').write('x')")
    etl.pipelines.schedule(path, "daily at 00:00", timezone="UTC", catchup="all")
    pipeline = etl.pipelines.get("once")
    yesterday = etl.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    etl.store.change_pipeline("once", now=etl.clock.now(), next_due=yesterday)
    assert pipeline.next_due is not None
    both = [start("up", "--until-idle", "--workers", "1") for _ in range(2)]
    answers = [finish(process) for process in both]
    assert [answer.code for answer in answers] == [0, 0], answers
    (run,) = etl.runs.list(pipeline="once")
    assert (run.state, run.attempts, run.new.due_at) == (RunState.SUCCEEDED, 1, yesterday)
    assert (here / "ran").read_text() == "x"
    assert etl.pipelines.get("once").next_due == pipeline.next_due


@pytest.mark.usefixtures("leave_nothing")
@pytest.mark.slow
def test_a_scheduler_serves_waiting_runs_and_ends_on_request(
    etl: Etl, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def trigger(*words: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        exit_code = main(["trigger", "sales", *words, "--wait", "--json"])
        return exit_code, json.loads(capsys.readouterr().out)

    write_notebook(
        here / "sales.ipynb", code("n = 1", "parameters"), FRAME, "print(n)\nassert n < 5"
    )
    etl.pipelines.schedule(here / "sales.ipynb")
    scheduler = start("up")
    try:
        until("the scheduler", etl.schedulers)
        exit_code, good = trigger()
        assert (exit_code, good["outcome"]) == (0, "succeeded")
        assert good["due_at"] <= good["started_at"] <= good["finished_at"]
        exit_code, bad = trigger("-p", "n=7")
        assert (exit_code, bad["outcome"], bad["cell"]) == (1, "failed", 2)
        assert bad["verdict"] == "notebook"
        assert bad["error"].startswith("AssertionError")
    finally:
        scheduler.terminate()
        ended = finish(scheduler)
    assert ended.code == 0, ended
    assert etl.schedulers() == []


def test_the_deployed_version_runs_and_not_the_file_being_edited(etl: Etl, here: Path) -> None:
    path = write_notebook(here / "v.ipynb", "open('version', 'w').write('deployed')")
    etl.pipelines.schedule(path)
    write_notebook(path, "open('version', 'w').write('edited')")
    run = etl.runs.trigger("v")
    etl.scheduler(workers=1).run(until_idle=True, stop=lambda: False)
    assert etl.runs.get(run.id).state is RunState.SUCCEEDED
    assert (here / "version").read_text() == "deployed"


def test_one_run_starts_the_next(etl: Etl, here: Path) -> None:
    write_notebook(here / "up.ipynb", FRAME, "%etl publish table a.b df")
    down = write_notebook(here / "down.ipynb", "x = %etl load a.b", "assert len(x) == 2")
    etl.pipelines.schedule(here / "up.ipynb")
    etl.pipelines.schedule(down, after=["a.b"])
    etl.runs.trigger("up")
    etl.scheduler(workers=1).run(until_idle=True, stop=lambda: False)
    (run,) = etl.runs.list(pipeline="down")
    assert (run.state, run.new.logical_key) == (RunState.SUCCEEDED, "a.b@1")
    assert dict(run.new.upstream) == {"a.b": 1}


class TestBadInputOfARun:
    """One sentence with the next step; what was live and what was executed stays."""

    def ended(self, etl: Etl, here: Path, *cells: str, **options: str | None) -> Run:
        write_notebook(here / "bad.ipynb", *cells, **options)
        run = etl.runs.run(here / "bad.ipynb")
        assert run.state in {RunState.FAILED, RunState.HELD}
        assert run.error
        assert "\n" not in run.error
        assert etl.publications.list() == []
        return run

    def test_a_source_that_is_absent(self, etl: Etl, here: Path) -> None:
        run = self.ended(etl, here, "%etl source s data/none.csv", "x = %etl load s")
        assert run.failed_cell == 1
        assert "none.csv" in run.error
        assert run.verdict is not None
        assert run.verdict.kind is VerdictKind.SOURCE
        assert "none.csv" in etl.runs.notebook(run.id)

    def test_a_file_that_is_cut_off(self, etl: Etl, here: Path) -> None:
        (here / "cut.parquet").write_bytes(b"PAR1\x15\x04\x15")
        run = self.ended(etl, here, "%etl source s cut.parquet", "x = %etl load s")
        assert "cut.parquet" in run.error
        assert (here / "cut.parquet").read_bytes() == b"PAR1\x15\x04\x15"

    def test_a_wrong_column(self, etl: Etl, here: Path) -> None:
        (here / "a.csv").write_text("fare\n1\n")
        run = self.ended(etl, here, "%etl source s a.csv", "x = %etl load s --columns fair")
        assert "fair" in run.error
        assert "fare" in run.error

    def test_an_unknown_kernel(self, etl: Etl, here: Path) -> None:
        run = self.ended(etl, here, "1", kernel="fortran")
        assert "'fortran'" in run.error
        assert "python3" in run.error

    def test_input_in_a_headless_run(self, etl: Etl, here: Path) -> None:
        run = self.ended(etl, here, "name = input('who? ')")
        assert "input()" in run.error
        assert "%etl param" in run.error

    def test_a_path_outside(self, etl: Etl, here: Path) -> None:
        run = self.ended(etl, here, FRAME, "%etl publish file ../out.csv df")
        assert "../out.csv" in run.error
        assert not (here.parent / "out.csv").exists()

    def test_no_write_permission_on_the_lake(
        self, here: Path, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (here / "file").write_text("x")
        monkeypatch.setenv("JUPYTER_ETL_LAKE", str(here / "file" / "lake"))
        etl = Etl.open()
        run = self.ended(etl, here, FRAME, "%etl publish table t df")
        assert str(here / "file") in run.error
        assert "%etl publish table t df" in etl.runs.notebook(run.id)
        etl.close()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
    def test_a_full_disk(
        self, here: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lake = tmp_path / "lake"
        lake.mkdir()
        mounted = os.system(f"mount -t tmpfs -o size=200k tmpfs {lake} 2>/dev/null")  # noqa: S605
        if mounted != 0:
            pytest.skip("this machine does not allow to mount a small disk")
        try:
            monkeypatch.setenv("JUPYTER_ETL_LAKE", str(lake))
            etl = Etl.open()
            small = write_notebook(here / "small.ipynb", FRAME, "%etl publish table small df")
            assert etl.runs.run(small).state is RunState.SUCCEEDED
            big = "import numpy as np\nbig = pd.DataFrame({'x': np.random.rand(200_000)})"
            path = write_notebook(here / "big.ipynb", FRAME, big, "%etl publish table big big")
            run = etl.runs.run(path)
            assert run.state is RunState.FAILED
            assert "space" in run.error
            assert "'big'" in run.error
            assert [p.name for p in etl.publications.list()] == ["small"]
            assert etl.publications.read("small").num_rows == 2
            assert "%etl publish table big big" in etl.runs.notebook(run.id)
            etl.close()
        finally:
            os.system(f"umount {lake}")  # noqa: S605
