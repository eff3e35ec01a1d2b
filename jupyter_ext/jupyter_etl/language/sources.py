"""Declarations of sources: kinds and locations."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.names import left_out, listed, nearest, parse_name
from jupyter_etl.language.numbers import SOURCE_RUNS
from jupyter_etl.model import Freshness, Source, SourceKind

LOCAL = "local"
"""Reserved source name: ``%%etl sql local`` runs DuckDB over the notebook's data."""

_BY_ENDING = {
    ".csv": SourceKind.CSV, ".tsv": SourceKind.CSV, ".txt": SourceKind.CSV,
    ".parquet": SourceKind.PARQUET, ".pq": SourceKind.PARQUET,
    ".json": SourceKind.JSON,
    ".jsonl": SourceKind.JSONL, ".ndjson": SourceKind.JSONL,
    ".xlsx": SourceKind.EXCEL, ".xlsm": SourceKind.EXCEL, ".xlsb": SourceKind.EXCEL,
    ".xls": SourceKind.EXCEL, ".ods": SourceKind.EXCEL,
    ".db": SourceKind.SQL, ".sqlite": SourceKind.SQL, ".sqlite3": SourceKind.SQL,
}  # fmt: skip
_COMPRESSED = (".gz", ".bz2", ".zst", ".xz", ".zip")
_FILE_KINDS = (
    SourceKind.CSV, SourceKind.PARQUET, SourceKind.JSON, SourceKind.JSONL, SourceKind.EXCEL,
)  # fmt: skip
_FILE_SCHEMES = ("file", "http", "https", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "hdfs",
                 "ftp", "sftp", "memory")  # fmt: skip
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_GLOB = re.compile(r"[*?\[]")
_OPTIONS_OF = {"sheet": (SourceKind.EXCEL,), "delimiter": (SourceKind.CSV,)}
_MAX_NAMES = 1000
_SECRET_QUERY = re.compile(
    r"[?&;](?:[^=&;]*[_-])?(?:\w*password|passwd|pwd|pass|token|secret|api_?key|access_?key|sig"
    r"|signature|credential)=[^&;]",
    re.IGNORECASE,
)
_SECRET_OPTION = re.compile(r"(?:password|passwd|pwd|token|secret|api_?key)$", re.IGNORECASE)


def parse_source(
    name: str,
    location: str,
    *,
    base: Path,
    kind: str | None = None,
    secrets: Sequence[str] = (),
    readonly: bool = False,
    options: Mapping[str, str] | None = None,
    freshness: Freshness | None = None,
    limit: int | None = None,
    owner: str = "",
    notebook: str = "",
) -> Source:
    """Parse the declaration of a source.

    Nothing is opened; a folder is listed to determine the kind of its files. A file need not exist
    yet.

    Args:
        name: Its name; not ``local``.
        location: A path, folder or glob (relative to ``base``), a URL, an SQLAlchemy URL
            without password, ``publication:NAME`` or ``frame:VARIABLE``.
        base: Absolute folder of the notebook.
        kind: A `SourceKind` or the kind of an installed connector, if the location does not
            determine it.
        secrets: Names of secrets; the first is the password of a URL.
        readonly: Whether writes are rejected.
        freshness: The promised maximum age.
        limit: Maximum number of runs that read it at once; None for the default of its kind.
        owner: Who declares it.
        notebook: Absolute path of the declaring notebook.

    Returns:
        The source; ``location`` is absolute if it is a path.

    Raises:
        DeclarationError: The kind is not clear, a URL contains a password, or an option does
            not fit.
    """
    written = location.strip()
    source = Source(
        name=parse_name(name, what="source name"),
        kind=(kind or "").strip().lower(),
        location=written,
        declared=written,
        secrets=tuple(parse_name(secret, what="name of a secret") for secret in secrets),
        readonly=readonly,
        options=dict(options or {}),
        freshness=freshness,
        limit=limit,
        owner=owner,
        notebook=notebook,
    )
    if limit is not None:
        SOURCE_RUNS.check(limit)
    if source.name == LOCAL:
        raise DeclarationError(
            "A source cannot be named 'local': %%etl sql local is DuckDB over this notebook.",
            hint="Use another name.",
        )
    if not written:
        raise DeclarationError(
            f"The source '{name}' has no location.",
            hint="Use a path, a glob, a URL, publication:NAME or frame:VARIABLE.",
        )
    source = _located(source, base)
    _check_options(source)
    return source


