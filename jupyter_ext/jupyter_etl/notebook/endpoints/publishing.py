"""Publishing queries and functions as endpoints."""

from __future__ import annotations

import inspect
import json
import sys
import tempfile
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import (
    DeclarationError,
    EtlError,
    NotFound,
    PermissionDenied,
    PublishError,
    user_code_boundary,
)
from jupyter_etl.language.names import parse_name
from jupyter_etl.language.notebooks.calls import calls_of
from jupyter_etl.model import (
    Endpoint,
    EndpointKind,
    PublicationKind,
    PublicationVersion,
    Staged,
)
from jupyter_etl.notebook.endpoints.lookups import endpoint_tables
from jupyter_etl.notebook.outputs import Published, hand_over
from jupyter_etl.ports import Channel
from jupyter_etl.runner.channel.client import RunnerChannel
from jupyter_etl.runner.folders import EXECUTED
from jupyter_etl.services.notebooks import read_notebook
from jupyter_etl.services.secrets import redactor_for
from jupyter_etl.services.serving.backend import FUNCTION_LOADER, function_options
from jupyter_etl.services.serving.worker_calls import answer_requests, result_text, sample_of
from jupyter_etl.services.settings import Settings
from jupyter_etl.serving.functions.capture import Captured, Part, SecretSearch, capture
from jupyter_etl.serving.queries.definition import define_query
from jupyter_etl.serving.queries.live_lookups import write_tables
from jupyter_etl.serving.workers.protocol import Answer, WorkerSpec

if TYPE_CHECKING:
    from jupyter_etl.notebook.session import DataSession

_MOST_SECRETS = 100


@dataclass(frozen=True, kw_only=True)
class PublishedFunction:
    """The result of `%%etl publish function`.

    Args:
        published: As for other outputs.
        parts: What was captured, in the order of the notebook's references.
    """

    published: Published
    parts: tuple[Part, ...]

    @property
    def endpoint(self) -> Endpoint:
        """What was published."""
        endpoint = self.published.staged.endpoint
        assert endpoint is not None  # noqa: S101 - of an endpoint
        return endpoint


def publish_query(
    data_session: DataSession,
    name: str,
    sql: str,
    *,
    key: Sequence[str] = (),
    limit: int = 1000,
    timeout_s: float = 30.0,
    memory_bytes: int = 1 << 30,
    workers: int = 1,
    keep_warm: bool = False,
    live: bool = False,
) -> Published:
    """Publish a query as an endpoint.

    Args:
        name: Dotted name of the publication: ``sales.by_customer``.
        sql: One SELECT over publications, with typed parameters: ``{{cust: int}}``.
        key: Columns that it is called by, which are indexed.
        limit: Maximum number of rows of a page.
        timeout_s: Time limit of a call in seconds.
        memory_bytes: Memory limit of a worker.
        workers: Number of worker processes.
        keep_warm: Whether the workers keep running without calls.
        live: Interactively, whether to publish the live version.

    Raises:
        DeclarationError: The query is not valid.
        PermissionDenied: The name belongs to another owner.
    """
    timezone = data_session.context.timezone
    found = define_query(
        sql, endpoint_tables(data_session.channel).schema, key=tuple(key), timezone=timezone
    )
    endpoint = Endpoint(
        kind=EndpointKind.QUERY,
        request_schema=found.request_schema,
        response_schema=found.response_schema,
        doc=found.doc,
        timeout_s=timeout_s,
        memory_bytes=memory_bytes,
        workers=workers,
        keep_warm=keep_warm,
        sql=found.sql,
        reads=found.reads,
        key=tuple(key),
        limit=limit,
    )
    return _publish(data_session, _staged(data_session, name, endpoint), live=live)


def publish_function(
    data_session: DataSession,
    name: str,
    function: object,
    *,
    samples: Sequence[str] = (),
    timeout_s: float = 30.0,
    memory_bytes: int = 1 << 30,
    workers: int = 1,
    keep_warm: bool = False,
    anyway: bool = False,
    live: bool = False,
) -> PublishedFunction:
    """Publish a function as an endpoint; its samples are called in a new process first.

    Args:
        name: Dotted name of the publication.
        function: A function with annotated parameters.
        samples: Requests as JSON objects; without any, the calls of the function with literal
            arguments in the notebook's next cells are used.
        timeout_s, memory_bytes, workers, keep_warm, live: As for `publish_query`.
        anyway: Whether values over 100 MB are captured, too.

    Raises:
        DeclarationError: The function cannot be an endpoint, or refers to something that cannot be
            captured.
        PublishError: A sample was not answered.
        PermissionDenied: The name belongs to another owner.
    """
    captured = capture(
        function,
        module_folders=[data_session.base],
        secret_in=_secret_search(data_session.channel),
        anyway=anyway,
    )
    requests = tuple(samples) or _calls(data_session, function)
    endpoint = replace(
        _endpoint(data_session, captured),
        timeout_s=timeout_s,
        memory_bytes=memory_bytes,
        workers=workers,
        keep_warm=keep_warm,
    )
    staged = _staged(data_session, name, endpoint)
    file = Path(staged.folder, "function.pickle")
    file.write_bytes(captured.payload)
    before = _live_endpoint(data_session, name)
    old = () if before is None else tuple(one.request for one in before.samples)
    answers = _try(data_session, endpoint, file, name, [*requests, *old])
    tried = [(request, *one) for request, one in zip([*requests, *old], answers, strict=True)]
    endpoint = replace(
        endpoint,
        samples=tuple(sample_of(name, *one) for one in tried[: len(requests)]),
        replayed=tuple(
            replace(one, response=result_text(answer), seconds=round(seconds, 6))
            for one, (_, answer, seconds) in zip(
                before.samples if before else (), tried[len(requests) :], strict=True
            )
        ),
    )
    published = _publish(data_session, replace(staged, endpoint=endpoint), live=live)
    return PublishedFunction(published=published, parts=captured.parts)


