"""Plug-ins: found through entry points, imported on demand."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from jupyter_etl.errors import DeclarationError, MissingDependency


@cache
def _installed(port: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"jupyter_etl.{port}s")}


def block_names(port: str) -> list[str]:
    """Return the names of the installed plug-ins of a port, sorted.

    Args:
        port: ``connector``, ``publisher``, ``executor``, ``check_runner`` or ``secret``.
    """
    return sorted(_installed(port))


def load_block(port: str, name: str) -> type:
    """Import the class of a plug-in.

    Args:
        port: See `block_names`.
        name: Name of its entry point: the kind of source for a connector, the kind of output
            for a publisher.

    Raises:
        DeclarationError: No installed plug-in has that name.
        MissingDependency: The plug-in needs a package that is not installed.
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
