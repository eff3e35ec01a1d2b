"""fsspec filesystems: the package that a URL needs, and its credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import DeclarationError, MissingDependency, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Access

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_PACKAGES = {
    "s3": "'jupyter-etl[s3]'",
    "s3a": "'jupyter-etl[s3]'",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "sftp": "paramiko",
}
"""The package to install for a scheme. Source: fsspec's registry of implementations."""

_S3 = frozenset({"s3", "s3a"})
_S3_OPTIONS = ("key", "endpoint", "region", "anonymous")
_REMOTE = frozenset({"botocore", "aiobotocore", "aiohttp", "asyncio"})
"""Packages whose errors are not subclasses of OSError but equivalent to it."""


def place_options(source: Source) -> tuple[str, ...]:
    """Return the options that the location of a source supports."""
    return _S3_OPTIONS if _scheme(source) in _S3 else ()


def check_place(source: Source) -> None:
    """Check the options of a source's filesystem; nothing is opened.

    Raises:
        DeclarationError: The filesystem does not use secrets, or an option is not valid.
    """
    scheme = _scheme(source)
    if scheme not in _S3:
        if source.secrets and scheme:
            raise DeclarationError(
                f"Source '{source.name}': {scheme}:// takes its credentials from the environment, "
                "not from a secret.",
                hint="Leave --secret out and set them as the filesystem's package requires.",
            )
        return
    anonymous = source.options.get("anonymous", "no").lower()
    if anonymous not in {"yes", "no"}:
        raise DeclarationError(f"The option anonymous is '{anonymous}'; it must be yes or no.")
    if bool(source.secrets) != ("key" in source.options):
        raise DeclarationError(
            f"Source '{source.name}': an access key has an id and a secret; only one is given.",
            hint="Write --option key=ID --secret NAME; without both, they come from the environment.",
        )


def open_filesystem(source: Source, access: Access) -> tuple[AbstractFileSystem, str]:
    """Return the filesystem of a source and the path on it.

    Args:
        source: A source with a path or URL.

    Raises:
        DeclarationError: The filesystem does not use secrets, or an option is not valid.
        MissingDependency: The filesystem needs a package that is not installed.
        NotFound: A secret has no value.
        SourceError: There is no such filesystem.
    """
    from fsspec.core import url_to_fs

    check_place(source)
    scheme = _scheme(source)
    arguments = _s3(source, access) if scheme in _S3 else {}
    try:
        fs, root = url_to_fs(source.location, **arguments)
    except ImportError as problem:
        raise MissingDependency(
            f"Source '{source.name}': {scheme}:// needs a package that is not installed "
            f"({problem}).",
            hint=f"Install it into this environment: pip install {_PACKAGES.get(scheme, '')}".strip(),
        ) from problem
    except ValueError as problem:
        raise SourceError(f"Source '{source.name}': {problem}", retryable=False) from problem
    return fs, str(root)


def is_remote_failure(problem: Exception) -> bool:
    """Return whether an exception means that an object store cannot be read."""
    return type(problem).__module__.partition(".")[0] in _REMOTE


def _scheme(source: Source) -> str:
    scheme, mark, _ = source.location.partition("://")
    return scheme.lower() if mark else ""


def _s3(source: Source, access: Access) -> dict[str, Any]:
    """Translate to s3fs options; the rest comes from the environment, as in botocore."""
    options = source.options
    anonymous = options.get("anonymous", "no").lower() == "yes"
    # Listings are not cached: another run in this process must see new files.
    arguments: dict[str, Any] = {"use_listings_cache": False, "anon": anonymous}
    if source.secrets:
        names = dict(zip(("secret", "token"), source.secrets, strict=False))
        arguments |= {"key": options["key"]}
        arguments |= {part: access.secret(name).strip() for part, name in names.items()}
    if "endpoint" in options:
        arguments["endpoint_url"] = options["endpoint"]
    if "region" in options:
        arguments["client_kwargs"] = {"region_name": options["region"]}
    return arguments
