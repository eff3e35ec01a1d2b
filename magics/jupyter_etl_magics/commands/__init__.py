"""The commands of `%etl`, a module a topic; each is imported when one of its commands is first typed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from jupyter_etl.language.commands.parser import Command
from jupyter_etl_magics.session import Session

Execute = Callable[[Session, Command], object]

TOPICS = {
    "data": (
        "source",
        "sources",
        "preview",
        "describe",
        "load",
        "sql",
        "check",
        "sample",
        "approx",
        "profile",
    ),
    "publications": (
        "publish",
        "published",
        "diff",
        "lineage",
        "held",
        "approve",
        "reject",
        "rollback",
    ),
    "pipelines": (
        "schedule",
        "unschedule",
        "pause",
        "resume",
        "pipelines",
        "owner",
        "preflight",
        "relink",
        "backfill",
        "watermark",
    ),
    "runs": ("run", "runs", "trigger", "cancel", "retry", "logs", "history", "status"),
    "general": ("help", "param", "secret", "debug"),
}
_TOPIC_OF = {name: topic for topic, names in TOPICS.items() for name in names}


def find_command(name: str) -> Execute:
    """Return the function that executes a command.

    Args:
        name: As `jupyter_etl.language.commands.parser.parse_line` gave it.
    """
    module = import_module(f"jupyter_etl_magics.commands.{_TOPIC_OF[name]}")
    return cast("Execute", getattr(module, name))
