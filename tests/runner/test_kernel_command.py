"""Which commands of a kernelspec a fork of this process can stand for."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpec

from jupyter_etl.runner.kernel.command import Cold, arguments_of, launch_of, split_command, why_cold

KERNEL = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
HERE = sys.executable


def why(argv, env=(), cwd=Path("/")):
    cold = why_cold(KernelSpec(argv=argv), dict(env), cwd)
    return cold.why if cold else ""


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
    assert why([HERE, *options, *KERNEL]) == ""


@pytest.mark.parametrize(
    "option",
    [
        *("-b", "-B", "-d", "-E", "-I", "-O", "-OO", "-P", "-s", "-S", "-v", "-bu", "-Werror"),
        *("-Xdev", "-Ximporttime", "-Xtracemalloc", "-Xfaulthandler", "-Xint_max_str_digits=0"),
        f"-Xutf8={1 - sys.flags.utf8_mode}",
    ],
)
def test_an_option_with_effect_is_cold_and_named(option):
    assert why([HERE, option, *KERNEL]) == f"its interpreter is started with the option {option}"


@pytest.mark.parametrize("words", [["-m", "pip"], ["-c", "pass"], ["kernel.py"], []])
def test_another_program_is_cold(words):
    assert why([HERE, *words]) == "it is not IPython's kernel"


def test_the_package_itself_is_ipythons_kernel():
    assert why([HERE, "-m", "ipykernel", *KERNEL[2:]]) == ""


@pytest.mark.parametrize("more", [["--matplotlib=inline"], ["--profile", "mine"], ["--debug"]])
def test_arguments_of_its_own_are_cold(more):
    assert why([HERE, *KERNEL, *more]) == (
        f"its kernel is started with arguments of its own: {' '.join(more)}"
    )


def test_a_provisioner_of_its_own_is_cold():
    spec = KernelSpec(
        argv=[HERE, *KERNEL], metadata={"kernel_provisioner": {"provisioner_name": "x"}}
    )
    assert why_cold(spec, {}, Path("/")) == Cold(
        why="its kernelspec names a provisioner",
        remedy="remove kernel_provisioner from the metadata of its kernelspec",
    )


def test_the_interpreter_may_be_written_in_any_way(tmp_path):
    here = Path(HERE)
    root = tmp_path / "linked"
    root.symlink_to(here.parent.parent)
    for program in (
        HERE,
        str(here.parent / ".." / here.parent.name / here.name),
        str(root / here.parent.name / here.name),
        str(here.with_name("python3")),
        "linked/" + "/".join(here.parts[-2:]),
        "./linked/" + "/".join(here.parts[-2:]),
        "{prefix}/bin/python",
        *("python", "python3", "python{}.{}".format(*sys.version_info[:2])),
    ):
        assert why([program, *KERNEL], cwd=tmp_path) == "", program
    path = {"PATH": f"/nowhere:{here.parent}"}
    for words in (
        ["/usr/bin/env", "python"],
        ["env", "A=1", "B=", "python3"],
        ["/usr/bin/env", str(here)],
        ["env", f"PATH={here.parent}", "python"],
    ):
        assert why([*words, *KERNEL], path) == "", words


def test_what_the_program_env_does_is_part_of_the_launch():
    spec = KernelSpec(argv=["/usr/bin/env", "A=1", HERE, *KERNEL], env={"B": "${HOME}/b", "A": "0"})
    launch = launch_of(spec, {"HOME": "/home/ann"})
    assert launch.command == (HERE, *KERNEL)
    assert launch.env == {"HOME": "/home/ann", "A": "1", "B": "/home/ann/b"}


def test_another_environment_of_the_same_interpreter_is_cold(tmp_path):
    venv.create(tmp_path / "other", symlinks=True, with_pip=False)
    other = tmp_path / "other" / "bin" / "python"
    # Python does not follow a link to the interpreter of a virtual environment to find it.
    link = tmp_path / "python"
    link.symlink_to(HERE)
    programs = [
        str(other),
        str(tmp_path / "missing"),
        "missing",
        "./none/python",
        "other/bin/python",
    ]
    if sys.prefix != sys.base_prefix:
        programs += [str(link), "./python"]
    for program in programs:
        found = why([program, *KERNEL], {"PATH": ""}, cwd=tmp_path)
        assert found == f"it belongs to another interpreter: {program}"
    path = {"PATH": str(other.parent)}
    assert str(other) in why(["/usr/bin/env", "python", *KERNEL], path)
    assert why(["/usr/bin/env", "-S", "python", *KERNEL], path) == "it is not IPython's kernel"


def test_an_environment_without_pyvenv_cfg_is_the_folder_of_its_interpreter(tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python3.11").touch()
        (tmp_path / name / "bin" / "python").symlink_to("python3.11")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "one" / "bin" / "python"))
    assert why([str(tmp_path / "one/bin/python3.11"), *KERNEL]) == ""
    assert why([str(tmp_path / "two/bin/python"), *KERNEL]) != ""


def test_an_environment_of_uv_is_that_of_its_pyvenv_cfg(tmp_path, monkeypatch):
    # uv's interpreter lies in a folder of its own, and the environment links to it.
    store = tmp_path / "uv" / "cpython-3.11" / "bin" / "python3.11"
    store.parent.mkdir(parents=True)
    store.touch()
    for name in ("one", "two"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "pyvenv.cfg").write_text(f"home = {store.parent}\nuv = 0.9\n")
        (tmp_path / name / "bin" / "python").symlink_to(store)
        (tmp_path / name / "bin" / "python3").symlink_to("python")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "one" / "bin" / "python3"))
    assert why([str(tmp_path / "one/bin/python"), *KERNEL]) == ""
    assert why([str(tmp_path / "two/bin/python"), *KERNEL]) != ""
    assert why([str(store), *KERNEL]) != ""


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({}, None),
        ({"MINE": "1", "TZ": "Asia/Tokyo", "TMPDIR": "/tmp", "AWS_PROFILE": "x"}, None),
        ({"PYTHONPATH": "/somewhere:else", "PYTHONUNBUFFERED": "1"}, None),
        ({"OPENBLAS_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "2", "MPLBACKEND": "agg"}, None),
        ({"VIRTUAL_ENV": sys.prefix, "CONDA_PREFIX": sys.prefix, "PATH": "/bin"}, None),
        ({"OMP_NUM_THREADS": "$OMP_NUM_THREADS", "LANG": "C.UTF-8"}, None),
        ({"VIRTUAL_ENV": "/elsewhere"}, "VIRTUAL_ENV"),
        ({"OMP_NUM_THREADS": "1"}, "OMP_NUM_THREADS"),
        ({"LANG": "de_DE.UTF-8"}, "LANG"),
        ({"MINE": "1", "MKL_NUM_THREADS": "1"}, "MKL_NUM_THREADS"),
        *[
            ({name: "1"}, name)
            for name in (
                *("PYTHONHASHSEED", "PYTHONUTF8", "PYTHONWARNINGS", "PYTHONSTARTUP", "LC_ALL"),
                *("LD_PRELOAD", "LD_LIBRARY_PATH", "GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "HOME"),
                *("IPYTHONDIR", "NUMEXPR_MAX_THREADS", "OPENBLAS_CORETYPE", "PANDAS_COPY_ON_WRITE"),
                *("NPY_DISABLE_CPU_FEATURES", "ARROW_DEFAULT_MEMORY_POOL", "OPENSSL_CONF"),
            )
        ],
    ],
)
def test_variables_of_a_kernelspec(env, name):
    around = {"OMP_NUM_THREADS": "4", "LANG": "C.UTF-8"}
    spec = KernelSpec(argv=[HERE, *KERNEL], env=env)
    found = why_cold(spec, around, Path("/"))
    assert (found.why if found else None) == (
        f"its kernelspec sets {name}, which is read before the first cell" if name else None
    )


def test_a_sitecustomize_in_the_path_of_a_kernelspec_is_cold(tmp_path):
    spec = KernelSpec(argv=[HERE, *KERNEL], env={"PYTHONPATH": "mine:yours"})
    assert why_cold(spec, {}, tmp_path) is None
    (tmp_path / "yours").mkdir()
    (tmp_path / "yours" / "sitecustomize.py").touch()
    found = why_cold(spec, {}, tmp_path)
    assert found is not None
    assert "sitecustomize" in found.why


def test_a_reason_is_one_sentence_with_its_remedy():
    found = why_cold(KernelSpec(argv=[HERE, "-B", *KERNEL]), {}, Path("/"))
    assert found is not None
    assert found.message() == (
        "Its runs start cold, because its interpreter is started with the option -B; "
        "for a warm start, remove -B from argv in its kernelspec."
    )
