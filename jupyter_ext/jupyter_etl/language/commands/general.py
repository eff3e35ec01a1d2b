"""Requests about the installation, secrets, tokens and help."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from jupyter_etl.language.commands.common import (
    CLI,
    both,
    cli,
    magic,
)
from jupyter_etl.language.commands.declarations import (
    Argument,
    JsonOutput,
    Request,
    ValueKind,
)
from jupyter_etl.language.numbers import PORT


class SecretRequest(JsonOutput, frozen=True, kw_only=True):
    """Store passwords and keys by name, outside the notebook."""

    forms: ClassVar = both(
        "secret",
        ("Data", "Data"),
        "Store passwords and keys by name, outside the notebook.",
        "secret set wh_pw",
        "secret list",
        "secret allow wh_pw db.example",
        "secret rm wh_pw",
    )

    verb: Annotated[
        Literal["set", "list", "rm", "allow", "deny"],
        Argument(
            required=True,
            help="set prompts for the value, list shows the names, rm removes a secret, allow and "
            "deny change the servers it may be sent to.",
        ),
    ]
    name: Annotated[
        str | None,
        Argument(completes="secret", help="The name of the secret; not for list."),
    ] = None
    places: Annotated[
        tuple[str, ...],
        Argument(
            kind=ValueKind.NAMES,
            placeholder="HOST",
            help="For allow and deny: HOST, HOST:PORT or URLs, separated by commas.",
        ),
    ] = ()
    provider: Annotated[
        str,
        Argument(flags=("--in",), help="Where set stores the value: file, keyring, or a plug-in."),
    ] = "file"
    stdin: Annotated[
        bool,
        Argument(
            on=(CLI,),
            flags=("--stdin",),
            help="Read the value from standard input instead of prompting.",
        ),
    ] = False


class TokenRequest(JsonOutput, frozen=True, kw_only=True):
    """Create, list or revoke tokens of consumers of publications."""

    forms: ClassVar = both(
        "token",
        ("Publish", "Data"),
        "Create, list or revoke tokens of consumers of publications.",
        "token create web-shop --read sales.* --call score --expires 90d",
        "token list",
        "token revoke web-shop",
    )

    verb: Annotated[
        Literal["create", "list", "revoke"],
        Argument(
            required=True,
            help="create prints the value of a new token once, list shows all tokens without their "
            "values, revoke makes one invalid for good.",
        ),
    ]
    name: Annotated[str | None, Argument(help="The name of the token; not for list.")] = None
    read: Annotated[
        tuple[str, ...],
        Argument(
            flags=("--read",),
            kind=ValueKind.NAMES,
            several=True,
            placeholder="GLOB...",
            completes="publication",
            help="Names or globs of the tables, files and reports that it may read.",
        ),
    ] = ()
    call: Annotated[
        tuple[str, ...],
        Argument(
            flags=("--call",),
            kind=ValueKind.NAMES,
            several=True,
            placeholder="GLOB...",
            completes="publication",
            help="Names or globs of the queries and functions that it may call.",
        ),
    ] = ()
    expires_s: Annotated[
        float | None,
        Argument(
            flags=("--expires",),
            placeholder="TIME",
            help="How long it is valid, such as 90d; without it, until it is revoked.",
        ),
    ] = None
    rate: Annotated[
        str | None,
        Argument(
            flags=("--rate",),
            placeholder="N/s",
            help="The maximum number of requests per second; by default no limit.",
        ),
    ] = None


class DoctorRequest(JsonOutput, frozen=True, kw_only=True):
    """Check the installation for problems."""

    forms: ClassVar = (
        cli(
            "doctor",
            "Help",
            "Check the installation for problems.",
            "doctor",
            "doctor --repair",
            ledger=False,
        ),
    )

    repair: Annotated[
        bool,
        Argument(
            flags=("--repair",),
            aliases=("--mend",),
            help="Repair what is safe to repair, and list the repairs.",
        ),
    ] = False


class BackupRequest(JsonOutput, frozen=True, kw_only=True):
    """Back up the ledger."""

    forms: ClassVar = (
        cli(
            "backup",
            "Help",
            "Back up the ledger, also while it is in use.",
            "backup",
            "backup /mnt/safe/ledger.sqlite",
            ledger=False,
        ),
    )

    file: Annotated[
        str, Argument(help="The backup file to create; by default in HOME/backups.")
    ] = ""


class RestoreRequest(JsonOutput, frozen=True, kw_only=True):
    """Restore a backup of the ledger."""

    forms: ClassVar = (
        cli(
            "restore",
            "Help",
            "Restore a backup of the ledger; the replaced ledger is kept.",
            "restore /mnt/safe/ledger.sqlite",
            "restore /mnt/safe/ledger.sqlite --yes",
            ledger=False,
        ),
    )

    file: Annotated[str, Argument(required=True, help="A file created by 'backup'.")]
    yes: Annotated[
        bool,
        Argument(
            flags=("--yes",), help="Do not ask for confirmation; required without a terminal."
        ),
    ] = False


class PruneRequest(JsonOutput, frozen=True, kw_only=True):
    """Delete old versions and runs, and files of killed attempts."""

    forms: ClassVar = (
        cli(
            "prune",
            "Help",
            "Delete old versions and runs, and files of killed attempts.",
            "prune --dry-run",
            "prune",
        ),
    )

    dry_run: Annotated[
        bool,
        Argument(flags=("--dry-run",), help="Show what would be deleted, without deleting it."),
    ] = False


class VersionRequest(JsonOutput, frozen=True, kw_only=True):
    """Show the version."""

    forms: ClassVar = (cli("version", "Help", "Show the version.", "version", ledger=False),)


class ServeRequest(Request, frozen=True, kw_only=True):
    """Serve APIs, tables, files and reports over HTTP, without Jupyter."""

    forms: ClassVar = (
        cli(
            "serve",
            "Help",
            "Serve APIs, tables, files and reports over HTTP, without Jupyter.",
            "serve --port 8787",
            ledger=False,
        ),
    )

    host: Annotated[str, Argument(flags=("--host",), help="The address to listen on.")] = (
        "127.0.0.1"
    )
    port: Annotated[
        int,
        Argument(
            flags=("--port",),
            most=int(PORT.most),
            placeholder="N",
            help="The port; 0 for any free port.",
        ),
    ] = 8787


class DebugRequest(Request, frozen=True, kw_only=True):
    """Show the full traceback of the last error."""

    forms: ClassVar = (
        magic("debug", "Help", "Show the full traceback of the last error.", "debug"),
    )


class HelpRequest(Request, frozen=True, kw_only=True):
    """Show the guide, or the usage of a command."""

    forms: ClassVar = (
        magic(
            "help",
            "Help",
            "Show this guide, or the usage of a command.",
            "help",
            "help publish table",
        ),
        cli(
            "help",
            "Help",
            "Show this guide, or the usage of a command.",
            "help",
            "help schedule",
            ledger=False,
        ),
    )

    command: Annotated[
        str, Argument(kind=ValueKind.WORDS, completes="command", help="The command.")
    ] = ""