def absence(source: Source) -> str:
    """Return a note if the location of a source does not exist yet.

    Returns:
        A sentence with the most similar name; "" if it exists, or if only its connector can
        determine that, as for a URL.
    """
    location = source.location.removeprefix("sqlite:///")
    if source.kind not in (*_FILE_KINDS, SourceKind.SQL) or not Path(location).is_absolute():
        return ""
    path = Path(location)
    if path.exists():
        return ""
    if _GLOB.search(location):
        return "" if next(_matching(path)[1], None) else f"No file matches {source.declared} yet."
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    return f"{source.declared} does not exist yet.{nearest(path.name, beside)}"


def _located(source: Source, base: Path) -> Source:
    """Fill in kind and location according to the notation of the location."""
    written, kind = source.location, source.kind
    prefix, colon, rest = written.partition(":")
    if kind == SourceKind.PUBLICATION or (prefix == "publication" and colon and not kind):
        target = rest if prefix == "publication" and colon else written
        location = parse_name(target, what="publication")
        return replace(source, kind=str(SourceKind.PUBLICATION), location=location)
    if kind == SourceKind.FRAME or (prefix == "frame" and colon and not kind):
        return _frame(source, rest if prefix == "frame" and colon else written)
    if _URL.match(written):
        return _url(source, base)
    if kind and kind not in SourceKind.__members__.values():
        return source
    path = _absolute(written, base)
    found = kind or _kind_of_path(source.name, written, path)
    if found == SourceKind.SQL:
        return replace(source, kind=str(SourceKind.SQL), location=f"sqlite:///{path}")
    return replace(source, kind=str(found), location=path)


def _frame(source: Source, variable: str) -> Source:
    if not variable.isidentifier():
        raise DeclarationError(
            f"'{variable}' is not a valid variable name, for the source '{source.name}'.",
            hint=f"Write %etl source {source.name} frame:orders",
        )
    return replace(source, kind=str(SourceKind.FRAME), location=variable)


def _url(source: Source, base: Path) -> Source:
    written = source.location
    scheme = written.partition("://")[0].lower()
    _refuse_password(source.name, written)
    if source.kind:
        is_sqlite = scheme.split("+")[0] == "sqlite" and source.kind == SourceKind.SQL
        return replace(source, location=_sqlite_url(written, base)) if is_sqlite else source
    if scheme not in _FILE_SCHEMES:
        is_sqlite = scheme.split("+")[0] == "sqlite"
        location = _sqlite_url(written, base) if is_sqlite else written
        return replace(source, kind=str(SourceKind.SQL), location=location)
    found = _kind_of_extension(written.partition("?")[0].partition("#")[0])
    if found is None and scheme in {"http", "https"}:
        # The format of an API's response follows from its content type.
        found = SourceKind.HTTP
    if found is None or found is SourceKind.SQL:
        raise _unclear(source.name, written, "its extension is unknown")
    return replace(source, kind=str(found))


def _refuse_password(name: str, url: str) -> None:
    scheme, _, rest = url.partition("://")
    # Also percent-encoded names, and names of an ODBC connection inside a value.
    if not _holds_password(rest) and not _SECRET_QUERY.search(unquote(url)):
        return
    host = rest.rpartition("@")[2].partition("?")[0]
    user = rest.partition(":")[0] if _holds_password(rest) else ""
    clean = f"{scheme}://{user}{'@' if user else ''}{host}"
    raise DeclarationError(
        f"The URL of the source '{name}' contains a password, which must be stored as a secret.",
        hint=f"Store it under a name such as {name}_pw, and write "
        f"%etl source {name} {clean} --secret {name}_pw",
    )


def _holds_password(rest: str) -> bool:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        return bool(authority.rpartition("@")[0].partition(":")[2])
    # A password may contain unencoded / or ?; a port before a path with @ is not a password.
    user, _, password = rest.rpartition("@")[0].partition(":")
    return bool(password) and "/" not in user and not re.match(r"\d{1,5}(?:[/?]|$)", password)


def _sqlite_url(url: str, base: Path) -> str:
    """Make the path of an SQLite URL absolute; without a path it is an in-memory database."""
    scheme, _, rest = url.partition("://")
    path, mark, query = rest.partition("?")
    relative = path.removeprefix("/")
    if not relative or relative == ":memory:" or relative.startswith(("/", "file:")):
        return url
    return f"{scheme}:///{_absolute(relative, base)}{mark}{query}"


