"""Settings, read once from the environment into a frozen value."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import available_timezones

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.numbers import MOST_SETTING, read_decimal, read_whole
from jupyter_etl.language.schedules.timezones import parse_timezone
from jupyter_etl.language.sizes import parse_size
from jupyter_etl.runner.limits import CELL_OUTPUT_BYTES, RUN_OUTPUT_BYTES, Limits

PREFIX = "JUPYTER_ETL_"
BUNDLE_BYTES = 50_000_000
EVERYBODY = "all"
"""In place of owners: the pipelines of all of them."""
_SWITCH = {"1": True, "true": True, "yes": True, "on": True}
_SWITCH |= {"0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where everything is and how patient it is.

    Args:
        home: Folder of ledger, lake, runs and secrets (``JUPYTER_ETL_HOME``; by default ``etl/``
            under Jupyter's data directory).
        ledger: SQLAlchemy URL of the ledger (``JUPYTER_ETL_LEDGER``; by default SQLite in home).
        lake: Folder or fsspec URL under which outputs lie (``JUPYTER_ETL_LAKE``; default: in home).
        owner: Who declares, schedules and publishes here (``JUPYTER_ETL_OWNER``; default: the user).
        runs_for: Whose pipelines a scheduler runs; empty for everybody's (``JUPYTER_ETL_FOR``, by
            spaces, or ``all``; default: everybody's of a ledger in SQLite, the owner's of another).
        workers: Attempts a scheduler makes at once (``JUPYTER_ETL_WORKERS``; default: cores).
        timezone: Of schedules that name none (``JUPYTER_ETL_TIMEZONE``; default: the machine's).
        autostart: Start a scheduler when none is alive (``JUPYTER_ETL_AUTOSTART``, 0 or 1).
        heartbeat_s: Seconds between the beats of a runner (``JUPYTER_ETL_BEAT``).
        lease_s: Seconds without a heartbeat after which an attempt is lost (``JUPYTER_ETL_LEASE``).
        tick_s: Longest pause of a scheduler, seconds (``JUPYTER_ETL_TICK``).
        disk_reserve: Percent of a disk that should stay free; below it no attempt is started
            (``JUPYTER_ETL_DISK_RESERVE``; 0 for none).
        memory_bytes: Most memory of a run's kernel with all it started (``JUPYTER_ETL_MEMORY``, as
            ``2GB``; 0 for no limit; None for 80 % of the machine's).
        cell_output_bytes: Most that is kept of what one cell shows
            (``JUPYTER_ETL_CELL_OUTPUT``).
        run_output_bytes: Most that is kept of what a run's cells show
            (``JUPYTER_ETL_RUN_OUTPUT``).
        alert_hosts: Hosts and networks outside of the public internet that a webhook may reach
            (``JUPYTER_ETL_ALERT_HOSTS``, by spaces: ``chat.example 10.1.0.0/16``).
        bundle_bytes: The most that the local files of a version may take together
            (``JUPYTER_ETL_BUNDLE_LIMIT``, as ``50MB``; 0 for no limit).
        keep_versions: How many of the newest versions of a publication, and runs of a pipeline,
            `prune` keeps whatever their age (``JUPYTER_ETL_KEEP_VERSIONS``).
        keep_held_days: Days for which it keeps what waits for `Holds.approve`
            (``JUPYTER_ETL_KEEP_HELD_DAYS``).
        keep_days: Days for which it keeps all of them (``JUPYTER_ETL_KEEP_DAYS``).
        warm: Fork runs from a process that has the usual packages imported (``JUPYTER_ETL_WARM``,
            0 or 1).
        preload: Modules that it imports besides (``JUPYTER_ETL_PRELOAD``, by spaces).
        prestart_s: Seconds after a run for which the next runner is ready, with its kernel
            (``JUPYTER_ETL_STANDBY``; 0 for never).
        query_bytes: Most memory that the data of one interactive read may take
            (``JUPYTER_ETL_QUERY_LIMIT``, as ``2GB``; 0 for no limit; None for half of what is
            available at that time, and at least 2 GB).
        alerts: URLs that are told of failures and recoveries (``JUPYTER_ETL_ALERTS``, by spaces).
    """

    home: Path
    # Not shown: both may hold a password.
    ledger: str = field(repr=False)
    lake: str
    owner: str
    workers: int
    timezone: str
    runs_for: tuple[str, ...] = ()
    autostart: bool = True
    heartbeat_s: float = 5.0
    lease_s: float = 30.0
    tick_s: float = 1.0
    memory_bytes: int | None = None
    cell_output_bytes: int = CELL_OUTPUT_BYTES
    run_output_bytes: int = RUN_OUTPUT_BYTES
    disk_reserve: float = 5.0
    query_bytes: int | None = None
    bundle_bytes: int = BUNDLE_BYTES
    keep_versions: int = 30
    keep_days: int = 90
    keep_held_days: int = 14
    warm: bool = True
    preload: tuple[str, ...] = ()
    prestart_s: int = 600
    alerts: tuple[str, ...] = field(default=(), repr=False)
    alert_hosts: tuple[str, ...] = ()

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        home: str = "",
        ledger: str = "",
        lake: str = "",
        owner: str = "",
        autostart: bool | None = None,
    ) -> Settings:
        """Read the environment; an argument that is given wins.

        Raises:
            DeclarationError: A value is not what it should be.
        """
        env = os.environ if environ is None else environ

        def text(name: str, default: str = "") -> str:
            return env.get(PREFIX + name, "").strip() or default

        folder = Path(home or text("HOME") or _default_home()).expanduser().absolute()
        lease_s = _number(env, "LEASE", 30.0)
        url = ledger or text("LEDGER") or sqlite_url(folder / "ledger.sqlite")
        who = owner or text("OWNER") or _user()
        return cls(
            home=folder,
            ledger=url,
            lake=lake or text("LAKE") or str(folder / "lake"),
            owner=who,
            runs_for=owners_of(text("FOR").split(), ledger=url, owner=who),
            workers=_whole(env, "WORKERS", os.cpu_count() or 1),
            timezone=_timezone(text("TIMEZONE")) or _machine_timezone(env),
            autostart=_switch(env, "AUTOSTART") if autostart is None else autostart,
            heartbeat_s=_number(env, "BEAT", min(5.0, lease_s / 4)),
            lease_s=lease_s,
            tick_s=_number(env, "TICK", 1.0),
            memory_bytes=_size(env, "MEMORY", None),
            cell_output_bytes=_size(env, "CELL_OUTPUT", CELL_OUTPUT_BYTES) or 0,
            run_output_bytes=_size(env, "RUN_OUTPUT", RUN_OUTPUT_BYTES) or 0,
            disk_reserve=_percent(env, "DISK_RESERVE", 5.0),
            query_bytes=_size(env, "QUERY_LIMIT", None),
            bundle_bytes=_size(env, "BUNDLE_LIMIT", BUNDLE_BYTES) or 0,
            keep_versions=_whole(env, "KEEP_VERSIONS", 30),
            keep_days=_whole(env, "KEEP_DAYS", 90),
            keep_held_days=_whole(env, "KEEP_HELD_DAYS", 14),
            warm=_switch(env, "WARM"),
            preload=tuple(text("PRELOAD").split()),
            prestart_s=_whole_or_never(env, "STANDBY", 600),
            alerts=tuple(text("ALERTS").split()),
            alert_hosts=tuple(text("ALERT_HOSTS").split()),
        )

    @property
    def limits(self) -> Limits:
        """What an attempt may take, where its pipeline's policy says nothing."""
        return Limits(
            memory_bytes=self.memory_bytes,
            cell_output_bytes=self.cell_output_bytes,
            run_output_bytes=self.run_output_bytes,
        )

    def environ(self) -> dict[str, str]:
        """Return the environment variables that give another process these settings."""
        return {
            PREFIX + "HOME": str(self.home),
            PREFIX + "LEDGER": self.ledger,
            PREFIX + "LAKE": self.lake,
            PREFIX + "OWNER": self.owner,
            PREFIX + "FOR": " ".join(self.runs_for) or EVERYBODY,
            PREFIX + "WORKERS": str(self.workers),
            PREFIX + "TIMEZONE": self.timezone,
            PREFIX + "AUTOSTART": "1" if self.autostart else "0",
            PREFIX + "BEAT": str(self.heartbeat_s),
            PREFIX + "LEASE": str(self.lease_s),
            PREFIX + "TICK": str(self.tick_s),
            PREFIX + "MEMORY": "" if self.memory_bytes is None else str(self.memory_bytes),
            PREFIX + "CELL_OUTPUT": str(self.cell_output_bytes),
            PREFIX + "RUN_OUTPUT": str(self.run_output_bytes),
            PREFIX + "DISK_RESERVE": str(self.disk_reserve),
            PREFIX + "QUERY_LIMIT": "" if self.query_bytes is None else str(self.query_bytes),
            PREFIX + "BUNDLE_LIMIT": str(self.bundle_bytes),
            PREFIX + "KEEP_VERSIONS": str(self.keep_versions),
            PREFIX + "KEEP_DAYS": str(self.keep_days),
            PREFIX + "KEEP_HELD_DAYS": str(self.keep_held_days),
            PREFIX + "WARM": "1" if self.warm else "0",
            PREFIX + "PRELOAD": " ".join(self.preload),
            PREFIX + "STANDBY": str(self.prestart_s),
            PREFIX + "ALERTS": " ".join(self.alerts),
            PREFIX + "ALERT_HOSTS": " ".join(self.alert_hosts),
        }


