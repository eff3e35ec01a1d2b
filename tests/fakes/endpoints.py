"""What workers run in the tests: code that arrives with each call."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from jupyter_etl.errors import ExecutionError
from jupyter_etl.serving.workers.protocol import Answer


class Endpoint:
    """Executes the body, and answers with its ``result``."""

    def call(self, body: bytes, content_type: str) -> Answer:
        names: dict[str, Any] = {"os": os, "content_type": content_type}
        exec(body, names)  # noqa: S102 - a text of a test
        result = names.get("result")
        return result if isinstance(result, Answer) else Answer(200, json.dumps(result).encode())

    def batch(self, body: bytes, content_type: str) -> Answer:
        codes = json.loads(body)
        results = [json.loads(self.call(code.encode(), content_type).body) for code in codes]
        return Answer(200, json.dumps(results).encode())


class AsyncEndpoint(Endpoint):
    """Executes the body in a coroutine, which returns the result."""

    is_coroutine = True

    async def call_async(self, body: bytes, content_type: str) -> Answer:
        names: dict[str, Any] = {"os": os, "asyncio": asyncio}
        exec(f"async def function():\n    {body.decode()}", names)  # noqa: S102 - see above
        return Answer(200, json.dumps(await names["function"]()).encode())

    async def batch_async(self, body: bytes, content_type: str) -> Answer:
        answers = [await self.call_async(code.encode(), content_type) for code in json.loads(body)]
        return Answer(200, json.dumps([json.loads(one.body) for one in answers]).encode())


def load(payload: bytes, **options: object) -> Endpoint:
    """Execute the payload first."""
    exec(payload, {"os": os, "ExecutionError": ExecutionError, "Path": Path, "options": options})  # noqa: S102
    return Endpoint()


def load_async(payload: bytes) -> AsyncEndpoint:
    """The same for coroutine functions."""
    return AsyncEndpoint()
