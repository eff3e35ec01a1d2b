"""``%etl`` and ``%%etl``."""

from __future__ import annotations

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.parser import parse_line
from jupyter_etl.notebook.caller import caller_names
from jupyter_etl_magics.commands import find_command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


@magics_class
class EtlMagics(Magics):
    """The one magic, as line and as cell."""

    @no_var_expand
    @line_cell_magic
    def etl(self, line: str, cell: str | None = None) -> object:
        """Declare sources, load, check and publish data, schedule this notebook.

        ``%etl`` alone shows a guide, ``%etl COMMAND -h`` how a command is written.
        """
        request = parse_line(line, cell)
        if self.shell is None:
            raise DeclarationError("%etl needs a running IPython shell.")
        session = Session(self.shell, caller_names(self.shell.user_ns))
        form = request.forms[0]
        if session.in_run and form.ledger:
            show(Card(title=f"{form.name} does nothing inside a run."))
            return None
        return find_command(type(request))(session, request)
