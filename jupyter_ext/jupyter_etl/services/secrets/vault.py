"""All providers of secrets, in order of precedence."""

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
from jupyter_etl.services.secrets.grants import Grants
from jupyter_etl.services.secrets.providers import EnvironmentSecrets, FileSecrets, KeyringSecrets

_FILES = "file"


@dataclass(frozen=True, kw_only=True)
class NamedSecret:
    """The public facts about a secret.

    Args:
        name: Its name.
        provider: The provider of its value; "" if there is none.
        sources: Names of the sources that use it.
        problem: Why its value is not available; "" if it is.
        owner: Its owner; "" before it is set or used here.
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
        owner: Its owner; "" before it is set or used here.
        allowed: Servers that it may be sent to.
    """

    name: str
    owner: str
    allowed: tuple[str, ...]


class Vault:
    """Resolves, lists, writes and removes secrets.

    Args:
        own: Providers by name, in order of precedence.
        plug_ins: Returns the providers of installed packages; called if no own provider has a
            value.
        grants: Owners and allowed servers; None if they are not recorded.
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
        """Return the value of a secret.

        Args:
            source: The source that it authenticates; None for code of its owner.

        Raises:
            NotFound: No provider has it.
            PermissionDenied: Others could read it, it belongs to another owner, or it may not
                be sent to the server of the source.
            SourceError: A plug-in failed.
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
        """Return the owners and allowed servers of a source's secrets; nothing is resolved."""
        found = []
        for name in source.secrets:
            grant = self._grants.get(name) if self._grants is not None else None
            owner, places = (grant.owner, grant.places) if grant is not None else ("", None)
            found.append(SecretUse(name=name, owner=owner, allowed=places or ()))
        return found

    def allow(self, name: str, places: Sequence[str]) -> tuple[str, ...]:
        """Allow more servers for a secret; return all allowed ones.

        Args:
            places: ``HOST``, ``HOST:PORT`` or URLs, whose path is ignored.

        Raises:
            DeclarationError: One is not a valid server.
            PermissionDenied: The secret belongs to another owner.
        """
        return self._granted.allow(self._known(name), places).places or ()

    def deny(self, name: str, places: Sequence[str]) -> tuple[str, ...]:
        """Remove allowed servers of a secret; arguments, result and errors as in `allow`."""
        return self._granted.deny(self._known(name), places).places or ()

    def refuse_others(self, source: Source, others: Callable[[], Iterable[Source]]) -> None:
        """Reject the declaration of a source that uses another owner's secret.

        Args:
            others: Returns all sources. A secret without a value here belongs to the owners of
                the sources that use it.

        Raises:
            PermissionDenied: The secret belongs to another owner.
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
        """Return the canonical spelling of a name; raises `NotFound` for one without a value."""
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
        """Return all known names, with the providers of their values.

        Args:
            sources: Sources whose secrets are listed too, with or without a value.

        Raises:
            SourceError: A plug-in cannot list its names.
        """
        uses = self._uses(sources)
        return [self._named(name, tuple(uses[name])) for name in sorted(uses)]

    def names(self, sources: Iterable[Source] = ()) -> builtins.list[str]:
        """Return all known names, sorted; arguments and errors as in `list`."""
        return sorted(self._uses(sources))

    def _uses(self, sources: Iterable[Source]) -> dict[str, builtins.list[str]]:
        """Return the known names, each with the sources that use it."""
        uses: dict[str, builtins.list[str]] = {}
        for source in sources:
            for name in source.secrets:
                uses.setdefault(name, []).append(source.name)
        # The environment changes the spelling of names; a declared name is shown as declared.
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
            name: Name of the secret; an existing value is replaced.
            value: At least 4 characters; a final newline is removed.

        Returns:
            The name in its canonical spelling.

        Raises:
            DeclarationError: The name or the value is not valid, or there is no such provider.
            PermissionDenied: The provider is read-only, or the secret belongs to another owner.
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
        """Remove a secret from all providers that can be written.

        Returns:
            The providers that had it.

        Raises:
            NotFound: No provider has it.
            PermissionDenied: A read-only provider still has it; it was removed from the others.
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
                reason = problem.message
                return NamedSecret(name=name, provider=provider, sources=sources, problem=reason)
        return NamedSecret(name=name, provider="", sources=sources, problem="it has no value")

    def _providers(self) -> Iterator[tuple[str, Secrets]]:
        yield from self._own.items()
        yield from self._plug_ins.items()

    @cached_property
    def _plug_ins(self) -> Mapping[str, Secrets]:
        return self._find_plug_ins()


def change_places(vault: Vault, verb: str, name: str, places: Sequence[str]) -> tuple[str, ...]:
    """Allow or deny servers for a secret; return all allowed ones.

    Args:
        verb: ``allow`` or ``deny``.
        places: See `Vault.allow`.

    Raises:
        DeclarationError: There are no servers, or one is not valid.
        NotFound, PermissionDenied: The secret does not exist, or belongs to another owner.
    """
    if not places:
        raise DeclarationError(
            f"'secret {verb}' needs a HOST.", hint=f"For example: secret {verb} {name} db.example"
        )
    return (vault.allow if verb == "allow" else vault.deny)(name, places)


def default_vault(home: Path, owner: str) -> Vault:
    """Return the vault with the built-in providers and those of installed packages."""
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
    """Return names and values of environment variables and files, for redaction."""
    environment = EnvironmentSecrets()
    known = [(name, environment.get(name) or "") for name in environment.names()]
    folder = home / "secrets"
    # The raw content: a notebook may open a file that a provider would reject.
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
