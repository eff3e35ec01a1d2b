"""The command about secrets: the same in the magic and on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_etl.spec.grammar import Argument, CommandSpec, ValueKind


def secret_command(group: str, more: Sequence[Argument] = ()) -> CommandSpec:
    """Return the command.

    Args:
        group: That it is listed under.
        more: Arguments that it has besides its own.
    """
    return CommandSpec(
        name="secret", group=group,
        summary="Keep passwords and keys by name, out of the notebook.",
        arguments=(
            Argument(name="verb", required=True, choices=("set", "list", "rm", "allow", "deny"),
                     help="set asks for the value, list shows names alone, rm removes one, allow "
                          "and deny say which servers it may be sent to."),
            Argument(name="name", completes="secret",
                     help="The name of the secret; not with list."),
            Argument(name="places", kind=ValueKind.NAMES, placeholder="HOST",
                     help="With allow and deny: HOST, HOST:PORT or URLs, separated by commas."),
            Argument(name="in", flags=("--in",), placeholder="PROVIDER", default="file",
                     help="Where set keeps it: file, keyring, or a plug-in."),
            *more,
        ),
        examples=("secret set wh_pw", "secret list", "secret allow wh_pw db.example",
                  "secret rm wh_pw"),
    )  # fmt: skip
