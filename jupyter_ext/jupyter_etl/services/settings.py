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
"""Represents the pipelines of all owners."""
_OLD_NAMES = {"HEARTBEAT": "BEAT", "POLL": "TICK", "PRESTART": "STANDBY"}
"""Names that are still read where the new one is not set."""
_SWITCH = {"1": True, "true": True, "yes": True, "on": True}
_SWITCH |= {"0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Locations, limits and intervals of the platform.

    Args:
        home: Folder of the ledger, lake, runs and secrets (``JUPYTER_ETL_HOME``; default:
            ``etl/`` in Jupyter's data directory).
        ledger: SQLAlchemy URL of the ledger (``JUPYTER_ETL_LEDGER``; default: SQLite in the home).
        lake: Folder or fsspec URL of the outputs (``JUPYTER_ETL_LAKE``; default: in the home).
        owner: Who declares, schedules and publishes (``JUPYTER_ETL_OWNER``; default: the user).
        runs_for: Owners whose pipelines a scheduler runs; empty for all (``JUPYTER_ETL_FOR``,
            separated by spaces, or ``all``; default: all owners of an SQLite ledger, only this
            owner otherwise).
        workers: Maximum simultaneous attempts of a scheduler (``JUPYTER_ETL_WORKERS``; default:
            CPU cores).
        timezone: Time zone of schedules that name none (``JUPYTER_ETL_TIMEZONE``; default: the
            machine's).
        autostart: Whether to start a scheduler if none is alive (``JUPYTER_ETL_AUTOSTART``, 0
            or 1).
        heartbeat_s: Seconds between the heartbeats of a runner (``JUPYTER_ETL_HEARTBEAT``).
        lease_s: Seconds without a heartbeat after which an attempt is lost (``JUPYTER_ETL_LEASE``).
        poll_s: Maximum seconds between two polls of a scheduler (``JUPYTER_ETL_POLL``).
        disk_reserve: Percentage of a disk that should stay free; below it no attempt is started
            (``JUPYTER_ETL_DISK_RESERVE``; 0 for none).
        memory_bytes: Maximum memory of a run's kernel and its child processes
            (``JUPYTER_ETL_MEMORY``, for example ``2GB``; 0 for no limit; None for 80 % of the
            machine's).
        cell_output_bytes: Maximum recorded output of a cell (``JUPYTER_ETL_CELL_OUTPUT``).
        run_output_bytes: Maximum recorded output of a run (``JUPYTER_ETL_RUN_OUTPUT``).
        alert_hosts: Hosts and networks outside the public internet that a webhook may reach
            (``JUPYTER_ETL_ALERT_HOSTS``, separated by spaces: ``chat.example 10.1.0.0/16``).
        bundle_bytes: Maximum total size of a version's local files
            (``JUPYTER_ETL_BUNDLE_LIMIT``, for example ``50MB``; 0 for no limit).
        keep_versions: Number of the newest versions of a publication, and runs of a pipeline,
            that `prune` keeps regardless of age (``JUPYTER_ETL_KEEP_VERSIONS``).
        keep_held_days: Days for which `prune` keeps held outputs (``JUPYTER_ETL_KEEP_HELD_DAYS``).
        keep_days: Days for which `prune` keeps all versions and runs (``JUPYTER_ETL_KEEP_DAYS``).
        warm: Whether to fork runs from a process with common packages imported
            (``JUPYTER_ETL_WARM``, 0 or 1).
        preload: Additional modules that it imports (``JUPYTER_ETL_PRELOAD``, separated by spaces).
        prestart_s: Seconds for which the next runner and its kernel stay prestarted after a run
            (``JUPYTER_ETL_PRESTART``; 0 for never).
        query_bytes: Maximum memory for the data of one interactive read
            (``JUPYTER_ETL_QUERY_LIMIT``, for example ``2GB``; 0 for no limit; None for half of the
            available memory, at least 2 GB).
        alerts: URLs that receive failures and recoveries (``JUPYTER_ETL_ALERTS``, separated by
            spaces).
    """

    home: Path
    # Not shown: both may contain a password.
    ledger: str = field(repr=False)
    lake: str
    owner: str
    workers: int
    timezone: str
    runs_for: tuple[str, ...] = ()
    autostart: bool = True
    heartbeat_s: float = 5.0
    lease_s: float = 30.0
    poll_s: float = 1.0
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
        """Read the environment; arguments override it.

        Raises:
            DeclarationError: A value is not valid.
        """
        env = _with_new_names(os.environ if environ is None else environ)

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
            heartbeat_s=_number(env, "HEARTBEAT", min(5.0, lease_s / 4)),
            lease_s=lease_s,
            poll_s=_number(env, "POLL", 1.0),
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
            prestart_s=_whole_or_never(env, "PRESTART", 600),
            alerts=tuple(text("ALERTS").split()),
            alert_hosts=tuple(text("ALERT_HOSTS").split()),
        )

    @property
    def limits(self) -> Limits:
        """The limits of attempts whose pipeline's policy sets none."""
        return Limits(
            memory_bytes=self.memory_bytes,
            cell_output_bytes=self.cell_output_bytes,
            run_output_bytes=self.run_output_bytes,
        )

    def environ(self) -> dict[str, str]:
        """Return the environment variables that give these settings to another process."""
        return {
            PREFIX + "HOME": str(self.home),
            PREFIX + "LEDGER": self.ledger,
            PREFIX + "LAKE": self.lake,
            PREFIX + "OWNER": self.owner,
            PREFIX + "FOR": " ".join(self.runs_for) or EVERYBODY,
            PREFIX + "WORKERS": str(self.workers),
            PREFIX + "TIMEZONE": self.timezone,
            PREFIX + "AUTOSTART": "1" if self.autostart else "0",
            PREFIX + "HEARTBEAT": str(self.heartbeat_s),
            PREFIX + "LEASE": str(self.lease_s),
            PREFIX + "POLL": str(self.poll_s),
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
            PREFIX + "PRESTART": str(self.prestart_s),
            PREFIX + "ALERTS": " ".join(self.alerts),
            PREFIX + "ALERT_HOSTS": " ".join(self.alert_hosts),
        }


def owners_of(named: Sequence[str], *, ledger: str, owner: str) -> tuple[str, ...]:
    """Return the owners whose pipelines a scheduler runs; empty for all owners.

    Args:
        named: Owners, or ``all``; empty for the default: all owners of an SQLite ledger, which
            has a single user, and only ``owner`` for a shared ledger.
        ledger: URL of the ledger.
    """
    if EVERYBODY in named or (not named and ledger.startswith("sqlite")):
        return ()
    return tuple(dict.fromkeys(named)) or (owner,)


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file, escaping ``?`` and ``%``, which SQLAlchemy interprets."""
    return "sqlite:///" + str(path).replace("%", "%25").replace("?", "%3F")


def host_name() -> str:
    """Return the name of this machine in the ledger."""
    return socket.gethostname()


def _with_new_names(env: Mapping[str, str]) -> Mapping[str, str]:
    old = {
        PREFIX + name: env[PREFIX + former]
        for name, former in _OLD_NAMES.items()
        if PREFIX + former in env
    }
    return {**old, **env}


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
    """Return the IANA name of the machine's time zone; UTC if it is unknown."""
    named = env.get("TZ", "").lstrip(":")
    if not named:
        target = str(Path("/etc/localtime").resolve())
        named = target.partition("zoneinfo/")[2]
    return named if named in available_timezones() else "UTC"
