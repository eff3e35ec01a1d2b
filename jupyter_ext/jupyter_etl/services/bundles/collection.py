"""Collects the local files that a version of a notebook pins."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.language.notebooks.notebook import Outline, parse_notebook
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.model import Bundle, BundleFile, FileRole
from jupyter_etl.services.bundles.imports import Needs, Wanted, needs_of_cell, needs_of_module
from jupyter_etl.services.bundles.paths import PathReader
from jupyter_etl.services.bundles.project import LocalModule, Project, project_root

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})
_BY_NAME = "is only known at run time; a local module of that kind is pinned with --include"


@dataclass(frozen=True, kw_only=True)
class Collected:
    """The current local files of a notebook.

    Args:
        bundle: The list of files.
        contents: Their bytes, in the same order.
        notes: Dependencies that could not be determined, one sentence each.
    """

    bundle: Bundle = field(default_factory=Bundle)
    contents: tuple[bytes, ...] = ()
    notes: tuple[str, ...] = ()


def collect(
    notebook: Path,
    outline: Outline,
    *,
    include: Sequence[str] = (),
    limit_bytes: int,
    home: Path,
) -> Collected:
    """Find and read the local files that a notebook depends on; nothing is executed.

    Args:
        notebook: Absolute path of the notebook.
        outline: What the notebook declares.
        include: Patterns of additional files, relative to its folder.
        limit_bytes: Maximum total size of all files; 0 for no limit.
        home: The platform's home folder, whose files are never pinned.

    Raises:
        DeclarationError: A pattern matches nothing or leaves the project, a file cannot be
            read, or the files exceed the limit.
    """
    collection = _Collection(notebook, home)
    if outline.language == "python":
        collection.add_cells(outline)
    collection.add_included(include)
    return collection.read(tuple(include), limit_bytes)


class _Collection:
    """The files found so far.

    Args:
        home: The platform's home folder, which is excluded.
    """

    def __init__(self, notebook: Path, home: Path) -> None:
        self._notebook = notebook
        self._folder = notebook.parent
        self._home = home
        self._project = Project(project_root(notebook), self._folder)
        self._found: dict[Path, FileRole] = {}
        self._modules: set[str] = set()
        self._written: set[Path] = set()
        self._notes: list[str] = []
        self._beside: list[str] = []
        self._by_path = False
        self._waiting: list[Needs] = []

    def add_cells(self, outline: Outline) -> None:
        """Add what the cells import and execute."""
        paths = PathReader(str(self._folder))
        code = [cell for cell in outline.cells if cell.kind == "code"]
        needs = [(cell.index, needs_of_cell(cell.source, paths)) for cell in code]
        for _, one in needs:
            self._written |= {self._absolute(path) for path in one.written}
            self._add_folders(one)
        for index, one in needs:
            self._waiting.append(one)
            if one.dynamic:
                self._notes.append(
                    f"The name of a module that cell {index + 1} imports {_BY_NAME}."
                )

    def add_included(self, patterns: Sequence[str]) -> None:
        """Add the files that patterns match; raises `DeclarationError`."""
        for pattern in patterns:
            matches = list(self._matching(pattern))
            for path in matches:
                self._found.setdefault(path, FileRole.DATA)
            self._by_path = True
            # The name of an imported module is only known at run time.
            for path in matches:
                if path.suffix == ".py":
                    self._waiting.append(self._needs_of(path, ""))

    def read(self, include: tuple[str, ...], limit_bytes: int) -> Collected:
        """Read all files, including their own dependencies; raises `DeclarationError`."""
        self._follow_all()
        notes = tuple(dict.fromkeys([*self._notes, *(() if include else self._beside)]))
        if not self._found:
            return Collected(notes=notes)
        paths = sorted(self._found)
        self._check_size(paths, limit_bytes)
        contents = [_read(path) for path in paths]
        files = [
            BundleFile(
                path=self._relative(path),
                content_hash=sha256(content).hexdigest(),
                bytes=len(content),
                role=self._found[path],
                executable=os.access(path, os.X_OK),
            )
            for path, content in zip(paths, contents, strict=True)
        ]
        bundle = Bundle(
            folder=self._relative(self._folder),
            search=tuple(map(self._relative, self._project.search)),
            modules=tuple(sorted(self._modules)),
            files=tuple(files),
            include=include,
            by_path=self._by_path,
        )
        return Collected(bundle=bundle, contents=tuple(contents), notes=notes)

    def _add_folders(self, needs: Needs) -> None:
        for folder in map(Path, needs.folders):
            self._project.add_folder(folder)
            if not folder.is_relative_to(self._project.root) and folder.is_dir():
                self._notes.append(
                    f"Modules in {folder} are not pinned: it is outside the project "
                    f"{self._project.root}."
                )

    def _follow_all(self) -> None:
        while self._waiting:
            needs = self._waiting.pop(0)
            self._add_folders(needs)
            for wanted in needs.modules:
                self._add_wanted(wanted)
            for script in needs.scripts:
                self._add_script(script)

    def _add_wanted(self, wanted: Wanted) -> None:
        names = [wanted.name]
        # A name imported from a package may be one of its modules.
        names += [f"{wanted.name}.{name}" for name in wanted.names if name != "*"]
        for name in names:
            for module in self._project.modules(name):
                self._add_module(module)

    def _add_module(self, module: LocalModule) -> None:
        path = module.path
        if path is None:
            self._modules.add(module.name.partition(".")[0])
            return
        if path in self._written:
            return
        self._modules.add(module.name.partition(".")[0])
        if self._found.get(path) is FileRole.MODULE:
            return
        self._found[path] = FileRole.MODULE
        if path.suffix != ".py":
            return
        needs = self._needs_of(path, module.package)
        self._add_kept_beside(module, path, needs)
        self._waiting.append(needs)

    def _add_kept_beside(self, module: LocalModule, path: Path, needs: Needs) -> None:
        """Add files that a module may load at run time: all modules and data of its package."""
        relative = self._relative(path)
        inside = self._folder_of(module)
        if inside is None:
            if needs.dynamic:
                self._notes.append(f"The name of a module that {relative} imports {_BY_NAME}.")
            if needs.reads_own_files:
                self._beside.append(
                    f"{relative} opens files in its own folder; pin them with --include."
                )
            return
        if needs.dynamic:
            for file in _files_below(inside):
                if file.suffix == ".py":
                    self._add_by_path(file, inside, module)
        if needs.reads_own_files:
            for file in _files_below(path.parent):
                if file.suffix not in {".py", ".pyc"}:
                    self._found.setdefault(file, FileRole.DATA)

    def _folder_of(self, module: LocalModule) -> Path | None:
        """Return the folder of the outermost regular package that contains a module."""
        top = next(iter(self._project.modules(module.name.partition(".")[0])), None)
        return top.folders[0] if top is not None and top.path is not None and top.folders else None

    def _add_by_path(self, file: Path, inside: Path, module: LocalModule) -> None:
        top = module.name.partition(".")[0]
        parts = [top, *file.relative_to(inside).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        for one in self._project.modules(name):
            self._add_module(one)

    def _add_script(self, script: str) -> None:
        path = self._absolute(script)
        if not path.is_file() and not path.suffix:
            path = path.with_suffix(".py")
        if not path.is_file() or not self._project.has(path) or path in self._written:
            return
        self._by_path = True
        if path in self._found:
            return
        self._found[path] = FileRole.SCRIPT
        # While a script runs, IPython imports from its folder.
        self._project.add_folder(path.parent)
        if path.suffix != ".ipynb":
            self._waiting.append(self._needs_of(path, ""))
            return
        try:
            outline = parse_notebook(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, EtlError):
            return
        self.add_cells(outline)

    def _needs_of(self, path: Path, package: str) -> Needs:
        paths = PathReader(str(self._folder), str(path))
        return needs_of_module(_read(path), paths, package=package)

    def _matching(self, pattern: str) -> Iterator[Path]:
        """Yield the files that a pattern of ``--include`` matches."""
        written = str(Path(pattern).expanduser())
        place = os.path.normpath(self._folder / written)
        if not self._project.has(Path(place)):
            raise DeclarationError(
                f"--include {pattern} leads out of the project {self._project.root}.",
                hint="Pin files in the project; declare other data as a source: %etl source NAME "
                "PATH",
            )
        # Path.glob rejects ".." and matches hidden files.
        matches = glob.glob(written, root_dir=self._folder, recursive=True)  # noqa: PTH207
        found = [Path(os.path.normpath(self._folder / one)) for one in sorted(matches)]
        files = [file for one in found for file in ([one] if one.is_file() else _files_below(one))]
        mine = [f for f in files if f != self._notebook and not f.is_relative_to(self._home)]
        if not mine:
            raise DeclarationError(
                f"--include {pattern} matches no file in {self._folder}.",
                hint="Write a path or a pattern, such as 'config/*.yaml', relative to the "
                "notebook's folder.",
            )
        yield from mine

    def _check_size(self, paths: Iterable[Path], limit_bytes: int) -> None:
        try:
            sizes = {path: path.stat().st_size for path in paths}
        except OSError as problem:
            raise _unreadable(problem) from problem
        total = sum(sizes.values())
        if limit_bytes and total > limit_bytes:
            largest = max(sizes, key=lambda path: sizes[path])
            raise DeclarationError(
                f"The local files of the notebook take {rounded_size(total)}; a version can pin "
                f"at most {rounded_size(limit_bytes)}. The largest is {self._relative(largest)} "
                f"({rounded_size(sizes[largest])}).",
                hint="Declare large data as a source (%etl source), or raise "
                "JUPYTER_ETL_BUNDLE_LIMIT.",
            )

    def _absolute(self, path: str) -> Path:
        return Path(os.path.normpath(self._folder / Path(path).expanduser()))

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._project.root).as_posix()


def _files_below(folder: Path) -> list[Path]:
    """Return the files below a folder, without hidden files and caches."""
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in _SKIPPED and not f.startswith("."))
        found += [Path(parent, name) for name in sorted(names) if not name.startswith(".")]
    return [path for path in found if path.is_file()]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise _unreadable(problem) from problem


def _unreadable(problem: OSError) -> DeclarationError:
    return DeclarationError(
        f"The file {problem.filename}, which the notebook needs, cannot be read: {problem.strerror}.",
        hint="Make it readable, then deploy again.",
    )
