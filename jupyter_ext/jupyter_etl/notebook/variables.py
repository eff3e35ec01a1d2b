"""Saving and restoring of the notebook's variables, on request of the runner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.notebook.kernel_state import channel, remembered
from jupyter_etl.runner.channel.client import RunnerChannel
from jupyter_etl.runner.checkpoints.variables import keep_names, restore_names
from jupyter_etl.services.secrets import known_values
from jupyter_etl.services.settings import Settings

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def keep(shell: InteractiveShell, folder: str, *, limit_bytes: int) -> None:
    """Save the variables of the notebook in a folder; see `keep_names`.

    Args:
        limit_bytes: Maximum total size.
    """
    manager = shell.extension_manager
    keep_names(
        shell.user_ns,
        Path(folder),
        hidden=shell.user_ns_hidden,
        secrets=known_values(Settings.from_env().home) | _received_secrets(),
        limit_bytes=limit_bytes,
        extensions=manager.loaded if manager is not None else (),
        queries=remembered().queries,
    )


def _received_secrets() -> frozenset[str]:
    """Return the secret values that the runner has sent to this kernel."""
    line = channel()
    return frozenset(line.secrets) if isinstance(line, RunnerChannel) else frozenset()


def restore(shell: InteractiveShell, folder: str) -> None:
    """Restore what `keep` saved into this kernel: variables, named queries, IPython extensions."""
    restored = restore_names(shell.user_ns, Path(folder))
    for source, named in restored.queries.items():
        remembered().named(source).update(named)
    for extension in restored.extensions:
        shell.run_line_magic("load_ext", extension)
