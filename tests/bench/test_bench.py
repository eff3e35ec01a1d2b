"""The benchmark itself: what a figure says, what a worker measures, and that one broken measure
stops no other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench import run
from bench.figures import Figure, against, in_turn, percentile
from bench.living import platform
from bench.many import SIX, deploy_many, next_six, queue_many
from bench.page import BEGIN, END, write_page
from bench.processes import Broken, Cost, cpu_of_all, environment, worker
from bench.sizes import FULL, QUICK, Size
from jupyter_etl.model import RunState

TESTS = Path(__file__).parent.parent
ABOUT: dict[str, Any] = {
    "cores": 2,
    "python": "3.11.7",
    "load": [0.5, 0.4, 0.3],
    "load at the end": [1.5, 1.0, 0.5],
    "steal": 2.5,
    "seconds": 900,
    "pandas": "3.1.1",
    "peers": {"papermill": "2.7.0"},
}


@pytest.mark.parametrize(
    ("value", "goal", "at_least", "state"),
    [
        (1.0, 1.0, False, "met"),
        (1.01, 1.0, False, "missed"),
        (10.0, 10.0, True, "met"),
        (9.9, 10.0, True, "missed"),
        (5.0, None, False, "no goal"),
        (None, 1.0, False, "not measured"),
    ],
)
def test_a_figure_is_held_against_its_goal(
    value: float | None, goal: float | None, at_least: bool, state: str
) -> None:
    assert Figure(what="x", value=value, unit="s", goal=goal, at_least=at_least).state == state


def test_what_the_product_does_not_do_is_missed() -> None:
    absent = Figure(what="query", value=None, unit="ms", goal=100.0, there=False, detail="no route")
    assert (absent.state, absent.measured) == ("missed", "not there")
    assert absent.line().startswith("MISSED query")
    assert "no route" in absent.line()


def test_small_ratios_are_shown_as_parts() -> None:
    ratio = Figure(what="run", value=1 / 13, unit="x", goal=1 / 12)
    assert (ratio.measured, ratio.promised, ratio.state) == ("1/13", "≤ 1/12", "met")
    plain = Figure(what="peak", value=0.31, unit="x", goal=0.3)
    assert (plain.measured, plain.promised, plain.state) == ("0.31 x", "≤ 0.3 x", "missed")


def test_pairs_are_taken_in_turn_and_compared_pair_by_pair() -> None:
    order: list[str] = []
    ours, theirs = iter([1.0, 2.0, 9.0]), iter([10.0, 20.0, 30.0])

    def take(name: str, source: Iterator[float]) -> Cost:
        order.append(name)
        return Cost(wall_s=next(source), cpu_s=0.5)

    found = in_turn(lambda: take("ours", ours), lambda: take("theirs", theirs), 3)
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    # The median of 1/10, 2/20, 9/30; the ratio of the medians would be the same by chance only.
    assert found.wall == pytest.approx(0.1)
    assert (found.ours.wall_s, found.theirs.wall_s) == (2.0, 20.0)
    assert "2 s (0.5 CPU s) against 20 s" in against("run", found, "papermill", None).detail


def test_a_percentile_is_one_of_the_samples() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.99) == 7.0
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0


def test_a_worker_shows_what_code_costs(tmp_path: Path) -> None:
    with worker(tmp_path) as live:
        small = live.do("value = 6 * 7")
        large = live.do("kept = bytearray(120_000_000); value = len(kept)")
        busy = live.do("import time\nend = time.process_time() + 0.05\n"
                       "while time.process_time() < end: pass")  # fmt: skip
        asleep = live.do("time.sleep(0.05)")
        with pytest.raises(Broken, match="ZeroDivisionError"):
            live.do("1 / 0")
        assert live.do("print('not an answer'); value = len(kept)").value == 120_000_000
    assert (small.value, large.value) == (42, 120_000_000)
    assert large.peak_mb - small.peak_mb > 100
    assert small.peak_mb < 60
    assert busy.cpu_s >= 0.05
    assert asleep.wall_s >= 0.05
    assert asleep.cpu_s < 0.05


def test_a_worker_that_ends_breaks_the_measure(tmp_path: Path) -> None:
    with (
        worker(tmp_path) as live,
        pytest.raises(Broken, match=r"(?s)the process ended.*the last words"),
    ):
        live.do(
            "import os, sys; sys.stderr.write('the last words'); sys.stderr.flush();os._exit(3)"
        )


def test_what_ended_children_used_counts(tmp_path: Path) -> None:
    code = "import time\nwhile time.process_time() < 0.2: pass"
    before = cpu_of_all()
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert cpu_of_all() - before >= 0.19


def test_processes_see_nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_ETL_HOME", "/nowhere")
    monkeypatch.setenv("JUPYTER_PATH", "/nowhere")
    assert not [name for name in environment() if name.startswith("JUPYTER")]
    assert environment(tmp_path)["JUPYTER_ETL_HOME"] == str(tmp_path)


def test_a_measure_that_raises_keeps_what_it_found() -> None:
    def measure(folder: Path, size: Size) -> Iterator[Figure]:
        assert folder.is_dir()
        yield Figure(what="first", value=float(size.rows), unit="s")
        raise ValueError("the second\nwas wrong")

    first, second = run.take(measure, "both", QUICK)
    assert isinstance(first, Figure)
    assert first.value == QUICK.rows
    assert isinstance(second, run.Broken)
    assert (second.name, second.brief) == ("both", "ValueError: the second")
    assert "Traceback" in second.error


def test_the_page_holds_all_figures_and_keeps_its_words(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Speed\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    figures = [
        Figure(what="one | two", value=0.5, unit="s", goal=1.0, detail="a\nb"),
        Figure(what="three", value=2.0, unit="s", goal=1.0),
        Figure(what="four", value=None, unit="ms", detail="no server"),
    ]
    for _ in range(2):
        write_page(page, ABOUT, figures, ["rest"])
    text = page.read_text()
    assert text.startswith(f"# Speed\n\n{BEGIN}\n\nMeasured on {datetime.now(UTC):%Y-%m}")
    assert text.endswith(f"\n{END}\n\nafter\n")
    about = "2 cores, Python 3.11.7; load 0.5 at the start, 1.5 at the end, steal 2.5 %; 900 s"
    assert about in text
    assert "pandas 3.1.1, peer's papermill 2.7.0." in text
    assert "| one \\| two | ≤ 1 s | 0.5 s | met | a b |" in text
    assert "| three | ≤ 1 s | 2 s | **missed** |  |" in text
    assert "| four |  | not measured | not measured | no server |" in text
    assert "| `rest` | | | **broken** |" in text
    assert "old" not in text


def test_a_page_without_its_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# Speed\n")
    with pytest.raises(ValueError, match="lacks"):
        write_page(page, ABOUT, [], [])
    assert page.read_text() == "# Speed\n"


def test_every_measure_is_explained() -> None:
    text = run.PAGE.read_text("utf-8")
    assert BEGIN in text
    assert END in text
    for name in run.MEASURES:
        assert f"| `{name}` |" in text, name
    for group, names in run.GROUPS.items():
        assert f"ONLY={group}" in text, group
        assert set(names) <= set(run.MEASURES), group


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--write-docs", "--quick"], "full size"),
        (["--write-docs", "rest"], "full size"),
        (["nothing"], "there are: run, jobs"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run.main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_quick_sizes_are_smaller() -> None:
    for name in vars(FULL):
        assert getattr(QUICK, name) < getattr(FULL, name), name


@pytest.mark.slow
def test_many_pipelines_and_runs_are_as_the_platform_makes_them(tmp_path: Path) -> None:
    with platform(tmp_path) as at:
        now = at.etl.clock.now()
        due = now + timedelta(days=1)
        names = deploy_many(at, 30, cron="0 6 * * *", now=now, due=due)
        assert [one.name for one in at.etl.pipelines.list()] == sorted(names)
        first, last = at.etl.pipelines.get("p1"), at.etl.pipelines.get("p29")
        assert (last.schedule, last.next_due, last.version) == (first.schedule, due, 1)
        assert len(at.etl.pipelines.versions("p29")) == 1
        queue_many(at, names, 60, state=RunState.QUEUED)
        claimed = at.etl.store.claim("me", now=at.etl.clock.now(), limit=40)
        assert len({one.run.new.pipeline for one in claimed}) == 30
        assert at.etl.runs.trigger("p3").id == 61


@pytest.mark.slow
def test_runs_that_have_ended_are_no_work(tmp_path: Path) -> None:
    with platform(tmp_path) as at:
        now = at.etl.clock.now()
        names = deploy_many(at, 3, cron=SIX, now=now, due=next_six(now))
        queue_many(at, names, 12, state=RunState.SUCCEEDED)
        assert at.etl.runs.count(states=[RunState.SUCCEEDED]) == 12
        assert {len(one) for one in at.etl.runs.last(names, count=10).values()} == {4}
        assert at.etl.scheduler(workers=2).poll() == 0


SCRIPT = """
import sys
from bench import of_surfaces, run
from bench.figures import Figure

