"""The commands that maintain the ledger and secrets."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path

from jupyter_etl.cli.output import print_message, shown, write, write_json, write_table
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import Surface
from jupyter_etl.language.commands.general import (
    BackupRequest,
    DoctorRequest,
    HelpRequest,
    PruneRequest,
    RestoreRequest,
    SecretRequest,
)
from jupyter_etl.language.commands.help import guide, usage
from jupyter_etl.language.names import parse_name
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.services import Etl, Settings
from jupyter_etl.services.clock import SystemClock
from jupyter_etl.services.doctor import Status, diagnose
from jupyter_etl.services.secrets import EnvironmentSecrets, NamedSecret, change_places

_MARKS = {Status.OK: "ok   ", Status.WARN: "warn ", Status.ERROR: "ERROR"}


def help(request: HelpRequest) -> int:
    """Print the guide, or the usage of one command."""
    write(usage(request.command, Surface.CLI) if request.command else guide(Surface.CLI))
    return 0


def doctor(request: DoctorRequest) -> int:
    """Check the installation; exit code 1 if there is a problem."""
    found = diagnose(Settings.from_env(), SystemClock(), repair=request.repair)
    if request.json:
        write_json(
            [
                {
                    "what": one.what,
                    "ok": one.ok,
                    "status": one.status.value,
                    "message": one.message,
                    "hint": one.hint,
                    "repaired": one.repaired,
                }
                for one in found
            ]
        )
    else:
        for one in found:
            write(f"{_MARKS[one.status]}  {one.what}: {one.message}")
            if one.repaired:
                write(f"       repaired: {one.repaired}")
            if one.hint:
                write(f"       {one.hint}")
    return 0 if all(one.ok for one in found) else 1


def backup(request: BackupRequest) -> int:
    """Back up the ledger."""
    # It imports SQLAlchemy, which takes a tenth of a second that other commands can save.
    from jupyter_etl.services.maintenance.backups import backup as make_backup

    settings, now = Settings.from_env(), datetime.now(UTC)
    made = make_backup(settings, Path(request.file).absolute() if request.file else None, now=now)
    if request.json:
        facts = {"file": str(made.path), "bytes": made.bytes, "runs": made.runs}
        write_json({**facts, "revision": made.revision})
    else:
        write(f"{made.path}: {rounded_size(made.bytes)}, {shown(made.runs)} runs, intact")
        print_message("  It does not contain the lake: copy the lake after the ledger.")
    return 0


def restore(request: RestoreRequest) -> int:
    """Restore a backup of the ledger."""
    from jupyter_etl.services.maintenance.backups import restore as put_back

    settings, file = Settings.from_env(), Path(request.file).absolute()
    if not request.yes:
        _ask(settings, file)
    done = put_back(settings, file, now=datetime.now(UTC))
    kept = str(done.kept) if done.kept else None
    if request.json:
        facts = {"ledger": str(done.ledger), "runs": done.runs, "revision": done.revision}
        write_json({**facts, "kept": kept})
    else:
        write(f"{done.ledger} contains {shown(done.runs)} runs, restored from {file}.")
        if kept:
            write(f"  The replaced ledger is kept: {kept}")
        print_message("  Check the installation: jupyter etl doctor")
    return 0


def prune(etl: Etl, request: PruneRequest) -> int:
    """Delete data beyond the retention period; exit code 1 if something could not be deleted."""
    from jupyter_etl.services.maintenance.pruning import prune as make_room

    done = make_room(etl.settings, etl.store, etl.clock, dry_run=request.dry_run)
    if request.json:
        rows = [{"what": one.kind, "count": one.count, "bytes": one.bytes} for one in done.pruned]
        facts = {"dry_run": request.dry_run, "pruned": rows}
        write_json({**facts, "busy": list(done.busy), "failed": list(done.failed)})
    else:
        verb = "would go" if request.dry_run else "gone"
        for one in done.pruned:
            size = f", {rounded_size(one.bytes)}" if one.bytes else ""
            write(f"{one.kind}: {shown(one.count)} {verb}{size}")
        for name in done.busy:
            print_message(f"  {name} is being published now; it is skipped until the next prune.")
        for sentence in done.failed:
            print_message(f"  {sentence}")
    return 1 if done.failed else 0


def _ask(settings: Settings, file: Path) -> None:
    if not sys.stdin.isatty():
        raise DeclarationError(
            "Replacing the ledger needs a confirmation, but there is no terminal to ask for it.",
            hint="Confirm with --yes.",
        )
    from jupyter_etl.services.maintenance.backups import check_copy

    held = check_copy(file)
    print_message(
        f"Replace the ledger {settings.ledger} by {file} ({shown(held.runs)} runs)? [y/N] "
    )
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise DeclarationError("The ledger was not changed.")


_NONE = "There are no secrets yet. Store one: jupyter etl secret set NAME"


def secret(etl: Etl, request: SecretRequest) -> int:
    """Set, list or remove secrets, or restrict where one may be sent; values are never printed."""
    if request.verb == "list":
        _list(etl, request)
        return 0
    if not request.name:
        raise DeclarationError(
            f"'secret {request.verb}' needs a NAME.",
            hint=f"jupyter etl secret {request.verb} wh_pw",
        )
    if request.verb == "set":
        value = sys.stdin.read() if request.stdin else _asked(request.name)
        done = etl.secrets.set(request.name, value, provider=request.provider)
        print_message(f"Stored {done}. Use it with --secret {done}")
    elif request.verb in {"allow", "deny"}:
        allowed = change_places(etl.secrets, request.verb, request.name, request.places)
        print_message(f"{request.name} may be sent to: {', '.join(allowed) or 'no server'}.")
    else:
        had = etl.secrets.remove(request.name)
        print_message(f"Removed {request.name} from: {', '.join(had)}.")
    return 0


def _list(etl: Etl, request: SecretRequest) -> None:
    found = etl.secrets.list(etl.sources.list())
    if request.json:
        write_json(found)
    else:
        write_table([_row(one) for one in found], _NONE)


def _row(one: NamedSecret) -> dict[str, object]:
    return {
        "secret": one.name,
        "provider": one.provider,
        "sources": ", ".join(one.sources),
        "owner": one.owner,
        "allowed": ", ".join(one.allowed),
        "problem": one.problem,
    }


def _asked(written: str) -> str:
    name = parse_name(written, what="secret")
    if not sys.stdin.isatty():
        raise DeclarationError(
            "There is no terminal to prompt for the value.",
            hint=f"Pipe the value: jupyter etl secret set {name} --stdin; or set the environment "
            f"variable {EnvironmentSecrets.variable(name)}.",
        )
    return getpass.getpass(f"Value of {name}: ")
