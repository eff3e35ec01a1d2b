"""``%etl secret``: keep passwords and keys by name."""

from __future__ import annotations

import getpass
from typing import Any

from jupyter_etl.app.secrets import EnvironmentSecrets, change_places
from jupyter_etl.errors import DeclarationError
from jupyter_etl.spec.commands import Command
from jupyter_etl.spec.names import parse_name
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Set, list, remove, or say where one may go; a value is asked for and never shown."""
    args: dict[str, Any] = command.args
    verb, name = args["verb"], args["name"]
    if verb == "list":
        _list(session)
    elif not name:
        raise DeclarationError(
            f"'secret {verb}' needs a NAME.", hint=f"For example: %etl secret {verb} wh_pw"
        )
    elif verb == "set":
        done = session.etl.secrets.set(name, _asked(name), provider=args["in"])
        note = f"Name it: %etl source NAME URL --secret {done}"
        show(Card(title=f"{done} is kept.", tone="ok", notes=[note]))
    elif verb in {"allow", "deny"}:
        allowed = change_places(session.etl.secrets, verb, name, args["places"])
        note = f"It may be sent to: {', '.join(allowed) or 'no server'}."
        show(Card(title=f"{name} is changed.", tone="ok", notes=[note]))
    else:
        had = session.etl.secrets.remove(name)
        show(Card(title=f"{name} is removed from: {', '.join(had)}.", tone="ok"))


def _list(session: Session) -> None:
    found = session.etl.secrets.list(session.etl.sources.list())
    rows = [
        {
            "secret": one.name,
            "provider": one.provider,
            "sources": ", ".join(one.sources),
            "owner": one.owner,
            "allowed": ", ".join(one.allowed),
            "problem": one.problem,
        }
        for one in found
    ]
    show(Card(title=counted(len(rows), "secret"), rows=rows))


def _asked(written: str) -> str:
    """Ask through the frontend, which shows dots."""
    name = parse_name(written, what="secret")
    try:
        return getpass.getpass(f"Value of {name}: ")
    except (NotImplementedError, EOFError) as problem:
        raise DeclarationError(
            "Nobody is here to type the value.",
            hint=f"Set the environment variable {EnvironmentSecrets.variable(name)}, or pipe it "
            f"into: jupyter etl secret set {name} --stdin",
        ) from problem
