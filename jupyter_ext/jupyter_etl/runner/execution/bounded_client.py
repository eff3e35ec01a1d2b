"""Papermill's client with a limit on the output that is kept of a cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellExecutionError
from papermill.clientwrap import PapermillNotebookClient

from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.execution.expected_errors import TAG
from jupyter_etl.runner.execution.kernel_manager import EtlKernelManager
from jupyter_etl.runner.execution.output_limits import (
    OutputCaps,
    append_text,
    cut,
    cut_error,
    size_of,
)
from jupyter_etl.runner.kernel.exits import EXIT, MENTIONS_EXIT, Exit, exit_of, kernel_code
from jupyter_etl.runner.kernel.output import LEFT_OUT
from jupyter_etl.runner.redacted_output import StreamRedactor

_SHOWN = frozenset({"stream", "display_data", "execute_result", "update_display_data"})
_CUT = frozenset({"stream", "error"})
"""Messages that are cut to the available room, instead of dropped as a whole."""

_MAX_MESSAGE_BYTES = 32_000_000
_MAX_MERGED_BYTES = 1_000_000

REST_S = 120
"""Seconds that the output of a cell may still take to arrive after the cell has ended.

Only a lost message is waited for in vain; on a busy machine nbclient's 4 s are not enough.
"""


class CappedNotebookClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """Limits the output kept of each cell and of the run, and adds a notice of omitted output.

    Streams, display data, errors and the state of widgets count by their size. Consecutive texts of
    one stream are one output.

    Args:
        caps: Counts the output.
        address_space_bytes: Limit of the kernel's address space; None for no limit.
        group: The control group in which the kernel is started; None for this process's own.
        socket_folder: Private folder for the kernel's sockets.
        redactor: Removes secrets from the output; None if there are none.
        options: Options of papermill's client.

    Attributes:
        ended: The exit that the notebook requested; None if it requested none.
    """

    km: Any
    kc: Any

    def __init__(
        self,
        manager: Any,
        *,
        caps: OutputCaps,
        address_space_bytes: int | None,
        socket_folder: Path,
        group: Path | None = None,
        redactor: Redactor | None = None,
        **options: Any,
    ) -> None:
        super().__init__(manager, **{"iopub_timeout": REST_S, **options})
        self._caps = caps
        self._address_space_bytes = address_space_bytes
        self._group = group
        self._socket_folder = socket_folder
        self._redactor = redactor or Redactor()
        self._streams = StreamRedactor(self._redactor)
        self._widget_sizes: dict[str, int] = {}
        self.ended: Exit | None = None
        # nbclient sets this at the first cell, but a gate may read it before.
        self.clear_before_next_output = False

    def create_kernel_manager(self) -> Any:
        """Create a manager whose kernels have limits, and whose clients use this client's gate."""
        self.km = EtlKernelManager(kernel_name=self.kernel_name, config=self.config)
        self.km.address_space_bytes = self._address_space_bytes
        self.km.group = self._group
        self.km.socket_folder = self._socket_folder
        self.km.gate = self.admits
        return self.km

    def execute(self, **kwargs: Any) -> Any:
        """Execute all cells, until one fails or ends the notebook."""
        self.reset_execution_trackers()
        with self.setup_kernel(**kwargs):
            self.nb.metadata["language_info"] = self.kc.info["language_info"]
            self.prepare_kernel()
            self.papermill_execute_cells()
            self.set_widgets_metadata()
        return self.nb

    def prepare_kernel(self) -> None:
        """Set up quick exits of an IPython kernel, and ``exit()`` if the notebook may call it."""
        if self.kc.info.get("implementation") == "ipython":
            may_exit = any(MENTIONS_EXIT.search(cell.source) for cell in self.nb.cells)
            code = kernel_code(may_exit=may_exit)
            self.wait_for_reply(self.kc.execute(code, silent=True, store_history=False))

    def papermill_execute_cells(self) -> None:
        """Execute each cell as papermill does, until one ends the notebook."""
        for index, cell in enumerate(self.nb.cells):
            try:
                self.nb_man.cell_start(cell, index)
                self.execute_cell(cell, index)
            except CellExecutionError as problem:
                self.nb_man.cell_exception(cell, cell_index=index, exception=problem)
                return
            finally:
                self.nb_man.cell_complete(cell, cell_index=index)
            if self.ended is not None:
                return

    def execute_cell(self, cell: Any, cell_index: int, **kwargs: Any) -> Any:
        """Execute one cell; a notice of omitted output is appended to its outputs."""
        self._caps.begin_cell()
        try:
            return super().execute_cell(cell, cell_index, **kwargs)
        finally:
            self._show_rest(cell, cell_index)
            self._remark(cell, self._caps.notice())
            if self.ended is not None and not self.ended.failure:
                self._remark(cell, self.ended.message())

    @staticmethod
    def _remark(cell: Any, text: str) -> None:
        if text:
            node: Any = nbformat.NotebookNode
            said = f"[etl] {text}\n"
            cell.outputs.append(node(output_type="stream", name="stderr", text=said))

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Process a message of the kernel for a cell, after removing secrets from it."""
        if msg["msg_type"] == LEFT_OUT:
            self._caps.leave_out(msg["content"]["size_bytes"])
            return None
        if self._redactor.is_active:
            kind = msg["msg_type"]
            content = self._redactor.redact_message(kind, msg["content"])
            if kind == "stream":
                content["text"] = self._streams.feed(content["name"], content["text"])
                if not content["text"]:
                    return None
            buffers = list(map(self._redactor.redact_bytes, map(bytes, msg.get("buffers") or ())))
            msg = {**msg, "content": content, "buffers": buffers}
        return super().process_message(msg, cell, cell_index)

    async def _check_raise_for_error(
        self, cell: Any, cell_index: int, exec_reply: dict[str, Any] | None
    ) -> None:
        """Raise the error of a cell; the reply repeats the error of the outputs."""
        if exec_reply is not None:
            content = self._redactor.redact_message("execute_reply", exec_reply["content"])
            exec_reply = {**exec_reply, "content": content}
            may_raise = TAG in cell.metadata.get("tags", ())
            self.ended = exit_of(content, may_raise=may_raise)
            if self.ended is not None:
                self._end(cell, self.ended)
                return
        await super()._check_raise_for_error(cell, cell_index, exec_reply)

    @staticmethod
    def _end(cell: Any, ended: Exit) -> None:
        """Show how a notebook ended the run, and raise an error if that is a failure."""
        shown = [one for one in cell.outputs if one.get("ename") != "SystemExit"]
        cell.outputs = shown
        if ended.failure:
            text = f"SystemExit: {ended.failure}"
            error = {"ename": "SystemExit", "evalue": ended.failure, "traceback": [text]}
            node: Any = nbformat.NotebookNode
            cell.outputs.append(node(output_type="error", **error))
            raise CellExecutionError.from_cell_and_msg(cell, error)

    def _show_rest(self, cell: Any, cell_index: int) -> None:
        """Show the ends of streams that were kept back because they could have begun a secret."""
        for name, text in self._streams.rest().items():
            kind = {"msg_type": "stream"}
            content = {"name": name, "text": text}
            msg = {**kind, "header": kind, "parent_header": {}, "content": content}
            shown = self.output(cell.outputs, msg, None, cell_index)
            if shown:
                self.log_output_message(shown)

    def output(
        self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> Any:
        """Append an output, as far as there is room."""
        kind, content = msg["msg_type"], msg["content"]
        if kind == "error" and content.get("ename") == EXIT:
            return None
        hooked = bool(self.output_hook_stack[msg["parent_header"].get("msg_id")])
        if self.clear_before_next_output and not hooked:
            self._caps.clear()
        if kind == "stream":
            return self._stream(outs, msg, display_id, cell_index, hooked=hooked)
        if kind == "error":
            msg["content"] = cut_error(content)
            self._caps.leave_out(size_of(content) - size_of(msg["content"]))
            self._caps.keep(size_of(msg["content"]))
        elif not self._takes(size_of(content.get("data", {}))):
            return None
        return super().output(outs, msg, display_id, cell_index)

    def clear_output(self, outs: list[Any], msg: dict[str, Any], cell_index: int) -> None:
        """Clear a cell's outputs, now or with the next output."""
        self._streams.rest()
        super().clear_output(outs, msg, cell_index)
        if not outs:
            self._caps.clear()

    def handle_comm_msg(self, outs: list[Any], msg: dict[str, Any], cell_index: int) -> None:
        """Update a widget; its state counts each time it grows."""
        name = msg["content"]["comm_id"]
        size = size_of(msg["content"].get("data", {})) + sum(map(len, msg.get("buffers", ())))
        if self._takes(max(0, size - self._widget_sizes.get(name, 0))):
            self._widget_sizes[name] = max(size, self._widget_sizes.get(name, 0))
            super().handle_comm_msg(outs, msg, cell_index)

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        size = size_of(msg["content"].get("data", {}))
        shown = self._display_id_map.get(display_id, {})
        growth = sum(
            size - size_of(self.nb["cells"][cell]["outputs"][at]["data"])
            for cell, places in shown.items()
            for at in places
        )
        if self._takes(growth):
            super()._update_display_id(display_id, msg)

    def _stream(
        self,
        outs: list[Any],
        msg: dict[str, Any],
        display_id: str | None,
        cell_index: int,
        *,
        hooked: bool,
    ) -> Any:
        content = msg["content"]
        text = cut(content["text"], self._caps.room)
        self._caps.leave_out(size_of(content["text"]) - size_of(text))
        if not text:
            return None
        last: Any = outs[-1] if outs and not self.clear_before_next_output and not hooked else None
        mergeable = (
            last is not None
            and last["output_type"] == "stream"
            and last["name"] == content["name"]
            and len(last["text"]) < _MAX_MERGED_BYTES
        )
        if mergeable:
            before = len(last["text"])
            last["text"] = append_text(last["text"], text)
            # If nothing was overwritten, all of it is new.
            grown = len(last["text"]) - before
            self._caps.keep(size_of(text) if grown == len(text) else grown)
            # Papermill then logs only the new piece, not the text that it was appended to.
            node: Any = nbformat.NotebookNode
            return node(output_type="stream", name=content["name"], text=text)
        msg["content"] = {**content, "text": append_text("", text)}
        self._caps.keep(size_of(msg["content"]["text"]))
        return super().output(outs, msg, display_id, cell_index)

    def _takes(self, size_bytes: int) -> bool:
        """Count an output as kept, or as left out if there is no room for it."""
        if size_bytes > self._caps.room:
            self._caps.leave_out(size_bytes)
            return False
        self._caps.keep(size_bytes)
        return True

    def admits(self, kind: str, size_bytes: int) -> bool:
        """Return whether a message should be decoded."""
        largest = _MAX_MESSAGE_BYTES
        if kind not in _CUT:
            largest = min(largest, self._caps.largest_message)
        wanted = size_bytes <= largest
        if kind in _SHOWN and self._caps.room == 0 and not self.clear_before_next_output:
            wanted = False
        if not wanted:
            self._caps.leave_out(size_bytes)
        return wanted
