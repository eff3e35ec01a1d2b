"""The file of the operator's token, which may read and call everything."""

from __future__ import annotations

import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from jupyter_etl.errors import DeclarationError, PermissionDenied, StoreError

_TOKEN_BYTES = 32


def load_or_make_token(path: Path) -> str:
    """Return the token in a file, which is created on first use, readable only by its owner.

    Args:
        path: ``serve.token`` in the home.

    Returns:
        256 random bits as text.

    Raises:
        PermissionDenied: Others can read the file, or it is a symbolic link.
        DeclarationError: The file does not contain a token.
        StoreError: It can neither be read nor created.
    """
    try:
        with suppress(FileExistsError):
            return _make(path)
        return _load(path)
    except OSError as problem:
        raise StoreError(
            f"The token of the service cannot be stored in {path}: {problem.strerror}.",
            hint="Check the permissions of the home folder.",
        ) from problem


def _make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    # Written to a temporary file and linked: other processes never read an empty file.
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(token + "\n")
        os.link(aside, path)
    finally:
        aside.unlink()
    return token


def _load(path: Path) -> str:
    if path.is_symlink():
        raise PermissionDenied(
            f"{path} is a symbolic link.", hint="Remove it; the service then creates a new token."
        )
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor) as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise PermissionDenied(f"Other users can read {path}.", hint=f"chmod 600 {path}")
        token = file.read().strip()
    if not re.fullmatch(r"[\w-]{20,}", token):
        raise DeclarationError(
            f"{path} contains no token.", hint="Remove it; the service then creates a new token."
        )
    return token


class TokenFile:
    """The token in a file. Changes of the file apply to the next request.

    To revoke the token, delete the file: a new one is created.

    Args:
        path: ``serve.token`` in the home.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[object, str] = (None, "")

    def current(self) -> str:
        """Return the token; errors as in `load_or_make_token`."""
        seen = self._identity()
        if seen is None or seen != self._read[0]:
            token = load_or_make_token(self._path)
            self._read = (seen or self._identity(), token)
        return self._read[1]

    def _identity(self) -> object:
        try:
            facts = self._path.lstat()
        except OSError:
            return None
        return (facts.st_dev, facts.st_ino, facts.st_mode, facts.st_size, facts.st_ctime_ns)
