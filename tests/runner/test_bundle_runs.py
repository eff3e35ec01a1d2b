"""Where the pinned files of a version are while it runs, and how long they stay."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.cli.main import main
from jupyter_etl.model import Run, RunState
from jupyter_etl.runner.bundles.placement import bundles_folder
from jupyter_etl.runner.folders import attempt_folder
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.maintenance.backups import backup, restore
from jupyter_etl.services.maintenance.pruning import prune
from jupyter_etl.services.settings import Settings

pytestmark = pytest.mark.kernel

SEE = """
import json, os, sys
import helper
own = [one for one in sys.path if "bundles" in one or "work" in one]
print(json.dumps({
    "value": helper.VALUE, "file": helper.__file__, "cwd": os.getcwd(),
    "bundle": os.environ["JUPYTER_ETL_BUNDLE"], "path": sys.path,
}))
"""


@pytest.fixture
def run(etl: Etl) -> Callable[..., Run]:
    def once(pipeline: str = "a", **options: object) -> Run:
        asked = etl.runs.trigger(pipeline, **options)  # type: ignore[arg-type]
        etl.scheduler(workers=1).run(until_idle=True, stop=lambda: False)
        return etl.runs.get(asked.id)

    return once


def printed(etl: Etl, run: Run) -> list[str]:
    assert (run.state, run.error) == (RunState.SUCCEEDED, "")
    executed = json.loads(etl.runs.notebook(run.id))
    outputs = [one for cell in executed["cells"] for one in cell.get("outputs", [])]
    return ["".join(one["text"]).strip() for one in outputs if one.get("name") == "stdout"]


def kernel_of(etl: Etl, run: Run) -> tuple[bool, str]:
    [event] = [one for one in etl.runs.events(run.id) if one["kind"] == "kernel"]
    return event["warm"], event["why"]


def bundles(etl: Etl) -> list[Path]:
    return sorted(bundles_folder(etl.settings.home).glob("*"))


@pytest.mark.parametrize(("cold", "names"), [(False, "aba"), (True, "ab")], ids=["warm", "cold"])
def test_modules_come_from_one_copy_and_the_folder_stays(
    etl: Etl, here: Path, run: Callable[..., Run], cold: bool, names: str
) -> None:
    (here / "helper.py").write_text("VALUE = 1\n")
    for name in ("a", "b"):
        etl.pipelines.schedule(write_notebook(here / f"{name}.ipynb", SEE), cold=cold)
    seen = [json.loads(printed(etl, run(name))[0]) for name in names]
    [folder] = bundles(etl)
    for one in seen:
        assert (one["value"], one["cwd"]) == (1, str(here))
        assert (one["file"], one["bundle"]) == (str(folder / "helper.py"), str(folder))
        # Before what is installed and the working directory, after the standard library.
        assert one["path"].index(str(folder)) + 1 == one["path"].index("")
        assert one["path"].count(str(folder)) == 1
    assert (folder / "helper.py").stat().st_mode & 0o777 == 0o444
    assert "bundle" not in json.loads(etl.runs.notebook(1))["metadata"]
    assert "jupyter_etl" not in json.loads(etl.runs.notebook(1))["metadata"]


def test_a_fork_that_has_another_module_of_the_name_is_not_used(
    etl: Etl, here: Path, run: Callable[..., Run]
) -> None:
    (here / "helper.py").write_text("VALUE = 1\n")
    (here / "duckdb.py").write_text("")
    etl.pipelines.schedule(write_notebook(here / "a.ipynb", "import helper"))
    etl.pipelines.schedule(write_notebook(here / "b.ipynb", "import duckdb"))
    assert kernel_of(etl, run("a")) == (True, "")
    assert kernel_of(etl, run("b")) == (False, "it has imported another module duckdb")


def test_included_files_are_in_a_working_directory_of_the_attempt(
    etl: Etl, here: Path, run: Callable[..., Run]
) -> None:
    for name, content in {
        "pyproject.toml": "", "shared/x.txt": "live", "shared/y.txt": "live",
        "books/in.csv": "a\n1\n", "books/config/c.txt": "pinned", "books/config/other.txt": "live",
        "books/out/kept.txt": "", "books/helper.py": "VALUE = 1\n",
    }.items():  # fmt: skip
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(content)
    book = write_notebook(
        here / "books" / "a.ipynb",
        "%load_ext jupyter_etl\n%etl source numbers in.csv\nn = %etl load numbers",
        "from pathlib import Path\nprint([Path(p).read_text() for p in ('config/c.txt', "
        "'config/other.txt', '../shared/x.txt', '../shared/y.txt', 'in.csv')])",
        "Path('config/c.txt').write_text('by the run')\nPath('new.csv').write_text('b\\n2\\n')\n"
        "Path('out/made.txt').write_text('made')\nimport helper; print(helper.VALUE)",
        "%etl publish file new.csv",
        "%etl publish file in.csv --name sales.given",
    )
    etl.pipelines.schedule(book, include=["config/c.txt", "../shared/y.txt"])
    (here / "books/config/c.txt").write_text("edited")
    (here / "shared/y.txt").unlink()
    (here / "books/helper.py").unlink()
    for _ in range(2):
        made = run()
        assert printed(etl, made)[-2:] == [
            str(["pinned", "live", "live", "live", "a\n1\n"]), "1",
        ]  # fmt: skip
    assert etl.sources.get("numbers").location == str(here / "books" / "in.csv")
    assert etl.publications.file("new").read_text() == "b\n2\n"
    assert etl.publications.file("sales.given").read_text() == "a\n1\n"
    assert (here / "books/config/c.txt").read_text() == "edited"
    assert (here / "books/out/made.txt").read_text() == "made"
    assert not (here / "books/new.csv").exists()
    [folder] = bundles(etl)
    assert (folder / "books/config/c.txt").read_text() == "pinned"


def test_without_the_folder_it_runs_in_its_own(
    etl: Etl, here: Path, run: Callable[..., Run]
) -> None:
    (here / "books").mkdir()
    (here / "books" / "helper.py").write_text("VALUE = 1\n")
    etl.pipelines.schedule(write_notebook(here / "books" / "a.ipynb", SEE))
    etl.pipelines.schedule(write_notebook(here / "books" / "alone.ipynb", "1"))
    shutil.rmtree(here / "books")
    seen = json.loads(printed(etl, run())[0])
    assert seen["value"] == 1
    assert Path(seen["cwd"]) == attempt_folder(etl.settings.home, 1, 1) / "work"
    alone = run("alone")
    assert (alone.state, "folder is missing" in alone.error) == (RunState.FAILED, True)


def test_another_machine_has_the_files_from_the_ledger(
    etl: Etl, here: Path, run: Callable[..., Run]
) -> None:
    """A backup that is restored into an empty home stands for the other machine."""
    (here / "helper.py").write_text("VALUE = 1\n")
    etl.pipelines.schedule(write_notebook(here / "a.ipynb", SEE))
    copy = backup(etl.settings, here / "copy.sqlite", now=etl.clock.now()).path
    (here / "helper.py").unlink()
    other = Settings.from_env({}, home=str(here / "other"), owner="sam")
    restore(other, copy, now=etl.clock.now())
    with_copy = Etl.open(other)
    try:
        asked = with_copy.runs.trigger("a")
        with_copy.scheduler(workers=1).run(until_idle=True, stop=lambda: False)
        seen = json.loads(printed(with_copy, with_copy.runs.get(asked.id))[0])
    finally:
        with_copy.close()
    assert (seen["value"], Path(seen["file"]).parent.parent) == (1, here / "other" / "bundles")


def test_a_retry_and_a_backfill_use_the_files_of_their_version(
    etl: Etl, here: Path, run: Callable[..., Run]
) -> None:
    (here / "helper.py").write_text("VALUE = 1\n")
    book = write_notebook(
        here / "a.ipynb", "import helper\nprint(helper.VALUE)", f"open({str(here / 'go')!r})"
    )
    etl.pipelines.schedule(book, "daily at 00:00", retries=0, anyway=True)
    failed = run()
    assert failed.state is RunState.FAILED
    (here / "helper.py").write_text("VALUE = 2\n")
    (here / "go").touch()
    etl.pipelines.schedule(book, "daily at 00:00", retries=0)
    etl.runs.retry(failed.id)
    etl.scheduler(workers=1).run(until_idle=True, stop=lambda: False)
    assert printed(etl, etl.runs.get(failed.id)) == ["1"]
    assert printed(etl, run()) == ["2"]


@pytest.mark.parametrize("include", [(), ("data.txt",)])
def test_a_run_that_continues_has_the_files_that_are_deployed_for_it(
    etl: Etl, here: Path, run: Callable[..., Run], include: tuple[str, ...]
) -> None:
    (here / "helper.py").write_text("VALUE = 1\nclass Kept: pass\n")
    (here / "later.py").write_text("VALUE = 1\n")
    (here / "data.txt").write_text("1")
    book = write_notebook(
        here / "a.ipynb",
        "import helper, os\nkept = helper.Kept()",
        f"open({str(here / 'go')!r})\nimport later\nprint(later.VALUE, open('data.txt').read(), "
        "type(kept).__module__, 'data.txt' in os.listdir())",
    )
    etl.pipelines.schedule(book, retries=0, checkpoint=True, include=include, anyway=True)
    failed = run()
    assert failed.state is RunState.FAILED
    for name in ("later.py", "data.txt"):
        (here / name).write_text((here / name).read_text().replace("1", "2"))
    (here / "go").touch()
    assert etl.runs.retry_from_failed_cell(failed.id).cell == 1
    etl.scheduler(workers=1).run(until_idle=True, stop=lambda: False)
    assert printed(etl, etl.runs.get(failed.id)) == ["2 2 helper True"]


def test_processes_that_a_cell_starts_have_the_modules(
    etl: Etl, here: Path, run: Callable[..., Run]
) -> None:
    (here / "helper.py").write_text("def double(x):\n    return 2 * x\n")
    etl.pipelines.schedule(
        write_notebook(
            here / "a.ipynb",
            "import helper, multiprocessing\n"
            "with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
            "    print(pool.map(helper.double, [1, 2]))",
        )
    )
    (here / "helper.py").unlink()
    assert printed(etl, run()) == ["[2, 4]"]


def test_copies_that_no_run_has_used_for_long_are_pruned(
    etl: Etl, here: Path, run: Callable[..., Run]
) -> None:
    (here / "helper.py").write_text("VALUE = 1\n")
    etl.pipelines.schedule(write_notebook(here / "a.ipynb", SEE))
    run()
    [folder] = bundles(etl)

    def pruned() -> int:
        found = prune(etl.settings, etl.store, etl.clock).pruned
        return next(one.count for one in found if one.kind == "bundles")

    assert pruned() == 0
    os.utime(folder, (0, 0))
    run()
    assert (pruned(), bundles(etl)) == (0, [folder])
    os.utime(folder, (0, 0))
    assert (pruned(), bundles(etl)) == (1, [])
    assert json.loads(printed(etl, run())[0])["value"] == 1


def test_the_command_line_lists_and_compares_them(
    etl: Etl, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "helper.py").write_text("VALUE = 1\n")
    (here / "c.txt").write_text("1\n")
    write_notebook(here / "a.ipynb", "import helper")

    def command(*words: str) -> str:
        capsys.readouterr()
        assert main(list(words)) == 0
        return capsys.readouterr().out

    said = command("schedule", "a.ipynb", "--include", "*.txt")
    assert "Pinned with the notebook: 2 files, 12 B\n" in said
    assert "  helper.py (10 B): added\n" in said
    (here / "helper.py").write_text("VALUE = 2\n")
    said = command("schedule", "a.ipynb")
    assert "version 2, changed" in said
    assert "  c.txt (2 B)\n" in said
    assert "  helper.py (10 B): changed\n" in said
    said = command("diff", "a", "1")
    assert said.startswith("helper.py: changed\n")
    assert "  -VALUE = 1\n  +VALUE = 2\n" in said
    assert json.loads(command("diff", "a", "1", "2", "--json"))[0]["path"] == "helper.py"
    assert command("diff", "a", "2") == "The notebook and its files are identical.\n"
