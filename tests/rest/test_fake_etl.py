"""The fake facade offers what the real one does."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import pytest

from fakes.etl import FakeEtl
from fakes.etl_values import FakeDeployment, FakeFinding, FakePreview, FakeSchedulePreview
from jupyter_etl.scheduling.preflight import Finding
from jupyter_etl.services import Etl
from jupyter_etl.services.lineage import Lineage
from jupyter_etl.services.pipelines.pipelines import Deployment, Pipelines, SchedulePreview
from jupyter_etl.services.preview import Preview
from jupyter_etl.services.publications.publications import Publications
from jupyter_etl.services.runs.runs import Runs
from jupyter_etl.services.sources import Sources

FAKE = FakeEtl(Path("/root"))


@pytest.mark.parametrize(
    ("fake", "real"),
    [
        (FAKE, Etl),
        (FAKE.sources, Sources),
        (FAKE.pipelines, Pipelines),
        (FAKE.runs, Runs),
        (FAKE.publications, Publications),
        (FAKE.lineage, Lineage),
    ],
)
def test_its_calls_are_calls_of_the_real_one(fake: object, real: type) -> None:
    helpers = {"findings", "newest"}
    for name, method in inspect.getmembers(type(fake), inspect.isfunction):
        if name.startswith("_") or name in helpers:
            continue
        taken = inspect.signature(method).parameters
        offered = inspect.signature(getattr(real, name)).parameters
        for parameter in taken.values():
            assert parameter.name in offered, (name, parameter.name)
            assert parameter.kind is offered[parameter.name].kind, (name, parameter.name)
            fake_needs = parameter.default is inspect.Parameter.empty
            assert fake_needs == (offered[parameter.name].default is inspect.Parameter.empty)


@pytest.mark.parametrize(
    ("fake", "real"),
    [
        (FakeDeployment, Deployment),
        (FakeSchedulePreview, SchedulePreview),
        (FakePreview, Preview),
        (FakeFinding, Finding),
    ],
)
def test_its_values_have_the_real_ones_fields(fake: type, real: type) -> None:
    assert [f.name for f in fields(fake)] == [f.name for f in fields(real)]
