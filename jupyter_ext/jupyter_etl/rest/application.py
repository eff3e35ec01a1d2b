"""The application that Jupyter Server loads."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Unicode, default

from jupyter_etl.rest.handler import SERVICE
from jupyter_etl.rest.kernel_notebooks import KernelNotebooks
from jupyter_etl.rest.routes import tornado_rules
from jupyter_etl.rest.service import EtlService
from jupyter_etl.rest.watcher import RUN_EVENT, RunWatcher

if TYPE_CHECKING:
    from jupyter_etl.services import Etl
    from jupyter_etl.services.limited_etl import LimitedEtl
    from jupyter_etl.services.settings import Settings

_EVENTS = Path(__file__).parent / "events"


def _children() -> LimitedEtl:
    from jupyter_etl.services.limited_etl import LimitedEtl

    return LimitedEtl("jupyter_etl.rest.previews")


class EtlExtensionApp(ExtensionApp):
    """Routes and events of jupyter-etl in a Jupyter server.

    Settings that are not configured are read from the environment: ``JUPYTER_ETL_HOME``,
    ``_LEDGER``, ``_LAKE``, ``_AUTOSTART``.
    """

    name = "jupyter_etl"
    load_other_extensions = True

    _notebooks: KernelNotebooks | None = None
    _watcher: RunWatcher | None = None
    _starting: asyncio.Task[None] | None = None

    home = Unicode("", help="Folder of ledger, lake, runs and secrets.").tag(config=True)
    ledger = Unicode("", help="SQLAlchemy URL of the ledger.").tag(config=True)
    lake = Unicode("", help="Folder or fsspec URL under which outputs lie.").tag(config=True)
    autostart = Bool(
        None, allow_none=True, help="Start a scheduler when none is alive (default: yes)."
    ).tag(config=True)

    @default("config_file_name")
    def _config_file_name_default(self) -> str:
        return "jupyter_etl_config"

    def load_settings(self) -> Settings:
        """Return the settings of the configuration; they do not change later.

        Raises:
            DeclarationError: An environment variable has an invalid value.
        """
        from jupyter_etl.services.settings import Settings

        return Settings.from_env(
            home=self.home, ledger=self.ledger, lake=self.lake, autostart=self.autostart
        )

    def initialize_settings(self) -> None:
        """Provide the unopened facade to the routes, register the events, and follow sessions."""
        self.settings[SERVICE] = EtlService(self._open_etl, children=_children())
        self.settings["event_logger"].register_event_schema(_EVENTS / "run.yaml")
        if self.serverapp is not None:
            root = Path(getattr(self.serverapp.contents_manager, "root_dir", ""))
            self._notebooks = KernelNotebooks(self.serverapp.session_manager, root, self.log)
            self._notebooks.follow()

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(tornado_rules())

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Start the background tasks once the server accepts requests."""
        service = serverapp.web_app.settings[SERVICE]
        emit = partial(self._emit, serverapp.event_logger)
        self._watcher = RunWatcher(service, emit, self.log)
        self._watcher.start()
        self._starting = asyncio.create_task(self._start_scheduler(service))

    async def stop_extension(self) -> None:
        """Close the ledger; the scheduler and its runs continue."""
        if self._starting is not None:
            self._starting.cancel()
        if self._notebooks is not None:
            self._notebooks.forget()
        if self._watcher is not None:
            await self._watcher.stop()
        if self.serverapp is not None:
            service: EtlService = self.serverapp.web_app.settings[SERVICE]
            await service.close()

    async def _start_scheduler(self, service: EtlService) -> None:
        """Start a detached scheduler if autostart is set and no scheduler is alive."""
        try:
            wanted = self.autostart
            if wanted is None:
                wanted = (await asyncio.to_thread(self.load_settings)).autostart
            if wanted and await service.call(lambda etl: etl.start_scheduler()):
                self.log.info("jupyter-etl: a scheduler was started.")
        except Exception:
            self.log.exception("jupyter-etl: no scheduler was started. Run: jupyter etl up")

    def _open_etl(self) -> Etl:
        from jupyter_etl.services import Etl

        return Etl.open(self.load_settings())

    def _emit(self, event_logger: Any, data: dict[str, Any]) -> None:
        event_logger.emit(schema_id=RUN_EVENT, data=data)
