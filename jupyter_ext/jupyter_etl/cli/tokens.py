"""The command for tokens of consumers."""

from __future__ import annotations

from jupyter_etl.cli.output import print_message, write, write_json, write_table
from jupyter_etl.language.commands.general import TokenRequest
from jupyter_etl.services import Etl
from jupyter_etl.services.tokens import as_texts, required_name, row_of, scope_of

_NONE = "There are no tokens yet. Create one: jupyter etl token create NAME --read GLOB"


def token(etl: Etl, request: TokenRequest) -> int:
    """Create, list or revoke tokens; a value is printed once, when its token is created."""
    if request.verb == "list":
        rows = etl.tokens.rows()
        if request.json:
            write_json(rows)
        else:
            write_table([as_texts(row) for row in rows], _NONE)
    elif request.verb == "create":
        _create(etl, request)
    else:
        revoked = etl.tokens.revoke(required_name(request))
        if request.json:
            write_json(row_of(revoked, etl.clock.now()))
        else:
            print_message(f"The token {revoked.name} is revoked.")
    return 0


def _create(etl: Etl, request: TokenRequest) -> None:
    made = etl.tokens.create(
        required_name(request),
        read=request.read,
        call=request.call,
        expires_s=request.expires_s,
        rate=request.rate,
    )
    if request.json:
        facts = {"name": made.token.name, "token": made.value}
        write_json({**facts, "expires_at": made.token.expires_at})
    else:
        write(made.value)
        print_message(f"{made.token.name} {scope_of(made.token)}.")
        print_message("  Its value is shown only now. Send it as Authorization: Bearer TOKEN")
