"""The handler of all routes: authorization, arguments, responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_etl.errors import EtlError, NotFound, StoreError
from jupyter_etl.language.numbers import parse_id
from jupyter_etl.rest.errors import error_body
from jupyter_etl.rest.operation import Operation
from jupyter_etl.rest.paths import Contents
from jupyter_etl.rest.requests import parse_body
from jupyter_etl.rest.service import EtlService

if TYPE_CHECKING:
    from jupyter_etl.services import Etl

_T = TypeVar("_T")

SERVICE = "jupyter_etl_service"
"""Key of the `EtlService` in the web application's settings."""


def _verb() -> Callable[..., Awaitable[None] | None]:
    """Return a method that performs an operation, guarded by its own authorization.

    `authorized` keeps the action of the first request, so each method needs its own.
    """

    async def verb(self: EtlHandler, *path: str) -> None:
        await self.perform(*path)

    return web.authenticated(authorized(verb))


class EtlHandler(APIHandler):
    """A route under ``etl/v1/``.

    Every method is authenticated and authorized for the resource ``jupyter_etl``, with the action
    that Jupyter Server assigns to the method.
    """

    auth_resource = "jupyter_etl"
    get, post, delete = _verb(), _verb(), _verb()

    def initialize(self, operations: Mapping[str, Operation]) -> None:
        """Set the operations of the route, by method."""
        super().initialize()
        self._operations = operations

    async def perform(self, *path: str) -> None:
        """Perform the operation of the request's method; 405 if there is none."""
        operation = self._operations.get(self.request.method)
        if operation is None:
            raise web.HTTPError(405)
        given = self._arguments(operation, path)
        if operation.then_limited:
            self._service.expect_limited()
        if operation.limited:
            what = operation.limited.format(**given)
            with self._no_answer():
                work = self._service.call_limited(operation.function, given, what=what)
                self.finish(await work)
            return
        if "etl" in operation.types:
            call = partial(self._call, operation, given)
            answer = await self._ask(call, slow=operation.slow)
        else:
            answer = _encoded(operation, operation(**given))
        self.set_status(operation.status)
        if operation.send is not None:
            await operation.send(self, answer)
        elif operation.returns is str:
            self.finish(answer, set_content_type="text/plain; charset=utf-8")
        else:
            self.finish(answer)

    @staticmethod
    def _call(operation: Operation, given: Mapping[str, object], etl: Etl) -> object:
        answer = _encoded(operation, operation(etl=etl, **given))
        return etl.redacted_answer(answer) if isinstance(answer, str) else answer

    def _arguments(self, operation: Operation, path: tuple[str, ...]) -> dict[str, object]:
        """Return the function's arguments; raises `EtlError`, and 415 if the body is not JSON."""
        given: dict[str, object] = {}
        for name, text in zip(operation.in_path, path, strict=True):
            is_run = operation.types[name] is int
            given[name] = _run_id(text) if is_run else _name(text, operation.noun)
        body: msgspec.Struct | None = None
        if operation.method != "GET":
            body = operation.request(self._body(operation.body), given)
        if "body" in operation.types:
            given["body"] = body
        for parameter in operation.query:
            texts = self.get_query_arguments(
                parameter.name, strip=parameter.name not in operation.files
            )
            given[parameter.name] = parameter.parse(texts)
        manager = self.contents_manager
        contents = Contents(root=Path(manager.root_dir), allow_hidden=bool(manager.allow_hidden))
        for name in operation.files:
            shown = given[name] if name in given else getattr(body, name)
            given[name] = None if shown is None else contents.file(str(shown))
        return given | ({"contents": contents} if "contents" in operation.types else {})

    def _body(self, kind: type[_T]) -> _T:
        raw = self.request.body
        said = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if raw and said != "application/json":
            raise web.HTTPError(415, "The body must be sent as application/json.")
        return parse_body(raw, kind)

    async def _ask(self, function: Callable[[Etl], _T], *, slow: bool) -> _T:
        if not slow:
            return await self._service.call(function)
        with self._no_answer():
            return await self._service.call_bounded(function)

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

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Send an error response, with the status that belongs to an error of the platform."""
        problem = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(problem, EtlError):
            status_code = problem.http_status
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
        """Log an error of the platform on one line: it was expected, and needs no traceback."""
        if isinstance(value, StoreError):
            self.log.warning("%s", self._service.redacted(f"{self.request.path}: {value}"))
        elif isinstance(value, EtlError):
            self.log.info("%s", self._service.redacted(f"{self.request.path}: {value}"))
        else:
            super().log_exception(typ, value, tb)


def _encoded(operation: Operation, answer: object) -> object:
    """Return a result in the form in which it is sent."""
    if answer is None or operation.send is not None or operation.returns is str:
        return answer
    return msgspec.json.encode(answer).decode()


def _name(text: str, noun: str) -> str:
    """Return a name in the path; raises `NotFound` for an invalid one."""
    if not text.isprintable() or text.startswith(".") or set(text) & set("/\\"):
        raise NotFound(f"There is no {noun} {text!r}.")
    return text


def _run_id(text: str) -> int:
    """Return the id of a run in the path; raises `NotFound` for anything else."""
    number = parse_id(text)
    if number is None:
        raise NotFound(f"There is no run {text!r}.", hint="Runs have numbers.")
    return number
