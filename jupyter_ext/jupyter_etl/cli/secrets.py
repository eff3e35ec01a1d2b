"""The command about secrets."""

from __future__ import annotations

import getpass
import sys
from argparse import Namespace

from jupyter_etl.app import Etl
from jupyter_etl.app.secrets import EnvironmentSecrets, NamedSecret, change_places
from jupyter_etl.cli.output import say, write_json, write_table
from jupyter_etl.errors import DeclarationError
from jupyter_etl.spec.names import parse_name

_NONE = "No secrets yet. Keep one: jupyter etl secret set NAME"


def secret(etl: Etl, args: Namespace) -> int:
    """Set, list, remove, or say where one may go; values are read and never written."""
    if args.verb == "list":
        _list(etl, args)
        return 0
    if not args.name:
        raise DeclarationError(
            f"'secret {args.verb}' needs a NAME.", hint=f"jupyter etl secret {args.verb} wh_pw"
        )
    if args.verb == "set":
        value = sys.stdin.read() if args.stdin else _asked(args.name)
        done = etl.secrets.set(args.name, value, provider=getattr(args, "in"))
        say(f"Kept {done}. Name it: --secret {done}")
    elif args.verb in {"allow", "deny"}:
        allowed = change_places(etl.secrets, args.verb, args.name, args.places)
        say(f"{args.name} may be sent to: {', '.join(allowed) or 'no server'}.")
    else:
        had = etl.secrets.remove(args.name)
        say(f"Removed {args.name} from: {', '.join(had)}.")
    return 0


def _list(etl: Etl, args: Namespace) -> None:
    found = etl.secrets.list(etl.sources.list())
    if args.json:
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
            "Nobody is here to type the value.",
            hint=f"Pipe it in: jupyter etl secret set {name} --stdin; or set the environment "
            f"variable {EnvironmentSecrets.variable(name)}.",
        )
    return getpass.getpass(f"Value of {name}: ")
