"""Limits of the output that is kept, counted per cell and per run."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.runner.limits import Limits

ERROR_BYTES = 64_000
"""Size of an error, and of its traceback, that is kept even beyond the other limits."""

_NAME_BYTES = 1_000
_NUMBER_BYTES = 8
_ENVELOPE_BYTES = 1_000_000


class OutputCaps:
    """Counts the output that is kept and left out; the caller enforces the limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._run = 0
        self._cell = 0
        self._left_out = 0

    @property
    def room(self) -> int:
        """Bytes that the current cell may still show; never negative."""
        cell = self._limits.cell_output_bytes - self._cell
        return max(0, min(cell, self._limits.run_output_bytes - self._run))

    @property
    def largest_message(self) -> int:
        """Largest encoded size in bytes of a message that the cell has room for.

        JSON encodes a control character in six bytes, and a display may replace another one.
        """
        return _ENVELOPE_BYTES + 2 * 6 * self._limits.cell_output_bytes

    @property
    def left_out(self) -> int:
        """Bytes of the current cell that were left out."""
        return self._left_out

    def begin_cell(self) -> None:
        """Start counting for the next cell."""
        self._cell = 0
        self._left_out = 0

    def keep(self, size_bytes: int) -> None:
        """Count kept output; negative if it replaced a larger one."""
        self._cell += size_bytes
        self._run += size_bytes

    def clear(self) -> None:
        """Count the outputs of the current cell as cleared."""
        self.keep(-self._cell)

    def leave_out(self, size_bytes: int) -> None:
        """Count output that is not kept."""
        self._left_out += size_bytes

    def notice(self) -> str:
        """Return a notice of the omitted output of the current cell; "" if there is none."""
        if not self._left_out:
            return ""
        whole = self._run >= self._limits.run_output_bytes
        kept = self._limits.run_output_bytes if whole else self._limits.cell_output_bytes
        who, name = ("all cells of a run", "RUN") if whole else ("a cell", "CELL")
        return (
            f"{rounded_size(self._left_out)} of output omitted; of {who}, at most "
            f"{rounded_size(kept)} are kept (JUPYTER_ETL_{name}_OUTPUT)."
        )


def size_of(value: object) -> int:
    """Return the size of a JSON value, in bytes of its texts."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, Mapping):
        return sum(size_of(key) + size_of(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return sum(size_of(inner) for inner in value)
    return _NUMBER_BYTES


def cut(text: str, size_bytes: int) -> str:
    """Return the beginning of a text, at most ``size_bytes`` long."""
    if size_of(text) <= size_bytes:
        return text
    return text.encode("utf-8", "surrogatepass")[:size_bytes].decode("utf-8", "ignore")


def append_text(text: str, more: str) -> str:
    """Append to the text of a stream; text overwritten after a carriage return is removed.

    A progress bar that is redrawn a thousand times is one line.

    Source:
        nbclient's ``coalesce_streams``, which treats whole streams in the same way.
    """
    if "\r" not in more and not text.endswith("\r"):
        return text + more
    head, newline, last = text.rpartition("\n")
    lines = (last + more).split("\n")
    return head + newline + "\n".join(_overwritten(line) for line in lines)


def cut_error(content: Mapping[str, object]) -> dict[str, object]:
    """Return an error with its texts cut to the size that is kept of an error."""
    frames = content.get("traceback")
    kept: list[str] = []
    room = ERROR_BYTES
    # The last frames show where the error occurred.
    for frame in reversed(frames if isinstance(frames, list) else []):
        if room <= 0:
            break
        kept.insert(0, cut(str(frame), room))
        room -= size_of(kept[0])
    value = cut(str(content.get("evalue", "")), ERROR_BYTES)
    name = cut(str(content.get("ename", "")), _NAME_BYTES)
    return {**content, "ename": name, "evalue": value, "traceback": kept}


def _overwritten(line: str) -> str:
    body = line.rstrip("\r")
    return body.rpartition("\r")[2] + line[len(body) :]