def owners_of(named: Sequence[str], *, ledger: str, owner: str) -> tuple[str, ...]:
    """Return whose pipelines a scheduler runs; empty for everybody's.

    Args:
        named: Owners, or ``all``; empty for the default: everybody's pipelines of a ledger in
            SQLite, which is of one user, and the owner's of one that is shared.
        ledger: Its URL.
    """
    if EVERYBODY in named or (not named and ledger.startswith("sqlite")):
        return ()
    return tuple(dict.fromkeys(named)) or (owner,)


def sqlite_url(path: Path) -> str:
    """Return the URL of a file; SQLAlchemy reads ``?`` as its query and ``%41`` as a letter."""
    return "sqlite:///" + str(path).replace("%", "%25").replace("?", "%3F")


def host_name() -> str:
    """Return the name under which this machine stands in the ledger."""
    return socket.gethostname()


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(PREFIX + name, "").strip()
    if not text:
        return default
    value = read_decimal(text) or 0.0
    if not 0 < value <= MOST_SETTING:
        raise DeclarationError(
            f"{PREFIX}{name} is {text!r}; it must be a number above 0 and at most "
            f"{MOST_SETTING:,}.",
            hint=f"Unset it for the default, {default:g}.",
        )
    return value


def _percent(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(PREFIX + name, "").strip()
    if not text:
        return default
    value = read_decimal(text.removesuffix("%"))
    if value is None or not 0 <= value < 100:
        raise DeclarationError(
            f"{PREFIX}{name} is {text!r}; it must be a percentage from 0 to below 100.",
            hint=f"Unset it for the default, {default:g}.",
        )
    return value


def _size(env: Mapping[str, str], name: str, default: int | None) -> int | None:
    text = env.get(PREFIX + name, "").strip()
    if not text:
        return default
    try:
        return 0 if text == "0" else parse_size(text)
    except DeclarationError as problem:
        raise DeclarationError(f"{PREFIX}{name}: {problem.message}", hint=problem.hint) from None


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(PREFIX + name, "").strip()
    value = read_whole(text) if text else default
    if value is None or not 0 < value <= MOST_SETTING:
        raise DeclarationError(
            f"{PREFIX}{name} is {text!r}; it must be a whole number above 0 and at most "
            f"{MOST_SETTING:,}.",
            hint=f"Unset it for the default, {default}.",
        )
    return value


def _whole_or_never(env: Mapping[str, str], name: str, default: int) -> int:
    return 0 if env.get(PREFIX + name, "").strip() == "0" else _whole(env, name, default)


def _switch(env: Mapping[str, str], name: str) -> bool:
    text = env.get(PREFIX + name, "").strip().lower() or "1"
    if text not in _SWITCH:
        raise DeclarationError(
            f"{PREFIX}{name} is {text!r}; it must be 1 or 0.", hint="Unset it for the default, 1."
        )
    return _SWITCH[text]


def _timezone(name: str) -> str:
    try:
        return parse_timezone(name).key if name else ""
    except DeclarationError as problem:
        raise DeclarationError(f"{PREFIX}TIMEZONE: {problem.message}", hint=problem.hint) from None


def _default_home() -> str:
    from jupyter_core.paths import jupyter_data_dir

    return str(Path(jupyter_data_dir()) / "etl")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _machine_timezone(env: Mapping[str, str]) -> str:
    """Return the IANA name of the machine's zone, UTC where it cannot be told."""
    named = env.get("TZ", "").lstrip(":")
    if not named:
        target = str(Path("/etc/localtime").resolve())
        named = target.partition("zoneinfo/")[2]
    return named if named in available_timezones() else "UTC"
