"""Help, parameters, secrets and debugging."""

from __future__ import annotations

import getpass
import sys

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import Surface
from jupyter_etl.language.commands.general import (
    DebugRequest,
    HelpRequest,
    SecretRequest,
    TokenRequest,
)
from jupyter_etl.language.commands.help import guide, usage
from jupyter_etl.language.commands.queries import (
    ParamRequest,
)
from jupyter_etl.language.names import parse_name
from jupyter_etl.services.secrets import EnvironmentSecrets, change_places
from jupyter_etl.services.tokens import as_texts, required_name, scope_of
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.failures import show_last
from jupyter_etl_magics.session import Session


def help(_session: Session, request: HelpRequest) -> None:
    """Print the guide, or the usage of one command."""
    name = request.command
    sys.stdout.write((usage(name) if name else guide(Surface.MAGIC)) + "\n")


def param(session: Session, request: ParamRequest) -> None:
    """Set the variable to the value of this run, or to its default."""
    name, value = session.data_session.param(request.text)
    session.store(name, value)
    show(Card(title=f"{name} = {value!r}", tone="ok"))


def secret(session: Session, request: SecretRequest) -> None:
    """Set, list or remove secrets, or restrict where one may be sent; values are never shown."""
    verb, name = request.verb, request.name
    if verb == "list":
        _list_secrets(session)
    elif not name:
        raise DeclarationError(
            f"'secret {verb}' needs a NAME.", hint=f"For example: %etl secret {verb} wh_pw"
        )
    elif verb == "set":
        done = session.etl.secrets.set(name, _ask_value(name), provider=request.provider)
        note = f"Use it: %etl source NAME URL --secret {done}"
        show(Card(title=f"{done} is stored.", tone="ok", notes=[note]))
    elif verb in {"allow", "deny"}:
        allowed = change_places(session.etl.secrets, verb, name, request.places)
        note = f"It may be sent to: {', '.join(allowed) or 'no server'}."
        show(Card(title=f"{name} is changed.", tone="ok", notes=[note]))
    else:
        had = session.etl.secrets.remove(name)
        show(Card(title=f"{name} is removed from: {', '.join(had)}.", tone="ok"))


def _list_secrets(session: Session) -> None:
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


def _ask_value(written: str) -> str:
    """Prompt in the frontend, which hides the input."""
    name = parse_name(written, what="secret")
    try:
        return getpass.getpass(f"Value of {name}: ")
    except (NotImplementedError, EOFError) as problem:
        raise DeclarationError(
            "There is no terminal to prompt for the value.",
            hint=f"Set the environment variable {EnvironmentSecrets.variable(name)}, or pipe it "
            f"into: jupyter etl secret set {name} --stdin",
        ) from problem


def token(session: Session, request: TokenRequest) -> None:
    """Create, list or revoke tokens; a value is shown once, when its token is created."""
    tokens = session.etl.tokens
    if request.verb == "list":
        rows = [as_texts(row) for row in tokens.rows()]
        show(Card(title=counted(len(rows), "token"), rows=rows))
    elif request.verb == "revoke":
        show(Card(title=f"{tokens.revoke(required_name(request)).name} is revoked.", tone="ok"))
    else:
        made = tokens.create(
            required_name(request),
            read=request.read,
            call=request.call,
            expires_s=request.expires_s,
            rate=request.rate,
        )
        notes = (
            made.value,
            "The value is shown only now. Copy it, then clear the output of this cell.",
        )
        title = f"{made.token.name} {scope_of(made.token)}."
        show(Card(title=title, tone="ok", notes=notes))


def debug(session: Session, _request: DebugRequest) -> None:
    """Show the full traceback of the last error that was shown in short form."""
    if not show_last(session.shell):
        show(Card(title="No %etl command has failed yet."))