def bad(folder, size):
    raise RuntimeError("it does not work")
    yield

def slow(folder, size):
    yield Figure(what="slow", value=2.0, unit="s", goal=1.0)

run.MEASURES = {"bad": bad, "slow": slow}
sys.exit(run.main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("names", "code"), [(["bad", "slow"], 1), (["slow"], 0)])
def test_only_a_broken_measure_fails(tmp_path: Path, names: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "--json", *names],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(TESTS)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    reported = json.loads(done.stdout)
    assert [(one["what"], one["state"]) for one in reported["figures"]] == [("slow", "missed")]
    assert [one["name"] for one in reported["broken"]] == names[:-1]
    assert ("broken: bad: RuntimeError: it does not work" in done.stderr) is bool(code)
    assert "missed: slow: 2 s, goal ≤ 1 s" in done.stderr


@pytest.mark.slow
def test_a_quick_run_measures_and_verifies(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            str(TESTS / "bench" / "run.py"),
            "--quick",
            "--json",
            "checks",
        ],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    reported = json.loads(done.stdout)
    assert reported["broken"] == []
    (figure,) = reported["figures"]
    assert figure["what"] == "five checks on 20,000 rows"
    assert (figure["value"] > 0, figure["goal"]) == (True, 1.0)
    assert reported["machine"]["cores"] >= 1
    assert 0 <= reported["machine"]["steal"] <= 100
