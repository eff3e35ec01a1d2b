"""Operations: methods of routes, described by the signatures of the functions that perform them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect as kinds
from msgspec.structs import asdict

from jupyter_etl.language.commands.declarations import Request, body_type
from jupyter_etl.rest.requests import Nothing, parse_choice, parse_choices, parse_flag, parse_number


@dataclass(frozen=True, kw_only=True)
class QueryParameter:
    """A parameter of the query string.

    Args:
        kind: Its type, with the range and the description in a `msgspec.Meta`.
        default: `inspect.Parameter.empty` if it is required.
    """

    name: str
    kind: Any
    default: object

    def parse(self, texts: list[str]) -> object:
        """Convert the values of a request; raises `DeclarationError`."""
        text = texts[-1] if texts else ""
        kind = kinds.type_info(self.kind)
        match kind.type if isinstance(kind, kinds.Metadata) else kind:
            case kinds.IntType(ge=least, le=most):
                assert isinstance(self.default, int)  # noqa: S101 - else Operation refuses it
                return parse_number(
                    self.name, text, default=self.default, low=least or 0, high=most or 10**9
                )
            case kinds.BoolType():
                return parse_flag(self.name, text)
            case kinds.VarTupleType(item_type=kinds.EnumType(cls=choices)):
                return parse_choices(self.name, texts, choices)
            case kinds.EnumType(cls=choices) if text:
                return parse_choice(self.name, text, choices)
            case kinds.EnumType():
                return self.default
        return text


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A method of a route.

    The function's docstring is its summary, and its signature describes the rest:

    * ``etl`` is the facade; the function is then called in a thread.
    * ``contents`` translates between the paths of the file browser and files.
    * A parameter in the path is a number, or the name of the route's noun.
    * ``body`` is the JSON body of the request; without it the body must be empty.
    * A `Path` is a path of the file browser: a field of the body with its name, or a parameter of the
      query string. It is resolved before the ledger is opened.
    * All others are parameters of the query string.
    * The result is sent as JSON; a `str` is sent as plain text, and None as no content.

    Args:
        method: HTTP method in upper case.
        path: Template below the prefix.
        function: Performs the operation.
        status: Status of a successful response.
        answer: Type of the response, if the function returns it encoded.
        limited: If not empty, the function is called in a child process with limits of memory and
            time; this is the subject of error messages.
        slow: Whether it may wait for a source; it responds 504 if that takes too long.
        then_limited: Whether limited operations are likely to follow.
        send: Writes a response that is not JSON.
        responses: OpenAPI responses of such a response.
    """

    method: str
    path: str
    function: Callable[..., Any]
    status: int = 200
    answer: Any = None
    limited: str = ""
    slow: bool = False
    then_limited: bool = False
    send: Callable[[Any, Any], Awaitable[None]] | None = None
    responses: Mapping[str, object] = field(default_factory=dict)
    types: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        # The facade is imported when it is opened.
        names = {"Etl": object}
        types = get_type_hints(self.function, localns=names, include_extras=True)
        object.__setattr__(self, "types", types)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Call the function."""
        return self.function(*args, **kwargs)

    @property
    def id(self) -> str:
        """``listPipelines`` for a function ``list_pipelines``."""
        return re.sub(r"_(\w)", lambda found: found[1].upper(), self.function.__name__)

    @property
    def noun(self) -> str:
        """The noun of the route: ``pipeline``."""
        return self.path.split("/")[1].removesuffix("s")

    @property
    def returns(self) -> Any:
        """Type of the response."""
        return self.answer or self.types["return"]

    @property
    def body(self) -> type[msgspec.Struct]:
        """Type of the body; for a request of a command, the fields that a body may have."""
        kind: type[msgspec.Struct] = self.types.get("body", Nothing)
        return body_type(kind) if issubclass(kind, Request) else kind

    def request(self, body: msgspec.Struct, path: Mapping[str, object]) -> msgspec.Struct:
        """Return the body for the function; a request of a command gets the name in the path."""
        kind: type[msgspec.Struct] = self.types.get("body", Nothing)
        if not issubclass(kind, Request):
            return body
        names = {alias: value for name, value in path.items() for alias in (name, self.noun)}
        known = {name: value for name, value in names.items() if name in kind.__struct_fields__}
        return kind(**known, **asdict(body))

    @cached_property
    def in_path(self) -> Sequence[str]:
        """Names of the parameters in the path."""
        return re.findall(r"{(\w+)}", self.path)

    @cached_property
    def files(self) -> Sequence[str]:
        """Names of the paths of the file browser."""
        given = inspect.signature(self.function).parameters
        return [name for name in given if Path in (self.types[name], *get_args(self.types[name]))]

    @cached_property
    def query(self) -> Sequence[QueryParameter]:
        """The parameters of the query string."""
        special = {"etl", "contents", "body", *self.in_path, *self.body.__struct_fields__}
        return [
            QueryParameter(name=name, kind=_json_type(self.types[name]), default=given.default)
            for name, given in inspect.signature(self.function).parameters.items()
            if name not in special
        ]


def _json_type(kind: Any) -> Any:
    """Return the type in which a value is sent: text for a path."""
    if get_origin(kind) is Annotated:
        inner, *meta = get_args(kind)
        return Annotated[(_json_type(inner), *meta)]
    return str if kind is Path else kind


def _operation(method: str, path: str, **options: Any) -> Callable[[Callable[..., Any]], Operation]:
    return lambda function: Operation(method=method, path=path, function=function, **options)


get = partial(_operation, "GET")
post = partial(_operation, "POST")
delete = partial(_operation, "DELETE")
