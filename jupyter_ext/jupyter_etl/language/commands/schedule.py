"""Requests that deploy a notebook and run its schedule."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, ClassVar

from msgspec import field
from msgspec.structs import fields, force_setattr
from msgspec.structs import replace as with_fields

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.common import (
    CHECKPOINT,
    CLI,
    COLD,
    MAGIC,
    NOTEBOOK,
    PARAMETERS,
    REST,
    TIMEOUT,
    Name,
    Names,
    PathText,
    Patterns,
    Tags,
    Text,
    Values,
    cli,
    magic,
)
from jupyter_etl.language.commands.declarations import (
    Argument,
    JsonOutput,
    Request,
    ValueKind,
    default_of,
)
from jupyter_etl.language.durations import format_duration, parse_duration
from jupyter_etl.language.names import parse_name
from jupyter_etl.language.numbers import PRIORITY, RETRIES, WORKERS, check_numbers
from jupyter_etl.model import DEFAULT_TIMEOUT_S, Catchup, OnLost, Overlap, Policy, Promotion

_USUAL = Policy()
_WHEN = '"weekdays at 06:00", "every 15m", "0 6 * * 1-5", @daily, or a date'


class ScheduleRequest(Request, frozen=True, kw_only=True):
    """Deploy a notebook and schedule it.

    What a deployed pipeline has stays where a field is left out, null, empty or false; ``reset`` and
    ``on_demand`` remove it.
    """

    forms: ClassVar = (
        magic(
            "schedule",
            "Schedule",
            "Deploy and schedule this notebook.",
            'schedule "weekdays at 06:00" --tz Europe/Paris --retries 3 --timeout 1h',
            "schedule --after sales.daily",
            ledger=True,
        ),
        cli(
            "schedule",
            "Run",
            "Deploy a notebook and schedule it.",
            'schedule ingest.ipynb "weekdays at 06:00" --tz Europe/Paris --retries 3',
            "schedule brief.ipynb --after sales.daily",
        ),
    )

    notebook: Annotated[PathText, NOTEBOOK] = ""
    when: Annotated[
        Text,
        Argument(on=(MAGIC,), kind=ValueKind.WORDS, help=f"{_WHEN}."),
        Argument(on=(CLI, REST), kind=ValueKind.WORDS, help=f"{_WHEN}; not with --after."),
    ] = ""
    timezone: Annotated[
        Text | None,
        Argument(
            flags=("--tz",),
            placeholder="ZONE",
            completes="timezone",
            help="The timezone of the schedule, like Europe/Paris.",
        ),
    ] = None
    name: Annotated[
        Name | None,
        Argument(
            flags=("--name",),
            help="The name of the pipeline; by default the file name of the notebook.",
        ),
    ] = None
    parameters: Annotated[Values, PARAMETERS] = field(default_factory=dict)
    retries: Annotated[
        int | None,
        Argument(
            flags=("--retries",),
            most=int(RETRIES.most),
            placeholder="N",
            help=f"The maximum number of retries. Default: {_USUAL.retries}.",
        ),
    ] = None
    timeout_s: Annotated[
        float | None,
        replace(
            TIMEOUT,
            help=f"{TIMEOUT.help} Default: derived from the last runs, at most "
            f"{format_duration(DEFAULT_TIMEOUT_S)}.",
        ),
    ] = None
    timeout: Annotated[
        Text | None,
        Argument(on=(REST,), help="The same as timeout_s as text: 90s, 15m, 1h."),
    ] = None
    catchup: Annotated[
        Catchup | None,
        Argument(
            flags=("--catchup",),
            help="Which due times to run after a time without a scheduler. Default: "
            f"{_USUAL.catchup}.",
        ),
    ] = None
    overlap: Annotated[
        Overlap | None,
        Argument(
            flags=("--overlap",),
            help="What to do at a due time while the previous run is active. Default: "
            f"{_USUAL.overlap}.",
        ),
    ] = None
    on_lost: Annotated[
        OnLost | None,
        Argument(
            flags=("--on-lost",),
            help="What to do with a run whose attempt was lost; its cells may have run. Default: "
            f"{_USUAL.on_lost}.",
        ),
    ] = None
    priority: Annotated[
        int | None,
        Argument(
            flags=("--priority",),
            least=int(PRIORITY.least),
            most=int(PRIORITY.most),
            placeholder="N",
            help="The priority, from -100 to 100; higher ones start first. Default: "
            f"{_USUAL.priority}.",
        ),
    ] = None
    memory_bytes: Annotated[
        int | None,
        Argument(
            flags=("--memory",),
            kind=ValueKind.SIZE,
            placeholder="SIZE",
            help="The memory limit of an attempt, such as 2GB; by default JUPYTER_ETL_MEMORY.",
        ),
    ] = None
    checkpoint: Annotated[bool, CHECKPOINT] = False
    cold: Annotated[bool, COLD] = False
    owner: Annotated[Name | None, Argument(flags=("--owner",), help="The accountable person.")] = (
        None
    )
    after: Annotated[
        Names,
        Argument(
            flags=("--after",),
            kind=ValueKind.NAMES,
            placeholder="NAME[,NAME]",
            completes="publication",
            help="Run when a new version of one of these publications is live.",
        ),
    ] = ()
    after_all: Annotated[
        bool,
        Argument(
            flags=("--after-all",),
            help="Wait until each publication of --after has a new version.",
        ),
    ] = False
    expect: Annotated[
        bool, Argument(flags=("--expect",), help="Allow names in --after that do not exist yet.")
    ] = False
    shared: Annotated[
        bool,
        Argument(
            flags=("--shared",), help="Allow publications that another pipeline also publishes."
        ),
    ] = False
    promote: Annotated[
        Promotion | None,
        Argument(
            flags=("--promote",),
            help="manual keeps new versions of its endpoints waiting for jupyter etl promote. Default: "
            f"{_USUAL.promote}.",
        ),
    ] = None
    on_demand: Annotated[
        bool,
        Argument(
            flags=("--on-demand",),
            help="Remove the schedule; the pipeline runs only on request.",
        ),
    ] = False
    reset: Annotated[
        Names,
        Argument(
            flags=("--reset",),
            kind=ValueKind.NAMES,
            placeholder="WHAT[,WHAT]",
            help="Options to reset to their default first: all, schedule, param, param.NAME, or an "
            "option such as retries. Other options keep their deployed value.",
        ),
    ] = ()
    include: Annotated[
        Patterns,
        Argument(
            flags=("--include",),
            repeated=True,
            placeholder="GLOB",
            help="Files to pin with the version, such as 'config/*.yaml'; imported local modules "
            "are always pinned.",
        ),
    ] = ()
    tags: Annotated[
        Tags,
        Argument(
            flags=("--tag",),
            kind=ValueKind.OPTIONS,
            placeholder="K=V",
            help="A tag that pipelines and runs can be filtered by; may be repeated.",
        ),
    ] = field(default_factory=dict)
    anyway: Annotated[
        bool, Argument(flags=("--anyway",), help="Deploy despite preflight errors.")
    ] = False

    def __post_init__(self) -> None:
        check_numbers(
            retries=self.retries,
            timeout_s=self.timeout_s,
            priority=self.priority,
            memory_bytes=self.memory_bytes,
        )
        with _field("tags"):
            for key in self.tags:
                parse_name(key, what="tag")
        if self.timeout is not None:
            if self.timeout.strip():
                force_setattr(self, "timeout_s", self._parse_timeout(self.timeout))
            force_setattr(self, "timeout", None)

    def _parse_timeout(self, text: str) -> float:
        with _field("timeout"):
            if self.timeout_s is not None:
                raise DeclarationError(
                    f"Both timeout ({text}) and timeout_s ({self.timeout_s:g}) are given.",
                    hint="Keep one of them.",
                )
            return parse_duration(text, bare_seconds=True)

    def over(self, line: ScheduleRequest) -> ScheduleRequest:
        """Return this request, completed with values of the notebook's own line."""
        given = {
            field.name: value
            for field in fields(self)
            if (value := getattr(self, field.name)) != default_of(field)
        }
        parameters = {**line.parameters, **self.parameters}
        return with_fields(
            line, **{"anyway": False, "on_demand": False, **given, "parameters": parameters}
        )


