"""``python -m jupyter_etl.services.processes.attempt FOLDER``: a process that makes one attempt."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from jupyter_etl.errors import Conflict
from jupyter_etl.model import Outcome, PublicationKind
from jupyter_etl.ports import Publisher
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.attempt import run_attempt
from jupyter_etl.runner.bounded_log import bounded_log
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.folders import LOG, load_claim
from jupyter_etl.runner.kernel.forked_kernel import ForkedKernel
from jupyter_etl.runner.warm.environment import take_over
from jupyter_etl.runner.warm.prestarted_kernel import PrestartedKernel, has_startup_code
from jupyter_etl.scheduling.attempt_policy import StandardAttemptPolicy
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.plugins import block_names
from jupyter_etl.services.processes.lineage_events import record_end, record_start
from jupyter_etl.services.processes.warm_up import Script, warm_up
from jupyter_etl.services.reading import publisher_for
from jupyter_etl.services.secrets import known_secrets
from jupyter_etl.system.processes import adopt_orphans

_KINDS = {kind.value for kind in PublicationKind}


class Attempting:
    """What every attempt needs, created before the attempt is known.

    Args:
        forked_kernel: Becomes the kernel if possible; None for a cold start.
        script: The script that `warm_up` runs.

    Raises:
        StoreError: The ledger cannot be opened.
    """

    def __init__(
        self, forked_kernel: ForkedKernel | None = None, *, script: Script | None = None
    ) -> None:
        skip_slow_import()
        self._script = script
        self._forked_kernel = forked_kernel
        # The user's code needs the time zone and the folder of the run.
        self._prestarted = (
            PrestartedKernel(forked_kernel)
            if forked_kernel is not None and not has_startup_code()
            else None
        )
        # papermill warns about every parameter that %etl declares instead of a tagged cell.
        logging.getLogger("papermill").setLevel(logging.ERROR)
        logging.basicConfig(
            level=logging.INFO,
            format="%(asctime)s %(levelname)s %(message)s",
            datefmt="%Y-%m-%d %H:%M:%S %z",
        )
        self._etl = Etl.open()
        # Connections are reopened when they are needed, which may be much later.
        self._etl.store.close()
        self._publishers = load_publishers()

    def warm_up(self) -> None:
        """Execute an empty run to warm up."""
        prestarted = self._prestarted
        if prestarted is not None and not prestarted.why_not and self._script is not None:
            warm_up(self._script, self._etl, prestarted, self._make)

    def run(self, folder: Path) -> int:
        """Make the attempt that the context file in a folder describes.

        Args:
            folder: Folder of the attempt, created by the executor.

        Returns:
            Exit code: 0 succeeded, 1 any other recorded outcome, 3 refused a second start.
        """
        if self._prestarted is None and self._forked_kernel is not None:
            self._prestarted = PrestartedKernel(self._forked_kernel)
        with bounded_log(folder / LOG):
            return self._make(folder, etl=self._etl, kernel=self._prestarted)

    def dismiss(self) -> None:
        """Release all resources."""
        if self._prestarted is not None:
            self._prestarted.dismiss()

    def _make(self, folder: Path, *, etl: Etl, kernel: PrestartedKernel | None) -> int:
        try:
            record_start(etl, folder)
            context = AttemptContext(
                claim=load_claim(folder),
                folder=folder,
                store=etl.store,
                clock=etl.clock,
                lake=etl.lake,
                publishers=self._publishers,
                heartbeat_s=etl.settings.heartbeat_s,
                lease_s=etl.settings.lease_s,
                secret=etl.secret,
                redactor=Redactor(lambda: known_secrets(etl.settings.home)),
                limits=etl.settings.limits,
                kernel=kernel,
            )
            report = run_attempt(context, StandardAttemptPolicy(store=etl.store))
            record_end(etl, folder, report)
        except Conflict as refused:
            logging.getLogger(__name__).warning("This attempt is not ours: %s", refused)
            return 3
        finally:
            etl.close()
        return 0 if report.outcome is Outcome.SUCCEEDED else 1


def load_publishers() -> dict[PublicationKind, Publisher]:
    """Return the publishers that commit the outputs of a run, by kind."""
    return {
        PublicationKind(name): publisher_for(PublicationKind(name))
        for name in block_names("publisher")
        if name in _KINDS
    }


def skip_slow_import() -> None:
    """Prevent ``import nbformat`` from compiling 39 grammars, which is slower than most notebooks.

    jsonschema imports rfc3987_syntax, if it is installed, to check the format ``iri``; it works
    without this package. No notebook schema uses that format.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None forbids the import


if __name__ == "__main__":
    take_over()
    adopt_orphans()
    sys.exit(Attempting().run(Path(sys.argv[1])))
