"""Settings, read once from the environment into a frozen value."""

from __future__ import annotations

import getpass
import math
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import available_timezones

from jupyter_etl.errors import DeclarationError
from jupyter_etl.spec.timezone import parse_timezone

PREFIX = "JUPYTER_ETL_"
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
        workers: Attempts a scheduler makes at once (``JUPYTER_ETL_WORKERS``; default: cores).
        timezone: Of schedules that name none (``JUPYTER_ETL_TIMEZONE``; default: the machine's).
        autostart: Start a scheduler when none is alive (``JUPYTER_ETL_AUTOSTART``, 0 or 1).
        beat_s: Seconds between the beats of a runner (``JUPYTER_ETL_BEAT``).
        lease_s: Seconds without a beat after which an attempt is lost (``JUPYTER_ETL_LEASE``).
        tick_s: Longest pause of a scheduler, seconds (``JUPYTER_ETL_TICK``).
        alert_hosts: Hosts and networks outside of the public internet that a webhook may reach
            (``JUPYTER_ETL_ALERT_HOSTS``, by spaces: ``chat.example 10.1.0.0/16``).
        alerts: URLs that are told of failures and recoveries (``JUPYTER_ETL_ALERTS``, by spaces).
    """

    home: Path
    ledger: str
    lake: str
    owner: str
    workers: int
    timezone: str
    autostart: bool = True
    beat_s: float = 5.0
    lease_s: float = 30.0
    tick_s: float = 1.0
    alerts: tuple[str, ...] = ()
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
        return cls(
            home=folder,
            ledger=ledger or text("LEDGER") or f"sqlite:///{folder / 'ledger.sqlite'}",
            lake=lake or text("LAKE") or str(folder / "lake"),
            owner=owner or text("OWNER") or _user(),
            workers=_whole(env, "WORKERS", os.cpu_count() or 1),
            timezone=_timezone(text("TIMEZONE")) or _machine_timezone(env),
            autostart=_switch(env, "AUTOSTART") if autostart is None else autostart,
            beat_s=_number(env, "BEAT", min(5.0, lease_s / 4)),
            lease_s=lease_s,
            tick_s=_number(env, "TICK", 1.0),
            alerts=tuple(text("ALERTS").split()),
            alert_hosts=tuple(text("ALERT_HOSTS").split()),
        )

    def environ(self) -> dict[str, str]:
        """Return the environment variables that give another process these settings."""
        return {
            PREFIX + "HOME": str(self.home),
            PREFIX + "LEDGER": self.ledger,
            PREFIX + "LAKE": self.lake,
            PREFIX + "OWNER": self.owner,
            PREFIX + "WORKERS": str(self.workers),
            PREFIX + "TIMEZONE": self.timezone,
            PREFIX + "AUTOSTART": "1" if self.autostart else "0",
            PREFIX + "BEAT": str(self.beat_s),
            PREFIX + "LEASE": str(self.lease_s),
            PREFIX + "TICK": str(self.tick_s),
            PREFIX + "ALERTS": " ".join(self.alerts),
            PREFIX + "ALERT_HOSTS": " ".join(self.alert_hosts),
        }


def host_name() -> str:
    """Return the name under which this machine stands in the ledger."""
    return socket.gethostname()


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(PREFIX + name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise DeclarationError(
            f"{PREFIX}{name} is {text!r}; it must be a number above 0.",
            hint=f"Unset it for the default, {default:g}.",
        )
    return value


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    value = _number(env, name, default)
    if value != int(value):
        raise DeclarationError(
            f"{PREFIX}{name} is {value:g}; it must be a whole number above 0.",
            hint=f"Unset it for the default, {default}.",
        )
    return int(value)


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