@contextmanager
def _field(name: str) -> Iterator[None]:
    """Add the name of the field to an error."""
    try:
        yield
    except DeclarationError as problem:
        problem.data = {**problem.data, "field": name}
        raise


class PlanRequest(JsonOutput, frozen=True, kw_only=True):
    """List the run times of a schedule."""

    forms: ClassVar = (
        cli(
            "plan",
            "Run",
            "List the run times of a schedule, in UTC and local time.",
            'plan "daily at 02:30" --tz Europe/Berlin --from 2026-10-24 --to 2026-10-27 --json',
        ),
    )

    when: Annotated[str, Argument(kind=ValueKind.WORDS, required=True, help="The schedule.")]
    timezone: Annotated[
        str | None,
        Argument(
            flags=("--tz",),
            placeholder="ZONE",
            completes="timezone",
            help="The timezone of the schedule.",
        ),
    ] = None
    start: Annotated[
        str | None,
        Argument(
            flags=("--from",),
            placeholder="TIME",
            help="Start of the list as an ISO time, in the timezone of the schedule unless it has "
            "an offset; by default now.",
        ),
    ] = None
    end: Annotated[
        str | None,
        Argument(
            flags=("--to",),
            placeholder="TIME",
            help="End of the list as an ISO time; by default the next five run times.",
        ),
    ] = None


class UpRequest(Request, frozen=True, kw_only=True):
    """Run the scheduler in this terminal."""

    forms: ClassVar = (
        cli(
            "up",
            "Run",
            "Run the scheduler in this terminal.",
            "up",
            "up --workers 4 --until-idle",
            "up --for sam --for kim",
        ),
    )

    workers: Annotated[
        int | None,
        Argument(
            flags=("--workers",),
            least=1,
            most=int(WORKERS.most),
            placeholder="N",
            help="The number of concurrent runs; by default JUPYTER_ETL_WORKERS.",
        ),
    ] = None
    owners: Annotated[
        tuple[str, ...],
        Argument(
            flags=("--for",),
            repeated=True,
            placeholder="OWNER",
            help="The owner whose pipelines to run, or all; by default all owners on SQLite, and "
            "only you on a shared ledger. May be repeated.",
        ),
    ] = ()
    until_idle: Annotated[
        bool, Argument(flags=("--until-idle",), help="Exit when no run is due or active.")
    ] = False
