"""Every command reports a name that does not exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.wrong_names import RIGHT, SUGGESTION, WrongName, declare_right_names, wrong_names
from jupyter_etl.language.commands.tables import CLI_COMMANDS
from jupyter_etl.services.etl import Etl

CASES = list(wrong_names(CLI_COMMANDS))


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case.words))
def test_a_name_that_is_not_there(command, etl: Etl, here: Path, case: WrongName) -> None:
    declare_right_names(etl, here)
    said = command(*(word.strip('"') for word in case.words))
    assert said.code == 2, said
    assert said.out == ""
    assert SUGGESTION[case.kind] in said.err


def test_a_secret_that_is_not_there(command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_ETL_SECRET_WH_PW", "s3cret")
    said = command("secret", "rm", "wh_pv")
    assert said.code == 2
    assert "Did you mean 'wh_pw'?" in said.err


@pytest.mark.parametrize("words", [["runs"], ["watermarks"]])
def test_a_pipeline_without_records_has_an_empty_list(command, etl: Etl, here: Path, words) -> None:
    declare_right_names(etl, here)
    said = command(*words, "--pipeline", RIGHT["pipeline"])
    assert (said.code, said.err) == (0, "")
    assert "yet" in said.out
    assert command("runs", "--pipeline", RIGHT["pipeline"], "--state", "failed").code == 0


def test_a_removed_pipeline_and_a_notebook_that_was_only_run_are_known(
    command, etl: Etl, here: Path
) -> None:
    declare_right_names(etl, here)
    etl.runs.trigger(RIGHT["pipeline"])
    etl.pipelines.unschedule(RIGHT["pipeline"])
    said = command("runs", "--pipeline", RIGHT["pipeline"])
    assert (said.code, said.err) == (0, "")
    assert RIGHT["pipeline"] in said.out
    assert "Did you mean 'daily-sales'?" in command("runs", "--pipeline", "daily-sale").err
