"""Publishing, scheduling and watching as a person types them; no kernel is started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from contracts.store_ends import FAILED, dead
from contracts.store_values import a_run, claim_one, finish, start, started
from fakes.notebooks import code, write_notebook
from fakes.shell import Notebook
from jupyter_etl.errors import Conflict, DeclarationError, NotFound
from jupyter_etl.model import FAILURES_TO_PAUSE, AttemptReport, Cause, OnLost, RunState
from jupyter_etl.model.source import FAILURES
from jupyter_etl.notebook import kernel_state, location
from jupyter_etl.runner.channel.sockets import CHANNEL
from jupyter_etl.services.etl import Etl

SCHEDULE = '%etl schedule "daily at 06:00" --tz Europe/Paris'


@pytest.fixture
def frames(notebook: Notebook) -> Notebook:
    notebook.names["orders"] = pd.DataFrame({"id": [1, 2], "day": ["a", "b"]})
    return notebook


@pytest.fixture
def deployed(notebook: Notebook) -> Notebook:
    notebook.save(SCHEDULE)
    notebook.run(SCHEDULE)
    return notebook


def etl() -> Etl:
    return kernel_state.open_etl()


def test_a_draft_and_what_differs(frames: Notebook) -> None:
    first = frames.card("%etl publish table sales.daily orders --live")
    assert first.text.startswith("✓ sales.daily: live version 1")
    frames.names["orders"]["new"] = 1
    draft = frames.card("%etl publish table sales.daily orders")
    assert draft.text.startswith("✓ sales.daily: draft 1")
    assert "live version 1" in draft.text
    assert "New columns: new." in draft.text
    assert "Readers do not see a draft" in draft.text
    assert draft.metadata == {"jupyter_etl": {"card": True}}
    fewer = frames.names["orders"][["id"]]
    frames.names["fewer"] = fewer
    assert (
        "Columns only in the live version: day"
        in frames.card("%etl publish table sales.daily fewer").text
    )
    assert "A run that publishes this would be held: its columns change: dropped 'day'" in (
        frames.card("%etl publish table sales.daily fewer").text
    )
    allowed = frames.card("%etl publish table sales.daily fewer --allow day").text
    assert "is held" not in allowed
    assert "1" in frames.card("%etl history sales.daily").text
    assert "4 drafts" in frames.card("%etl history sales.daily --draft").text
    assert "sales.daily" in frames.card("%etl published").text


def test_options_of_a_table(frames: Notebook) -> None:
    frames.run("%etl publish table t orders --key id --mode upsert --partition day --live")
    what = etl().publications.get("t").live.what
    assert (what.key, what.partition_by, what.mode.value) == (("id",), ("day",), "upsert")


def test_files_with_and_without_a_frame(frames: Notebook, here: Path) -> None:
    frames.names["day"] = "2026-01-02"
    card = frames.card("%etl publish file out/{{day}}.csv orders --name my.file")
    assert "my.file: draft 1" in card.text
    (here / "model.bin").write_bytes(b"xyz")
    frames.run("%etl publish file model.bin --live")
    assert etl().publications.file("model").read_bytes() == b"xyz"


@pytest.mark.slow
def test_a_report_by_its_title_or_name(notebook: Notebook) -> None:
    notebook.save("1 + 1")
    notebook.run('%etl publish report "Daily sales" --hide-code')
    notebook.run('%etl publish report "Daily sales" --name brief')
    assert [p.name for p in etl().publications.list()] == ["brief", "daily-sales"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("outputs", "hide_code", "blank"),
    [
        ([], "", True),
        (["card"], "--hide-code", True),
        (["card"], "", False),
        (["text"], "--hide-code", False),
        (["card", "text"], "", False),
    ],
)
def test_a_report_without_outputs_is_reported(
    notebook: Notebook, outputs: list[str], hide_code: str, blank: bool
) -> None:
    said = {"output_type": "stream", "name": "stdout", "text": "said"}
    card = {
        "output_type": "display_data",
        "data": {"text/plain": "a card"},
        "metadata": {"jupyter_etl": {"card": True}},
    }
    made = {"text": said, "card": card}
    write_notebook(notebook.path, {**code("1 + 1"), "outputs": [made[one] for one in outputs]})
    card_text = notebook.card(f'%etl publish report "Daily sales" {hide_code}').text
    assert card_text.startswith("! " if blank else "✓ ")
    assert ("The saved notebook has no outputs" in card_text) is blank


def test_a_run_of_an_unsaved_cell_is_refused(notebook: Notebook) -> None:
    notebook.save("%etl run")
    problem, said = notebook.fails("%etl run --draft")
    assert isinstance(problem, Conflict)
    assert "Save the notebook first" in said
    assert isinstance(notebook.fails("%etl run ./sales.ipynb")[0], Conflict)
    assert etl().runs.list() == []


def test_scheduling_shows_words_and_times(notebook: Notebook) -> None:
    notebook.save("x = 1", SCHEDULE)
    card = notebook.card(SCHEDULE)
    assert "sales: every day at 06:00, Europe/Paris (version 1 deployed), owner sam" in card.text
    assert card.text.count("06:00:00 CE") == 5
    assert "jupyter etl up" in card.text
    assert "nothing changed" in notebook.card(SCHEDULE).text
    assert etl().pipelines.get("sales").notebook == str(notebook.path)


def test_an_unsaved_cell_deploys_nothing(notebook: Notebook) -> None:
    problem, said = notebook.fails(SCHEDULE)
    assert isinstance(problem, Conflict)
    assert "sales.ipynb" in said
    assert "Save the notebook first" in said
    notebook.save('%etl schedule "daily at 05:00"')
    notebook.fails(SCHEDULE)
    assert etl().pipelines.list() == []


def test_a_kernel_without_a_notebook(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "")
    problem, said = notebook.fails(SCHEDULE)
    assert isinstance(problem, DeclarationError)
    assert "jupyter etl schedule" in said
    assert isinstance(notebook.fails("%etl pause")[0], DeclarationError)


def test_not_deployed_yet(notebook: Notebook) -> None:
    for line in ("%etl pause", "%etl owner", "%etl unschedule", "%etl trigger"):
        problem, said = notebook.fails(line)
        assert isinstance(problem, NotFound)
        assert "%etl schedule" in said


def test_pausing_owning_and_taking_off(deployed: Notebook) -> None:
    assert "sales is paused" in deployed.card("%etl pause").text
    assert "It is paused" in deployed.card(SCHEDULE).text
    assert "sales is resumed" in deployed.card("%etl resume sales").text
    assert "owner sam" in deployed.card("%etl owner").text
    assert "owner kim" in deployed.card("%etl owner kim").text
    assert "sales" in deployed.card("%etl pipelines").text
    assert "unscheduled" in deployed.card("%etl unschedule").text
    assert etl().pipelines.list() == []


def test_a_backfill_first_dry_then_queued(deployed: Notebook) -> None:
    line = "%etl backfill 2026-01-01..2026-01-03"
    dry = deployed.card(f"{line} --dry-run").text
    assert dry.startswith("✓ sales: 3 of 3 partitions to run.")
    assert "Nothing was queued" in dry
    assert etl().runs.count() == 0
    queued = deployed.card(f"{line} --pipeline sales --by day --parallel 2").text
    assert "From 2026-01-01 to 2026-01-03 in Europe/Paris." in queued
    assert "3 runs queued" in queued
    assert "jupyter etl up" in queued
    assert {run.new.cause for run in etl().runs.list()} == {Cause.BACKFILL}
    again = deployed.card(f"{line} --by day").text
    assert again == "✓ sales: 0 of 3 partitions to run, 3 active and left alone."
    assert "0 of 3" in deployed.card(f"{line} --by day --all --dry-run").text
    problem, said = deployed.fails("%etl backfill soon")
    assert isinstance(problem, DeclarationError)
    assert "2026-01-01..2026-01-31" in said


def test_the_policy_of_a_schedule(notebook: Notebook) -> None:
    line = (
        "%etl schedule --after a,b --after-all --expect --on-lost fail --priority -5 --memory 2GB "
        "--checkpoint"
    )
    notebook.save(line)
    assert "sales: after each of a and b (version 1" in notebook.card(line).text
    policy = etl().pipelines.get("sales").policy
    assert (policy.on_lost, policy.priority, policy.checkpoint) == (OnLost.FAIL, -5, True)
    assert policy.memory_bytes == 2_000_000_000


def test_what_has_ended_is_not_cancelled(deployed: Notebook) -> None:
    deployed.run("%etl trigger")
    claim = claim_one(etl().store, now=etl().clock.now())
    start(etl().store, claim)
    finish(etl().store, claim)
    problem, said = deployed.fails("%etl cancel 1")
    assert isinstance(problem, Conflict)
    assert "Run 1 of sales has already succeeded; there is nothing to cancel." in said


def test_triggering_a_draft(deployed: Notebook) -> None:
    deployed.run("%etl trigger --draft")
    deployed.run("%etl trigger")
    assert [run.new.draft for run in etl().runs.list()] == [False, True]


def test_triggering_and_following(deployed: Notebook) -> None:
    assert "1" in deployed.card("%etl trigger").text
    run = etl().runs.get(1)
    assert (run.new.pipeline, run.new.cause) == ("sales", Cause.MANUAL)
    assert "queued" in deployed.card("%etl runs --state queued -n 5").text
    assert "There are no runs yet" in deployed.card("%etl runs --state failed").text
    assert "queued" in deployed.card("%etl logs 1").text
    assert "Run 1 is cancelled" in deployed.card("%etl cancel 1").text
    assert "queued again" in deployed.card("%etl retry 1").text
    assert etl().runs.get(1).state is RunState.QUEUED
    deployed.card("%etl cancel 1")
    why_not = "from its first cell: it was never attempted"
    assert why_not in deployed.card("%etl retry 1 --from-failed-cell").text
    assert "99" in deployed.fails("%etl logs 99")[1]


def test_no_run_waits_forever(deployed: Notebook) -> None:
    _, said = deployed.fails("%etl trigger --wait")
    assert "No scheduler is alive" in said
    assert "jupyter etl up" in said
    assert etl().runs.count() == 0


def test_how_everything_stands(deployed: Notebook) -> None:
    card = deployed.card("%etl status")
    assert "sam" in card.text
    assert "No scheduler is alive" in card.text
    assert "pipelines" in card.text


def test_what_a_headless_run_would_stumble_over(notebook: Notebook) -> None:
    notebook.save("x = input()")
    assert "input" in notebook.card("%etl preflight").text
    notebook.save("%etl publish table a.b orders")
    assert "orders" in notebook.card("%etl preflight").text
    notebook.save("orders = 1\n%etl publish table a.b orders")
    assert "No problems found" in notebook.card("%etl preflight").text
    problem, _ = notebook.fails("%etl preflight absent.ipynb")
    assert isinstance(problem, NotFound)


def test_what_would_fail_is_deployed_only_anyway(notebook: Notebook) -> None:
    notebook.save("open('gone.csv')", SCHEDULE, f"{SCHEDULE} --anyway")
    problem, text = notebook.fails(SCHEDULE)
    assert isinstance(problem, DeclarationError)
    assert "'gone.csv'" in problem.message
    assert "DeclarationError" not in text
    assert "'gone.csv'" in notebook.card(f"{SCHEDULE} --anyway").text


def test_commands_that_do_nothing_inside_a_run(
    deployed: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = etl().pipelines.get("sales")
    kernel_state.close()
    monkeypatch.setenv(CHANNEL, "/nowhere/socket")
    assert location.in_run()
    for line in (
        SCHEDULE,
        "%etl run",
        "%etl pause",
        "%etl resume",
        "%etl unschedule",
        "%etl trigger sales",
        "%etl backfill 2026-01-01",
        "%etl cancel 1",
        "%etl retry 1",
        "%etl logs 1",
        "%etl runs",
        "%etl pipelines",
        "%etl preflight",
    ):
        assert "does nothing inside a run" in deployed.card(line).text, line
    kernel_state.close()
    monkeypatch.delenv(CHANNEL)
    assert etl().pipelines.get("sales") == before
    assert etl().runs.count() == 0


def test_what_the_platform_left_alone_is_reported(deployed: Notebook) -> None:
    fail(FAILED, times=FAILURES_TO_PAUSE)
    fail(dead("wh"), times=FAILURES)
    for command in ("%etl pipelines", "%etl status"):
        assert "sales: Paused by the platform after 5" in deployed.card(command).text
    assert "wh did not answer 3 times in a row" in deployed.card("%etl status").text


def fail(report: AttemptReport, *, times: int) -> None:
    """Let planned runs of ``sales`` fail now."""
    for _ in range(times):
        now = etl().clock.now()
        key = f"tick {etl().runs.count()}"
        run = replace(a_run(key, pipeline="sales", cause=Cause.SCHEDULE), due_at=now)
        claim = started(etl().store, run, now=now)
        finish(etl().store, claim, report, state=RunState.FAILED, now=now)


def test_a_redeployment_keeps_what_is_not_given_and_shows_what_changes(notebook: Notebook) -> None:
    first = '%etl schedule "every 1h" --retries 7'
    notebook.save(first)
    notebook.run(first)
    bare = "%etl schedule --priority 4"
    notebook.save(bare)
    text = notebook.card(bare).text
    assert "sales: every 1 h (version 2 deployed)" in text
    assert "notebook: 1 cell changed" in text
    assert "priority: 0 -> 4" in text
    assert "nothing changed" in notebook.card(bare).text
    assert etl().pipelines.get("sales").policy.retries == 7
    away = "%etl schedule --on-demand --reset retries"
    notebook.save(away)
    text = notebook.card(away).text
    assert "schedule: every 1 h -> on demand" in text
    assert "retries: 7 -> 3" in text


def test_relinking_this_notebook(notebook: Notebook) -> None:
    old = notebook.path.with_name("old.ipynb")
    notebook.save(SCHEDULE)
    notebook.path.rename(old)
    etl().pipelines.schedule(old)
    old.rename(notebook.path)
    assert "The notebook of old is missing" in notebook.card("%etl pipelines").text
    assert "The notebook of old is missing" in notebook.card("%etl status").text
    problem, said = notebook.fails("%etl pause")
    assert isinstance(problem, NotFound)
    assert "%etl relink" in said
    assert str(notebook.path) in notebook.card("%etl relink").text
    assert "old is paused" in notebook.card("%etl pause").text
    assert isinstance(notebook.fails("%etl relink")[0], NotFound)
    assert "old has its notebook" in notebook.card("%etl relink old").text


def test_the_files_that_a_version_pins(notebook: Notebook, here: Path) -> None:
    (here / "helper.py").write_text("VALUE = 1\n")
    (here / "a.csv").write_text("a\n1\n")
    line = f"{SCHEDULE} --include *.csv"
    notebook.save("import helper", line)
    said = notebook.card(line).text
    assert "Pinned with the notebook: 2 files, 14 B" in said
    assert [line.split() for line in said.splitlines() if ".py" in line or ".csv" in line] == [
        ["a.csv", "4", "B", "added"], ["helper.py", "10", "B", "added"],
    ]  # fmt: skip
    (here / "helper.py").write_text("VALUE = 2\n")
    assert "changed" in notebook.card(line).text
    name = notebook.path.stem
    card = notebook.card(f"%etl diff {name} 1 2").text
    assert "1 changed file" in card
    assert "+VALUE = 2" in card
