"""Which commands of a kernelspec a fork of this process can stand for."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from jupyter_etl.execution.kernel_command import arguments_of, split_command, why_other_command

KERNEL = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
HERE = sys.executable


@pytest.mark.parametrize(
    ("words", "options", "module", "arguments"),
    [
        (KERNEL, [], "ipykernel_launcher", ["-f", "{connection_file}"]),
        (["-Xfrozen_modules=off", *KERNEL], ["-Xfrozen_modules=off"], KERNEL[1], KERNEL[2:]),
        (["-X", "dev", "-u", *KERNEL], ["-Xdev", "-u"], KERNEL[1], KERNEL[2:]),
        (["-W", "error", "-mipykernel_launcher", "-u"], ["-Werror"], KERNEL[1], ["-u"]),
        (["-m"], [], "", []),
        (["kernel.py", "-m", "other"], [], "", ["kernel.py", "-m", "other"]),
        ([], [], "", []),
    ],
)
def test_a_command_is_split(words, options, module, arguments):
    assert split_command([HERE, *words]) == (options, module, arguments)
    assert arguments_of([HERE, *words]) == arguments


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-Xfrozen_modules=off"],
        ["-X", "frozen_modules=off"],
        ["-Xfrozen_modules=on"],
        ["-Xfrozen_modules"],
        ["-u"],
        ["-q", "-u"],
        [f"-Xutf8={sys.flags.utf8_mode}"],
    ],
)
def test_an_option_without_effect_is_warm(options):
    assert why_other_command([HERE, *options, *KERNEL], {}) == ""


@pytest.mark.parametrize(
    "option",
    [
        *("-b", "-B", "-d", "-E", "-I", "-O", "-OO", "-P", "-s", "-S", "-v", "-bu", "-Werror"),
        *("-Xdev", "-Ximporttime", "-Xtracemalloc", "-Xfaulthandler", "-Xint_max_str_digits=0"),
        f"-Xutf8={1 - sys.flags.utf8_mode}",
    ],
)
def test_an_option_with_effect_is_cold_and_named(option):
    assert option in why_other_command([HERE, option, *KERNEL], {})


@pytest.mark.parametrize("words", [["-m", "ipykernel"], ["-c", "pass"], ["kernel.py"], []])
def test_another_program_is_cold(words):
    assert "not IPython's kernel" in why_other_command([HERE, *words], {})


def test_the_interpreter_may_be_written_in_any_way(tmp_path):
    here = Path(HERE)
    root = tmp_path / "linked"
    root.symlink_to(here.parent.parent)
    for program in (
        HERE,
        str(here.parent / ".." / here.parent.name / here.name),
        str(root / here.parent.name / here.name),
        str(here.with_name("python3")),
    ):
        assert why_other_command([program, *KERNEL], {}) == "", program
    assert why_other_command([here.name, *KERNEL], {"PATH": str(here.parent)}) == ""


def test_another_environment_of_the_same_interpreter_is_cold(tmp_path):
    venv.create(tmp_path / "other", symlinks=True, with_pip=False)
    other = tmp_path / "other" / "bin" / "python"
    # Python does not follow a link to the interpreter of a virtual environment to find it.
    link = tmp_path / "python"
    link.symlink_to(HERE)
    programs = [str(other), str(tmp_path / "missing"), "missing", "./python"]
    if sys.prefix != sys.base_prefix:
        programs.append(str(link))
    for program in programs:
        why = why_other_command([program, *KERNEL], {"PATH": ""})
        assert why == f"it belongs to another interpreter: {program}"


def test_an_environment_without_pyvenv_cfg_is_the_folder_of_its_interpreter(tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python3.11").touch()
        (tmp_path / name / "bin" / "python").symlink_to("python3.11")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "one" / "bin" / "python"))
    assert why_other_command([str(tmp_path / "one/bin/python3.11"), *KERNEL], {}) == ""
    assert why_other_command([str(tmp_path / "two/bin/python"), *KERNEL], {}) != ""
