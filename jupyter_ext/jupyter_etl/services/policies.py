"""Construction of the policy of a pipeline or run from a request."""

from __future__ import annotations

from dataclasses import fields, replace
from enum import StrEnum

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.runs import RunRequest
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.model import Policy


def make_policy(kept: Policy, request: ScheduleRequest | RunRequest) -> Policy:
    """Return a policy with the values of a request; values that it does not set are kept.

    Fields have the same names as in `Policy`; ``cold`` is the opposite of ``warm``. Mappings are
    merged.

    Raises:
        DeclarationError: A value is not one of its choices.
    """
    given: dict[str, object] = {"warm": False} if request.cold else {}
    for field in fields(Policy):
        value, present = getattr(request, field.name, None), getattr(kept, field.name)
        if value is None or value is False:
            continue
        if isinstance(present, StrEnum):
            value = _choice(type(present), value, field.name)
        elif isinstance(present, dict):
            value = {**present, **value}
        given[field.name] = value
    return replace(kept, **given)  # type: ignore[arg-type]  # each has the type of its field


def _choice(kind: type[StrEnum], value: object, name: str) -> StrEnum:
    try:
        return kind(str(value))
    except ValueError:
        allowed = ", ".join(member.value for member in kind)
        raise DeclarationError(f"{name} is {value!r}; it must be one of: {allowed}.") from None
