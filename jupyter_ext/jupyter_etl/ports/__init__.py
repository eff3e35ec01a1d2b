"""The studs of the Lego blocks: what each kind of block does, to be read first.

``base`` (time, secrets), ``data`` (connectors, checks, publishers), ``runs`` (executors, notifiers,
and what the code of a run may ask), ``run_store`` and ``store`` (the ledger). Every block is found
through an entry point (group ``jupyter_etl.<port>s``), imported only when it is asked for, and
passes the contract suite of its port under ``tests/contracts``.
"""

from jupyter_etl.ports.base import Clock, SecretResolver, Secrets, Wakeups
from jupyter_etl.ports.data import (
    Access,
    CheckRunner,
    Connector,
    Lake,
    Publisher,
    Reading,
    ReadRequest,
    Since,
    Vacuumed,
)
from jupyter_etl.ports.run_store import Outlook, Planned
from jupyter_etl.ports.runs import Channel, Claim, Decide, Executor, Notifier
from jupyter_etl.ports.store import SchedulerInfo, Store

__all__ = [
    "Access",
    "Channel",
    "CheckRunner",
    "Claim",
    "Clock",
    "Connector",
    "Decide",
    "Executor",
    "Lake",
    "Notifier",
    "Outlook",
    "Planned",
    "Publisher",
    "ReadRequest",
    "Reading",
    "SchedulerInfo",
    "SecretResolver",
    "Secrets",
    "Since",
    "Store",
    "Vacuumed",
    "Wakeups",
]  # fmt: skip
