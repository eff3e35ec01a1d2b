"""All providers of secrets, asked one after another."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from jupyter_etl.app.registry import block_names, load_block
from jupyter_etl.app.secrets.environment_secrets import EnvironmentSecrets
from jupyter_etl.app.secrets.file_secrets import FileSecrets
from jupyter_etl.app.secrets.keyring_secrets import KeyringSecrets
from jupyter_etl.errors import DeclarationError, EtlError, NotFound, SourceError, user_code_boundary
from jupyter_etl.execution.encodings import LEAST
from jupyter_etl.model import Source
from jupyter_etl.ports import Secrets
from jupyter_etl.spec.names import nearest, parse_name

_FILES = "file"


@dataclass(frozen=True, kw_only=True)
class NamedSecret:
    """What may be told of a secret.

    Args:
        name: Its name.
        provider: That gives its value; "" where none does.
        sources: Names of the sources that use it.
        problem: Why its value cannot be had; "" where it can.
    """

    name: str
    provider: str
    sources: tuple[str, ...] = ()
    problem: str = ""


class Vault:
    """Resolves, lists, writes and removes secrets.

    Args:
        own: Providers by name, in the order in which they are asked.
        plug_ins: Returns those of installed packages; called when no own one has an answer.
    """

    def __init__(
        self,
        own: Mapping[str, Secrets],
        plug_ins: Callable[[], Mapping[str, Secrets]] = dict,
    ) -> None:
        self._own = own
        self._find_plug_ins = plug_ins

    def value(self, name: str) -> str:
        """Return the value behind a name.

        Raises:
            NotFound: No provider has it.
            PermissionDenied: Others could read it.
            SourceError: A plug-in has failed.
        """
        secret = parse_name(name, what="secret")
        for provider, asked in self._providers():
            found = _ask(provider, asked, secret)
            if found is not None:
                return found
        raise NotFound(
            f"No secret is named {secret!r}.",
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
            provider: Where it is kept.

        Returns:
            The name, in its one spelling.

        Raises:
            DeclarationError: The name or the value cannot be, or there is no such provider.
            PermissionDenied: The provider cannot be written.
        """
        secret, kept = parse_name(name, what="secret"), value.rstrip("\r\n")
        if len(kept.strip()) < LEAST:
            raise DeclarationError(
                f"The value of {secret!r} has less than {LEAST} characters, and could not be kept "
                "out of what runs show.",
                hint="Nothing was written. Use a longer one.",
            )
        known = dict(self._providers())
        if provider not in known:
            raise DeclarationError(
                f"No provider of secrets is called {provider!r}; there are: {', '.join(known)}."
                f"{nearest(provider, known)}"
            )
        with user_code_boundary(f"The provider of secrets {provider!r}", SourceError):
            known[provider].set(secret, kept)
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
                f"No secret is named {secret!r}.{nearest(secret, known)}",
                hint="List them: %etl secret list",
            )
        return had

    def _named(self, name: str, sources: tuple[str, ...]) -> NamedSecret:
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


def default_vault(home: Path) -> Vault:
    """Return the providers that come with the product, and those of installed packages.

    Args:
        home: The platform's home folder.
    """
    own: dict[str, Secrets] = {
        "environment": EnvironmentSecrets(),
        _FILES: FileSecrets(home / "secrets"),
        "keyring": KeyringSecrets(),
    }

    def plug_ins() -> Mapping[str, Secrets]:
        names = (name for name in block_names("secret") if name not in own)
        return {name: cast("Secrets", load_block("secret", name)()) for name in names}

    return Vault(own, plug_ins)


def known_secrets(home: Path) -> tuple[tuple[str, str], ...]:
    """Return names and values of environment and files, for what must not tell the values.

    Args:
        home: The platform's home folder.
    """
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