def _endpoint(data_session: DataSession, captured: Captured) -> Endpoint:
    tables = (
        endpoint_tables(data_session.channel).names() if "lookup" in captured.names else frozenset()
    )
    return Endpoint(
        kind=EndpointKind.FUNCTION,
        request_schema=json.dumps(captured.signature.request_schema),
        response_schema=json.dumps(captured.signature.response_schema),
        doc=captured.signature.doc,
        interpreter=sys.executable,
        python=captured.python,
        packages=captured.packages,
        code_hash=captured.code_hash,
        reads=tuple(sorted(captured.texts & tables)),
        secrets=_secret_names(captured),
    )


def _secret_search(channel: Channel) -> SecretSearch:
    """Return a search for the secrets of this user, and for those that a run has received."""
    redactor = redactor_for(Settings.from_env().home)
    if isinstance(channel, RunnerChannel):
        for value, name in channel.secrets.items():
            redactor.register(name, value)
    return redactor.name_in


def _secret_names(captured: Captured) -> tuple[str, ...]:
    """Return the texts of a function that may be names of secrets, if it asks for one."""
    if "secret" not in captured.names:
        return ()
    names = []
    for text in sorted(captured.texts):
        try:
            names.append(parse_name(text, what="secret"))
        except DeclarationError:
            continue
    return tuple(names[:_MOST_SECRETS])


def _try(
    data_session: DataSession, endpoint: Endpoint, file: Path, name: str, requests: Sequence[str]
) -> list[tuple[Answer, float]]:
    """Answer requests in a new worker."""
    with worker_options(data_session, endpoint) as options:
        spec = WorkerSpec(
            name=name,
            loader=FUNCTION_LOADER,
            payload=file,
            options=options,
            timeout_s=endpoint.timeout_s,
            memory_bytes=endpoint.memory_bytes,
        )
        with user_code_boundary(f"Calling the samples of {name!r}", PublishError):
            return answer_requests(spec, [request.encode() for request in requests])


@contextmanager
def worker_options(data_session: DataSession, endpoint: Endpoint) -> Iterator[dict[str, object]]:
    """Provide the options of a function's worker: the same tables and secrets as in a gateway."""
    tables = endpoint_tables(data_session.channel)
    with tempfile.TemporaryDirectory(prefix="jupyter-etl-") as folder:
        versions = Path(folder, "tables.json")
        write_tables(versions, {name: tables.copy(name) for name in endpoint.reads})
        yield function_options(
            endpoint,
            secrets=_secrets(data_session, endpoint),
            copies=tables.folder,
            tables=versions,
        )


def _secrets(data_session: DataSession, endpoint: Endpoint) -> dict[str, str]:
    found = {}
    for name in endpoint.secrets:
        try:
            found[name] = data_session.channel.secret(name)
        except (NotFound, PermissionDenied):
            continue
    return found


def _calls(data_session: DataSession, function: object) -> tuple[str, ...]:
    """Return the calls of a function in the saved notebook, as requests."""
    context = data_session.context
    # A run executes the notebook as it was deployed.
    notebook = context.notebook if context.id is None else Path(context.folder).parent / EXECUTED
    if not isinstance(function, types.FunctionType) or not notebook:
        return ()
    try:
        cells = json.loads(read_notebook(Path(notebook))[1])["cells"]
    except EtlError:
        return ()
    sources = ["".join(one["source"]) for one in cells if one["cell_type"] == "code"]
    return calls_of(sources, function.__name__, list(inspect.signature(function).parameters))


def _live_endpoint(data_session: DataSession, name: str) -> Endpoint | None:
    version = _live(data_session, name)
    return None if version is None else version.what.endpoint


def _live(data_session: DataSession, name: str) -> PublicationVersion | None:
    try:
        return data_session.channel.publication(name).live
    except NotFound:
        return None


def _staged(data_session: DataSession, name: str, endpoint: Endpoint) -> Staged:
    return Staged(
        name=parse_name(name, what="publication"),
        kind=PublicationKind.API,
        folder=str(data_session.channel.stage_folder(name)),
        key=endpoint.key,
        endpoint=endpoint,
    )


def _publish(data_session: DataSession, staged: Staged, *, live: bool) -> Published:
    endpoint = staged.endpoint
    for name in endpoint.reads if endpoint is not None else ():
        endpoint_tables(data_session.channel).report(name)
    return hand_over(data_session, staged, None, live=live)
