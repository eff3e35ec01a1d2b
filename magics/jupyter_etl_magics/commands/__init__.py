"""The commands of `%etl`, one module per topic; each is imported at the first use of a command."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from jupyter_etl.language.commands.declarations import Request
from jupyter_etl_magics.session import Session

Execute = Callable[[Session, Any], object]
"""The second argument is the request, of the type that the command declares."""

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
        "publish_table",
        "publish_file",
        "publish_report",
        "published",
        "diff",
        "lineage",
        "held",
        "approve",
        "reject",
        "rollback",
    ),
    "endpoints": (
        "publish_query",
        "publish_function",
        "endpoints",
        "promote",
        "split",
        "compare",
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
    "general": ("help", "param", "secret", "token", "debug"),
}
_TOPIC_OF = {name: topic for topic, names in TOPICS.items() for name in names}


def find_command(request: type[Request]) -> Execute:
    """Return the function that executes the requests of a type; it is named like the command."""
    name = request.forms[0].title.replace(" ", "_")
    module = import_module(f"jupyter_etl_magics.commands.{_TOPIC_OF[name]}")
    return cast("Execute", getattr(module, name))
