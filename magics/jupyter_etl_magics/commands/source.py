"""``%etl source``: declare where data comes from."""

from __future__ import annotations

from typing import Any

from jupyter_etl.app.rights_note import rights_note
from jupyter_etl.app.targets import shadowing
from jupyter_etl.spec.commands import Command
from jupyter_etl.spec.source import absence
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Declare a source; show its kind and location, and whether a file does not exist yet."""
    args: dict[str, Any] = command.args
    named = {"path": args["json"], "sheet": args["sheet"], "delimiter": args["delimiter"]}
    source = session.workbench.declare(
        args["name"],
        args["location"],
        kind=args["kind"],
        secrets=args["secret"],
        readonly=args["readonly"],
        options={**{k: v for k, v in named.items() if v is not None}, **args["option"]},
        freshness=args["fresh"],
        limit=args["limit"],
    )
    traits = [source.kind, source.location, "read only" if source.readonly else ""]
    if source.limit is not None:
        traits.append(f"{counted(source.limit, 'run')} at once")
    absent = absence(source)
    rights = rights_note(session.workbench, source)
    notes = [absent, rights, *shadowing(source.name, session.workbench.channel)]
    title = f"{source.name}: {', '.join(filter(None, traits))}"
    show(Card(title=title, tone="warn" if absent or rights else "ok", notes=notes))
