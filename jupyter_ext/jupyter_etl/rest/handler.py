"""What all routes share: who may, what was asked, how it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from msgspec.structs import asdict
from tornado import web

from jupyter_etl.errors import EtlError, NotFound, StoreError
from jupyter_etl.language.commands.declarations import Request, body_type
from jupyter_etl.language.numbers import parse_id
from jupyter_etl.rest.errors import error_body, status_of
from jupyter_etl.rest.paths import relative_path, resolve_path
from jupyter_etl.rest.requests import parse_body, parse_flag, parse_number
from jupyter_etl.rest.service import EtlService

if TYPE_CHECKING:
    from jupyter_etl.services import Etl

_T = TypeVar("_T")
_R = TypeVar("_R", bound=Request)

SERVICE = "jupyter_etl_service"
"""Where the web application's settings hold the `EtlService`."""

MOST_ROWS = 1_000
"""Of one preview, and entries of one page."""


class EtlHandler(APIHandler):
    """A route under ``etl/v1/``.

    Every verb is authenticated and authorised for the resource ``jupyter_etl``, with the action
    that Jupyter Server gives to the verb.
    """

    auth_resource = "jupyter_etl"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Guard the verbs that a route has."""
        super().__init_subclass__(**kwargs)
        for verb in map(str.lower, cls.SUPPORTED_METHODS):
            if verb in vars(cls):
                setattr(cls, verb, web.authenticated(authorized(getattr(cls, verb))))

    @property
    def root(self) -> Path:
        """The folder that the file browser shows."""
        return Path(self.contents_manager.root_dir)

    def contents_file(self, path: str) -> Path:
        """Return the file behind a contents path; raises `NotFound`."""
        hidden = bool(self.contents_manager.allow_hidden)
        return resolve_path(self.root, path, allow_hidden=hidden)

    def contents_path(self, file: str) -> str | None:
        """Return the contents path of a file; None where it is outside."""
        return relative_path(self.root, file)

    def named(self, name: str, what: str) -> str:
        """Return a name out of the address; raises `NotFound` for one that nothing can have."""
        if not name.isprintable() or name.startswith(".") or set(name) & set("/\\"):
            raise NotFound(f"There is no {what} {name!r}.")
        return name

    def run_id(self, text: str) -> int:
        """Return a run's number out of the address; raises `NotFound` for anything else."""
        number = parse_id(text)
        if number is None:
            raise NotFound(f"There is no run {text!r}.", hint="Runs have numbers.")
        return number

    def body(self, kind: type[_T]) -> _T:
        """Return the checked body; raises `DeclarationError`, and 415 for anything but JSON."""
        raw = self.request.body
        said = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if raw and said != "application/json":
            raise web.HTTPError(415, "The body must be sent as application/json.")
        return parse_body(raw, kind)

    def request_body(self, kind: type[_R], **path: object) -> _R:
        """Return the request that the checked body makes; see `body`.

        Args:
            kind: Of the request.
            path: Its fields that the address gives.
        """
        return kind(**path, **asdict(self.body(body_type(kind))))

    def number(self, name: str, *, default: int, low: int = 0, high: int = 10**9) -> int:
        """Return a whole number of the query string; raises `DeclarationError`."""
        text = self.get_query_argument(name, "")
        return parse_number(name, text, default=default, low=low, high=high)

    def version(self) -> int | None:
        """Return the query string's ``version``, None where it is not given."""
        return self.number("version", default=0) or None

    def flag(self, name: str) -> bool:
        """Return a yes or no of the query string; raises `DeclarationError`."""
        return parse_flag(name, self.get_query_argument(name, ""))

    async def ask(self, function: Callable[[Etl], _T], *, slow: bool = False) -> _T:
        """Call the facade in a thread.

        Args:
            function: Receives the facade.
            slow: It may reach out to a source: 504 where that takes too long.
        """
        if not slow:
            return await self._service.call(function)
        with self._no_answer():
            return await self._service.call_bounded(function)

    async def look(self, function: Callable[..., object], what: str, **arguments: object) -> None:
        """Answer with what a function that reads data returns, as JSON.

        It is called in a child process with limits of memory and time.

        Args:
            function: One of `jupyter_etl.rest.previews`.
            what: Is read, as the subject of a message.
            arguments: Of the function; JSON values.
        """
        with self._no_answer():
            self.finish(await self._service.call_limited(function, arguments, what=what))

    def expect_looks(self) -> None:
        """Get ready for calls of `look`, which may follow."""
        self._service.expect_limited()

    @property
    def _service(self) -> EtlService:
        return cast("EtlService", self.settings[SERVICE])

    @contextmanager
    def _no_answer(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as problem:
            message = str(problem) or f"There was no response within {self._service.slow_s:g} s."
            raise web.HTTPError(504, message) from None

    async def answer(
        self, function: Callable[[Etl], object], *, status: int = 200, slow: bool = False
    ) -> None:
        """Answer with what a function of the facade returns, as JSON.

        Args:
            function: Receives the facade, in a thread.
            status: HTTP status of the answer.
            slow: As `ask`.
        """
        text = await self.ask(
            lambda etl: etl.redacted_answer(msgspec.json.encode(function(etl)).decode()), slow=slow
        )
        self.set_status(status)
        self.finish(text)

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer an error; one of ours has a status of its own."""
        problem = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(problem, EtlError):
            status_code = status_of(problem)
        super().send_error(status_code, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write ``{"error": {"type", "message", "hint"}}``."""
        problem = kwargs.get("exc_info", (None, None, None))[1]
        text = msgspec.json.encode(error_body(status_code, problem)).decode()
        self.finish(self._service.redacted(text))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log an error of ours as one line: it was foreseen, and its trace tells nothing."""
        if isinstance(value, StoreError):
            self.log.warning("%s", self._service.redacted(f"{self.request.path}: {value}"))
        elif isinstance(value, EtlError):
            self.log.info("%s", self._service.redacted(f"{self.request.path}: {value}"))
        else:
            super().log_exception(typ, value, tb)