def _absolute(written: str, base: Path) -> str:
    """Join with the base and remove ``.`` and ``..`` textually; globs cannot be resolved."""
    return os.path.normpath(base / Path(written).expanduser())


def file_kind(path: str) -> SourceKind | None:
    """Return the kind of file for the suffix of a path, compressed or not; None for any other."""
    kind = _kind_of_extension(path)
    return kind if kind in _FILE_KINDS else None


def _kind_of_extension(path: str) -> SourceKind | None:
    lowered = path.rstrip("/").lower()
    for ending in _COMPRESSED:
        lowered = lowered.removesuffix(ending)
    return _BY_ENDING.get(Path(lowered).suffix)


def _kind_of_path(name: str, written: str, path: str) -> SourceKind:
    folder = Path(path)
    if folder.is_dir():
        return _kind_of_files(name, written, folder, folder.rglob("*"))
    if found := _kind_of_extension(path):
        return found
    if _GLOB.search(path):
        base, matches = _matching(folder)
        pattern = folder.relative_to(base).parts
        return _kind_of_files(name, written, base, matches, pattern)
    if not Path(written).suffix and not folder.exists() and "/" not in written:
        raise DeclarationError(
            f"The location of the source '{name}', '{written}', is not a file or folder.",
            hint=f"For a variable, write frame:{written}; for a publication, "
            f"publication:{written}. A path is relative to the notebook.",
        )
    raise _unclear(name, written, "its extension is unknown")


def _matching(path: Path) -> tuple[Path, Iterator[Path]]:
    """Return the folder before the wildcards of a glob, and the matches."""
    base = Path(*_before_glob(path))
    return base, base.glob(str(path.relative_to(base))) if base.is_dir() else iter(())


def _before_glob(path: Path) -> list[str]:
    parts: list[str] = []
    for part in path.parts:
        if _GLOB.search(part):
            break
        parts.append(part)
    return parts


def _kind_of_files(
    name: str, written: str, base: Path, paths: Iterable[Path], pattern: Sequence[str] = ()
) -> SourceKind:
    found: dict[SourceKind, int] = {}
    texts = 0
    for number, path in enumerate(paths):
        if number >= _MAX_NAMES:
            break
        kind = _kind_of_extension(path.name)
        if kind not in _FILE_KINDS or left_out(path.relative_to(base).parts, pattern):
            continue
        if path.is_file():
            texts += path.suffix.lower() == ".txt"
            found[kind] = found.get(kind, 0) + 1
    if len(found) > 1 and found.get(SourceKind.CSV) == texts:
        # Text files next to data of another kind document the data.
        del found[SourceKind.CSV]
    if len(found) == 1:
        return next(iter(found))
    if not found:
        raise _unclear(name, written, "it contains no files of a known kind")
    counts = listed(f"{count} {kind}" for kind, count in sorted(found.items()))
    raise _unclear(name, written, f"it contains files of several kinds ({counts})")


def _unclear(name: str, written: str, reason: str) -> DeclarationError:
    return DeclarationError(
        f"The kind of the source '{name}' at '{written}' is unclear: {reason}.",
        hint=f"Set it: --kind {'|'.join(_FILE_KINDS)}.",
    )


def _check_options(source: Source) -> None:
    known = [str(kind) for kind in SourceKind]
    if source.kind not in known and nearest(source.kind, known):
        raise DeclarationError(
            f"There is no kind of source '{source.kind}'.{nearest(source.kind, known)}",
            hint=f"The kinds are {listed(known)}, and those of installed connectors.",
        )
    if secret := next((key for key in source.options if _SECRET_OPTION.search(key)), None):
        raise DeclarationError(
            f"The option '{secret}' of the source '{source.name}' is a secret, which must be "
            "stored by name.",
            hint=f"Store it under a name such as {source.name}_pw, and write --secret "
            f"{source.name}_pw",
        )
    for option, kinds in _OPTIONS_OF.items():
        if option in source.options and source.kind in known and source.kind not in kinds:
            raise DeclarationError(
                f"--{option} is for {listed(kinds)}; the source '{source.name}' is {source.kind}.",
                hint=f"Omit --{option}, or use --kind {kinds[0]}.",
            )
