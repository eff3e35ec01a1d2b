"""Records which notebook each kernel belongs to, in a file that the kernel can read."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import wraps
from logging import Logger
from pathlib import Path
from typing import Any

from jupyter_etl.notebook.location import notebook_record


class KernelNotebooks:
    """Keeps the record of each session's notebook up to date when it is opened, renamed or moved.

    A kernel receives the name of its notebook only at its start. An HTTP request to the server
    would need a token, which is not available from a server with a password, or behind JupyterHub.
    A file beside the kernel's connection file needs none.

    Args:
        sessions: The server's session manager, see `follow`.
        root: Root folder of the file browser.
        log: Receives messages about records that could not be written.
    """

    def __init__(self, sessions: Any, root: Path, log: Logger) -> None:
        self._sessions = sessions
        self._root = root
        self._log = log
        self._written: set[Path] = set()

    def follow(self) -> None:
        """Record every session that is saved or updated from now on.

        jupyter_server emits no event for sessions, so the two methods of its session manager through
        which all changes go are wrapped.
        """
        for name in ("save_session", "update_session"):
            setattr(self._sessions, name, self._recording(getattr(self._sessions, name)))

    def forget(self) -> None:
        """Delete all records; the kernels end with the server."""
        for record in self._written:
            with suppress(OSError):
                record.unlink(missing_ok=True)
        self._written.clear()

    def _recording(self, change: Any) -> Any:
        @wraps(change)
        async def changed(session_id: str, *args: Any, **kwargs: Any) -> Any:
            result = await change(session_id, *args, **kwargs)
            try:
                await self._record(session_id)
            except Exception as problem:  # noqa: BLE001 - no session may fail because of a record
                self._log.warning("jupyter-etl: no record of a kernel's notebook: %s", problem)
            return result

        return changed

    async def _record(self, session_id: str) -> None:
        session = await self._sessions.get_session(session_id=session_id)
        kernel = self._sessions.kernel_manager.get_kernel(session["kernel"]["id"])
        # The kernel of a gateway runs on another machine.
        if session["type"] == "notebook" and kernel.connection_file:
            record = notebook_record(Path(kernel.connection_file).absolute())
            notebook = self._root / str(session["path"]).lstrip("/")
            await asyncio.to_thread(_write, record, str(notebook))
            self._written.add(record)


def _write(record: Path, text: str) -> None:
    """Replace a file atomically: a kernel never reads a part of a path."""
    written = record.with_suffix(".tmp")
    written.write_text(text, "utf-8")
    written.replace(record)
