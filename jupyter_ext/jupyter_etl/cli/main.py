"""Read the words, call the command, turn errors into exit codes."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence

from jupyter_etl.app import Etl
from jupyter_etl.cli import (
    backfilling,
    incremental,
    keeping,
    lineage,
    reading,
    running,
    secrets,
    versions,
    watching,
)
from jupyter_etl.cli.first_process import in_a_child
from jupyter_etl.cli.output import say
from jupyter_etl.errors import DeclarationError, EtlError, NotFound
from jupyter_etl.spec.commands import cli_parser

FAILED, USAGE, CANCELLED = 1, 2, 4

COMMANDS: Mapping[str, Callable[[Etl, Namespace], int]] = {
    "run": running.run,
    "schedule": running.schedule,
    "trigger": running.trigger,
    "backfill": backfilling.backfill,
    "up": running.up,
    "plan": running.plan,
    "preflight": running.preflight,
    "status": watching.status,
    "pipelines": watching.pipelines,
    "runs": watching.runs,
    "logs": watching.logs,
    "cancel": watching.cancel,
    "retry": watching.retry,
    "pause": watching.pause,
    "resume": watching.resume,
    "relink": watching.relink,
    "unschedule": watching.unschedule,
    "sources": reading.sources,
    "secret": secrets.secret,
    "published": reading.published,
    "history": reading.history,
    "read": reading.read,
    "held": versions.held,
    "approve": versions.approve,
    "reject": versions.reject,
    "diff": versions.diff,
    "rollback": versions.rollback,
    "lineage": lineage.lineage,
    "prune": keeping.prune,
    "watermarks": incremental.watermarks,
    "watermark": incremental.watermark,
}
"""What each command calls."""

WITHOUT_LEDGER: Mapping[str, Callable[[Namespace], int]] = {
    "version": reading.version,
    "serve": reading.serve,
    "doctor": keeping.doctor,
    "backup": keeping.backup,
    "restore": keeping.restore,
}
"""What the commands call that work where no ledger can be opened, or leave it to another process."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Its words; by default those of the process.

    Returns:
        Exit code: 0 done, 1 failed, 2 not understood, 3 held, 4 cancelled, 5 timed out.
    """
    parser = cli_parser()
    try:
        args = parser.parse_args(sys.argv[1:] if argv is None else list(argv))
        if args.command is None:
            parser.print_help()
            return 0
        return _call(args)
    except (DeclarationError, NotFound) as problem:
        _explain(problem)
        return USAGE
    except EtlError as problem:
        _explain(problem)
        return FAILED
    except KeyboardInterrupt:
        say("Interrupted.")
        return CANCELLED
    except BrokenPipeError:
        # The reader has seen enough; keep the interpreter from complaining at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as problem:
        said = problem.strerror or str(problem)
        say(f"{said}: {problem.filename}" if problem.filename else f"{said}.")
        say("  Look for what is wrong: jupyter etl doctor")
        return FAILED


def _call(args: Namespace) -> int:
    if args.command in WITHOUT_LEDGER:
        return WITHOUT_LEDGER[args.command](args)
    if args.command == "up" and os.getpid() == 1:
        return in_a_child(lambda: _call_with_ledger(args))
    return _call_with_ledger(args)


def _call_with_ledger(args: Namespace) -> int:
    etl = Etl.open()
    try:
        code = COMMANDS[args.command](etl, args)
        # Here a reader that has gone is noticed, and not at the interpreter's end.
        sys.stdout.flush()
        return code
    finally:
        etl.close()


def _explain(problem: EtlError) -> None:
    say(problem.message)
    if problem.hint:
        say(f"  {problem.hint}")
