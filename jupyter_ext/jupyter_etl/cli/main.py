"""Parses the command line, calls the command, and converts errors to exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from jupyter_etl.cli import (
    backfill,
    data,
    endpoints,
    maintenance,
    pipelines,
    runs,
    tokens,
    versions,
)
from jupyter_etl.cli.init_process import in_a_child
from jupyter_etl.cli.output import print_message
from jupyter_etl.errors import DeclarationError, EtlError, NotFound
from jupyter_etl.language.commands.declarations import Request, Surface
from jupyter_etl.language.commands.parser import parse_command
from jupyter_etl.language.commands.schedule import UpRequest
from jupyter_etl.services import Etl

FAILED, USAGE, CANCELLED = 1, 2, 4

COMMANDS: Mapping[str, Callable[..., int]] = {
    "run": pipelines.run,
    "schedule": pipelines.schedule,
    "trigger": pipelines.trigger,
    "backfill": backfill.backfill,
    "up": pipelines.up,
    "plan": pipelines.plan,
    "preflight": pipelines.preflight,
    "status": runs.status,
    "pipelines": runs.pipelines,
    "runs": runs.runs,
    "logs": runs.logs,
    "cancel": runs.cancel,
    "retry": runs.retry,
    "pause": runs.pause,
    "resume": runs.resume,
    "relink": runs.relink,
    "unschedule": runs.unschedule,
    "sources": data.sources,
    "secret": maintenance.secret,
    "published": data.published,
    "history": data.history,
    "read": data.read,
    "held": versions.held,
    "approve": versions.approve,
    "reject": versions.reject,
    "diff": versions.diff,
    "rollback": versions.rollback,
    "lineage": data.lineage,
    "endpoints": endpoints.endpoints,
    "promote": endpoints.promote,
    "split": endpoints.split,
    "compare": endpoints.compare,
    "token": tokens.token,
    "prune": maintenance.prune,
    "watermarks": backfill.watermarks,
    "watermark": backfill.watermark,
    "help": maintenance.help,
    "version": data.version,
    "serve": data.serve,
    "doctor": maintenance.doctor,
    "backup": maintenance.backup,
    "restore": maintenance.restore,
}
"""The function of each command.

It is called with the facade and the request, or with the request alone if the command does not open
the ledger.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Its arguments; by default those of the process.

    Returns:
        Exit code: 0 success, 1 failure, 2 invalid usage, 3 held, 4 cancelled, 5 timed out.
    """
    try:
        return _call(parse_command(sys.argv[1:] if argv is None else list(argv)))
    except (DeclarationError, NotFound) as problem:
        _explain(problem)
        return USAGE
    except EtlError as problem:
        _explain(problem)
        return FAILED
    except KeyboardInterrupt:
        print_message("Interrupted.")
        return CANCELLED
    except BrokenPipeError:
        # The reader has closed the pipe; prevents a message from the interpreter at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as problem:
        said = problem.strerror or str(problem)
        print_message(f"{said}: {problem.filename}" if problem.filename else f"{said}.")
        print_message("  Check the installation: jupyter etl doctor")
        return FAILED


def _call(request: Request) -> int:
    [form] = [form for form in request.forms if form.on is Surface.CLI]
    command = COMMANDS[form.name]
    if not form.ledger:
        return command(request)
    if isinstance(request, UpRequest) and os.getpid() == 1:
        return in_a_child(lambda: _call_with_ledger(command, request))
    return _call_with_ledger(command, request)


def _call_with_ledger(command: Callable[..., int], request: Request) -> int:
    etl = Etl.open()
    try:
        code = command(etl, request)
        # Detects a closed pipe here, and not at the interpreter's exit.
        sys.stdout.flush()
        return code
    finally:
        etl.close()


def _explain(problem: EtlError) -> None:
    print_message(problem.message)
    if problem.hint:
        print_message(f"  {problem.hint}")
