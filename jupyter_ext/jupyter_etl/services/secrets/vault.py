"""All providers of secrets, asked one after another."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import cast

from jupyter_etl.errors import (
    DeclarationError,
    EtlError,
    NotFound,
    PermissionDenied,
    SourceError,
    user_code_boundary,
)
from jupyter_etl.language.names import nearest, parse_name
from jupyter_etl.model import Source
from jupyter_etl.ports import Secrets
from jupyter_etl.redaction.encodings import LEAST
from jupyter_etl.services.plugins import block_names, load_block
from jupyter_etl.services.secrets.environment import EnvironmentSecrets
from jupyter_etl.services.secrets.files import FileSecrets
from jupyter_etl.services.secrets.grants import Grants
from jupyter_etl.services.secrets.keyring import KeyringSecrets

_FILES = "file"


@dataclass(frozen=True, kw_only=True)
class NamedSecret:
    """What may be told of a secret.

    Args:
        name: Its name.
        provider: That gives its value; "" where none does.
        sources: Names of the sources that use it.
        problem: Why its value cannot be had; "" where it can.
        owner: Whose it is; "" before it is set or used here.
        allowed: Servers that it may be sent to; the first use by its owner adds the first ones.
    """

    name: str
    provider: str
    sources: tuple[str, ...] = ()
    problem: str = ""
    owner: str = ""
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SecretUse:
    """A secret of a source.

    Args:
        name: Its name.
        owner: Whose it is; "" before it is set or used here.
        allowed: Servers that it may be sent to.
    """

    name: str
    owner: str
    allowed: tuple[str, ...]


class Vault:
    """Resolves, lists, writes and removes secrets.

    Args:
        own: Providers by name, in the order in which they are asked.
        plug_ins: Returns those of installed packages; called when no own one has an answer.
        grants: Whose they are and where they may go; None where that is not recorded.
    """

    def __init__(
        self,
        own: Mapping[str, Secrets],
        plug_ins: Callable[[], Mapping[str, Secrets]] = dict,
        *,
        grants: Grants | None = None,
    ) -> None:
        self._own = own
        self._find_plug_ins = plug_ins
        self._grants = grants

    def value(self, name: str, source: Source | None = None) -> str:
        """Return the value behind a name.

        Args:
            source: That is signed in to with it; None for code of its owner.

        Raises:
            NotFound: No provider has it.
            PermissionDenied: Others could read it, it is another owner's, or it is not allowed to
                go to the server of the source.
            SourceError: A plug-in has failed.
        """
        secret = parse_name(name, what="secret")
        value = self._value(secret)
        if self._grants is not None:
            if source is None:
                self._grants.refuse_others(secret)
            else:
                self._grants.admit(secret, source)
        return value

    def uses(self, source: Source) -> builtins.list[SecretUse]:
        """Return whose the secrets of a source are, and where they may go; nothing is resolved."""
        found = []
        for name in source.secrets:
            grant = self._grants.get(name) if self._grants is not None else None
            owner, places = (grant.owner, grant.places) if grant is not None else ("", None)
            found.append(SecretUse(name=name, owner=owner, allowed=places or ()))
        return found

    def allow(self, name: str, places: Sequence[str]) -> tuple[str, ...]:
        """Let a secret go to more servers; return all that it may go to.

        Args:
            places: ``HOST``, ``HOST:PORT`` or URLs, of which the path does not matter.

        Raises:
            DeclarationError: One is no server.
            PermissionDenied: The secret is another owner's.
        """
        return self._granted.allow(self._known(name), places).places or ()

    def deny(self, name: str, places: Sequence[str]) -> tuple[str, ...]:
        """Let a secret no longer go to servers; arguments, result and errors as of `allow`."""
        return self._granted.deny(self._known(name), places).places or ()

    def refuse_others(self, source: Source, others: Callable[[], Iterable[Source]]) -> None:
        """Refuse the declaration of a source that signs in with another owner's secret.

        Args:
            others: Returns all sources. A secret that has no value here is of the owners of those
                that use it.

        Raises:
            PermissionDenied: It does.
        """
        for name in source.secrets:
            self._granted.refuse_others(name)
            if self._has(name):
                continue
            theirs = {one.owner for one in others() if name in one.secrets} - {"", source.owner}
            if theirs:
                raise PermissionDenied(
                    f"The secret {name!r} belongs to {', '.join(sorted(theirs))}, not to "
                    f"{source.owner!r}.",
                    hint=f"Store your own: jupyter etl secret set NAME, or {name} here.",
                )

    def _has(self, name: str) -> bool:
        try:
            self._value(name)
        except NotFound:
            return False
        except EtlError:
            return True
        return True

    @property
    def _granted(self) -> Grants:
        if self._grants is None:
            raise DeclarationError("The allowed servers of these secrets are not recorded.")
        return self._grants

    def _known(self, name: str) -> str:
        """Return a name in its one spelling; raises `NotFound` for one without a value."""
        secret = parse_name(name, what="secret")
        if not self._has(secret):
            known = [one.name for one in self.list()]
            raise NotFound(
                f"There is no secret {secret!r}.{nearest(secret, known)}",
                hint="List them: jupyter etl secret list",
            )
        return secret

    def _value(self, secret: str) -> str:
        for provider, asked in self._providers():
            found = _ask(provider, asked, secret)
            if found is not None:
                return found
        raise NotFound(
            f"There is no secret {secret!r}.",
            hint=f"Set it: jupyter etl secret set {secret}; or set the environment variable "
            f"{EnvironmentSecrets.variable(secret)}.",
        )

    def list(self, sources: Iterable[Source] = ()) -> list[NamedSecret]:
        """Return all names that are known, with where their values come from.

        Args:
            sources: Whose secrets are listed too, with or without a value.

        Raises:
            SourceError: A plug-in cannot list its names.
        """
        uses = self._uses(sources)
        return [self._named(name, tuple(uses[name])) for name in sorted(uses)]

    def names(self, sources: Iterable[Source] = ()) -> builtins.list[str]:
        """Return all names that are known, sorted; arguments and errors as of `list`."""
        return sorted(self._uses(sources))

    def _uses(self, sources: Iterable[Source]) -> dict[str, builtins.list[str]]:
        """Return the known names, each with the sources that use it."""
        uses: dict[str, builtins.list[str]] = {}
        for source in sources:
            for name in source.secrets:
                uses.setdefault(name, []).append(source.name)
        # The environment spells names its own way; a declared one is shown as it was declared.
        spelled = {EnvironmentSecrets.variable(name) for name in uses}
        for label, provider in self._providers():
            with user_code_boundary(f"The provider of secrets {label!r}", SourceError):
                found = provider.names()
            for name in found:
                respelled = isinstance(provider, EnvironmentSecrets) and (
                    provider.variable(name) in spelled
                )
                if not respelled:
                    uses.setdefault(name, [])
        return uses

    def set(self, name: str, value: str, *, provider: str = _FILES) -> str:
        """Write a value.

        Args:
            name: Of the secret; a value that is there is replaced.
            value: Of at least 4 characters; a final newline is no part of it.

        Returns:
            The name, in its one spelling.

        Raises:
            DeclarationError: The name or the value cannot be, or there is no such provider.
            PermissionDenied: The provider cannot be written, or the secret is another owner's.
        """
        secret, kept = parse_name(name, what="secret"), value.rstrip("\r\n")
        if len(kept.strip()) < LEAST:
            raise DeclarationError(
                f"The value of {secret!r} has less than {LEAST} characters, too few to redact it "
                "in the output of runs.",
                hint="Nothing was stored. Use a longer value.",
            )
        known = dict(self._providers())
        if provider not in known:
            raise DeclarationError(
                f"There is no provider of secrets {provider!r}; there are: "
                f"{', '.join(known)}.{nearest(provider, known)}"
            )
        if self._grants is not None:
            self._grants.refuse_others(secret)
        with user_code_boundary(f"The provider of secrets {provider!r}", SourceError):
            known[provider].set(secret, kept)
        if self._grants is not None:
            self._grants.claim(secret)
        return secret

    def remove(self, name: str) -> builtins.list[str]:
        """Remove a secret wherever it can be removed.

        Returns:
            The providers that had it.

        Raises:
            NotFound: None has it.
            PermissionDenied: One has it that cannot be written; all others were asked before.
        """
        secret = parse_name(name, what="secret")
        if self._grants is not None:
            self._grants.refuse_others(secret)
        had, refused = [], None
        for provider, asked in self._providers():
            try:
                with user_code_boundary(f"The provider of secrets {provider!r}", SourceError):
                    if asked.remove(secret):
                        had.append(provider)
            except EtlError as problem:
                refused = problem
        if refused is not None:
            raise refused
        if not had:
            known = [one.name for one in self.list()]
            raise NotFound(
                f"There is no secret {secret!r}.{nearest(secret, known)}",
                hint="List them: %etl secret list",
            )
        if self._grants is not None:
            self._grants.forget(secret)
        return had

    def _named(self, name: str, sources: tuple[str, ...]) -> NamedSecret:
        found = self._provided(name, sources)
        grant = self._grants.get(name) if self._grants is not None else None
        if grant is None:
            return found
        return replace(found, owner=grant.owner, allowed=grant.places or ())

    def _provided(self, name: str, sources: tuple[str, ...]) -> NamedSecret:
        for provider, asked in self._providers():
            try:
                if _ask(provider, asked, name) is not None:
                    return NamedSecret(name=name, provider=provider, sources=sources)
            except EtlError as problem:
                told = problem.message
                return NamedSecret(name=name, provider=provider, sources=sources, problem=told)
        return NamedSecret(name=name, provider="", sources=sources, problem="it has no value")

    def _providers(self) -> Iterator[tuple[str, Secrets]]:
        yield from self._own.items()
        yield from self._plug_ins.items()

    @cached_property
    def _plug_ins(self) -> Mapping[str, Secrets]:
        return self._find_plug_ins()


def change_places(vault: Vault, verb: str, name: str, places: Sequence[str]) -> tuple[str, ...]:
    """Let a secret go to servers, or no longer; return all that it may go to.

    Args:
        verb: ``allow`` or ``deny``.
        places: As for `Vault.allow`.

    Raises:
        DeclarationError: There are none, or one is no server.
        NotFound, PermissionDenied: The secret is not there, or is another owner's.
    """
    if not places:
        raise DeclarationError(
            f"'secret {verb}' needs a HOST.", hint=f"For example: secret {verb} {name} db.example"
        )
    return (vault.allow if verb == "allow" else vault.deny)(name, places)


def default_vault(home: Path, owner: str) -> Vault:
    """Return the providers that come with the product, and those of installed packages."""
    own: dict[str, Secrets] = {
        "environment": EnvironmentSecrets(),
        _FILES: FileSecrets(home / "secrets"),
        "keyring": KeyringSecrets(),
    }

    def plug_ins() -> Mapping[str, Secrets]:
        names = (name for name in block_names("secret") if name not in own)
        return {name: cast("Secrets", load_block("secret", name)()) for name in names}

    return Vault(own, plug_ins, grants=Grants(home / "secrets", owner))


def known_secrets(home: Path) -> tuple[tuple[str, str], ...]:
    """Return names and values of environment and files, for what must not tell the values."""
    environment = EnvironmentSecrets()
    known = [(name, environment.get(name) or "") for name in environment.names()]
    folder = home / "secrets"
    # As they lie there: a notebook may open a file that a provider would refuse.
    for name in FileSecrets(folder).names():
        if os.access(folder / name, os.R_OK):
            text = (folder / name).read_text("utf-8", errors="replace")
            known.append((name, text.rstrip("\n")))
    return tuple((name, value) for name, value in known if value)


def known_values(home: Path) -> frozenset[str]:
    """Return the values of `known_secrets`."""
    return frozenset(value for _, value in known_secrets(home))


def _ask(provider: str, asked: Secrets, name: str) -> str | None:
    with user_code_boundary(f"The provider of secrets {provider!r}", SourceError):
        return asked.get(name)
