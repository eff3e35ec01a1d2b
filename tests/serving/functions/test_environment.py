"""Environments: what is recorded, and which differences are refused."""

from __future__ import annotations

import platform

import msgspec
import numpy
import pytest

from jupyter_etl.serving.functions.environment import (
    Environment,
    differences,
    environment_here,
    environment_of,
    missing_modules,
)

DIFFERENCES = [
    ("3.11.7", {"a": "1.2.3"}, "3.11.7", {"a": "1.2.3"}, [], []),
    ("3.11.7", {}, "3.11.9", {}, [], ["Python 3.11.7, and this is 3.11.9"]),
    ("3.11.7", {}, "3.12.0", {}, ["Python 3.11.7, and this is Python 3.12.0"], []),
    ("3.9.1", {}, "3.11.1", {}, ["minor version"], []),
    ("3.11.7", {"a": "1.2"}, "3.11.7", {"a": "2.0"}, ["a 1.2, and 2.0 is installed"], []),
    ("3.11.7", {"a": "2.0"}, "3.11.7", {"a": "1.9"}, ["major version"], []),
    ("3.11.7", {"a": "1.2"}, "3.11.7", {"a": "1.10"}, [], ["a 1.2, and 1.10 is installed"]),
    ("3.11.7", {"a": "0.1"}, "3.11.7", {"a": "0.2"}, [], ["a 0.1, and 0.2"]),
    ("3.11.7", {"a": "1.2"}, "3.11.7", {}, ["needs a 1.2, which is not installed here"], []),
    ("3.11.7", {"a": "1.2"}, "3.11.7", {"a": "1.2", "b": "3"}, [], []),
    ("3.11.7", {"a": "1.2rc1"}, "3.11.7", {"a": "1.2"}, [], ["1.2rc1"]),
    ("3.11.7", {"a": "odd"}, "3.11.7", {"a": "1.2"}, ["a odd, and 1.2"], []),
    (
        "3.11.7", {"b": "1.0", "a": "1.0"}, "3.12.0", {"b": "2.0"},
        ["Python", "needs a 1.0", "b 1.0"], [],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("python", "packages", "here", "installed", "refused", "noted"), DIFFERENCES
)
def test_differences_are_refused_or_noted(
    python: str,
    packages: dict[str, str],
    here: str,
    installed: dict[str, str],
    refused: list[str],
    noted: list[str],
) -> None:
    found = differences(
        Environment(python=python, packages=packages),
        Environment(python=here, packages=installed),
    )
    for sentences, expected in ((found.refusals, refused), (found.notes, noted)):
        assert len(sentences) == len(expected)
        for sentence, part in zip(sentences, expected, strict=True):
            assert part in sentence
            assert sentence.endswith(".")


def test_modules_are_recorded_as_their_distributions() -> None:
    found = environment_of(
        ["numpy.linalg", "sklearn.linear_model", "json", "jupyter_etl.ports", "msgspec", "nowhere"]
    )
    assert found.python == platform.python_version()
    assert found.packages["numpy"] == numpy.__version__
    assert found.packages["msgspec"] == msgspec.__version__
    assert sorted(found.packages) == ["msgspec", "numpy", "scikit-learn"]
    assert environment_here([*found.packages, "nowhere"]) == found
    assert differences(found, environment_here(found.packages)).refusals == ()


def test_modules_that_a_new_process_does_not_find_are_missing() -> None:
    names = ["json", "numpy", "jupyter_etl", "nowhere_at_all", "_thread"]
    assert missing_modules(names) == ["nowhere_at_all"]
