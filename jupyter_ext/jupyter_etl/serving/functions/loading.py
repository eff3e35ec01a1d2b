"""Loads a captured function and calls it. Nothing else loads its pickle."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import pickle
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from jupyter_etl.errors import DeclarationError, ExecutionError
from jupyter_etl.serving.functions.answers import JSON, CallFailed, function_failed, printable
from jupyter_etl.serving.functions.decoding import RequestDecoder
from jupyter_etl.serving.functions.encoding import ResultEncoder
from jupyter_etl.serving.functions.signature import Signature, is_coroutine, signature_of
from jupyter_etl.serving.workers.protocol import Answer

_MOST_TEXT = 2000


class LoadedFunction:
    """A function that answers requests.

    Its methods do not raise: an invalid request, and whatever the function raises, is an answer.

    Args:
        function: The function.
        hints: Resolved annotations of the function; None resolves them.
    """

    def __init__(self, function: Any, hints: Mapping[str, Any] | None = None) -> None:
        self.signature: Signature = signature_of(function, hints)
        self.is_async = is_coroutine(function)
        """Whether `call_async` may be awaited, with several calls in progress."""
        self._function = function
        self._requests = RequestDecoder(self.signature)
        self._results = ResultEncoder(self.signature.result)
        self._by_position = [one.name for one in self.signature.parameters if not one.by_name]

    def call(self, body: bytes, content_type: str) -> Answer:
        """Answer a request.

        A coroutine function is executed in an event loop of its own; use `call_async` if one is
        running.

        Args:
            body: An object with a field per parameter as JSON; or an Arrow stream, for a function
                whose only required parameter is a frame.
            content_type: Media type of the body; "" for JSON.

        Returns:
            ``{"result": ...}``, or an error: 400 not JSON, 413 too large, 415 another type, 422 not
            a valid request, 500 the function failed.
        """
        try:
            if self.is_async:
                return asyncio.run(self.call_async(body, content_type))
            result = self._call(self._requests.one(body, content_type))
            return _ok(self._results.body(result))
        except BaseException as problem:  # noqa: BLE001 - whatever the author's code raises
            return _failed(problem)

    async def call_async(self, body: bytes, content_type: str) -> Answer:
        """Answer a request with a coroutine function; see `call`.

        Raises:
            asyncio.CancelledError: The call was cancelled.
        """
        try:
            result = await self._await(self._requests.one(body, content_type))
            return _ok(self._results.body(result))
        except asyncio.CancelledError:
            raise
        except BaseException as problem:  # noqa: BLE001 - whatever the author's code raises
            return _failed(problem)

    def batch(self, body: bytes, content_type: str) -> Answer:
        """Answer several requests, in order.

        All requests are checked before the first call. If one is not valid or fails, there are no
        results; the path in the error begins with its index: ``$[3].age``.

        Args:
            body: A JSON array of requests; or an Arrow stream with a column per parameter.
            content_type: Media type of the body; "" for JSON.

        Returns:
            ``{"result": [...]}``, or an error as from `call`.
        """
        results: list[Any] = []
        try:
            calls = list(self._requests.many(body, content_type))
            if self.is_async:
                asyncio.run(self._await_each(calls, results))
            else:
                for arguments in calls:
                    results.append(self._call(arguments))
            return _ok(self._results.bodies(results))
        except BaseException as problem:  # noqa: BLE001 - whatever the author's code raises
            return _failed(problem, len(results))

    async def _await_each(self, calls: list[dict[str, Any]], results: list[Any]) -> None:
        for arguments in calls:
            results.append(await self._await(arguments))

    def _call(self, arguments: dict[str, Any]) -> Any:
        # By position as far as possible: a parameter may be positional-only.
        positional = []
        for name in self._by_position:
            if name not in arguments:
                break
            positional.append(arguments.pop(name))
        return self._function(*positional, **arguments)

    async def _await(self, arguments: dict[str, Any]) -> Any:
        result = self._call(arguments)
        return await result if inspect.isawaitable(result) else result


def load_function(payload: bytes) -> LoadedFunction:
    """Load a function that `capture` wrote.

    This executes what the payload contains: only a process that runs the author's code may do it.

    Raises:
        ExecutionError: The payload is damaged, or needs something that is not there.
    """
    try:
        unpickler = pickle.Unpickler(io.BytesIO(payload))  # noqa: S301 - see above
        for _ in range(unpickler.load()):
            unpickler.load()
        record = unpickler.load()
        for name, module in record["modules"].items():
            # A function may import it in its body.
            sys.modules.setdefault(name, module)
        for cls, hints in record["classes"]:
            # As text they would be looked up in a notebook, which is not there.
            cls.__annotations__ = {**vars(cls).get("__annotations__", {}), **hints}
        return LoadedFunction(record["function"], record["hints"])
    except DeclarationError:
        raise
    except BaseException as problem:
        _log(traceback.format_exc())
        raise ExecutionError(
            f"The function cannot be loaded: {_said(problem)}.",
            hint="Publish it again in this environment.",
        ) from problem


def _ok(body: bytes) -> Answer:
    return Answer(status=200, body=body, content_type=JSON)


def _failed(problem: BaseException, index: int | None = None) -> Answer:
    """Return the answer for an exception; the traceback goes to the log of the process."""
    if isinstance(problem, CallFailed):
        if problem.status >= 500:
            _log(f"{problem.message}\n")
        return problem.answer
    # Without the frame of this module.
    frames = problem.__traceback__ and problem.__traceback__.tb_next
    _log("".join(traceback.format_exception(type(problem), problem, frames)))
    path = "" if index is None else f"$[{index}]"
    where = f" for request {index}" if path else ""
    return function_failed(f"The function failed{where}: {_said(problem)}.", path=path).answer


def _log(text: str) -> None:
    # The author's code may have replaced or closed it.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(printable(text))


def _said(problem: BaseException) -> str:
    """Return the type and text of an exception."""
    try:
        text = " ".join(str(problem).split())
    except Exception:  # noqa: BLE001 - an exception of the author's own class
        text = ""
    said = f"{type(problem).__name__}: {text}" if text else type(problem).__name__
    return said[:_MOST_TEXT].rstrip(". ")
