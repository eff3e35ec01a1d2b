"""Blocks by name: found through entry points, imported when asked for."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from jupyter_etl.errors import DeclarationError, MissingDependency


@cache
def _installed(port: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"jupyter_etl.{port}s")}


def block_names(port: str) -> list[str]:
    """Return the names of the installed blocks of a port, sorted.

    Args:
        port: ``connector``, ``publisher``, ``executor``, ``check_runner`` or ``secret``.
    """
    return sorted(_installed(port))


def load_block(port: str, name: str) -> type:
    """Import a block's class.

    Args:
        port: As for `block_names`.
        name: Of its entry point; for a connector the kind of source, for a publisher the kind of
            output.

    Raises:
        DeclarationError: No installed block has that name.
        MissingDependency: The block needs a package that is not installed.
    """
    point = _installed(port).get(name)
    if point is None:
        raise DeclarationError(
            f"No {port.replace('_', ' ')} is installed for {name!r}; "
            f"there are: {', '.join(block_names(port)) or 'none'}.",
            hint=f"Install a package with an entry point in the group jupyter_etl.{port}s.",
        )
    try:
        loaded = point.load()
    except ModuleNotFoundError as problem:
        raise MissingDependency(
            f"The {port.replace('_', ' ')} {name!r} needs the package {problem.name!r}.",
            hint=f"pip install {problem.name}",
        ) from problem
    assert isinstance(loaded, type)  # noqa: S101 - an entry point of these groups is a class
    return loaded
