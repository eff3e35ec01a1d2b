"""What a redeployment keeps, resets and changes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import SequenceMatcher

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import Surface, arguments_on
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.durations import format_duration
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.notebooks.notebook import Outline
from jupyter_etl.language.schedules.schedule import format_schedule
from jupyter_etl.language.sizes import format_size
from jupyter_etl.model import Pipeline, Policy, Schedule

_FIELDS = {one.name for one in fields(Policy)}
_POLICY = {
    **{
        option.label.removeprefix("--"): option.name
        for option in arguments_on(Surface.CLI, ScheduleRequest)
        if option.name in _FIELDS
    },
    "cold": "warm",
    "parallel": "parallel",
}
"""Names of the policy fields for ``--reset``."""

_PARAMETER = "param."

RESETS = ("all", "schedule", "param", *_POLICY)
"""Values of ``--reset``, in addition to ``param.NAME`` for one parameter."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The values that a deployment starts from.

    Args:
        schedule: The schedule of the deployed pipeline; None without one.
        parameters: Deployed values of parameters that the notebook still declares.
        policy: The policy of the deployed pipeline, or the default.
    """

    schedule: Schedule | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)


def kept_from(before: Pipeline | None, outline: Outline, reset: Sequence[str]) -> Kept:
    """Return the values that a deployment keeps unless they are given.

    Args:
        before: The deployed pipeline; None for a new one.
        reset: Options to reset to their default, see `RESETS`.

    Raises:
        DeclarationError: An option in ``reset`` does not exist.
    """
    given = set() if before is None else set(before.parameters)
    for name in reset:
        _check_reset(name, given)
    if before is None or "all" in reset:
        return Kept()
    declared = {parameter.name for parameter in outline.parameters}
    gone = {name.removeprefix(_PARAMETER) for name in reset if name.startswith(_PARAMETER)}
    default = Policy()
    defaults = {_POLICY[name]: getattr(default, _POLICY[name]) for name in reset if name in _POLICY}
    return Kept(
        schedule=None if "schedule" in reset else before.schedule,
        parameters={
            name: value
            for name, value in before.parameters.items()
            if name in declared and name not in gone and "param" not in reset
        },
        policy=replace(before.policy, **defaults),
    )


def _check_reset(name: str, parameters: Collection[str]) -> None:
    if name in RESETS:
        return
    if name.startswith(_PARAMETER):
        parameter = name.removeprefix(_PARAMETER)
        if parameter in parameters:
            return
        has = f"It has {listed(sorted(parameters))}." if parameters else "It has none."
        raise DeclarationError(
            f"The deployed pipeline has no value for a parameter '{parameter}'. {has}"
            f"{nearest(parameter, parameters)}",
        )
    raise DeclarationError(
        f"'{name}' cannot be reset.{nearest(name, RESETS)}",
        hint=f"Use {listed(RESETS, limit=len(RESETS))}, or param.NAME.",
    )


def changes_between(
    before: Pipeline, after: Pipeline, was: Outline, outline: Outline
) -> tuple[str, ...]:
    """Return the changes of a deployment, one phrase each: ``schedule: hourly -> daily``.

    Args:
        was, outline: What the notebook declared before and declares now.
    """
    changes = []
    if before.notebook != after.notebook:
        changes.append(f"file: {before.notebook} -> {after.notebook}")
    if before.content_hash != after.content_hash:
        changes.append(f"notebook: {_notebook_change(was, outline)}")
    changes += _schedule_change(before.schedule, after.schedule)
    changes += _parameter_changes(before.parameters, after.parameters)
    for name, attribute in _POLICY.items():
        old, new = getattr(before.policy, attribute), getattr(after.policy, attribute)
        if old != new:
            changes.append(f"{name}: {_shown(attribute, old)} -> {_shown(attribute, new)}")
    if before.owner != after.owner:
        changes.append(f"owner: {before.owner} -> {after.owner}")
    return tuple(changes)


def _schedule_change(before: Schedule | None, after: Schedule | None) -> list[str]:
    if before == after:
        return []
    old = "on demand" if before is None else format_schedule(before)
    new = "on demand" if after is None else format_schedule(after)
    if old != new or before is None or after is None:
        return [f"schedule: {old} -> {new}"]
    if before.timezone != after.timezone:
        return [f"timezone: {before.timezone} -> {after.timezone}"]
    return [f"schedule: now written {after.text!r}, with the same times"]


def _notebook_change(was: Outline, outline: Outline) -> str:
    """Return the number of changed cells: ``2 cells changed, 1 added``."""
    old = [(cell.kind, cell.source.strip()) for cell in was.cells]
    new = [(cell.kind, cell.source.strip()) for cell in outline.cells]
    changed = added = removed = 0
    for tag, low, high, start, end in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        both = min(high - low, end - start)
        changed += both
        removed += high - low - both
        added += end - start - both
    parts = [
        f"{count} {'cell' if count == 1 else 'cells'} {what}"
        for count, what in ((changed, "changed"), (added, "added"), (removed, "removed"))
        if count
    ]
    if was.kernel != outline.kernel:
        parts.append(f"kernel {was.kernel or 'not named'} -> {outline.kernel or 'not named'}")
    return ", ".join(parts) or "only its metadata changed"


def _parameter_changes(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    changes = []
    for name in sorted({*old, *new}):
        if name not in new:
            changes.append(f"parameter {name}: {_value(old[name])} -> the notebook's default")
        elif name not in old:
            changes.append(f"parameter {name}: the notebook's default -> {_value(new[name])}")
        elif old[name] != new[name]:
            changes.append(f"parameter {name}: {_value(old[name])} -> {_value(new[name])}")
    return changes


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _shown(attribute: str, value: object) -> str:
    if attribute == "warm":
        return "no" if value else "yes"
    if attribute == "timeout_s":
        return format_duration(value) if isinstance(value, float | int) else "the platform's"
    if attribute == "memory_bytes":
        return format_size(value) if isinstance(value, int) else "the setting"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return " ".join(f"{key}={text}" for key, text in sorted(value.items())) or "none"
    return str(value)
